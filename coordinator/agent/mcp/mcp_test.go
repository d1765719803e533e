package mcp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"github.com/sandtable/sandtable/coordinator/agent/mcp"
	"github.com/sandtable/sandtable/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk notes what it is told, and refuses the number 13.
type desk struct {
	mu    sync.Mutex
	calls []string
}

func (d *desk) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, fmt.Sprintf(format, args...))
}

func (d *desk) Act(call string, action any, say string) error {
	d.note("act %s %v %T %s", call, action, action.(map[string]any)["want"], say)
	if action.(map[string]any)["want"] == int64(13) {
		return &sim.Failure{Category: sim.Illegal, Text: "13 is not allowed here"}
	}
	return nil
}
func (d *desk) Pass(call string) error { d.note("pass %s", call); return nil }
func (d *desk) Send(call string, to any, text string) error {
	d.note("send %s %v %s", call, to, text)
	return nil
}
func (d *desk) Inbox() ([]sim.Message, error) {
	return []sim.Message{{ID: 7, Sender: "b", Text: "hi"}}, nil
}

type status struct{}

func (status) Status() (mcp.Status, error) { return mcp.Status{Changed: []string{"a.txt"}}, nil }

func view(t *testing.T) (*mcp.View, string) {
	t.Helper()
	dir := t.TempDir()
	v, err := mcp.OpenView(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v, dir
}

// line is a client on a bridge that speaks raw JSON-RPC, as the control channel does.
type line struct {
	t  *testing.T
	b  *mcp.Bridge
	id int
}

func (l *line) send(method, params string) string {
	l.t.Helper()
	l.id++
	out, err := l.b.Handle(context.Background(), json.RawMessage(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, l.id, method, params)))
	if err != nil {
		l.t.Fatalf("%s: %v", method, err)
	}
	return string(out)
}

func (l *line) handshake() {
	l.t.Helper()
	l.id = -1 // the client counts from 0, each time
	out := l.send("initialize", `{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x","version":"1"}}`)
	if !strings.Contains(out, `"name":"sandtable"`) || !strings.Contains(out, `"protocolVersion":"2025-11-25"`) {
		l.t.Fatal(out)
	}
	if _, err := l.b.Handle(context.Background(), json.RawMessage(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) call(tool, args string) (string, bool) {
	l.t.Helper()
	out := l.send("tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s,"_meta":{"claudecode/toolUseId":"toolu_1","progressToken":2}}`, tool, args))
	var r struct {
		Result struct {
			IsError bool
			Content []struct{ Text string }
		}
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || len(r.Result.Content) != 1 {
		l.t.Fatalf("%s: %s", tool, out)
	}
	return r.Result.Content[0].Text, r.Result.IsError
}

func bridge(t *testing.T, d mcp.Desk, f mcp.Files, w mcp.Workspace) *line {
	t.Helper()
	b := mcp.NewBridge(mcp.NewServer(d, f, w))
	t.Cleanup(func() { b.Close() })
	l := &line{t: t, b: b}
	l.handshake()
	return l
}

func TestTools(t *testing.T) {
	d := &desk{}
	v, dir := view(t)
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := bridge(t, d, v, status{})
	l.handshake() // some clients shake hands twice
	list := l.send("tools/list", "{}")
	for _, name := range mcp.ToolNames() {
		if short := strings.TrimPrefix(name, "mcp__sandtable__"); !strings.Contains(list, fmt.Sprintf("%q", short)) {
			t.Errorf("%s is not in %s", short, list)
		}
	}
	for _, c := range []struct {
		tool, args, want string
		bad              bool
	}{
		{"act", `{"action":{"want":3},"say":"so"}`, "Accepted", false},
		{"act", `{"action":{"want":13}}`, "13 is not allowed here", true},
		{"act", `{"want":3}`, `"action" is missing; given: want`, true},
		{"act", `{"action":{"want":3},"say":5}`, "must be a string", true},
		{"pass", `{}`, "pass", false},
		{"send", `{"to":["b"],"text":"x"}`, "Sent", false},
		{"send", `{"text":"x"}`, `"to" is missing`, true},
		{"inbox", `{}`, `{"messages":[{"id":7,"sender":"b","text":"hi"}]}`, false},
		// The SHA-256 of "abc", from FIPS 180-2.
		{"workspace_read", `{"path":"a.txt"}`, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", false},
		{"workspace_read", `{"path":"../x"}`, "not a path inside", true},
		{"workspace_status", `{}`, `{"changed":["a.txt"],"conflicts":[],"notices":[]}`, false},
	} {
		got, bad := l.call(c.tool, c.args)
		if bad != c.bad || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %v %s", c.tool, c.args, bad, got)
		}
	}
	want := "act toolu_1 map[want:3] int64 so|act toolu_1 map[want:13] int64 |pass toolu_1|send toolu_1 [b] x"
	if got := strings.Join(d.calls, "|"); got != want {
		t.Errorf("the desk was told %s", got)
	}
}

// The schemas are constant, and only tools that change nothing run in parallel.
func TestSchemasAreConstant(t *testing.T) {
	one, two := bridge(t, &desk{}, nil, nil), bridge(t, &desk{}, nil, nil)
	a, b := one.send("tools/list", "{}"), two.send("tools/list", "{}")
	if a != b || strings.Contains(a, "workspace_") || strings.Count(a, "readOnlyHint") != 1 {
		t.Error(a)
	}
}

func TestBridgeErrors(t *testing.T) {
	b := mcp.NewBridge(mcp.NewServer(&desk{}, nil, nil))
	for _, m := range []string{"", "x", "[]", `{"jsonrpc":"2.0"}`, `{"jsonrpc":"1.0","id":1,"method":"x"}`} {
		if out, err := b.Handle(context.Background(), json.RawMessage(m)); err == nil {
			t.Errorf("%q: %s", m, out)
		}
	}
	l := &line{t: t, b: b}
	l.handshake()
	if out := l.send("no/such", "{}"); !strings.Contains(out, `"error"`) {
		t.Error(out)
	}
	if out := l.send("tools/call", `{"name":"no","arguments":{}}`); !strings.Contains(out, `"error"`) {
		t.Error(out)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 300 { // an abandoned request does not keep its id, and is the server's alone
		_, _ = b.Handle(ctx, json.RawMessage(`{"jsonrpc":"2.0","id":99,"method":"ping"}`))
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := b.Handle(context.Background(), json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)); err != mcp.ErrClosed {
		t.Error(err)
	}
}

func TestBridgeManyAtOnce(t *testing.T) {
	d := &desk{}
	l := bridge(t, d, nil, nil)
	var wg sync.WaitGroup
	for n := range 50 {
		wg.Go(func() {
			m := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"act","arguments":{"action":{"want":%d}}}}`, 100+n, n)
			out, err := l.b.Handle(context.Background(), json.RawMessage(m))
			if err != nil || !strings.Contains(string(out), fmt.Sprintf(`"id":%d`, 100+n)) {
				t.Errorf("%s %v", out, err)
			}
		})
	}
	wg.Wait()
	if len(d.calls) != 50 {
		t.Errorf("%d calls", len(d.calls))
	}
}

func TestViewIsConfined(t *testing.T) {
	v, dir := view(t)
	outside := filepath.Join(t.TempDir(), "secret")
	for _, err := range []error{
		os.WriteFile(outside, []byte("s"), 0o600), os.Symlink(outside, filepath.Join(dir, "abs")),
		os.Symlink("../"+filepath.Base(filepath.Dir(outside))+"/secret", filepath.Join(dir, "rel")),
		os.Mkdir(filepath.Join(dir, "d"), 0o700), os.WriteFile(filepath.Join(dir, "d", "x"), []byte("\xff"), 0o600),
		os.Symlink("d/x", filepath.Join(dir, "in")), syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600),
		os.WriteFile(filepath.Join(dir, "big"), make([]byte, mcp.MaxFile+1), 0o600),
		os.WriteFile(filepath.Join(dir, "full"), make([]byte, mcp.MaxFile), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, ok := range map[string]bool{
		"d/x": true, "in": true, "full": true, "./d/../d/x": true,
		"": false, "/etc/passwd": false, outside: false, "..": false, "../x": false, "abs": false, "rel": false,
		"fifo": false, "d": false, ".": false, "big": false, "none": false, "a\x00b": false,
	} {
		_, err := v.Read(name)
		if (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
		if err != nil && name != outside && strings.Contains(err.Error(), dir) {
			t.Errorf("%q: the error names the machine's path: %v", name, err)
		}
	}
}

func post(t *testing.T, url, token, origin, host string) int {
	t.Helper()
	req, err := http.NewRequest("POST", url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	if host != "" {
		req.Host = host
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestHTTP(t *testing.T) {
	defer http.DefaultClient.CloseIdleConnections()
	h, err := mcp.NewHTTP()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	d := &desk{}
	url, err := h.Add("a", "token-a", mcp.NewServer(d, nil, nil))
	if err != nil || !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatal(url, err)
	}
	if _, err := h.Add("b", "token-b", mcp.NewServer(&desk{}, nil, nil)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][2]string{{"", "x"}, {"c", ""}, {"a", "x"}, {"c", "token-a"}, {"../a", "x"}} {
		if _, err := h.Add(bad[0], bad[1], mcp.NewServer(d, nil, nil)); err == nil {
			t.Errorf("added %q", bad)
		}
	}
	own := strings.TrimSuffix(url, "/mcp/a")
	for _, c := range []struct {
		url, token, origin, host string
		want                     int
	}{
		{url, "token-a", "", "", 200},
		{url, "token-a", own, "", 200},
		{url, "", "", "", 401},
		{url, "token-b", "", "", 401}, // another agent's
		{own + "/mcp/nobody", "token-a", "", "", 401},
		{own + "/", "token-a", "", "", 401},
		{url, "token-a", "http://evil.example", "", 403},
		{url, "token-a", "null", "", 403},
		{url, "token-a", "", "evil.example:80", 403}, // a name that points here
	} {
		if got := post(t, c.url, c.token, c.origin, c.host); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	useOfficialClient(t, url)
	if len(d.calls) != 1 || !strings.Contains(d.calls[0], "map[want:4] int64") {
		t.Errorf("%v", d.calls)
	}
}

// bearerToken is a transport that adds a token.
type bearerToken string

func (b bearerToken) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

func useOfficialClient(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	s, err := client.Connect(ctx, &sdk.StreamableClientTransport{Endpoint: url, HTTPClient: &http.Client{Transport: bearerToken("token-a")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tools, err := s.ListTools(ctx, nil)
	if err != nil || len(tools.Tools) != 4 {
		t.Fatalf("%v %v", tools, err)
	}
	r, err := s.CallTool(ctx, &sdk.CallToolParams{Name: "act", Arguments: map[string]any{"action": map[string]any{"want": 4}}})
	if err != nil || r.IsError {
		t.Fatalf("%+v %v", r, err)
	}
}

func TestHTTPClose(t *testing.T) {
	h, err := mcp.NewHTTP()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}
