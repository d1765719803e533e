package gateway

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// findCLI is the Claude Code CLI that the checkout installs, or the one that
// SANDTABLE_CLAUDE names.
func findCLI(t *testing.T) string {
	t.Helper()
	path := os.Getenv("SANDTABLE_CLAUDE")
	if path == "" {
		path, _ = filepath.Abs("../../.deps/node_modules/@anthropic-ai/claude-agent-sdk-linux-x64/claude")
	}
	if _, err := os.Stat(path); err != nil {
		fmt.Fprintf(os.Stderr, "SKIPPED: %s: no Claude Code CLI at %s: nothing was tested against the real client\n", t.Name(), path)
		t.Skip("no Claude Code CLI; install it or set SANDTABLE_CLAUDE")
	}
	return path
}

// cli is one running Claude Code process, driven as far as these tests need.
type cli struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
	dir string
	n   int
}

// shortDir is a temporary directory in which the client's sockets fit: where their path is
// longer it leaves them where all share them.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func startCLI(t *testing.T, dir, model string, a Account) *cli {
	t.Helper()
	env := []string{
		"PATH=" + os.Getenv("PATH"), "TZ=UTC", "LANG=C.UTF-8",
		"ANTHROPIC_BASE_URL=" + a.BaseURL, "ANTHROPIC_AUTH_TOKEN=" + a.Key,
		"ENABLE_CLAUDEAI_MCP_SERVERS=false", "CLAUDE_CODE_ATTRIBUTION_HEADER=0", "ENABLE_TOOL_SEARCH=false",
		"CLAUDE_CODE_ENTRYPOINT=sdk-go",
	}
	for _, on := range strings.Fields(`CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC DISABLE_TELEMETRY DISABLE_ERROR_REPORTING
		DISABLE_AUTOUPDATER DISABLE_UPDATES CLAUDE_CODE_DISABLE_AUTO_MEMORY CLAUDE_CODE_DISABLE_CLAUDE_MDS
		CLAUDE_CODE_DISABLE_BUNDLED_SKILLS CLAUDE_AGENT_SDK_DISABLE_BUILTIN_AGENTS CLAUDE_CODE_DISABLE_BACKGROUND_TASKS
		CLAUDE_CODE_DISABLE_CRON CLAUDE_CODE_DISABLE_TERMINAL_TITLE CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS DISABLE_AUTO_COMPACT`) {
		env = append(env, on+"=1")
	}
	for _, name := range []string{"HOME", "CLAUDE_CONFIG_DIR", "CLAUDE_CODE_TMPDIR", "TMPDIR", "XDG_RUNTIME_DIR"} {
		path := filepath.Join(dir, strings.ToLower(name))
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+path)
	}
	cmd := exec.CommandContext(t.Context(), findCLI(t),
		"--output-format", "stream-json", "--verbose", "--input-format", "stream-json",
		"--permission-prompt-tool", "stdio", "--permission-mode", "default",
		"--setting-sources=", "--strict-mcp-config",
		"--tools", "Read,Write,Edit,Bash", "--disallowedTools", "SendMessage,ListAgents",
		"--settings", `{"crossSessionInbound":"refuse","permissions":{"deny":["SendMessage","ListAgents"]}}`,
		"--model", model, "--system-prompt", "You are a fisher.")
	cmd.Env, cmd.Dir = env, filepath.Join(dir, "view")
	if err := os.MkdirAll(cmd.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	// A group of its own, so that its tools go with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close() // end of input ends it, once idle
		cmd.Wait()
		if err := syscall.Kill(-cmd.Process.Pid, 0); err == nil {
			t.Error("the CLI left processes behind")
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	})
	c := &cli{t: t, in: in, out: bufio.NewReader(out), dir: cmd.Dir}
	c.send(obj{"type": "control_request", "request_id": "init", "request": obj{"subtype": "initialize", "title": "a", "sdkMcpServers": []any{"sandtable"}}})
	return c
}

func (c *cli) send(v obj) {
	c.t.Helper()
	data, err := json.Marshal(v)
	if err == nil {
		_, err = c.in.Write(append(data, '\n'))
	}
	if err != nil {
		c.t.Fatal("to the CLI:", err)
	}
}

type cliResult struct {
	IsError    bool    `json:"is_error"`
	Result     string  `json:"result"`
	CostUSD    float64 `json:"total_cost_usd"`
	ModelUsage map[string]struct {
		Input     int64 `json:"inputTokens"`
		Output    int64 `json:"outputTokens"`
		CacheRead int64 `json:"cacheReadInputTokens"`
		Created   int64 `json:"cacheCreationInputTokens"`
	} `json:"modelUsage"`
}

// turn sends a message and answers the CLI's requests until it has a result.
func (c *cli) turn(prompt string) cliResult {
	c.t.Helper()
	c.n++
	c.send(obj{"type": "user", "message": obj{"role": "user", "content": prompt}, "parent_tool_use_id": nil, "session_id": "",
		"uuid": fmt.Sprintf("00000000-0000-4000-8000-%012d", c.n)})
	for {
		line, err := c.out.ReadBytes('\n')
		if err != nil {
			c.t.Fatal("from the CLI:", err)
		}
		var frame struct {
			Type      string
			RequestID string `json:"request_id"`
			Request   obj
		}
		if json.Unmarshal(line, &frame) != nil {
			continue
		}
		switch frame.Type {
		case "control_request":
			c.send(obj{"type": "control_response", "response": obj{"subtype": "success", "request_id": frame.RequestID, "response": c.answer(frame.Request)}})
		case "result":
			var r cliResult
			if err := json.Unmarshal(line, &r); err != nil {
				c.t.Fatal(err)
			}
			return r
		}
	}
}

func (c *cli) answer(request obj) obj {
	switch request["subtype"] {
	case "can_use_tool":
		return obj{"behavior": "allow", "updatedInput": request["input"]}
	case "mcp_message":
		message := request["message"].(obj)
		response := obj{"jsonrpc": "2.0", "result": mcpResult(message["method"])}
		if id, ok := message["id"]; ok {
			response["id"] = id
		}
		return obj{"mcp_response": response}
	}
	return obj{}
}

func mcpResult(method any) obj {
	switch method {
	case "initialize":
		return obj{"protocolVersion": "2025-11-25", "capabilities": obj{"tools": obj{}}, "serverInfo": obj{"name": "sandtable", "version": "1"}}
	case "tools/list":
		return obj{"tools": []any{obj{"name": "act", "description": "Act.", "inputSchema": obj{"type": "object", "properties": obj{"action": obj{}}}}}}
	case "tools/call":
		return obj{"content": []any{obj{"type": "text", "text": "taken"}}}
	}
	return obj{}
}

const fisher = `
def reply(request, agent, turn, ctx):
    if request.call == 0 and turn == 1:
        return ["I take notes.", {"tool": "Write", "input": {"file_path": "./notes.txt", "content": request.last}}]
    if request.call == 0:
        return [{"tool": "act", "input": {"action": {"want": turn}}}, {"tool": "Read", "input": {"file_path": "./notes.txt"}}]
    return "%d: %s" % (request.call, [(r.tool, r.text) for r in request.results])
`

// playCLI plays three turns with the real client in a directory of its own.
func playCLI(t *testing.T, dir, model string) []Row {
	t.Helper()
	s := scripted(t, fisher)
	r := newRig(t, Options{Upstream: s})
	var homes []string
	for _, name := range []string{"home", "claude_config_dir", "claude_code_tmpdir", "tmpdir", "xdg_runtime_dir"} {
		homes = append(homes, filepath.Join(dir, name))
	}
	a := r.register("village-1", AgentOptions{View: filepath.Join(dir, "view"), Homes: homes})
	c := startCLI(t, dir, model, a)
	var last cliResult
	for turn := 1; turn <= 3; turn++ {
		r.SetTurn("village-1", Attribution{Turn: turn, Phase: "harvest", Stage: 1, Attempt: 1})
		last = c.turn(fmt.Sprintf("Month %d.", turn))
		if last.IsError || !strings.HasPrefix(last.Result, "1: ") {
			t.Fatalf("turn %d: %+v", turn, last)
		}
		if turn > 1 && !strings.Contains(last.Result, `("mcp__sandtable__act", "taken")`) {
			t.Errorf("turn %d: the script did not see what its tool returned: %s", turn, last.Result)
		}
		if strings.Contains(last.Result, dir) {
			t.Errorf("turn %d: the script saw a path of the machine: %s", turn, last.Result)
		}
	}
	if notes, err := os.ReadFile(filepath.Join(c.dir, "notes.txt")); string(notes) != "Month 1." {
		t.Errorf("notes %q, %v", notes, err)
	}
	checkCLI(t, r, s, last)
	return r.ledger()
}

// checkCLI compares four accounts of the same run: the ledger's rows and sums, the
// model's tally, and the client's own figures.
func checkCLI(t *testing.T, r *rig, s *Scripted, last cliResult) {
	t.Helper()
	rows, sum, tally := r.ledger(), r.Usage("village-1"), s.Tally().Agents["village-1"]
	if sum.Tokens != tally.Tokens || sum.Rows != tally.Replies || len(rows) != 6 || sum.Unpriced != 0 {
		t.Errorf("ledger %+v, tally %+v, %d rows", sum, tally, len(rows))
	}
	turns := map[int]Tokens{}
	for _, row := range rows {
		turns[row.Turn] = turns[row.Turn].Plus(row.Tokens)
		if row.Status != Complete || row.Kind != KindAct || !row.Stream {
			t.Errorf("row %+v", row)
		}
	}
	for turn, want := range tally.Turns {
		if turns[turn] != want.Tokens {
			t.Errorf("turn %d: ledger %+v, tally %+v", turn, turns[turn], want)
		}
	}
	if r.Refusals() != 0 {
		t.Errorf("%d requests were refused", r.Refusals())
	}
	var claimed Tokens
	for _, u := range last.ModelUsage {
		claimed = claimed.Plus(Tokens{Input: u.Input, Output: u.Output, CacheRead: u.CacheRead, CacheWrite5m: u.Created})
	}
	if claimed != sum.Tokens {
		t.Errorf("the client counts %+v, the ledger has %+v", claimed, sum.Tokens)
	}
	if cost := int64(math.Round(last.CostUSD * 1e9)); cost != sum.NanoUSD {
		t.Errorf("the client charges %d nano-dollars, the ledger %d", cost, sum.NanoUSD)
	}
}

// TestClaudeCode: the real client, in two layouts of its requests, each in two sandboxes
// whose paths differ. The books agree with the model's and with the client's, and are the
// same in both sandboxes.
func TestClaudeCode(t *testing.T) {
	if testing.Short() {
		t.Skip("starts four processes")
	}
	findCLI(t)
	for _, model := range []string{"claude-opus-5-5", "claude-haiku-4-5"} {
		t.Run(model, func(t *testing.T) {
			short, long := shortDir(t), filepath.Join(shortDir(t), "a-sandbox.with", "a much longer path")
			one, two := playCLI(t, short, model), playCLI(t, long, model)
			if len(one) != len(two) {
				t.Fatalf("%d and %d rows", len(one), len(two))
			}
			for i := range one {
				if one[i] != two[i] {
					t.Errorf("row %d:\n%+v\n%+v", i, one[i], two[i])
				}
			}
		})
	}
}

// TestClaudeCodeFailures: the real client does not ask again when the script is at fault,
// and does when the upstream is overloaded; then both requests are in the books, and the
// reply is the one that the first would have got.
func TestClaudeCodeFailures(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	findCLI(t)
	var faults, calls atomic.Int64
	s := scripted(t, `
def reply(request, agent, turn, ctx):
    return fail("no idea") if turn == 2 else "call %d" % request.call
`, func(o *ScriptedOptions) { o.Fault = func(error) { faults.Add(1) } })
	r := newRig(t, Options{Upstream: upstreamFunc(func(w http.ResponseWriter, c *Call) {
		if calls.Add(1) == 1 {
			WriteError(w, 529, "overloaded_error", "Overloaded", true)
			return
		}
		s.Serve(w, c)
	})})
	a := r.register("a", AgentOptions{})
	c := startCLI(t, shortDir(t), "claude-opus-5-5", a)
	r.SetTurn("a", Attribution{Turn: 1})
	if got := c.turn("one"); got.IsError || got.Result != "call 0" {
		t.Errorf("turn 1: %+v", got)
	}
	r.SetTurn("a", Attribution{Turn: 2})
	if got := c.turn("two"); !got.IsError {
		t.Errorf("turn 2: %+v", got)
	}
	rows := r.ledger()
	if len(rows) != 3 || faults.Load() != 1 {
		t.Fatalf("%d faults, rows %+v", faults.Load(), rows)
	}
	for i, want := range []struct {
		kind   Kind
		status Status
		http   int
	}{{KindAct, Failed, 529}, {KindRetry, Complete, 200}, {KindAct, Failed, 500}} {
		if rows[i].Kind != want.kind || rows[i].Status != want.status || rows[i].HTTPStatus != want.http {
			t.Errorf("row %d: %+v, want %+v", i, rows[i], want)
		}
	}
	if r.Total().Tokens != s.Tally().Total.Tokens {
		t.Errorf("ledger %+v, tally %+v", r.Total(), s.Tally().Total)
	}
}
