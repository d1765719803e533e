package claude

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sandtable/sandtable/sim"
)

const (
	maxOpen   = 64              // open requests of the process
	killGrace = 5 * time.Second // for a killed process to be reported as ended
)

// session is one process: its streams, what is asked and answered over them, and how
// it ended.
type session struct {
	proc   *Process
	host   host
	ctx    context.Context // ends with the process
	cancel context.CancelFunc
	out    chan []byte   // lines for stdin
	eof    chan struct{} // closed: stdin is to be closed
	tail   *tail
	told   chan struct{} // closed: all of stderr is in the tail
	wg     sync.WaitGroup

	room    chan struct{} // a place for each open request of the process
	results chan *result  // of turns, in order
	steps   chan struct{} // one message of the model too many
	ended   chan struct{} // closed when stdout has ended
	count   counter       // used by the turn's goroutine only

	output, garbage atomic.Int64 // in this act
	stepLimit       atomic.Int64 // model messages in this act; 0: none

	mu       sync.Mutex
	asked    int
	pending  map[string]chan reply
	open     map[string]context.CancelFunc // requests of the process
	messages map[string]bool               // ids of the model's messages in this act
	cause    *sim.Failure                  // why the reader killed the process; nil: it did not
}

// host is who a session works for: it hears of tool blocks and of the end of the steps, in
// order, and answers what the process asks.
type host interface {
	block(id string)
	act() int // the open one; 0: none
	spent()   // the act's step limit: no further tool may run in it
	answer(ctx context.Context, r *request) (any, error)
	trace(kind string, data any)
	frame(line []byte)
}

func newSession(p *Process, h host, stderr *tail) *session {
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{
		proc: p, host: h, ctx: ctx, cancel: cancel, tail: stderr, told: make(chan struct{}),
		out: make(chan []byte, maxOpen), eof: make(chan struct{}),
		room: make(chan struct{}, maxOpen), results: make(chan *result, 16), steps: make(chan struct{}, 1), ended: make(chan struct{}),
		pending: map[string]chan reply{}, open: map[string]context.CancelFunc{}, messages: map[string]bool{},
	}
	s.wg.Go(s.write)
	s.wg.Go(s.read)
	s.wg.Go(func() {
		defer close(s.told)
		_, _ = io.Copy(s.tail, p.Stderr)
	})
	s.wg.Go(s.watch)
	return s
}

// watch ends the reading of a process that has ended: a child that survives it may
// hold its output open.
func (s *session) watch() {
	select {
	case <-s.proc.Done:
	case <-s.ended:
		return
	case <-s.ctx.Done():
		return
	}
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case <-s.ended:
	case <-t.C:
		_ = s.proc.Stdout.Close()
	}
}

// alive tells whether the process may still be spoken to.
func (s *session) alive() bool {
	select {
	case <-s.ended:
		return false
	case <-s.proc.Done:
		return false
	default:
		return true
	}
}

// fail kills the process for what it has said. The first cause stays.
func (s *session) fail(c sim.Category, format string, args ...any) {
	s.mu.Lock()
	if s.cause == nil {
		s.cause = &sim.Failure{Category: c, Text: fmt.Sprintf(format, args...)}
	}
	s.mu.Unlock()
	s.proc.Kill()
}

// verdict is why the process ended, as a failure of the open attempt: CRASH, unless
// the reader killed it for what it said.
func (s *session) verdict() *sim.Failure {
	s.mu.Lock()
	cause := s.cause
	s.mu.Unlock()
	if cause != nil {
		return cause
	}
	exit := s.exit(time.Second)
	// Else the same end would have its reason in one run and none in another. A child that
	// lives on may hold stderr open.
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case <-s.told:
	case <-t.C:
	}
	return &sim.Failure{Category: sim.Crash, Text: "the agent's process ended: " + exit + s.tail.said()}
}

// exit is how the process ended, as far as that is known within d.
func (s *session) exit(d time.Duration) string {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.proc.Done:
		return s.proc.Exit()
	case <-t.C:
		return "its output was closed"
	}
}

// close ends the process and everything that belongs to the session: end of input,
// grace to finish, then the kill. It returns how the process ended.
func (s *session) close(grace time.Duration) string {
	if grace > 0 && s.alive() {
		close(s.eof)
		t := time.NewTimer(grace)
		select {
		case <-s.proc.Done:
		case <-t.C:
		}
		t.Stop()
	}
	s.proc.Kill() // its children too, after a quiet end as well
	exit := s.exit(killGrace)
	s.cancel()
	// A child that escaped the kill may hold the pipes: nobody waits for it here.
	for _, c := range []interface{ Close() error }{s.proc.Stdin, s.proc.Stdout, s.proc.Stderr} {
		_ = c.Close()
	}
	s.wg.Wait()
	return exit
}
