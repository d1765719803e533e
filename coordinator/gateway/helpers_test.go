package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/sandtable/sandtable/sim"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a gateway with its books open.
type rig struct {
	*Gateway
	t      *testing.T
	client *http.Client

	mu     sync.Mutex
	rows   []Row
	faults []error
}

func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	r := &rig{t: t, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	if o.Sink == nil {
		o.Sink = func(row Row) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.rows = append(r.rows, row)
			return nil
		}
	}
	o.Fault = r.fault
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.Gateway = g
	g.Serve()
	t.Cleanup(func() {
		r.client.CloseIdleConnections()
		if err := g.Close(); err != nil {
			t.Error("close:", err)
		}
	})
	return r
}

func (r *rig) fault(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, err)
}

func (r *rig) ledger() []Row {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Row(nil), r.rows...)
}

func (r *rig) faulted() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]error(nil), r.faults...)
}

func (r *rig) register(agent string, o AgentOptions) Account {
	r.t.Helper()
	a, err := r.Register(agent, o)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// post sends an inference and returns status, header and the whole body.
func (r *rig) post(a Account, path, body string) (int, http.Header, string) {
	r.t.Helper()
	resp := r.open(context.Background(), a, path, body)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Error("body:", err)
	}
	return resp.StatusCode, resp.Header, string(data)
}

func (r *rig) open(ctx context.Context, a Account, path, body string) *http.Response {
	r.t.Helper()
	req, err := http.NewRequestWithContext(ctx, "POST", a.BaseURL+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.Key)
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp
}

// ask is the body of an inference with the given user texts, an answer between each two.
func ask(stream bool, texts ...string) string {
	var messages []any
	for i, text := range texts {
		if i > 0 {
			messages = append(messages, map[string]any{"role": "assistant", "content": "yes"})
		}
		messages = append(messages, map[string]any{"role": "user", "content": text})
	}
	return body(map[string]any{"messages": messages, "stream": stream})
}

// body is the body of an inference with a model, a limit and some tools.
func body(fields map[string]any) string {
	all := map[string]any{
		"model": "claude-opus-5-5", "max_tokens": 1024,
		"tools": []any{map[string]any{"name": "Write"}, map[string]any{"name": "mcp__sandtable__act"}},
	}
	for k, v := range fields {
		all[k] = v
	}
	data, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// said is what a client makes of a response, streamed or not.
type reply struct {
	ID      string
	Stop    string
	Texts   []string
	Tools   []string // name and input
	ToolIDs []string
	Output  int64
}

func readReplyBody(t *testing.T, header http.Header, body string) reply {
	t.Helper()
	if strings.HasPrefix(header.Get("Content-Type"), "text/event-stream") {
		return readStream(t, body)
	}
	var m struct {
		ID         string
		StopReason string `json:"stop_reason"`
		Content    []struct {
			Type, Text, Name, ID string
			Input                json.RawMessage
		}
		Usage struct {
			Output int64 `json:"output_tokens"`
		}
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("response %q: %v", body, err)
	}
	r := reply{ID: m.ID, Stop: m.StopReason, Output: m.Usage.Output}
	for _, c := range m.Content {
		if c.Type == "text" {
			r.Texts = append(r.Texts, c.Text)
		} else {
			r.Tools = append(r.Tools, c.Name+string(c.Input))
			r.ToolIDs = append(r.ToolIDs, c.ID)
		}
	}
	return r
}

func readStream(t *testing.T, body string) reply {
	t.Helper()
	var r reply
	var kind, name, text string
	scan := bufio.NewScanner(strings.NewReader(body))
	scan.Buffer(nil, 1<<24)
	for scan.Scan() {
		data, ok := strings.CutPrefix(scan.Text(), "data: ")
		if !ok {
			continue
		}
		var e struct {
			Type         string
			Message      struct{ ID string }
			ContentBlock struct{ Type, Name, ID string } `json:"content_block"`
			Delta        struct {
				Text        string
				PartialJSON string `json:"partial_json"`
				StopReason  string `json:"stop_reason"`
			}
			Usage struct {
				Output int64 `json:"output_tokens"`
			}
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatalf("event %q: %v", data, err)
		}
		switch e.Type {
		case "message_start":
			r.ID = e.Message.ID
		case "content_block_start":
			kind, name, text = e.ContentBlock.Type, e.ContentBlock.Name, ""
			if kind == "tool_use" {
				r.ToolIDs = append(r.ToolIDs, e.ContentBlock.ID)
			}
		case "content_block_delta":
			text += e.Delta.Text + e.Delta.PartialJSON
		case "content_block_stop":
			if kind == "text" {
				r.Texts = append(r.Texts, text)
			} else {
				r.Tools = append(r.Tools, name+text)
			}
		case "message_delta":
			r.Stop, r.Output = e.Delta.StopReason, e.Usage.Output
		}
	}
	return r
}

// scripted makes a scripted upstream of a model.star.
func scripted(t *testing.T, source string, change ...func(*ScriptedOptions)) *Scripted {
	t.Helper()
	o := ScriptedOptions{
		Files: fstest.MapFS{"model.star": {Data: []byte(source)}}, Script: "model.star",
		Key:   sim.Streams{Seed: 7, Replicate: 1}.Key,
		Fault: func(err error) { t.Error("fault:", err) },
	}
	for _, c := range change {
		c(&o)
	}
	s, err := NewScripted(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// upstreamFunc makes an upstream of a function.
type upstreamFunc func(w http.ResponseWriter, c *Call)

func (f upstreamFunc) Serve(w http.ResponseWriter, c *Call) { f(w, c) }

// event is one event of a stream, as the API writes it.
func event(name, rest string) string {
	if rest != "" {
		rest = "," + rest
	}
	return fmt.Sprintf("event: %s\ndata: {\"type\":%q%s}\n\n", name, name, rest)
}

func startEvent(id string, usage string) string {
	return event("message_start", fmt.Sprintf(`"message":{"id":%q,"type":"message","role":"assistant","model":"claude-opus-5-5","content":[],"usage":%s}`, id, usage))
}

// errorType reads the API's error form.
func errorType(t *testing.T, body string) (kind, message string) {
	t.Helper()
	var e struct {
		Type  string
		Error struct{ Type, Message string }
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(body)))
	if err := dec.Decode(&e); err != nil || e.Type != "error" {
		t.Fatalf("body %q is no API error: %v", body, err)
	}
	return e.Error.Type, e.Error.Message
}

func authorized(ctx context.Context, a Account, body string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, "POST", a.BaseURL+"/v1/messages", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.Key)
	return req
}

type addHeader struct {
	http.RoundTripper
	name, value string
}

func (h addHeader) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(h.name, h.value)
	return h.RoundTripper.RoundTrip(r)
}
