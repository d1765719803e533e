package gateway

import (
	"flag"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGoldenStream compares a stream with testdata/reply.sse. A file rewritten with -update
// has to be compared with the API's documentation by eye.
func TestGoldenStream(t *testing.T) {
	s := scripted(t, `
def reply(request, agent, turn, ctx):
    return {
        "content": ["Hello, \"wörld\" <&>\n", {"tool": "act", "input": {"action": {"want": 3, "why": "x" * 600}}}, {"tool": "Write", "input": {}}],
        "usage": {"input": 1, "output": 20, "cache_write_5m": 300, "cache_write_1h": 4000, "cache_read": 50000},
    }
`)
	r := newRig(t, Options{Upstream: s})
	a := r.register("village-1", AgentOptions{})
	_, h, got := r.post(a, "/v1/messages?beta=true", ask(true, "hi"))
	if ct := h.Get("Content-Type"); ct != "text/event-stream; charset=utf-8" {
		t.Errorf("content type %q", ct)
	}
	const golden = "testdata/reply.sse"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		os.WriteFile("testdata/got-reply.sse", []byte(got), 0o644)
		t.Errorf("differs from %s; what was got is in testdata/got-reply.sse", golden)
	}
}

func TestGoldenMessage(t *testing.T) {
	s := scripted(t, `
def reply(request, agent, turn, ctx):
    return ["Hi", {"tool": "act", "input": {"n": 1}}]
`)
	r := newRig(t, Options{Upstream: s})
	a := r.register("v.1", AgentOptions{})
	_, _, got := r.post(a, "/v1/messages", ask(false, "hello"))
	want := `{"id":"msg_v_1_1","type":"message","role":"assistant","model":"claude-opus-5-5","content":[` +
		`{"type":"text","text":"Hi"},{"type":"tool_use","id":"toolu_v_1_1_2","name":"mcp__sandtable__act","input":{"n":1}}],` +
		`"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":2,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,` +
		`"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":7,"service_tier":"standard"}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCountTokens(t *testing.T) {
	s := builtIn(t)
	r := newRig(t, Options{Upstream: s})
	a := r.register("a", AgentOptions{})
	code, _, got := r.post(a, "/v1/messages/count_tokens", `{"model":"m","messages":[{"role":"user","content":"12345"}]}`)
	if code != 200 || got != `{"input_tokens":2}` {
		t.Errorf("%d %s", code, got)
	}
	if r.Total() != (Usage{}) || len(r.ledger()) != 0 || s.Tally().Total.Replies != 0 {
		t.Error("counting was billed")
	}
}

func TestPieces(t *testing.T) {
	for _, s := range []string{"", "x", strings.Repeat("x", 512), strings.Repeat("x", 513), strings.Repeat("€", 1000), strings.Repeat("\xff", 2000), strings.Repeat("\x80", 2000)} {
		list := pieces(s)
		if strings.Join(list, "") != s {
			t.Errorf("%.10q… was not put together again", s)
		}
		for _, p := range list {
			if len(p) > 512 || p == "" && s != "" || utf8.ValidString(s) && !utf8.ValidString(p) {
				t.Errorf("piece %.20q of %d bytes", p, len(p))
			}
		}
	}
}
