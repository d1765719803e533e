package gateway

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// speak is an upstream that says the same to everybody, n bytes at a time.
func speak(text string, n int) Upstream {
	return upstreamFunc(func(w http.ResponseWriter, c *Call) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for rest := text; rest != ""; {
			k := min(n, len(rest))
			io.WriteString(w, rest[:k])
			rest = rest[k:]
		}
	})
}

const (
	fullUsage = `{"input_tokens":11,"cache_creation_input_tokens":70,"cache_read_input_tokens":44,"cache_creation":{"ephemeral_5m_input_tokens":22,"ephemeral_1h_input_tokens":48},"output_tokens":1}`
	delta     = `"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":55}`
)

var fullTokens = Tokens{Input: 11, Output: 55, CacheWrite5m: 22, CacheWrite1h: 48, CacheRead: 44}

func TestMeter(t *testing.T) {
	full := startEvent("msg_1", fullUsage) + event("ping", "") + ": a comment\n\n" + event("message_delta", delta) + event("message_stop", "")
	tests := []struct {
		name, text string
		status     Status
		tokens     Tokens
		priced     bool
	}{
		{"whole", full, Complete, fullTokens, true},
		{"carriage returns", strings.ReplaceAll(full, "\n", "\r\n"), Complete, fullTokens, true},
		{"no space after data:", strings.ReplaceAll(full, "data: ", "data:"), Complete, fullTokens, true},
		{"the last delta counts", startEvent("msg_1", fullUsage) + event("message_delta", `"usage":{"output_tokens":9}`) + event("message_delta", delta) + event("message_stop", ""), Complete, fullTokens, true},
		{"words of the protocol in a text", startEvent("msg_1", fullUsage) +
			event("content_block_delta", `"delta":{"type":"text_delta","text":"{\"type\":\"message_stop\"} \"message_delta\""}`) +
			event("message_delta", delta) + event("message_stop", ""), Complete, fullTokens, true},
		{"zeros repeated at the end", startEvent("msg_1", fullUsage) +
			event("message_delta", `"usage":{"input_tokens":0,"cache_read_input_tokens":0,"cache_creation_input_tokens":0,"output_tokens":55}`) + event("message_stop", ""), Complete, fullTokens, true},
		{"server tools added input", startEvent("msg_1", fullUsage) +
			event("message_delta", `"usage":{"input_tokens":500,"output_tokens":55}`) + event("message_stop", ""), Complete,
			Tokens{Input: 500, Output: 55, CacheWrite5m: 22, CacheWrite1h: 48, CacheRead: 44}, true},
		{"cache writes not split up", startEvent("msg_1", `{"input_tokens":1,"cache_creation_input_tokens":7,"output_tokens":1}`) + event("message_stop", ""), Complete,
			Tokens{Input: 1, Output: 1, CacheWrite5m: 7}, true},
		{"cache writes split up only at the start", startEvent("msg_1", fullUsage) +
			event("message_delta", `"usage":{"cache_creation_input_tokens":70,"output_tokens":55}`) + event("message_stop", ""), Complete, fullTokens, true},
		{"nothing after the start", startEvent("msg_1", fullUsage), Cut, Tokens{11, 1, 22, 48, 44}, true},
		{"no stop", startEvent("msg_1", fullUsage) + event("message_delta", delta), Cut, fullTokens, true},
		{"half a stop", full[:len(full)-1], Cut, fullTokens, true},
		{"an error in the middle", startEvent("msg_1", fullUsage) + event("error", `"error":{"type":"overloaded_error","message":"x"}`), Failed, Tokens{11, 1, 22, 48, 44}, true},
		{"no usage", event("message_start", `"message":{"id":"msg_1","model":"claude-opus-5-5"}`) + event("message_stop", ""), Unmetered, Tokens{}, false},
		{"usage without sense", startEvent("msg_1", `{"input_tokens":-4,"output_tokens":1}`) + event("message_stop", ""), Unmetered, Tokens{Output: 1}, false},
		{"usage of words", startEvent("msg_1", `{"input_tokens":"many"}`) + event("message_stop", ""), Unmetered, Tokens{}, false},
		{"no id", event("message_start", `"message":{"usage":{"input_tokens":3}}`) + event("message_stop", ""), Unmetered, Tokens{Input: 3}, false},
		{"fast mode", startEvent("msg_1", `{"input_tokens":3,"output_tokens":1,"speed":"fast"}`) + event("message_stop", ""), Complete, Tokens{Input: 3, Output: 1}, false},
		{"in the region", startEvent("msg_1", `{"input_tokens":3,"output_tokens":1,"inference_geo":"us"}`) + event("message_stop", ""), Complete, Tokens{Input: 3, Output: 1}, false},
		{"web search", startEvent("msg_1", `{"input_tokens":3,"output_tokens":1,"server_tool_use":{"web_search_requests":1}}`) + event("message_stop", ""), Complete, Tokens{Input: 3, Output: 1}, false},
		{"noise", "data: {\n\ndata: [1]\n\n\n\nevent: x\n\nrubbish\n\n" + full, Complete, fullTokens, true},
		{"an endless line", "data: " + strings.Repeat("x", maxEvent+10) + "\n\n" + full, Complete, fullTokens, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			for _, n := range []int{1 << 20, 7, 1} {
				if n < 8 && len(tc.text) > 10_000 {
					continue
				}
				r := newRig(t, Options{Upstream: speak(tc.text, n)})
				a := r.register("a", AgentOptions{})
				_, _, got := r.post(a, "/v1/messages", ask(true, "hi"))
				if got != tc.text {
					t.Errorf("%d at a time: the client got other bytes than the upstream sent", n)
				}
				rows := r.ledger()
				if len(rows) != 1 || rows[0].Status != tc.status || rows[0].Tokens != tc.tokens || rows[0].Priced != tc.priced {
					t.Fatalf("%d at a time: rows %+v", n, rows)
				}
			}
		})
	}
}

// TestEveryClassIsPriced: one response with all five classes, to the nano-dollar.
func TestEveryClassIsPriced(t *testing.T) {
	r := newRig(t, Options{Upstream: speak(startEvent("msg_1", fullUsage)+event("message_delta", delta)+event("message_stop", ""), 100)})
	a := r.register("a", AgentOptions{})
	r.post(a, "/v1/messages", ask(true, "hi"))
	// Opus 5.5: $4, $20, $5, $8, $0.20 a million.
	const want = 11*4000 + 55*20000 + 22*5000 + 48*8000 + 44*200
	if got := r.ledger()[0].NanoUSD; got != want || r.Total().NanoUSD != want || r.Usage("a").NanoUSD != want {
		t.Errorf("%d, total %+v, want %d", got, r.Total(), want)
	}
}

func TestUnpricedIsFlagged(t *testing.T) {
	r := newRig(t, Options{Upstream: builtIn(t)})
	a := r.register("a", AgentOptions{})
	r.post(a, "/v1/messages", body(map[string]any{"model": "claude-foo-9", "messages": []any{map[string]any{"role": "user", "content": "x"}}}))
	row, sum := r.ledger()[0], r.Total()
	if row.Priced || row.NanoUSD != 0 || row.Model != "claude-foo-9" || row.Tokens.Input == 0 || sum.Unpriced != 1 {
		t.Errorf("row %+v, sum %+v", row, sum)
	}
}

// TestWholeResponses: plain JSON is metered, errors pass verbatim and cost nothing.
func TestWholeResponses(t *testing.T) {
	odd := "{ \"type\":\"error\", \"error\":{\"type\":\"invalid_request_error\",\"message\":\"max_tokens: 9 > 8\"}, \"extra\":1}\n"
	tests := []struct {
		name   string
		code   int
		text   string
		status Status
		tokens Tokens
	}{
		{"message", 200, `{"id":"msg_1","type":"message","model":"m","usage":` + fullUsage + `}`, Complete, Tokens{11, 1, 22, 48, 44}},
		{"error", 400, odd, Failed, Tokens{}},
		{"overloaded", 529, odd, Failed, Tokens{}},
		{"error with 200", 200, odd, Failed, Tokens{}},
		{"no JSON", 200, "<html>", Unmetered, Tokens{}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, Options{Upstream: upstreamFunc(func(w http.ResponseWriter, c *Call) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Retry-After", "3")
				w.WriteHeader(tc.code)
				io.WriteString(w, tc.text)
			})})
			a := r.register("a", AgentOptions{})
			code, h, text := r.post(a, "/v1/messages", ask(false, "hi"))
			if code != tc.code || text != tc.text || h.Get("Retry-After") != "3" {
				t.Errorf("got %d %q", code, text)
			}
			rows := r.ledger()
			if len(rows) != 1 || rows[0].Status != tc.status || rows[0].Tokens != tc.tokens || rows[0].HTTPStatus != tc.code {
				t.Errorf("rows %+v", rows)
			}
		})
	}
}

// TestSilentUpstream: no answer is an error, not an empty success.
func TestSilentUpstream(t *testing.T) {
	r := newRig(t, Options{Upstream: upstreamFunc(func(http.ResponseWriter, *Call) {})})
	a := r.register("a", AgentOptions{})
	code, _, text := r.post(a, "/v1/messages", ask(false, "hi"))
	if kind, _ := errorType(t, text); code != 500 || kind != "api_error" {
		t.Errorf("%d %s", code, text)
	}
	if rows := r.ledger(); len(rows) != 1 || rows[0].Status != Failed {
		t.Errorf("rows %+v", rows)
	}
}

// TestCutByClient: what had been reported when the client left stays in the books.
func TestCutByClient(t *testing.T) {
	left := make(chan bool)
	r := newRig(t, Options{Upstream: upstreamFunc(func(w http.ResponseWriter, c *Call) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, startEvent("msg_1", fullUsage))
		http.NewResponseController(w).Flush()
		<-c.Context().Done()
		close(left)
	})})
	a := r.register("a", AgentOptions{})
	ctx, leave := context.WithCancel(context.Background())
	resp := r.open(ctx, a, "/v1/messages", ask(true, "hi"))
	if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	leave()
	resp.Body.Close()
	<-left
	r.Close() // waits for the books
	rows := r.ledger()
	if len(rows) != 1 || rows[0].Status != Cut || rows[0].Tokens != (Tokens{11, 1, 22, 48, 44}) || rows[0].NanoUSD == 0 {
		t.Fatalf("rows %+v", rows)
	}
}

// TestBreakOff: an upstream that breaks off breaks the client's connection, too.
func TestBreakOff(t *testing.T) {
	for name, value := range map[string]any{"on purpose": http.ErrAbortHandler, "by a fault": "boom"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{Upstream: upstreamFunc(func(w http.ResponseWriter, c *Call) {
				w.Header().Set("Content-Type", "text/event-stream")
				io.WriteString(w, startEvent("msg_1", fullUsage))
				http.NewResponseController(w).Flush()
				panic(value)
			})})
			a := r.register("a", AgentOptions{})
			resp := r.open(context.Background(), a, "/v1/messages", ask(true, "hi"))
			defer resp.Body.Close()
			if _, err := io.ReadAll(resp.Body); err == nil {
				t.Error("the response looks complete")
			}
			if rows := r.ledger(); len(rows) != 1 || rows[0].Status != Cut || rows[0].Tokens.Input != 11 {
				t.Errorf("rows %+v", rows)
			}
			if faults := r.faulted(); (value == "boom") != (len(faults) == 1) {
				t.Errorf("faults %v", faults)
			}
		})
	}
}

// TestDuplicateIsCountedOnce: a message id that comes again is the same response.
func TestDuplicateIsCountedOnce(t *testing.T) {
	r := newRig(t, Options{Upstream: speak(startEvent("msg_same", fullUsage)+event("message_delta", delta)+event("message_stop", ""), 50)})
	a, b := r.register("a", AgentOptions{}), r.register("b", AgentOptions{})
	for _, acc := range []Account{a, a, b} {
		r.post(acc, "/v1/messages", ask(true, "hi"))
	}
	if rows := r.ledger(); len(rows) != 2 || r.Total().Tokens != fullTokens.Plus(fullTokens) {
		t.Errorf("rows %+v", rows)
	}
}

// TestStreamIsNotHeldBack: in lock step, so that any buffering would hang it.
func TestStreamIsNotHeldBack(t *testing.T) {
	next := make(chan string)
	r := newRig(t, Options{Upstream: upstreamFunc(func(w http.ResponseWriter, c *Call) {
		w.Header().Set("Content-Type", "text/event-stream")
		for text := range next {
			io.WriteString(w, text)
			w.(http.Flusher).Flush()
		}
	})})
	a := r.register("a", AgentOptions{})
	go func() { next <- ": hello\n" }()
	resp := r.open(context.Background(), a, "/v1/messages", ask(true, "hi"))
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for i, text := range []string{"", "event: ping\n", "data: {\"type\":\"ping\"}\n", ": a comment\n"} {
		if i > 0 {
			next <- text
		} else {
			text = ": hello\n"
		}
		if got, err := lines.ReadString('\n'); got != text || err != nil {
			t.Fatalf("got %q, %v; want %q", got, err, text)
		}
	}
	close(next)
	io.Copy(io.Discard, lines)
}

// TestBookedBeforeTheEnd: whoever has seen the end of a response finds it in the sums.
func TestBookedBeforeTheEnd(t *testing.T) {
	hold := make(chan bool)
	r := newRig(t, Options{Upstream: upstreamFunc(func(w http.ResponseWriter, c *Call) {
		speak(startEvent("msg_1", fullUsage)+event("message_stop", ""), 1000).Serve(w, c)
		http.NewResponseController(w).Flush()
		<-hold // the upstream has not returned yet
	})})
	a := r.register("a", AgentOptions{})
	resp := r.open(context.Background(), a, "/v1/messages", ask(true, "hi"))
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && lines.Text() != `data: {"type":"message_stop"}` {
	}
	if r.Usage("a").Rows != 1 {
		t.Error("the end was visible before it was booked")
	}
	close(hold)
	io.Copy(io.Discard, resp.Body)
}

// TestSinkFails: what cannot be booked is not passed off as done, and nothing more is
// spent.
func TestSinkFails(t *testing.T) {
	full := errors.New("disk full")
	asked := 0
	inner := builtIn(t)
	r := newRig(t, Options{
		Sink:     func(Row) error { return full },
		Upstream: upstreamFunc(func(w http.ResponseWriter, c *Call) { asked++; inner.Serve(w, c) }),
	})
	a := r.register("a", AgentOptions{})
	for _, stream := range []bool{true, false} {
		req, _ := http.NewRequest("POST", a.BaseURL+"/v1/messages", strings.NewReader(ask(stream, "hi")))
		req.Header.Set("X-Api-Key", a.Key)
		resp, err := r.client.Do(req)
		if err != nil {
			continue
		}
		data, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil && resp.StatusCode == 200 && strings.Contains(string(data), "message_stop") {
			t.Errorf("stream %v: the client was told the end", stream)
		}
	}
	if faults := r.faulted(); len(faults) != 1 || !errors.Is(faults[0], ErrLedger) || !errors.Is(faults[0], full) {
		t.Errorf("faults %v", faults)
	}
	if asked != 1 {
		t.Errorf("the upstream was asked %d times", asked)
	}
}

// TestEarlierRows: a second coordinator goes on where the first one stopped.
func TestEarlierRows(t *testing.T) {
	earlier := []Row{
		{Sequence: 1, Agent: "a", MessageID: "msg_a_1", Tokens: Tokens{Input: 5}, NanoUSD: 7, Priced: true, Status: Complete},
		{Sequence: 2, Agent: "b", MessageID: "msg_b_1", Tokens: Tokens{Input: 6}, NanoUSD: 8, Priced: true, Status: Complete},
	}
	r := newRig(t, Options{Upstream: builtIn(t), Earlier: earlier})
	a := r.register("a", AgentOptions{})
	if r.Total().NanoUSD != 15 || r.Usage("a").Tokens.Input != 5 {
		t.Errorf("total %+v", r.Total())
	}
	r.post(a, "/v1/messages", ask(true, "hi"))
	rows := r.ledger()
	if len(rows) != 1 || rows[0].Sequence != 3 || rows[0].MessageID != "msg_a_2" {
		t.Fatalf("rows %+v", rows)
	}
	if r.Usage("a").Rows != 2 {
		t.Errorf("usage %+v", r.Usage("a"))
	}
}
