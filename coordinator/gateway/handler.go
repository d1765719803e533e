package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
)

// ServeHTTP answers a request. It is exported for net/http only.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.enter() {
		panic(http.ErrAbortHandler) // closing: the connection is about to go anyway
	}
	defer g.handlers.Done()
	agent, path, ok := splitPath(r.URL.Path)
	if !ok {
		g.refuse(w, r, http.StatusNotFound, errNotFound, fmt.Errorf("no agent in the path %.100q", r.URL.Path))
		return
	}
	if r.Header.Get("Origin") != "" {
		g.refuse(w, r, http.StatusForbidden, errForbidden, errors.New("requests from web pages are refused"))
		return
	}
	a := g.account(agent)
	err := a.admits(r)
	if isProbe(r.Method, path) && (err == nil || errors.Is(err, errNoKey)) {
		w.WriteHeader(http.StatusOK) // clients ask whether anybody is there, with or without a key
		return
	}
	if err != nil {
		g.refuse(w, r, http.StatusUnauthorized, errAuth, err)
		return
	}
	g.route(w, r, a, path)
}

// splitPath cuts /a/<agent>/v1/messages into agent and "/v1/messages".
func splitPath(path string) (agent, rest string, ok bool) {
	path, ok = strings.CutPrefix(path, "/a/")
	agent, rest, _ = strings.Cut(path, "/")
	return agent, "/" + rest, ok && agent != ""
}

func isProbe(method, path string) bool {
	return (method == http.MethodHead || method == http.MethodGet) && (path == "/" || path == "/api/hello")
}

func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, status int, kind string, why error) {
	g.mu.Lock()
	g.refused++
	g.mu.Unlock()
	g.options.Log.Warn("refused", "method", r.Method, "path", fmt.Sprintf("%.200q", r.URL.Path), "from", r.RemoteAddr, "why", why)
	WriteError(w, status, kind, "sandtable: "+why.Error(), false)
}

func (g *Gateway) route(w http.ResponseWriter, r *http.Request, a *account, path string) {
	endpoint := map[string]Endpoint{"/v1/messages": Inference, "/v1/messages/count_tokens": Counting}[path]
	switch {
	case endpoint == "":
		g.options.Log.Debug("not found", "agent", a.agent, "method", r.Method, "path", fmt.Sprintf("%.200q", path))
		WriteError(w, http.StatusNotFound, errNotFound, fmt.Sprintf("Not found: %.200q", path), false)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		WriteError(w, http.StatusMethodNotAllowed, errInvalid, "Method Not Allowed", false)
		return
	case !a.enter(g.options.Now(), g.options.MaxOpen):
		w.Header().Set("Retry-After", "1")
		WriteError(w, http.StatusTooManyRequests, errRate, fmt.Sprintf("sandtable: more than %d requests of one agent at a time", g.options.MaxOpen), true)
		return
	}
	defer func() { a.leave(g.options.Now()) }()
	at := a.attribution() // before the body is read: it may take its time
	body := &share{of: a, most: 2 * g.options.MaxBody, body: http.MaxBytesReader(w, r.Body, g.options.MaxBody)}
	defer body.release()
	call, ok := g.read(w, r, body, endpoint, path)
	if !ok {
		return
	}
	call.Attribution = at
	if endpoint == Counting {
		g.options.Log.Debug("counting", "agent", a.agent)
		g.guard(func() { g.options.Upstream.Serve(w, call) })
		return
	}
	g.infer(w, a, call)
}

// read takes in the body and makes a call of it, or answers with an error.
func (g *Gateway) read(w http.ResponseWriter, r *http.Request, from *share, endpoint Endpoint, path string) (*Call, bool) {
	a := from.of
	body, err := readAll(from, r.ContentLength)
	if err != nil {
		unread(w, from, err)
		return nil, false
	}
	request, talk, system, err := a.understand(body, endpoint == Counting)
	if err != nil {
		why := shortened(err.Error())
		g.options.Log.Warn("malformed", "agent", a.agent, "why", why)
		WriteError(w, http.StatusBadRequest, errInvalid, why, false)
		return nil, false
	}
	inner := r.Clone(r.Context())
	inner.URL = &url.URL{Path: path, RawQuery: r.URL.RawQuery}
	inner.RequestURI, inner.Body = "", http.NoBody
	return &Call{
		Endpoint: endpoint, Agent: a.agent, Request: request, Body: body, HTTP: inner,
		talk:   talk,
		system: system,
		errand: len(request.Tools) == 0 && !a.options.OwnRequests,
	}, true
}

// shortened cuts a message that may quote the body.
func shortened(s string) string {
	const most = 1000
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// infer has the upstream answer an inference, under the meter.
func (g *Gateway) infer(w http.ResponseWriter, a *account, call *Call) {
	if g.ledger.failed.Load() {
		WriteError(w, http.StatusInternalServerError, errAPI, "sandtable: "+ErrLedger.Error(), false)
		return
	}
	call.Kind, call.Ordinal = g.kind(a, call)
	g.options.Log.Debug("inference", "agent", call.Agent, "turn", call.Turn, "ordinal", call.Ordinal, "kind", call.Kind, "model", call.Request.Model)
	m := newMeter(w, func(r reading) error { return g.ledger.post(r.row(call)) }, func() { a.touch(g.options.Now()) })
	clean := false
	defer func() {
		if !clean {
			m.abort()
		}
	}()
	g.guard(func() { g.options.Upstream.Serve(m, call) })
	clean = true
	m.finish(call.Context().Err() != nil)
}

// kind says what an inference is for and numbers it.
func (g *Gateway) kind(a *account, call *Call) (Kind, int64) {
	kind, sub := KindAct, call.HTTP.Header.Get("X-Claude-Code-Agent-Id")
	switch {
	case call.errand:
		kind = KindAuxiliary
	case sub != "":
		kind = KindSubagent
	}
	// Not the model and not the form: a client that falls back to another model, or from
	// a stream to plain JSON, still asks the same thing again.
	ordinal, again := a.number(call.Attribution, call.talk.fingerprint(string(kind), sub, call.system))
	if again {
		kind = KindRetry
	}
	return kind, ordinal
}

// guard reports a panic of the upstream and breaks the response off.
func (g *Gateway) guard(serve func()) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			g.options.Fault(fmt.Errorf("gateway: the upstream panicked: %v\n%s", p, debug.Stack()))
			panic(http.ErrAbortHandler)
		}
	}()
	serve()
}
