package gateway

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sandtable/sandtable/sim"
)

func TestReplyForms(t *testing.T) {
	tests := []struct {
		name, result string
		want         reply // Output 0: not compared
	}{
		{"text", `"hello"`, reply{Stop: "end_turn", Texts: []string{"hello"}, Output: 2}},
		{"empty text", `""`, reply{Stop: "end_turn", Texts: []string{""}, Output: 1}},
		{"list", `["a", "b"]`, reply{Stop: "end_turn", Texts: []string{"a", "b"}}},
		{"short tool name", `["I act", {"tool": "act", "input": {"action": {"want": 3}}}]`,
			reply{Stop: "tool_use", Texts: []string{"I act"}, Tools: []string{`mcp__sandtable__act{"action":{"want":3}}`}}},
		{"full tool name", `[{"tool": "mcp__sandtable__act", "input": {"b": 1, "a": [True, None, 1.5]}}]`,
			reply{Stop: "tool_use", Tools: []string{`mcp__sandtable__act{"a":[true,null,1.5],"b":1}`}}},
		{"one tool, no input", `{"tool": "Write"}`, reply{Stop: "tool_use", Tools: []string{`Write{}`}}},
		{"two tools", `[{"tool": "Write", "input": {}}, {"tool": "act", "input": {}}]`,
			reply{Stop: "tool_use", Tools: []string{`Write{}`, `mcp__sandtable__act{}`}}},
		{"stated", `{"content": "x", "usage": {"input": 3, "output": 77, "cache_read": 5}, "stop_reason": "max_tokens"}`,
			reply{Stop: "max_tokens", Texts: []string{"x"}, Output: 77}},
		{"tuple", `("a", "é<&>\n")`, reply{Stop: "end_turn", Texts: []string{"a", "é<&>\n"}}},
		{"long", `"äöü" * 1000`, reply{Stop: "end_turn", Texts: []string{strings.Repeat("äöü", 1000)}, Output: 750}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			s := scripted(t, "def reply(request, agent, turn, ctx):\n    return "+tc.result+"\n")
			r := newRig(t, Options{Upstream: s})
			a := r.register("a", AgentOptions{})
			for _, stream := range []bool{true, false} {
				code, h, text := r.post(a, "/v1/messages", ask(stream, "hi"))
				got := readReplyBody(t, h, text)
				if code != 200 || got.Stop != tc.want.Stop || !slices.Equal(got.Texts, tc.want.Texts) || !slices.Equal(got.Tools, tc.want.Tools) {
					t.Errorf("stream %v: %d %+v", stream, code, got)
				}
				if tc.want.Output != 0 && got.Output != tc.want.Output {
					t.Errorf("stream %v: %d output tokens, want %d", stream, got.Output, tc.want.Output)
				}
			}
			if got, want := r.Total().Tokens, s.Tally().Total.Tokens; got != want || want.Output == 0 {
				t.Errorf("ledger %+v, tally %+v", got, want)
			}
		})
	}
}

func TestStatedUsage(t *testing.T) {
	s := scripted(t, `
def reply(request, agent, turn, ctx):
    return {"content": "x", "usage": {"input": 1, "output": 2, "cache_write_5m": 3, "cache_write_1h": 4, "cache_read": 5}}
`)
	r := newRig(t, Options{Upstream: s})
	a := r.register("a", AgentOptions{})
	for _, stream := range []bool{true, false} {
		r.post(a, "/v1/messages", ask(stream, "hi"))
	}
	for _, row := range r.ledger() {
		if row.Tokens != (Tokens{1, 2, 3, 4, 5}) || row.Status != Complete || row.NanoUSD != 4000+2*20000+3*5000+4*8000+5*200 {
			t.Errorf("row %+v", row)
		}
	}
}

// TestScriptFaults: a fault of the script ends the run and is not retried by the client.
func TestScriptFaults(t *testing.T) {
	tests := []struct{ name, result, want string }{
		{"nothing", `None`, "None"},
		{"number", `7`, "int64"},
		{"unknown tool", `{"tool": "Fly"}`, `tool "Fly": not offered in this request; there are: Write, mcp__sandtable__act`},
		{"bad key", `[{"tool": "act", "inputs": {}}]`, `unknown key "inputs"`},
		{"bad input", `[{"tool": "act", "input": 3}]`, "should be a dict"},
		{"bad usage", `{"content": "x", "usage": {"input_tokens": 3}}`, `unknown key "input_tokens"`},
		{"negative usage", `{"content": "x", "usage": {"input": -3}}`, "usage: input"},
		{"bad stop", `{"content": "x", "stop_reason": "done"}`, "stop_reason"},
		{"set", `set([1])`, "no JSON value"},
		{"raised", `fail("no idea")`, "model.star:2:16"},
		{"unknown name of the request", `request.mesages`, "mesages"},
		{"endless", `[x for x in range(1000000)]`, "steps"},
		{"frozen request", `request.messages.append(1)`, "frozen"},
		{"bad dice", `str(ctx.random("x").int(3, 1))`, "no number from 3 to 1"},
		{"empty choice", `ctx.random("x").choice([])`, "empty"},
		{"bad weights", `ctx.random("x").weighted(["a"], [0])`, "positive"},
		{"bad sample", `ctx.random("x").sample(["a"], 2)`, "2 of 1"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			var faults []error
			s := scripted(t, "def reply(request, agent, turn, ctx):\n    return "+tc.result+"\n", func(o *ScriptedOptions) {
				o.Steps = 100_000
				o.Fault = func(err error) { faults = append(faults, err) }
			})
			r := newRig(t, Options{Upstream: s})
			a := r.register("a", AgentOptions{})
			r.SetTurn("a", Attribution{Turn: 4})
			code, h, text := r.post(a, "/v1/messages", ask(true, "hi"))
			if kind, _ := errorType(t, text); code != 500 || kind != "api_error" || h.Get("X-Should-Retry") != "false" {
				t.Errorf("%d %s", code, text)
			}
			if len(faults) != 1 || !strings.Contains(faults[0].Error(), tc.want) || !strings.Contains(faults[0].Error(), "agent a, turn 4") {
				t.Errorf("faults %v, want %q", faults, tc.want)
			}
			if rows := r.ledger(); len(rows) != 1 || rows[0].Status != Failed || rows[0].Tokens != (Tokens{}) || s.Tally().Total.Replies != 0 {
				t.Errorf("rows %+v", rows)
			}
		})
	}
}

func TestScriptDoesNotLoad(t *testing.T) {
	for _, tc := range []struct{ source, want string }{
		{"x = ", "model.star:1:5"},
		{"x = 1", "defines no function reply"},
		{"reply = 3", "defines no function reply"},
		{"def reply(a): pass", "takes 1 parameters"},
		{"def reply(request, agent, turn, ctx): return nobody", "undefined: nobody"},
		{`load("../secret.star", "x")`, "inside the scenario folder"},
		{`load("/etc/passwd", "x")`, "inside the scenario folder"},
		{`load("none.star", "x")`, "none.star"},
		{`load("model.star", "x")`, "circle"},
	} {
		_, err := NewScripted(ScriptedOptions{
			Files: fstest.MapFS{"model.star": {Data: []byte(tc.source)}}, Script: "model.star", Key: sim.Streams{}.Key,
		})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: error %v, want %q", tc.source, err, tc.want)
		}
	}
	if _, err := NewScripted(ScriptedOptions{Script: "model.star"}); err == nil {
		t.Error("a script without files")
	}
}

func TestScriptLoadsOthers(t *testing.T) {
	s, err := NewScripted(ScriptedOptions{
		Files: fstest.MapFS{
			"models/model.star": {Data: []byte("load(\"words.star\", \"word\")\ndef reply(request, agent, turn):\n    return word + json.encode(turn)\n")},
			"models/words.star": {Data: []byte("word = 'hello '\nprint('once')\n")},
		},
		Script: "models/model.star", Key: sim.Streams{}.Key,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Options{Upstream: s})
	a := r.register("a", AgentOptions{})
	r.SetTurn("a", Attribution{Turn: 3})
	_, h, text := r.post(a, "/v1/messages", ask(true, "hi"))
	if got := readReplyBody(t, h, text); got.Texts[0] != "hello 3" {
		t.Errorf("%+v", got)
	}
}

// TestRetryIsIdempotent: the same request gets the same reply, dice included, under an id
// of its own, and is booked as a retry.
func TestRetryIsIdempotent(t *testing.T) {
	s := scripted(t, `
def reply(request, agent, turn, ctx):
    d = ctx.random("harvest")
    n = [d.int(0, 1000000), d.choice(["a", "b"]), d.weighted(["a", "b"], [1, 2.5]), d.shuffle([1, 2, 3, 4]), d.sample(range(9), 3), d.float()]
    return ["call %d %s" % (request.call, n), {"tool": "act", "input": {"action": {"n": ctx.random("other").int(0, 1000000)}}}]
`)
	r := newRig(t, Options{Upstream: s})
	a, b := r.register("a", AgentOptions{}), r.register("b", AgentOptions{})
	get := func(acc Account, text string) reply {
		_, h, body := r.post(acc, "/v1/messages", text)
		return readReplyBody(t, h, body)
	}
	at := Attribution{Turn: 2, Phase: "harvest", Stage: 1, Attempt: 1}
	r.SetTurn("a", at)
	first, again := get(a, ask(true, "hi")), get(a, ask(false, "hi"))
	if !slices.Equal(first.Texts, again.Texts) || !slices.Equal(first.Tools, again.Tools) {
		t.Errorf("the retry was answered otherwise: %+v, %+v", first, again)
	}
	if first.ID == again.ID || first.ToolIDs[0] == again.ToolIDs[0] {
		t.Errorf("two responses with one id: %+v", again)
	}
	rows := r.ledger()
	if rows[0].Kind != KindAct || rows[1].Kind != KindRetry {
		t.Errorf("kinds %s, %s", rows[0].Kind, rows[1].Kind)
	}
	// Negative controls: another agent, turn or stage draws otherwise; another attempt
	// draws the same.
	r.SetTurn("b", at)
	if other := get(b, ask(true, "hi")); slices.Equal(other.Texts, first.Texts) {
		t.Error("two agents have the same dice")
	}
	for _, tc := range []struct {
		at   Attribution
		same bool
	}{
		{Attribution{Turn: 3, Phase: "harvest", Stage: 1, Attempt: 1}, false},
		{Attribution{Turn: 2, Phase: "harvest", Stage: 2, Attempt: 1}, false},
		{Attribution{Turn: 2, Phase: "harvest", Stage: 1, Attempt: 2}, true},
	} {
		r.SetTurn("a", tc.at)
		if got := get(a, ask(true, "hi")); slices.Equal(got.Texts, first.Texts) != tc.same {
			t.Errorf("%+v: %+v, first %+v", tc.at, got, first)
		}
	}
}

// TestReplaysAlike: two gateways with one seed give the same bytes.
func TestReplaysAlike(t *testing.T) {
	play := func() string {
		s := scripted(t, "def reply(request, agent, turn, ctx):\n    return [str(ctx.random('x').int(0, 1 << 40)), {'tool': 'act'}]\n")
		r := newRig(t, Options{Upstream: s})
		a := r.register("a", AgentOptions{})
		var all strings.Builder
		for turn := range 3 {
			r.SetTurn("a", Attribution{Turn: turn})
			_, _, text := r.post(a, "/v1/messages", ask(true, "hi"))
			all.WriteString(text)
		}
		return all.String()
	}
	if first, second := play(), play(); first != second {
		t.Errorf("two runs differ:\n%s\n%s", first, second)
	}
}

func TestContext(t *testing.T) {
	s := scripted(t, `
def reply(request, agent, turn, ctx):
    return "%s %d %s %d %d %s %s" % (agent, turn, ctx.phase, ctx.stage, ctx.attempt, request.model, request.tools)
`)
	r := newRig(t, Options{Upstream: s})
	a := r.register("a", AgentOptions{})
	r.SetTurn("a", Attribution{Turn: 5, Phase: "talk", Stage: 2, Attempt: 3})
	_, h, text := r.post(a, "/v1/messages", ask(true, "hi"))
	if got := readReplyBody(t, h, text).Texts[0]; got != `a 5 talk 2 3 claude-opus-5-5 ["Write", "mcp__sandtable__act"]` {
		t.Errorf("%q", got)
	}
}

// TestErrands: requests without tools are not the script's business, unless they are the
// agent's own.
func TestErrands(t *testing.T) {
	s := scripted(t, "def reply(request, agent, turn, ctx):\n    return 'script'\n")
	r := newRig(t, Options{Upstream: s})
	a, b := r.register("a", AgentOptions{}), r.register("b", AgentOptions{OwnRequests: true})
	bare := body(map[string]any{"tools": []any{}, "messages": []any{map[string]any{"role": "user", "content": "Name this conversation."}}})
	for _, tc := range []struct {
		acc  Account
		want string
		kind Kind
	}{{a, "ok", KindAuxiliary}, {a, "ok", KindRetry}, {b, "script", KindAct}} {
		_, h, text := r.post(tc.acc, "/v1/messages", bare)
		if got := readReplyBody(t, h, text).Texts[0]; got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
		if rows := r.ledger(); rows[len(rows)-1].Kind != tc.kind {
			t.Errorf("kind %s, want %s", rows[len(rows)-1].Kind, tc.kind)
		}
	}
	if r.Total().Tokens != s.Tally().Total.Tokens || r.Total().Rows != 3 {
		t.Error("errands are not metered")
	}
}

func TestSubagentKind(t *testing.T) {
	r := newRig(t, Options{Upstream: builtIn(t)})
	a := r.register("a", AgentOptions{})
	r.client.Transport = addHeader{r.client.Transport, "X-Claude-Code-Agent-Id", "scout-1"}
	r.post(a, "/v1/messages", ask(true, "hi"))
	r.client.Transport = r.client.Transport.(addHeader).RoundTripper
	r.post(a, "/v1/messages", ask(true, "hi"))
	if rows := r.ledger(); rows[0].Kind != KindSubagent || rows[1].Kind != KindAct {
		t.Errorf("rows %+v", rows)
	}
}

// TestBuiltIn: the default action once, then done; without one a pass.
func TestBuiltIn(t *testing.T) {
	s, err := NewScripted(ScriptedOptions{Canned: func(agent string) (any, bool) {
		return map[string]any{"want": int64(3)}, agent == "a"
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Options{Upstream: s})
	a, b := r.register("a", AgentOptions{}), r.register("b", AgentOptions{})
	acted := body(map[string]any{"stream": true, "messages": []any{
		map[string]any{"role": "user", "content": "act"},
		map[string]any{"role": "assistant", "content": []any{map[string]any{"type": "tool_use", "id": "t1", "name": "mcp__sandtable__act", "input": map[string]any{}}}},
		map[string]any{"role": "user", "content": []any{map[string]any{"type": "tool_result", "tool_use_id": "t1", "content": "taken"}}},
	}})
	toolless := body(map[string]any{"tools": []any{map[string]any{"name": "Read"}}, "messages": []any{map[string]any{"role": "user", "content": "act"}}})
	for _, tc := range []struct {
		acc  Account
		body string
		want reply
	}{
		{a, ask(true, "act"), reply{Stop: "tool_use", Tools: []string{`mcp__sandtable__act{"action":{"want":3}}`}}},
		{a, acted, reply{Stop: "end_turn", Texts: []string{"done"}}},
		{a, ask(true, "act", "again"), reply{Stop: "tool_use", Tools: []string{`mcp__sandtable__act{"action":{"want":3}}`}}},
		{a, toolless, reply{Stop: "end_turn", Texts: []string{"pass"}}},
		{b, ask(true, "act"), reply{Stop: "end_turn", Texts: []string{"pass"}}},
	} {
		_, h, text := r.post(tc.acc, "/v1/messages", tc.body)
		got := readReplyBody(t, h, text)
		if got.Stop != tc.want.Stop || !slices.Equal(got.Tools, tc.want.Tools) || !slices.Equal(got.Texts, tc.want.Texts) {
			t.Errorf("%+v, want %+v", got, tc.want)
		}
	}
}

func TestResolveTool(t *testing.T) {
	for _, tc := range []struct {
		name, tools, want string
	}{
		{"act", "Read mcp__sandtable__act", "mcp__sandtable__act"},
		{"act", "mcp__other__act mcp__sandtable__act", "mcp__sandtable__act"},
		{"act", "mcp__other__act act", "act"},
		{"fetch", "mcp__web__fetch", "mcp__web__fetch"},
		{"fetch", "mcp__web__fetch mcp__net__fetch", ""},
		{"act", "mcp__sandtable__react", ""},
		{"act", "", ""},
	} {
		got, err := resolveTool(tc.name, strings.Fields(tc.tools))
		if got != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s of %q: %q, %v", tc.name, tc.tools, got, err)
		}
	}
}

// TestDelay: a delay holds up one agent's reply and no other's, and ends with the client.
func TestDelay(t *testing.T) {
	var mu sync.Mutex
	var asked []int64
	s := scripted(t, "def reply(request, agent, turn, ctx):\n    return 'x'\n", func(o *ScriptedOptions) {
		o.Delay = func(agent string, n int64) time.Duration {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, n)
			return map[string]time.Duration{"slow": time.Hour}[agent]
		}
	})
	r := newRig(t, Options{Upstream: s})
	slow, fast := r.register("slow", AgentOptions{}), r.register("fast", AgentOptions{})
	done := make(chan bool)
	go func() {
		defer close(done)
		resp, err := r.client.Do(authorized(context.Background(), slow, ask(true, "hi")))
		if err == nil {
			resp.Body.Close()
		}
	}()
	for range 2 {
		if code, _, _ := r.post(fast, "/v1/messages", ask(true, "hi")); code != 200 {
			t.Errorf("status %d", code)
		}
	}
	for r.Busy("slow") == 0 { // until it has arrived
		r.post(fast, "/v1/messages", ask(true, "hi"))
	}
	r.Close() // a second; not an hour
	<-done
	mu.Lock()
	defer mu.Unlock()
	if !slices.Contains(asked, 2) {
		t.Errorf("asked for the delays of %v", asked)
	}
	if s.Tally().Agents["slow"].Replies != 0 {
		t.Error("a reply that nobody waited for was counted")
	}
}

// TestSourceFromDirectory: os.DirFS has what a source needs.
func TestSourceFromDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "model.star"), []byte("def reply(request, agent, turn): return 'x'"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, ok := os.DirFS(dir).(Source)
	if !ok {
		t.Fatal("os.DirFS is no Source")
	}
	if _, err := NewScripted(ScriptedOptions{Files: files, Script: "model.star", Key: sim.Streams{}.Key}); err != nil {
		t.Error(err)
	}
}

func TestTallyByTurn(t *testing.T) {
	s := scripted(t, "def reply(request, agent, turn, ctx):\n    return 'x' * 4 * turn\n")
	r := newRig(t, Options{Upstream: s})
	a := r.register("a", AgentOptions{})
	for _, turn := range []int{1, 2, 2} {
		r.SetTurn("a", Attribution{Turn: turn})
		r.post(a, "/v1/messages", ask(true, "hi"))
	}
	got := s.Tally().Agents["a"]
	if got.Turns[1] != (Count{1, Tokens{Input: 1, Output: 1}}) || got.Turns[2] != (Count{2, Tokens{Input: 2, Output: 4}}) || got.Replies != 3 {
		t.Errorf("tally %+v", got)
	}
}
