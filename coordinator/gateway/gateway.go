package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Options configure a gateway. Zero fields mean what their comments say.
type Options struct {
	Upstream Upstream // required
	Prices   *Prices  // nil: [DefaultPrices]
	// Sink gets every row, one at a time, in the order of Sequence, before the client
	// sees the end of the response. It is called by the ledger's goroutine and may not
	// call the gateway. After an error no inference is answered any more. nil: rows are
	// only added up.
	Sink func(Row) error
	// Fault hears of what the run has to know because it cannot go on: a sink that
	// fails, an upstream that panics. It is called by the gateway's goroutines and may
	// not call the gateway. nil: it is logged.
	Fault func(error)
	Log   hclog.Logger // nil: silent
	// Earlier are the rows of an earlier coordinator of the same run. Sums, sequence and
	// ordinals continue after them. They are not sent to Sink.
	Earlier []Row
	Socket  string // path of a Unix socket to listen on as well; "": none
	// MaxBody bounds a request's body in bytes; 0: 32 MiB, which is the API's own limit.
	// The open requests of one agent may hold twice that together; one that would be
	// more is told to come again.
	MaxBody int64
	// MaxOpen bounds the requests of one agent that are open at a time; further ones are
	// told to come again. 0: 64.
	MaxOpen int
	Now     func() time.Time // for Activity only; nil: time.Now
}

func (o *Options) complete() error {
	if o.Upstream == nil {
		return errors.New("gateway: no upstream")
	}
	if o.Prices == nil {
		o.Prices = DefaultPrices()
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.Fault == nil {
		o.Fault = func(err error) { o.Log.Error("fault", "error", err) }
	}
	if o.MaxBody == 0 {
		o.MaxBody = 32 << 20
	}
	if o.MaxOpen == 0 {
		o.MaxOpen = 64
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// Gateway is a running model API. Make one with [New].
type Gateway struct {
	options   Options
	listeners []net.Listener // the loopback one first
	server    *http.Server
	ledger    *ledger
	cancel    context.CancelFunc
	serving   sync.WaitGroup // the listeners' goroutines
	handlers  sync.WaitGroup
	once      sync.Once

	mu       sync.Mutex
	accounts map[string]*account
	closed   bool // no handler may start
	refused  int64
}

// New binds the gateway's listeners. Nothing is answered before [Gateway.Serve]; the
// caller owes [Gateway.Close] in any case.
func New(o Options) (*Gateway, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	g := &Gateway{options: o, cancel: cancel, accounts: map[string]*account{}}
	g.ledger = newLedger(o, o.Fault)
	g.server = &http.Server{
		Handler:           g,
		ReadHeaderTimeout: 30 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          o.Log.StandardLogger(&hclog.StandardLoggerOptions{InferLevels: true}),
	}
	if err := g.listen(o.Socket); err != nil {
		cancel()
		return nil, fmt.Errorf("gateway: %w", err)
	}
	go g.ledger.run()
	return g, nil
}

func (g *Gateway) listen(socket string) error {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	g.listeners = []net.Listener{tcp}
	if socket == "" {
		return nil
	}
	unix, err := net.Listen("unix", socket)
	if err != nil {
		return errors.Join(err, tcp.Close())
	}
	g.listeners = append(g.listeners, unix)
	// Agents may run as other users; keys keep them apart, not the socket's mode.
	if err := os.Chmod(socket, 0o666); err != nil {
		return errors.Join(err, tcp.Close(), unix.Close())
	}
	return nil
}

// Serve starts answering and returns at once. Call it once.
func (g *Gateway) Serve() {
	for _, l := range g.listeners {
		g.serving.Go(func() {
			if err := g.server.Serve(l); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				g.options.Fault(fmt.Errorf("gateway: %s: %w", l.Addr(), err))
			}
		})
	}
}

// Close cancels what is in flight, waits until it has ended and is booked, and removes
// the socket. It may be called more than once; all calls return when it is done.
func (g *Gateway) Close() error {
	var err error
	g.once.Do(func() {
		g.mu.Lock()
		g.closed = true
		g.mu.Unlock()
		g.cancel()
		err = g.server.Close()
		for _, l := range g.listeners { // in case Serve was never called
			if e := l.Close(); !errors.Is(e, net.ErrClosed) {
				err = errors.Join(err, e)
			}
		}
		g.handlers.Wait()
		g.serving.Wait()
		close(g.ledger.in)
		<-g.ledger.ended
	})
	return err
}

// Usage is the sum of an agent's rows.
func (g *Gateway) Usage(agent string) Usage { return g.ledger.usage(agent, false) }

// Total is the sum of all rows.
func (g *Gateway) Total() Usage { return g.ledger.usage("", true) }

// Refusals is the number of requests that were turned away at the door: a wrong key, a
// wrong path, a browser.
func (g *Gateway) Refusals() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

// enter admits a handler, unless the gateway closes. The caller owes handlers.Done.
func (g *Gateway) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.handlers.Add(1)
	return true
}
