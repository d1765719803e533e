package mcp

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 4 << 20

// HTTP serves agents' servers as streamable HTTP on loopback, each under /mcp/<agent>
// with a token of its own. It keeps no protocol sessions: a request is answered by
// itself, so that there is nothing to hijack and nothing to clean up.
type HTTP struct {
	listener net.Listener
	server   *http.Server
	done     chan struct{}
	once     sync.Once

	mu     sync.Mutex
	agents map[string]endpoint
}

type endpoint struct {
	token   string
	handler http.Handler
}

// NewHTTP listens on a free port of 127.0.0.1 and serves until Close.
func NewHTTP() (*HTTP, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for MCP on loopback: %w", err)
	}
	h := &HTTP{listener: l, done: make(chan struct{}), agents: map[string]endpoint{}}
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	go func() {
		defer close(h.done)
		_ = h.server.Serve(l)
	}()
	return h, nil
}

// Add serves an agent's server and returns its URL. Requests must carry the token as
// "Authorization: Bearer". It fails for a name or token that is empty or in use, and
// for a name that is no single path element.
func (h *HTTP) Add(name, token string, server *sdk.Server) (string, error) {
	if name == "" || token == "" || strings.ContainsAny(name, "/?#%") {
		return "", fmt.Errorf("MCP endpoint %q: an agent's name and a token are needed", name)
	}
	handler := sdk.NewStreamableHTTPHandler(
		func(*http.Request) *sdk.Server { return server },
		&sdk.StreamableHTTPOptions{Stateless: true, JSONResponse: true, MaxRequestBodyBytes: maxBody})
	h.mu.Lock()
	defer h.mu.Unlock()
	for n, e := range h.agents {
		if n == name || e.token == token {
			return "", fmt.Errorf("MCP endpoint %q: name or token is in use by %q", name, n)
		}
	}
	h.agents[name] = endpoint{token, handler}
	return "http://" + h.listener.Addr().String() + "/mcp/" + url.PathEscape(name), nil
}

// ServeHTTP checks who asks, and answers 401 alike for a wrong token and for an agent
// that is not there.
func (h *HTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !sameOrigin(r) {
		http.Error(w, "requests from web pages are refused", http.StatusForbidden)
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/mcp/")
	h.mu.Lock()
	e := h.agents[name]
	h.mu.Unlock()
	if !ok || e.handler == nil || !bearer(r, e.token) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "this endpoint needs its agent's token", http.StatusUnauthorized)
		return
	}
	e.handler.ServeHTTP(w, r)
}

func bearer(r *http.Request, token string) bool {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(given), []byte(token)) == 1
}

// sameOrigin refuses requests that a browser makes for a page from elsewhere, and
// names that were made to point here: a page must not be able to act for an agent.
func sameOrigin(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil || !loopback(host) {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == "http" && u.Host == r.Host
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Close stops listening, waits two seconds for requests in flight, cuts the connections
// that are left, and returns when nothing is served any more. It may be called twice.
func (h *HTTP) Close() error {
	var err error
	h.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err = h.server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
			err = h.server.Close()
		}
	})
	<-h.done
	return err
}
