package gateway

import (
	"bytes"
	"io"
	"net/http/httptest"
	"testing"
)

// FuzzMessagesRequest: whatever a client sends, there is an answer in the API's form, what
// is accepted is answered and booked, and nothing panics.
func FuzzMessagesRequest(f *testing.F) {
	f.Add([]byte(ask(true, "hi")))
	f.Add([]byte(ask(false, "one", "two")))
	f.Add([]byte(`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":[{"type":"text","text":"y"}]}]}]}`))
	f.Add([]byte(`{"model":"m","max_tokens":1,"system":[{"type":"text","text":"s"}],"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"n","input":{"a":[1e3,null]}}]},{"role":"system","content":"x"}]}`))
	f.Add([]byte(`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"<system-reminder></system-reminder>\ud800"}]}`))
	f.Add([]byte(`{"messages":[{"role":1}]}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := NewScripted(ScriptedOptions{Canned: func(string) (any, bool) { return map[string]any{}, true }})
		if err != nil {
			t.Fatal(err)
		}
		g, err := New(Options{Upstream: s, Fault: func(err error) { t.Error("fault:", err) }})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		a, err := g.Register("a", AgentOptions{View: "/w"})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/a/a/v1/messages", bytes.NewReader(body))
		r.Header.Set("X-Api-Key", a.Key)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		answer, _ := io.ReadAll(w.Result().Body)
		if w.Code != 200 {
			if kind, _ := errorType(t, string(answer)); w.Code != 400 || kind != "invalid_request_error" {
				t.Errorf("status %d: %s", w.Code, answer)
			}
			return
		}
		if got := readReplyBody(t, w.Header(), string(answer)); got.ID != "msg_a_1" {
			t.Errorf("answer %s", answer)
		}
		if u := g.Total(); u.Rows != 1 || u.Tokens != s.Tally().Total.Tokens {
			t.Errorf("ledger %+v, tally %+v", u, s.Tally())
		}
	})
}

// FuzzStream: whatever an upstream sends, the client gets the same bytes, and the meter
// reads the same however they are cut.
func FuzzStream(f *testing.F) {
	f.Add([]byte(startEvent("msg_1", fullUsage)+event("message_delta", delta)+event("message_stop", "")), 5)
	f.Add([]byte("data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"output_tokens\":99999999999999}}}\r\n\r\n"), 1)
	f.Add([]byte("data: {\"type\":\"error\"}\n\ndata:\ndata: x\n\n: c\n"), 3)
	f.Fuzz(func(t *testing.T, stream []byte, n int) {
		n = max(1, min(n, len(stream)))
		var whole, cut reading
		var one, many eventScanner
		one.feed(stream, whole.event)
		for rest := stream; len(rest) > 0; {
			k := min(n, len(rest))
			many.feed(rest[:k], cut.event)
			rest = rest[k:]
		}
		if whole != cut {
			t.Errorf("in one piece %+v, in pieces of %d %+v", whole, n, cut)
		}
		if tok := whole.tokens; tok.Input < 0 || tok.Output < 0 || tok.CacheRead < 0 || tok.CacheWrite5m < 0 || tok.CacheWrite1h < 0 {
			t.Errorf("negative tokens: %+v", tok)
		}
	})
}
