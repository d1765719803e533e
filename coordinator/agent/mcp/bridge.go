package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// ErrClosed is returned by a bridge that was closed.
var ErrClosed = errors.New("the MCP bridge is closed")

// Bridge carries an agent's server over a channel that somebody else owns: one message
// in, its answer out. It may be used from any goroutine.
//
// Every handshake begins a new server session, and ends the one before: a client that
// shakes hands twice, or a process that is started again, is as welcome as the first.
type Bridge struct {
	server *sdk.Server

	mu     sync.Mutex
	pipe   *pipe // of the current session; nil: none yet
	closed bool
}

// NewBridge returns a bridge to a server that belongs to it alone.
func NewBridge(server *sdk.Server) *Bridge { return &Bridge{server: server} }

// Handle gives the client's message to the server and returns its answer. For a
// notification that is an empty result, which is what the control protocol expects.
func (b *Bridge) Handle(ctx context.Context, message json.RawMessage) (json.RawMessage, error) {
	m, err := jsonrpc.DecodeMessage(message)
	if err != nil {
		return nil, fmt.Errorf("not a JSON-RPC message: %w", err)
	}
	req, ok := m.(*jsonrpc.Request)
	if !ok {
		return json.RawMessage(`{"jsonrpc":"2.0","result":{}}`), nil // an answer nobody waits for
	}
	p, err := b.session(ctx, req.Method == "initialize")
	if err != nil {
		return nil, err
	}
	return p.exchange(ctx, req)
}

// session returns the current session's pipe, or a new one's.
func (b *Bridge) session(ctx context.Context, fresh bool) (*pipe, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	if b.pipe != nil && !fresh {
		return b.pipe, nil
	}
	if b.pipe != nil {
		b.pipe.end()
	}
	p := newPipe()
	s, err := b.server.Connect(context.WithoutCancel(ctx), p, nil)
	if err != nil {
		return nil, fmt.Errorf("MCP session: %w", err)
	}
	p.session, b.pipe = s, p
	return p, nil
}

// Close ends the session and waits for its goroutines. It may be called twice.
func (b *Bridge) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.pipe != nil {
		b.pipe.end()
		b.pipe = nil
	}
	return nil
}

// pipe is both the transport and the connection of one server session.
type pipe struct {
	session *sdk.ServerSession
	in      chan jsonrpc.Message
	done    chan struct{}
	once    sync.Once

	mu      sync.Mutex
	waiting map[jsonrpc.ID]chan json.RawMessage
}

func newPipe() *pipe {
	return &pipe{in: make(chan jsonrpc.Message), done: make(chan struct{}), waiting: map[jsonrpc.ID]chan json.RawMessage{}}
}

func (p *pipe) end() {
	_ = p.Close()
	_ = p.session.Wait()
}

// exchange hands a request in and waits for its answer. Once handed in, the request is the
// server's: it clears the id of one that repeats an id in flight.
func (p *pipe) exchange(ctx context.Context, req *jsonrpc.Request) (json.RawMessage, error) {
	call := req.IsCall()
	answer, err := p.await(req.ID)
	if err != nil {
		return nil, err
	}
	defer p.forget(req.ID)
	select {
	case p.in <- req:
	case <-p.done:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !call {
		return json.RawMessage(`{"jsonrpc":"2.0","result":{}}`), nil
	}
	select {
	case a := <-answer:
		return a, nil
	case <-p.done:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// await registers a request; its answer finds room even if nobody waits any more.
func (p *pipe) await(id jsonrpc.ID) (chan json.RawMessage, error) {
	if !id.IsValid() {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.waiting[id]; ok {
		return nil, fmt.Errorf("request id %v is already in use", id.Raw())
	}
	c := make(chan json.RawMessage, 1)
	p.waiting[id] = c
	return c, nil
}

func (p *pipe) forget(id jsonrpc.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, id)
}

// Connect makes the pipe a transport.
func (p *pipe) Connect(context.Context) (sdk.Connection, error) { return p, nil }

// Read gives the server its next message.
func (p *pipe) Read(ctx context.Context) (jsonrpc.Message, error) {
	select {
	case m := <-p.in:
		return m, nil
	case <-p.done:
		return nil, io.EOF
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Write takes the server's message. Answers go to who waits for them; what the server
// sends by itself is dropped, since this channel has nowhere for it to go.
func (p *pipe) Write(_ context.Context, m jsonrpc.Message) error {
	r, ok := m.(*jsonrpc.Response)
	if !ok {
		return nil
	}
	data, err := jsonrpc.EncodeMessage(r)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c, ok := p.waiting[r.ID]; ok {
		delete(p.waiting, r.ID)
		c <- data
	}
	return nil
}

// Close ends the connection.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// SessionID is empty: the channel has one session at a time.
func (p *pipe) SessionID() string { return "" }
