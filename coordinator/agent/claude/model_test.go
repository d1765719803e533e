package claude_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sandtable/sandtable/coordinator/agent/claude"
)

// model is a scripted Messages API: reply says what to answer a request with, text and
// tool calls. It keeps the requests.
type model struct {
	*httptest.Server
	reply func(n int, body string) []block // n counts requests with tools, from 0

	mu       sync.Mutex
	requests []string
}

type block map[string]any

func text(s string) block { return block{"type": "text", "text": s} }

func use(name string, input map[string]any) block {
	return block{"type": "tool_use", "name": name, "input": input}
}

func newModel(t *testing.T, reply func(n int, body string) []block) *model {
	m := &model{reply: reply}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Server.Close)
	return m
}

func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if !strings.HasSuffix(r.URL.Path, "/v1/messages") {
		http.NotFound(w, r)
		return
	}
	m.mu.Lock()
	n := len(m.requests)
	m.requests = append(m.requests, string(body))
	m.mu.Unlock()
	blocks := m.reply(n, string(body))
	if blocks == nil { // hang until the client goes
		<-r.Context().Done()
		return
	}
	if status, ok := blocks[0]["status"].(int); ok {
		w.Header().Set("x-should-retry", "false")
		w.Header().Set("content-type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"type":"error","error":{"type":"rate_limit_error","message":%q}}`, blocks[0]["message"])
		return
	}
	w.Header().Set("content-type", "text/event-stream")
	stream(w, n, blocks)
}

func stream(w io.Writer, n int, blocks []block) {
	event := func(v map[string]any) {
		data, _ := json.Marshal(v)
		fmt.Fprintf(w, "event: %s\ndata: %s\n\n", v["type"], data)
	}
	event(map[string]any{"type": "message_start", "message": map[string]any{
		"id": fmt.Sprintf("msg_%d", n), "type": "message", "role": "assistant", "model": "claude-opus-5-5", "content": []any{},
		"usage": map[string]any{"input_tokens": 10, "output_tokens": 1}}})
	stop := "end_turn"
	for i, b := range blocks {
		start, delta := map[string]any{"type": "text", "text": ""}, map[string]any{"type": "text_delta", "text": b["text"]}
		if b["type"] == "tool_use" {
			stop = "tool_use"
			input, _ := json.Marshal(b["input"])
			start = map[string]any{"type": "tool_use", "id": fmt.Sprintf("toolu_%d_%d", n, i), "name": b["name"], "input": map[string]any{}}
			delta = map[string]any{"type": "input_json_delta", "partial_json": string(input)}
		}
		event(map[string]any{"type": "content_block_start", "index": i, "content_block": start})
		event(map[string]any{"type": "content_block_delta", "index": i, "delta": delta})
		event(map[string]any{"type": "content_block_stop", "index": i})
	}
	event(map[string]any{"type": "message_delta", "delta": map[string]any{"stop_reason": stop}, "usage": map[string]any{"output_tokens": 20}})
	event(map[string]any{"type": "message_stop"})
}

func (m *model) sent() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.requests)
}

// realOptions are options for the real client, or the test is skipped.
func realOptions(t *testing.T, m *model) claude.Options {
	t.Helper()
	if testing.Short() && t.Name() != "TestRealTurns" {
		t.Skip("short: one test with the real client is enough")
	}
	var f claude.Finder
	path, _, err := f.Find(context.Background(), "")
	if err != nil {
		t.Skipf("SKIPPED, the driver is not tested against the real client: %v", err)
	}
	o := options(t)
	o.Binary, o.BaseURL = path, m.URL+"/a/a1"
	o.Tools = []string{"Read", "Write", "Edit", "Bash"}
	return o
}

// toolsOf are the names of the tools in a request.
func toolsOf(t *testing.T, body string) []string {
	t.Helper()
	var r struct{ Tools []struct{ Name string } }
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, x := range r.Tools {
		out = append(out, x.Name)
	}
	slices.Sort(out)
	return out
}
