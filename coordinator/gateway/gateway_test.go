package gateway

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func builtIn(t *testing.T) *Scripted {
	t.Helper()
	s, err := NewScripted(ScriptedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKeyAndPathMustAgree(t *testing.T) {
	var log strings.Builder
	r := newRig(t, Options{Upstream: builtIn(t), Log: hclog.New(&hclog.LoggerOptions{Output: &syncWriter{w: &log}})})
	a, b := r.register("a", AgentOptions{}), r.register("b", AgentOptions{})
	if a.Key == b.Key || len(a.Key) < 40 {
		t.Fatalf("keys %q and %q", a.Key, b.Key)
	}
	tests := []struct {
		name   string
		base   string
		header map[string]string
		want   int
	}{
		{"bearer", a.BaseURL, map[string]string{"Authorization": "Bearer " + a.Key}, 200},
		{"x-api-key", a.BaseURL, map[string]string{"X-Api-Key": a.Key}, 200},
		{"both", a.BaseURL, map[string]string{"X-Api-Key": a.Key, "Authorization": "bearer " + a.Key}, 200},
		{"header names the agent", a.BaseURL, map[string]string{"X-Api-Key": a.Key, "X-Sandtable-Agent": "a"}, 200},
		{"a's key on b's path", b.BaseURL, map[string]string{"Authorization": "Bearer " + a.Key}, 401},
		{"a's and b's key on b's path", b.BaseURL, map[string]string{"Authorization": "Bearer " + a.Key, "X-Api-Key": b.Key}, 401},
		{"no key", a.BaseURL, nil, 401},
		{"empty key", a.BaseURL, map[string]string{"Authorization": "Bearer "}, 401},
		{"a piece of the key", a.BaseURL, map[string]string{"Authorization": "Bearer " + a.Key[:20]}, 401},
		{"basic", a.BaseURL, map[string]string{"Authorization": "Basic " + a.Key}, 401},
		{"nobody", strings.Replace(a.BaseURL, "/a/a", "/a/nobody", 1), map[string]string{"Authorization": "Bearer " + a.Key}, 401},
		{"header names another agent", a.BaseURL, map[string]string{"X-Api-Key": a.Key, "X-Sandtable-Agent": "b"}, 401},
		{"web page", a.BaseURL, map[string]string{"X-Api-Key": a.Key, "Origin": "http://127.0.0.1"}, 403},
		{"no agent in the path", strings.TrimSuffix(a.BaseURL, "/a/a"), map[string]string{"X-Api-Key": a.Key}, 404},
	}
	refused := int64(0)
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			req, _ := http.NewRequest("POST", tc.base+"/v1/messages", strings.NewReader(ask(false, "hi")))
			for k, v := range tc.header {
				req.Header.Set(k, v)
			}
			resp, err := r.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			data, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tc.want {
				t.Fatalf("status %d, want %d: %s", resp.StatusCode, tc.want, data)
			}
			if tc.want == 200 {
				return
			}
			refused++
			kind, _ := errorType(t, string(data))
			want := map[int]string{401: "authentication_error", 403: "permission_error", 404: "not_found_error"}[tc.want]
			if kind != want || resp.Header.Get("X-Should-Retry") != "false" {
				t.Errorf("error %q, x-should-retry %q", kind, resp.Header.Get("X-Should-Retry"))
			}
		})
	}
	if r.Refusals() != refused {
		t.Errorf("%d refusals counted, want %d", r.Refusals(), refused)
	}
	if n := len(r.ledger()); n != 4 {
		t.Errorf("%d rows, want 4: refused requests must not reach the model", n)
	}
	r.Close()
	if n := strings.Count(log.String(), "refused: method"); int64(n) != refused {
		t.Errorf("%d refusals logged, want %d", n, refused)
	}
	if strings.Contains(log.String(), a.Key) || strings.Contains(log.String(), b.Key) {
		t.Error("a key is in the log")
	}
}

type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

func TestEndpoints(t *testing.T) {
	r := newRig(t, Options{Upstream: builtIn(t), MaxBody: 4096})
	a := r.register("a", AgentOptions{})
	tests := []struct {
		method, path, body string
		keyless            bool
		want               int
		kind               string
		say                string // part of the error's message
	}{
		{"HEAD", "", "", true, 200, "", ""},
		{"HEAD", "/", "", false, 200, "", ""},
		{"GET", "", "", true, 200, "", ""},
		{"HEAD", "/api/hello", "", true, 200, "", ""},
		{"GET", "/api/hello", "", false, 200, "", ""},
		{"GET", "/v1/models?limit=1000", "", false, 404, "not_found_error", ""},
		{"POST", "/v1/complete", "{}", false, 404, "not_found_error", ""},
		{"GET", "/v1/messages", "", false, 405, "invalid_request_error", ""},
		{"POST", "/v1/messages?beta=true", ask(true, "hi"), false, 200, "", ""},
		{"POST", "/v1/messages", ask(false, "hi"), false, 200, "", ""},
		{"POST", "/v1/messages/count_tokens", ask(false, "hi"), false, 200, "", ""},
		{"POST", "/v1/messages", ask(false, strings.Repeat("x", 5000)), false, 413, "request_too_large", "4096"},
		{"POST", "/v1/messages", "", false, 400, "invalid_request_error", "empty"},
		{"POST", "/v1/messages", `{"model":`, false, 400, "invalid_request_error", "middle"},
		{"POST", "/v1/messages", `[]`, false, 400, "invalid_request_error", "object"},
		{"POST", "/v1/messages", `{} {}`, false, 400, "invalid_request_error", "after"},
	}
	for _, tc := range tests {
		t.Run(tc.method+tc.path, func(t *testing.T) {
			req, _ := http.NewRequest(tc.method, a.BaseURL+tc.path, strings.NewReader(tc.body))
			if !tc.keyless {
				req.Header.Set("X-Api-Key", a.Key)
			}
			resp, err := r.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			data, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tc.want {
				t.Fatalf("status %d, want %d: %s", resp.StatusCode, tc.want, data)
			}
			if tc.kind == "" {
				return
			}
			if kind, msg := errorType(t, string(data)); kind != tc.kind || !strings.Contains(msg, tc.say) {
				t.Errorf("error %q %q, want %q with %q", kind, msg, tc.kind, tc.say)
			}
		})
	}
	// Counting is served and costs nothing: only the two inferences have rows.
	if n := len(r.ledger()); n != 2 || r.Total().Rows != 2 {
		t.Errorf("%d rows, total %d, want 2", n, r.Total().Rows)
	}
}

// TestMalformed goes through the places that an error has to name.
func TestMalformed(t *testing.T) {
	user := []any{map[string]any{"role": "user", "content": "hi"}}
	content := func(c any) map[string]any {
		return map[string]any{"messages": []any{user[0], map[string]any{"role": "user", "content": c}}}
	}
	tests := []struct {
		fields map[string]any
		want   string
	}{
		{map[string]any{}, "messages: field required"},
		{map[string]any{"messages": 3}, "messages: input should be a list"},
		{map[string]any{"messages": []any{}}, "messages: at least one"},
		{map[string]any{"messages": []any{1}}, "messages.0: input should be an object"},
		{map[string]any{"messages": user, "model": 7}, "model: input should be a string"},
		{map[string]any{"messages": user, "model": ""}, "model: is empty"},
		{map[string]any{"messages": user, "model": strings.Repeat("m", 257)}, "model: has 257 characters"},
		{map[string]any{"messages": user, "model": "a\x1b[2Jb"}, "model: input should be a name"},
		{map[string]any{"messages": user, "model": "a\nb"}, "model: input should be a name"},
		{map[string]any{"messages": user, "stream": "yes"}, "stream: input should be a boolean"},
		{map[string]any{"messages": user, "max_tokens": nil}, "max_tokens: field required"},
		{map[string]any{"messages": user, "max_tokens": 0}, "max_tokens: input should be a positive"},
		{map[string]any{"messages": user, "max_tokens": 1.5}, "max_tokens: input should be a positive"},
		{map[string]any{"messages": user, "tools": []any{"x"}}, "tools.0: input should be an object"},
		{map[string]any{"messages": user, "tools": []any{map[string]any{"name": 1}}}, "tools.0.name: input should be a string"},
		{map[string]any{"messages": user, "system": 1}, "system: input should be a list"},
		{map[string]any{"messages": []any{map[string]any{"content": "hi"}}}, "messages.0.role: field required"},
		{content(nil), "messages.1.content: field required"},
		{content(1), "messages.1.content: input should be a list"},
		{content([]any{"x"}), "messages.1.content.0: input should be an object"},
		{content([]any{map[string]any{"text": "x"}}), "messages.1.content.0.type: field required"},
		{content([]any{map[string]any{"type": "text"}}), "messages.1.content.0.text: field required"},
		{content([]any{map[string]any{"type": "tool_use", "id": "x"}}), "messages.1.content.0.name: field required"},
		{content([]any{map[string]any{"type": "tool_result", "tool_use_id": "x", "content": []any{3}}}), "messages.1.content.0.content.0: input should be an object"},
	}
	for _, tc := range tests {
		_, err := ParseRequest([]byte(body(tc.fields)), false)
		if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%v: error %v, want %q", tc.fields, err, tc.want)
		}
	}
}

// TestLongWordsStayOut: what a client writes comes back, and into the log, in a length
// that people can read.
func TestLongWordsStayOut(t *testing.T) {
	var log strings.Builder
	r := newRig(t, Options{Upstream: builtIn(t), Log: hclog.New(&hclog.LoggerOptions{Output: &syncWriter{w: &log}})})
	a := r.register("a", AgentOptions{})
	long := strings.Repeat("k", 1<<20)
	for _, bad := range []string{
		`{"` + long + `":1,"` + long + `":2}`,
		`{"` + long + `":[tru]}`,
		`{"x":` + long + `}`,
		`{"x":` + strings.Repeat("9", 1<<20) + `}`,
		body(map[string]any{"model": long}),
	} {
		status, _, answer := r.post(a, "/v1/messages", bad)
		if status != 400 || len(answer) > 4096 {
			t.Errorf("%.20s…: status %d, %d bytes", bad, status, len(answer))
		}
	}
	r.Close()
	if n := log.Len(); n > 32<<10 {
		t.Errorf("the log has %d bytes", n)
	}
}

// TestOpenSets: what the API may come to know is let through.
func TestOpenSets(t *testing.T) {
	req, err := ParseRequest([]byte(body(map[string]any{
		"thinking": map[string]any{"type": "adaptive"}, "from_the_future": []any{1, nil},
		"system": []any{map[string]any{"type": "text", "text": "a", "cache_control": nil}, map[string]any{"type": "odd"}},
		"tools":  []any{map[string]any{"type": "web_search_99", "name": "web_search"}, map[string]any{"type": "nameless"}},
		"messages": []any{
			map[string]any{"role": "user", "content": []any{map[string]any{"type": "image", "source": map[string]any{}}}},
			map[string]any{"role": "system", "content": "note"},
			map[string]any{"role": "narrator", "content": []any{map[string]any{"type": "hologram"}}},
		},
	})), false)
	if err != nil {
		t.Fatal(err)
	}
	if len(req.Messages) != 3 || req.System != "a" || len(req.Tools) != 1 {
		t.Errorf("read %+v", req)
	}
}

// TestPassedOnUnchanged: the upstream gets the client's bytes and headers.
func TestPassedOnUnchanged(t *testing.T) {
	sent := `{ "z": 1.50, "model":"m","max_tokens":1,  "messages":[{"role":"user","content":"\u00e9<&"}],"unknown":{"b":1,"a":2}}`
	var got *Call
	r := newRig(t, Options{Upstream: upstreamFunc(func(w http.ResponseWriter, c *Call) {
		got = c
		WriteError(w, 529, "overloaded_error", "no", true)
	})})
	a := r.register("a", AgentOptions{})
	req, _ := http.NewRequest("POST", a.BaseURL+"/v1/messages?beta=true&x=1", strings.NewReader(sent))
	req.Header.Set("X-Api-Key", a.Key)
	req.Header.Set("Anthropic-Beta", "later-2031-01-01,other")
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if string(got.Body) != sent {
		t.Errorf("body %q", got.Body)
	}
	if u := got.HTTP.URL.String(); u != "/v1/messages?beta=true&x=1" {
		t.Errorf("url %q", u)
	}
	if h := got.HTTP.Header.Get("Anthropic-Beta"); h != "later-2031-01-01,other" {
		t.Errorf("header %q", h)
	}
}

// TestAttributionIsThatOfTheStart: a request that is on its way when the turn changes
// belongs to the turn in which it was sent.
func TestAttributionIsThatOfTheStart(t *testing.T) {
	arrived, release := make(chan bool), make(chan bool)
	inner := builtIn(t)
	r := newRig(t, Options{Upstream: upstreamFunc(func(w http.ResponseWriter, c *Call) {
		arrived <- true
		<-release
		inner.Serve(w, c)
	})})
	a := r.register("a", AgentOptions{})
	r.SetTurn("a", Attribution{Turn: 1, Phase: "harvest", Stage: 2, Attempt: 3})
	done := make(chan bool)
	go func() {
		defer close(done)
		r.post(a, "/v1/messages", ask(true, "hi"))
	}()
	<-arrived
	if r.Busy("a") != 1 {
		t.Errorf("busy %d, want 1", r.Busy("a"))
	}
	r.SetTurn("a", Attribution{Turn: 2, Stage: 1, Attempt: 1})
	release <- true
	<-done
	go func() { <-arrived; release <- true }()
	r.post(a, "/v1/messages", ask(true, "hi"))
	rows := r.ledger()
	if len(rows) != 2 || rows[0].Turn != 1 || rows[0].Phase != "harvest" || rows[0].Stage != 2 || rows[0].Attempt != 3 || rows[1].Turn != 2 {
		t.Fatalf("rows %+v", rows)
	}
	if rows[0].Kind != KindAct || rows[1].Kind != KindAct {
		t.Errorf("kinds %s, %s: the same words in another turn are no retry", rows[0].Kind, rows[1].Kind)
	}
}

// first calls a function before anything is read.
type first struct {
	io.Reader
	call func()
}

func (f *first) Read(p []byte) (int, error) {
	if f.call != nil {
		f.call()
		f.call = nil
	}
	return f.Reader.Read(p)
}

// TestAttributionIsThatOfTheArrival: a body may take its time; the request is as old as
// its header.
func TestAttributionIsThatOfTheArrival(t *testing.T) {
	r := newRig(t, Options{Upstream: builtIn(t)})
	r.client.Transport.(*http.Transport).ExpectContinueTimeout = time.Minute
	a := r.register("a", AgentOptions{})
	r.SetTurn("a", Attribution{Turn: 1})
	text := ask(false, "hi")
	// The client begins to send the body when the gateway begins to read it.
	req := authorized(t.Context(), a, "")
	req.Body = io.NopCloser(&first{strings.NewReader(text), func() { r.SetTurn("a", Attribution{Turn: 2}) }})
	req.ContentLength = int64(len(text))
	req.Header.Set("Expect", "100-continue")
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if rows := r.ledger(); len(rows) != 1 || rows[0].Turn != 1 {
		t.Errorf("rows %+v, want one of turn 1", rows)
	}
}

func TestActivity(t *testing.T) {
	var mu sync.Mutex
	clock := time.Unix(1000, 0)
	set := func(s int64) { mu.Lock(); clock = time.Unix(s, 0); mu.Unlock() }
	r := newRig(t, Options{Upstream: builtIn(t), Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return clock }})
	a := r.register("a", AgentOptions{})
	set(1007)
	if got := r.Activity("a").Unix(); got != 1000 {
		t.Errorf("after registering %d, want 1000", got)
	}
	r.post(a, "/v1/messages", ask(true, "hi"))
	if got := r.Activity("a").Unix(); got != 1007 {
		t.Errorf("after a request %d, want 1007", got)
	}
	if !r.Activity("nobody").IsZero() || r.Busy("nobody") != 0 {
		t.Error("an unknown agent is active")
	}
}

func TestTooManyOpen(t *testing.T) {
	release := make(chan bool)
	r := newRig(t, Options{MaxOpen: 2, Upstream: upstreamFunc(func(w http.ResponseWriter, c *Call) { <-release })})
	a, b := r.register("a", AgentOptions{}), r.register("b", AgentOptions{})
	status := make(chan int)
	for _, acc := range []Account{a, a, a, b} {
		go func() {
			code, _, _ := r.post(acc, "/v1/messages", ask(false, "hi"))
			status <- code
		}()
	}
	if got := <-status; got != 429 { // the one too many; nobody else can have answered
		t.Errorf("status %d, want 429", got)
	}
	close(release)
	for range 3 {
		<-status
	}
}

// TestTooMuchOpen: what an agent's open requests hold together is bounded, and nobody
// else's business.
func TestTooMuchOpen(t *testing.T) {
	arrived, release := make(chan bool, 8), make(chan bool, 8)
	r := newRig(t, Options{MaxBody: 4096, Upstream: upstreamFunc(func(w http.ResponseWriter, c *Call) {
		arrived <- true
		<-release
	})})
	a, b := r.register("a", AgentOptions{}), r.register("b", AgentOptions{})
	large := ask(false, strings.Repeat("x", 3500))
	status := make(chan int)
	send := func(acc Account) {
		code, header, _ := r.post(acc, "/v1/messages", large)
		if code == 429 && (header.Get("Retry-After") == "" || header.Get("X-Should-Retry") != "") {
			t.Errorf("a request that could come again is told %v", header)
		}
		status <- code
	}
	for _, acc := range []Account{a, a, b} {
		go send(acc)
		<-arrived
	}
	go send(a)
	select {
	case got := <-status:
		if got != 429 {
			t.Errorf("status %d, want 429", got)
		}
	case <-arrived:
		t.Error("more was taken in than an agent may hold")
		release <- true
		<-status
	}
	for range 3 {
		release <- true
		<-status
	}
	go send(a)
	<-arrived
	release <- true
	if got := <-status; got == 429 {
		t.Error("what has been answered is still held")
	}
}

func TestRegister(t *testing.T) {
	r := newRig(t, Options{Upstream: builtIn(t)})
	for _, name := range []string{"", "a/b", "..", "-a", "a b", "ä", strings.Repeat("a", 129)} {
		if _, err := r.Register(name, AgentOptions{}); err == nil {
			t.Errorf("%q was registered", name)
		}
	}
	r.register("a.b-c_d", AgentOptions{})
	if _, err := r.Register("a.b-c_d", AgentOptions{}); err == nil {
		t.Error("registered twice")
	}
}

// TestSocket: the Unix socket serves the same paths.
func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	r := newRig(t, Options{Upstream: builtIn(t), Socket: path})
	a := r.register("a", AgentOptions{})
	r.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	if code, _, text := r.post(a, "/v1/messages", ask(false, "hi")); code != 200 {
		t.Fatalf("status %d: %s", code, text)
	}
	if len(r.ledger()) != 1 {
		t.Error("not booked")
	}
}

// TestClose: an open request is cancelled, booked, and waited for.
func TestClose(t *testing.T) {
	arrived := make(chan bool, 1)
	r := newRig(t, Options{Upstream: upstreamFunc(func(w http.ResponseWriter, c *Call) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, startEvent("msg_1", `{"input_tokens":40,"output_tokens":1}`))
		http.NewResponseController(w).Flush()
		arrived <- true
		<-c.Context().Done()
	})})
	a := r.register("a", AgentOptions{})
	resp := r.open(context.Background(), a, "/v1/messages", ask(true, "hi"))
	defer resp.Body.Close()
	<-arrived
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { r.Close() })
	}
	all.Wait()
	rows := r.ledger()
	if len(rows) != 1 || rows[0].Status != Cut || rows[0].Tokens != (Tokens{Input: 40, Output: 1}) {
		t.Fatalf("rows %+v", rows)
	}
	if r.Usage("a").Tokens.Input != 40 || r.Total().Rows != 1 {
		t.Error("the sums cannot be asked after Close")
	}
}

func TestCloseWithoutServe(t *testing.T) {
	g, err := New(Options{Upstream: builtIn(t), Socket: filepath.Join(t.TempDir(), "s")})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a gateway without an upstream")
	}
}

// TestManyClients: sums, sequence and tally hold under concurrency.
func TestManyClients(t *testing.T) {
	const clients, each = 50, 4
	s := scripted(t, `
def reply(request, agent, turn, ctx):
    return ["%s %d" % (agent, request.call), {"tool": "act", "input": {"n": request.call}}]
`)
	r := newRig(t, Options{Upstream: s})
	var all sync.WaitGroup
	for i := range clients {
		name := fmt.Sprintf("agent-%d", i%25) // two clients an agent
		a, err := r.Register(name, AgentOptions{})
		if err != nil {
			a = Account{} // the second client of the agent gets its key below
		}
		if a.Key == "" {
			continue
		}
		for client := range 2 {
			all.Go(func() {
				for n := range each {
					r.SetTurn(name, Attribution{Turn: n})
					code, h, text := r.post(a, "/v1/messages", ask(n%2 == 0, fmt.Sprintf("client %d asks %d", client, n)))
					if got := readReplyBody(t, h, text); code != 200 || got.Texts[0] != name+" 0" {
						t.Errorf("%d %+v", code, got)
					}
				}
			})
		}
	}
	all.Wait()
	rows, tally := r.ledger(), s.Tally()
	if len(rows) != clients*each {
		t.Fatalf("%d rows, want %d", len(rows), clients*each)
	}
	sums, ids := map[string]Tokens{}, map[string]bool{}
	var total Tokens
	for i, row := range rows {
		if row.Sequence != int64(i+1) || ids[row.MessageID] || row.Status != Complete {
			t.Fatalf("row %d: %+v", i, row)
		}
		ids[row.MessageID] = true
		sums[row.Agent] = sums[row.Agent].Plus(row.Tokens)
		total = total.Plus(row.Tokens)
	}
	if total != tally.Total.Tokens || total != r.Total().Tokens || tally.Total.Replies != clients*each {
		t.Errorf("ledger %+v, tally %+v, total %+v", total, tally.Total, r.Total())
	}
	for name, sum := range sums {
		if sum != tally.Agents[name].Tokens || sum != r.Usage(name).Tokens {
			t.Errorf("%s: ledger %+v, tally %+v", name, sum, tally.Agents[name])
		}
	}
}
