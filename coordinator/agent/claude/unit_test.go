package claude

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/coordinator/agent"
)

func valid() Options {
	return Options{
		Name: "a1", Run: "r7", Binary: "/x/claude", Model: "claude-opus-5-5", Prompt: "-You are a1.",
		Tools: []string{"Read", "Write"}, Steps: 50, SessionID: "11111111-2222-4333-8444-555555555555",
		Dir: "/s/v", Home: "/s/h", Tmp: "/s/t", ConfigDir: "/s/c", RuntimeDir: "/s/r",
		BaseURL: "http://127.0.0.1:1/a/a1", Key: "k",
	}
}

func TestArgv(t *testing.T) {
	o := valid()
	want := []string{"/x/claude",
		"--output-format=stream-json", "--verbose", "--input-format=stream-json",
		"--permission-prompt-tool=stdio", "--permission-mode=default", "--setting-sources=", "--strict-mcp-config",
		"--tools=Read,Write", "--disallowedTools=SendMessage,ListAgents,Task,Agent",
		`--settings={"crossSessionInbound":"refuse","permissions":{"deny":["SendMessage","ListAgents","Task","Agent"]}}`,
		"--model=claude-opus-5-5", "--append-system-prompt=-You are a1.",
		"--session-id=11111111-2222-4333-8444-555555555555", "--max-turns=50"}
	if diff := cmp.Diff(want, Argv(&o, o.SessionID, false)); diff != "" {
		t.Error(diff)
	}
	o.Replace, o.Subagents, o.Steps = true, 2, 0
	o.Allow, o.Deny = []string{"WebFetch(domain:x)"}, []string{"Edit(//etc/**)"}
	o.Servers = map[string]any{"s": map[string]any{"command": "x"}}
	o.Flags = map[string]any{"effort": "low", "betas": []any{"a", "-b"}, "off": false, "on": true, "n": int64(3)}
	got := strings.Join(Argv(&o, "id", true), " ")
	for _, s := range []string{"--system-prompt=-You", "--resume=id", "--tools=Read,Write,Task", "--disallowedTools=SendMessage,ListAgents ",
		`"allow":["WebFetch(domain:x)"]`, `"ListAgents","Edit(//etc/**)"]`, `--mcp-config={"mcpServers":{"s":{"command":"x"}}}`,
		"--betas=a --betas=-b --effort=low --n=3 --on"} {
		if !strings.Contains(got, s) {
			t.Errorf("%s\nlacks %s", got, s)
		}
	}
	for _, s := range []string{"--session-id", "--max-turns", "--off", "acceptEdits", "dangerously"} {
		if strings.Contains(got, s) {
			t.Errorf("%s\nhas %s", got, s)
		}
	}
}

func TestEnv(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary") // checklist C3
	o := valid()
	o.Env = map[string]string{"FISH": "cod", "PATH": "/p"}
	got := map[string]string{}
	for _, kv := range Env(&o) {
		k, v, _ := strings.Cut(kv, "=")
		got[k] = v
	}
	want := map[string]string{
		"PATH": "/p", "TZ": "UTC", "LANG": "C.UTF-8", "FISH": "cod",
		"HOME": "/s/h", "CLAUDE_CONFIG_DIR": "/s/c", "CLAUDE_CODE_TMPDIR": "/s/t", "TMPDIR": "/s/t", "XDG_RUNTIME_DIR": "/s/r",
		"ANTHROPIC_BASE_URL": "http://127.0.0.1:1/a/a1", "ANTHROPIC_AUTH_TOKEN": "k",
		"ANTHROPIC_CUSTOM_HEADERS":                 "X-Sandtable-Agent: a1\nX-Sandtable-Run: r7",
		"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_TELEMETRY": "1", "DISABLE_ERROR_REPORTING": "1",
		"DISABLE_AUTOUPDATER": "1", "DISABLE_UPDATES": "1", "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
		"CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1", "CLAUDE_CODE_DISABLE_CLAUDE_MDS": "1", "CLAUDE_CODE_DISABLE_BUNDLED_SKILLS": "1", "ENABLE_CLAUDEAI_MCP_SERVERS": "false",
		"CLAUDE_AGENT_SDK_DISABLE_BUILTIN_AGENTS": "1", "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1", "CLAUDE_CODE_DISABLE_CRON": "1",
		"CLAUDE_CODE_DISABLE_TERMINAL_TITLE": "1", "CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS": "1",
		"CLAUDE_CODE_ATTRIBUTION_HEADER": "0", "ENABLE_TOOL_SEARCH": "false", "CLAUDE_CODE_ENTRYPOINT": "sdk-go",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	o.Scripted, o.Subagents = true, 3
	all := strings.Join(Env(&o), "\n")
	for _, s := range []string{"CLAUDE_CODE_MAX_RETRIES=0", "DISABLE_AUTO_COMPACT=1", "CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS=3"} {
		if !strings.Contains(all, s) {
			t.Errorf("lacks %s", s)
		}
	}
	if strings.Contains(all, "DISABLE_BUILTIN_AGENTS") {
		t.Error("sub-agents are switched off")
	}
}

func TestValidate(t *testing.T) {
	good := valid()
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		set  func(*Options)
		want string
	}{
		"relative":    {func(o *Options) { o.Dir = "v" }, "absolute"},
		"header":      {func(o *Options) { o.Name = "a\nX: y" }, "header"},
		"no key":      {func(o *Options) { o.Key = "" }, "key"},
		"session":     {func(o *Options) { o.SessionID = "../x" }, "UUID"},
		"long":        {func(o *Options) { o.Prompt = strings.Repeat("x", maxPrompt+1) }, "file of the workspace"},
		"messages":    {func(o *Options) { o.Tools = []string{"SendMessage"} }, "send"},
		"task":        {func(o *Options) { o.Tools = []string{"Task"} }, "subagents"},
		"two tools":   {func(o *Options) { o.Tools = []string{"Read,Bash"} }, "not the name"},
		"allow bash":  {func(o *Options) { o.Allow = []string{"Bash(git *)"} }, "without asking"},
		"allow odd":   {func(o *Options) { o.Allow = []string{"mcp__x"} }, "without asking"},
		"Write(":      {func(o *Options) { o.Deny = []string{"Write(/x)"} }, "never matches"},
		"server":      {func(o *Options) { o.Servers = map[string]any{"sandtable": map[string]any{}} }, "taken"},
		"server name": {func(o *Options) { o.Servers = map[string]any{"a b": map[string]any{}} }, "letters"},
		"mode":        {func(o *Options) { o.Flags = map[string]any{"permission-mode": "acceptEdits"} }, "belongs to"},
		"mode 2":      {func(o *Options) { o.Flags = map[string]any{"permissionMode": "acceptEdits"} }, "belongs to"},
		"bypass":      {func(o *Options) { o.Flags = map[string]any{"dangerously-skip-permissions": true} }, "belongs to"},
		"allowed":     {func(o *Options) { o.Flags = map[string]any{"allowed-tools": "Write"} }, "belongs to"},
		"managed":     {func(o *Options) { o.Flags = map[string]any{"managed-settings": `{"permissions":{"allow":["Write"]}}`} }, "belongs to"},
		"inherited":   {func(o *Options) { o.Flags = map[string]any{"inherit-permission-mode": "acceptEdits"} }, "belongs to"},
		"channels":    {func(o *Options) { o.Flags = map[string]any{"channels": "x"} }, "belongs to"},
		"dashes":      {func(o *Options) { o.Flags = map[string]any{"--effort": "low"} }, "dashes"},
		"two flags":   {func(o *Options) { o.Flags = map[string]any{"effort=low --x": nil} }, "dashes"},
		"flag value":  {func(o *Options) { o.Flags = map[string]any{"effort": map[string]any{}} }, "must be"},
		"env ours":    {func(o *Options) { o.Env = map[string]string{"ANTHROPIC_BASE_URL": "x"} }, "belongs to"},
		"env case":    {func(o *Options) { o.Env = map[string]string{"https_proxy": "x"} }, "belongs to"},
		"env loader":  {func(o *Options) { o.Env = map[string]string{"LD_PRELOAD": "x"} }, "belongs to"},
		"env cloud":   {func(o *Options) { o.Env = map[string]string{"CLAUDE_CODE_USE_BEDROCK": "1"} }, "belongs to"},
		"env name":    {func(o *Options) { o.Env = map[string]string{"A=B": "x"} }, "not a name"},
	} {
		o := valid()
		c.set(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestOutside(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	view, real := filepath.Join(base, "link"), filepath.Join(base, "v")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(real, "d"), 0o700), os.Mkdir(filepath.Join(base, "v2"), 0o700), os.Symlink(real, view),
		os.Symlink(base, filepath.Join(real, "out")), os.Symlink("d", filepath.Join(real, "in")),
		os.Symlink("/nonexistent/x", filepath.Join(real, "nowhere")), os.Symlink("loop", filepath.Join(real, "loop")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, ok := range map[string]bool{
		"a.txt": true, "d/a.txt": true, "new/deep/a.txt": true, "in/a.txt": true, ".": true,
		view + "/a": true, real + "/a": true, real: true,
		"../a": false, "d/../../a": false, "/etc/passwd": false, base + "/v2/a": false, base: false,
		"out/a": false, "out/v/a": true, "nowhere": false, "nowhere/x": false, "loop": false, "~/x": false, "~": false, "a\x00b": false,
	} {
		if got := outside(view, "Write", map[string]any{"file_path": path}); (got == "") != ok {
			t.Errorf("%q: %q", path, got)
		}
	}
	for pattern, ok := range map[string]bool{"**/*.go": true, "/etc/*": false, "../*": false, "~/*": false, real + "/*": true} {
		if got := outside(view, "Glob", map[string]any{"pattern": pattern}); (got == "") != ok {
			t.Errorf("glob %q: %q", pattern, got)
		}
	}
	if got := outside(view, "Bash", map[string]any{"command": "cat /etc/passwd"}); got != "" {
		t.Errorf("Bash is judged by path: %s", got)
	}
}

type loud struct{}

func (loud) Allow(context.Context, string, map[string]any, string) string {
	return strings.Repeat("é", 50_000)
}

// Checklist G10: the client cuts a hook's output at 10,000 characters.
func TestLongReasonNamesAPlace(t *testing.T) {
	p := &policy{view: t.TempDir(), tools: []string{"Bash"}, own: []string{"Bash"}, gate: loud{}}
	got := p.judge(context.Background(), "Bash", nil, nil, "")
	if len(got) > 10_000 || !strings.Contains(got, ".sandtable/conflicts") {
		t.Errorf("%d bytes: %s", len(got), got[len(got)-100:])
	}
	if got := p.judge(context.Background(), "Bash", nil, []string{"Read"}, ""); !strings.Contains(got, "this phase") {
		t.Errorf("a tool that the phase does not have: %.100s", got)
	}
}

func TestUsageResets(t *testing.T) {
	var c counter
	one := modelUsage{Input: 10, Output: 5, CostUSD: 1}
	two := modelUsage{Input: 25, Output: 6, CostUSD: 3}
	for i, s := range []struct {
		r    result
		cost float64
		want modelUsage
	}{
		{result{CostUSD: 1, ModelUsage: map[string]modelUsage{"m": one}}, 1, one},
		{result{CostUSD: 3, ModelUsage: map[string]modelUsage{"m": two}}, 2, modelUsage{Input: 15, Output: 1, CostUSD: 2}},
		{result{CostUSD: 1, ModelUsage: map[string]modelUsage{"m": one}}, 1, one}, // reset
	} {
		u := c.delta(&s.r)
		if u.CostUSD != s.cost || u.Models["m"] != s.want || u.Reset != (i == 2) {
			t.Errorf("%d: %+v", i, u)
		}
	}
}

func TestFailureClasses(t *testing.T) {
	a := &Agent{private: func(s string) string { return s }}
	status := func(n int) *int { return &n }
	for _, c := range []struct {
		r    result
		want string
	}{
		{result{Subtype: "success", Result: "ok"}, ""},
		{result{Subtype: "success", Result: "I read: sandtable: budget"}, ""},
		{result{Subtype: "success", IsError: true, APIErrorStatus: status(500)}, "TRANSPORT"},
		{result{Subtype: "success", IsError: true, Result: "Not logged in"}, "TRANSPORT"},
		{result{Subtype: "success", IsError: true, APIErrorStatus: status(429), Result: "rejected · sandtable: budget"}, "BUDGET"},
		{result{Subtype: "success", IsError: true, APIErrorStatus: status(400), TerminalReason: "prompt_too_long"}, "TRUNCATED"},
		{result{Subtype: "success", StopReason: "max_tokens"}, "TRUNCATED"},
		{result{Subtype: "error_max_turns", IsError: true}, "TRUNCATED"},
		{result{Subtype: "error_max_budget_usd"}, "BUDGET"},
		{result{Subtype: "error_during_execution", IsError: true}, "CRASH"},
		{result{Subtype: "something_new"}, "CRASH"},
		{result{}, "CRASH"},
	} {
		got := ""
		if f := a.failure(&c.r); f != nil {
			got = string(f.Category)
		}
		if got != c.want {
			t.Errorf("%+v: got %q, want %q", c.r, got, c.want)
		}
	}
}

func TestTail(t *testing.T) {
	var all bytes.Buffer
	tl := newTail(&all, "hunter2", func(s string) string { return strings.ReplaceAll(s, "/s/v", ".") })
	for _, s := range []string{strings.Repeat("x", 1<<20) + "\n", "key hunter2\x1b[31m in /s/v/a\r\n"} {
		_, _ = io.WriteString(tl, s)
	}
	got := tl.said()
	if len(got) > agent.StderrEnd+10 || !strings.HasSuffix(got, "key ***[31m in ./a") || all.Len() < 1<<20 {
		t.Errorf("%q", got[max(0, len(got)-60):])
	}
}

func asItIs(s string) string { return s }

// Why a process ended is in its stderr, which is read on a goroutine of its own: the end
// of the process says nothing about how far that has come.
func TestVerdictWaitsForStderr(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan struct{})
		close(gone)
		r, w := io.Pipe()
		p := &Process{Stdin: nop{}, Stdout: io.NopCloser(strings.NewReader("")), Stderr: r,
			Done: gone, Exit: func() string { return "exit 3" }, Kill: func() {}}
		s := newSession(p, nobody{}, newTail(nil, "", asItIs))
		defer s.close(0)
		got := make(chan string, 1)
		go func() { got <- s.verdict().Text }()
		synctest.Wait()
		if _, err := io.WriteString(w, "no such model"); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if text := <-got; !strings.Contains(text, "exit 3: no such model") {
			t.Error(text)
		}
	})
}

func TestLines(t *testing.T) {
	l := newLines(strings.NewReader("one\n\n"+strings.Repeat("y", 200_000)+"\nlast"), 200_001)
	for _, want := range []string{"one", "", strings.Repeat("y", 200_000), "last"} {
		if got, err := l.next(); string(got) != want || err != nil {
			t.Fatalf("%.20q %v", got, err)
		}
	}
	if _, err := l.next(); err != io.EOF {
		t.Error(err)
	}
	l = newLines(strings.NewReader(strings.Repeat("y", 200_002)), 200_001)
	if _, err := l.next(); !errors.Is(err, errLine) {
		t.Error(err)
	}
}

func TestSeed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "c")
	read := func() map[string]any {
		data, err := os.ReadFile(filepath.Join(dir, ".claude.json"))
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if err := Seed(dir, "a1"); err != nil {
		t.Fatal(err)
	}
	first := read()
	if err := Seed(dir, "a2"); err != nil { // a directory in use is left alone
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, read()); diff != "" || len(first["userID"].(string)) != 64 {
		t.Error(diff, first)
	}
	if err := Seed(filepath.Join(dir, ".claude.json"), "a1"); err == nil {
		t.Error("a file was taken for a directory")
	}
}

func script(t *testing.T, path, body string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFind(t *testing.T) {
	base := t.TempDir()
	ours := "echo '" + Pinned + " (Claude Code)'"
	count := filepath.Join(base, "count")
	explicit := script(t, filepath.Join(base, "e", "claude"), "echo x >> "+count+"; "+ours)
	variable := script(t, filepath.Join(base, "env", "cli"), ours)
	installed := script(t, filepath.Join(base, "co", ".deps", "node_modules", "@anthropic-ai", platformPackages()[0], "claude"), ours)
	onPath := script(t, filepath.Join(base, "path", "claude"), ours)
	old := script(t, filepath.Join(base, "old"), "echo '2.1.197 (Claude Code)'")
	odd := script(t, filepath.Join(base, "odd"), "echo hello")
	env := map[string]string{"SANDTABLE_CLAUDE": variable, "PATH": filepath.Dir(onPath)}
	f := &Finder{Getenv: func(k string) string { return env[k] },
		Executable: func() (string, error) { return filepath.Join(base, "co", "bin", "sandtable"), nil },
		Getwd:      func() (string, error) { return filepath.Join(base, "elsewhere"), nil }}
	find := func(given, want string) {
		t.Helper()
		if got, v, err := f.Find(context.Background(), given); got != want || v != Pinned || err != nil {
			t.Errorf("%s %s %v, want %s", got, v, err, want)
		}
	}
	find(explicit, explicit)
	find(explicit, explicit)
	if data, _ := os.ReadFile(count); string(data) != "x\n" {
		t.Errorf("the version was asked %q times", data)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(explicit, later, later); err != nil {
		t.Fatal(err)
	}
	find(explicit, explicit)
	if data, _ := os.ReadFile(count); string(data) != "x\nx\n" {
		t.Errorf("a changed binary was not asked again: %q", data)
	}
	find("", variable)
	delete(env, "SANDTABLE_CLAUDE")
	find("", installed)
	f.Executable = func() (string, error) { return "", errors.New("no") }
	f.Getwd = func() (string, error) { return filepath.Join(base, "co", "a", "b"), nil }
	find("", installed)
	f.Getwd = func() (string, error) { return "", errors.New("no") }
	find("", onPath)
	delete(env, "PATH")
	if _, _, err := f.Find(context.Background(), ""); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "make deps") {
		t.Error(err)
	}
	var ve *VersionError
	if _, _, err := f.Find(context.Background(), old); !errors.As(err, &ve) || ve.Version != "2.1.197" {
		t.Error(err)
	}
	for _, bad := range []string{odd, base, filepath.Join(base, "none")} {
		if _, _, err := f.Find(context.Background(), bad); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	f.AnyVersion = true
	if _, v, err := f.Find(context.Background(), old); v != "2.1.197" || err != nil {
		t.Error(v, err)
	}
}

// nobody is a host that answers nothing, for the fuzz test.
type nobody struct{}

func (nobody) block(string)                                  {}
func (nobody) answer(context.Context, *request) (any, error) { return nil, nil }
func (nobody) trace(string, any)                             {}
func (nobody) frame([]byte)                                  {}
func (nobody) act() int                                      { return 0 }
func (nobody) spent()                                        {}

// FuzzFrames feeds a session whatever a process may write. It must end, and say why if
// that was too much garbage.
func FuzzFrames(f *testing.F) {
	for _, s := range []string{
		"", "\n\n", "x\n", `{"type":"keep_alive"}` + "\n", `{"type":5}`, `{"type":"result","subtype":"success","result":"ok"}`,
		`{"type":"result","result":5}`, `{"type":"control_response","response":{"subtype":"success","request_id":"sandtable-1"}}`,
		`{"type":"control_request","request_id":"a","request":{"subtype":"hook_callback"}}` + "\n" + `{"type":"control_cancel_request","request_id":"a"}`,
		`{"type":"control_request","request":7}`, `{"type":"assistant","message":{"id":"m","content":[{"type":"tool_use","id":"t"}]}}`,
		`{"type":"assistant","message":"x"}`, strings.Repeat("g\n", 40),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		done := make(chan struct{})
		close(done) // it ended as soon as it had written
		p := &Process{Stdin: nop{}, Stdout: io.NopCloser(bytes.NewReader(data)), Stderr: io.NopCloser(strings.NewReader("")),
			Done: done, Exit: func() string { return "exit 0" }, Kill: func() {}}
		s := newSession(p, nobody{}, newTail(nil, "", asItIs))
		<-s.ended
		garbage := 0
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			if _, ok := parse(line); !ok {
				garbage++
			}
		}
		if v := s.verdict(); garbage > MaxGarbage && v.Category != "UNPARSABLE" {
			t.Errorf("%d lines of garbage: %v", garbage, v)
		}
		s.close(0)
	})
}

// A turn with a message too many is cut off, also if its result or its end is there as
// soon as that is noticed: which of them is looked at first may not decide.
func TestStepLimitGoesFirst(t *testing.T) {
	gone := make(chan struct{})
	close(gone)
	for i := range 40 {
		s := &session{results: make(chan *result, 1), steps: make(chan struct{}, 1), ended: make(chan struct{}),
			proc: &Process{Done: gone, Exit: func() string { return "exit 0" }}, tail: newTail(nil, "", asItIs), told: gone}
		s.steps <- struct{}{}
		if i%2 == 0 {
			s.results <- &result{Subtype: "success", UserMessage: "m"}
		} else {
			close(s.ended)
		}
		e := (&Agent{}).wait(context.Background(), s, "m")
		if e.fail == nil || e.fail.Category != "TRUNCATED" {
			t.Fatalf("round %d: %+v", i, e.fail)
		}
	}
}

// What the client says in the model's name is no request to the model.
func TestStepsAreTheModels(t *testing.T) {
	s := &session{host: nobody{}, messages: map[string]bool{}, steps: make(chan struct{}, 1)}
	s.stepLimit.Store(2)
	for i, c := range []struct {
		frame string
		over  bool
	}{
		{`{"message":{"id":"m1","model":"claude-opus-5-5"}}`, false},
		{`{"message":{"id":"m1","model":"claude-opus-5-5"}}`, false},                          // its second block
		{`{"message":{"id":"m2","model":"claude-opus-5-5"},"parent_tool_use_id":"t"}`, false}, // a sub-agent's
		{`{"message":{"id":"m3","model":"claude-opus-5-5"}}`, false},
		{`{"message":{"id":"m4","model":"<synthetic>"}}`, false},
		{`{"message":{"id":"m5","model":"claude-opus-5-5"}}`, true},
	} {
		f, _ := parse([]byte(c.frame))
		s.assistant(&f)
		if over := len(s.steps) > 0; over != c.over {
			t.Errorf("frame %d: over %v", i, over)
		}
	}
}

// The result of an interrupted turn is that of its message. Were another one taken for
// it, it would come in the middle of the next turn, where one without the message's id, as
// 2.1.197 writes it, would be taken for that turn's.
func TestInterruptWaitsForItsResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe()
		asked, stdin := io.Pipe()
		p := &Process{Stdin: stdin, Stdout: in, Stderr: io.NopCloser(strings.NewReader("")),
			Done: make(chan struct{}), Exit: func() string { return "" }, Kill: func() { in.Close() }}
		s := newSession(p, nobody{}, newTail(nil, "", asItIs))
		defer s.close(0)
		go func() {
			_, _ = newLines(asked, MaxLine).next() // the interrupt
			io.WriteString(out, `{"type":"control_response","response":{"subtype":"success","request_id":"sandtable-1"}}
{"type":"result","subtype":"success","user_message_uuid":"other"}
{"type":"result","subtype":"success","origin":{"kind":"task-notification"}}
{"type":"result","subtype":"error_during_execution"}
`)
		}()
		if r := (&Agent{}).interrupt(t.Context(), s, "m"); r == nil || r.Subtype != "error_during_execution" {
			t.Errorf("%+v", r)
		}
	})
}

// What the gate does not understand does not run, whatever the event is called.
func TestGateFailsClosed(t *testing.T) {
	o := valid()
	o.Dir = t.TempDir()
	a := &Agent{policy: newPolicy(&o), open: true, acts: 3}
	for _, input := range []string{
		`{"hook_event_name":"PreToolUse","tool_name":"Write","tool_input":"text"}`,
		`{"hook_event_name":"PreToolUse","tool_name":"Write"}`,
		`{"hook_event_name":"BeforeTool","tool_name":"Write","tool_input":[1]}`,
		`{"tool_name":"Write","tool_input":{"file_path":"../x"}}`,
	} {
		v, err := a.hook(t.Context(), &request{act: 3, CallbackID: "pre", Input: json.RawMessage(input)})
		if err == nil && !strings.Contains(compact(v), `"permissionDecision":"deny"`) {
			t.Errorf("%s: %s", input, compact(v))
		}
	}
}

// A call belongs to the act in which it was read, however late its goroutine runs.
func TestLateCallsAreRefused(t *testing.T) {
	o := valid()
	o.Dir = t.TempDir()
	a := &Agent{policy: newPolicy(&o)}
	input := json.RawMessage(`{"tool_name":"Read","tool_input":{"file_path":"x"}}`)
	a.openPhase(nil)
	first := a.act()
	for _, c := range []struct {
		act  int
		deny bool
	}{{first, false}, {0, true}} {
		hook, err := a.hook(t.Context(), &request{act: c.act, CallbackID: "pre", Input: input})
		if got := strings.Contains(compact(hook), "deny"); err != nil || got != c.deny {
			t.Errorf("%+v: %v %v", c, hook, err)
		}
	}
	a.spent()
	a.openPhase(nil)
	r := &request{act: first, CallbackID: "pre", Input: input, ToolName: "Read"}
	if hook, err := a.hook(t.Context(), r); err != nil || !strings.Contains(compact(hook), "deny") {
		t.Errorf("the gate lets a call of the act before through: %v %v", hook, err)
	}
	r.Input = json.RawMessage(`{"file_path":"x"}`)
	if got := compact(a.permit(r)); !strings.Contains(got, "deny") {
		t.Errorf("a call of the act before is permitted: %s", got)
	}
}

type nop struct{}

func (nop) Write(p []byte) (int, error) { return len(p), nil }
func (nop) Close() error                { return nil }
