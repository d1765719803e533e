package program

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sandtable/sandtable/coordinator/agent"
	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/sim"
	"golang.org/x/sys/unix"
)

const (
	// maxNoise is how many bytes a program may print between two turns, and in one,
	// without answering. A short line counts for lineCost, about what reading it costs.
	maxNoise = 16 << 20
	lineCost = 256
	// maxNotes is how many of them, in messages and bytes, the trace hears of.
	maxNotes, maxNoteBytes = 100, 256 << 10
)

// session is one process of a program, from hello to its end.
type session struct {
	proc  *process.Process
	opts  *Options
	errs  *agent.Stderr
	ready chan struct{} // closed at the first ready
	sign  chan struct{} // after a cancel: the program gave a sign; one place
	gone  chan struct{} // closed when stdout is at its end
	wait  sync.WaitGroup

	// Owned by the driver's caller.
	asked string // the last id that this process was asked
	torn  bool   // a write was cut off: what follows would not be understood
	wrote int    // bytes of the last message

	mu       sync.Mutex // guards what follows
	greeted  bool
	open     string          // id of the open attempt; "": none
	answer   chan sim.Answer // of the open attempt; one place
	noise    int             // bytes since the last turn
	notes    int
	noted    int // bytes of notes
	muted    bool
	overrun  bool   // it is killed for flooding
	killed   bool   // the trace knows
	canceled string // id of the attempt that was cancelled
}

func newSession(p *process.Process, o *Options) *session {
	s := &session{
		proc: p, opts: o, errs: agent.NewStderr(o.Stderr),
		ready: make(chan struct{}), sign: make(chan struct{}, 1), gone: make(chan struct{}),
	}
	s.wait.Add(2)
	go func() {
		defer s.wait.Done()
		io.Copy(s.errs, p.Stderr)
	}()
	go func() {
		defer s.wait.Done()
		defer close(s.gone)
		s.read(newLines(p.Stdout, maxLine))
	}()
	return s
}

// read handles lines until the output's end.
func (s *session) read(in *lines) {
	for {
		line, n, err := in.next()
		switch err {
		case nil:
			s.line(line, n)
		case errTooLong:
			s.garbage(n, err)
		case errSkipped:
			s.count(n)
		default:
			return
		}
	}
}

func (s *session) line(line []byte, n int) {
	if isBlank(line) {
		s.count(n)
		return
	}
	m, err := parse(line)
	if err != nil {
		s.garbage(n, err)
		return
	}
	switch text(m.Type) {
	case "move":
		s.move(m, n)
	case "ready":
		s.onReady(n)
	case "log":
		s.note("log", map[string]any{"text": text(m.Text)}, n)
		s.count(n)
	default:
		s.count(n) // kinds of a later version
	}
}

func isBlank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

// move takes the answer to the open attempt; any other is stale.
func (s *session) move(m said, n int) {
	id := text(m.ID)
	s.mu.Lock()
	if id == "" || id != s.open {
		late := id != "" && id == s.canceled
		s.mu.Unlock()
		if late {
			s.signal()
		}
		s.note("stale", map[string]any{"id": clip(id)}, n)
		s.count(n)
		return
	}
	s.mu.Unlock()
	a, err := m.move(s.opts.Neutral)
	if err != nil {
		a = failure(sim.Unparsable, "%v", err)
	}
	s.settle(id, a)
}

func (s *session) onReady(n int) {
	s.mu.Lock()
	if !s.greeted {
		s.greeted = true
		close(s.ready)
	}
	s.mu.Unlock()
	s.signal()
	s.count(n)
}

// garbage ends the open attempt. Between attempts it is only noted.
func (s *session) garbage(n int, why error) {
	s.mu.Lock()
	id := s.open
	s.mu.Unlock()
	if id == "" || !s.settle(id, failure(sim.Unparsable, "%v", why)) {
		s.note("garbage", map[string]any{"text": why.Error()}, n)
	}
	s.count(n)
}

// settle answers an attempt if it is still open. The first answer counts.
func (s *session) settle(id string, a sim.Answer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != id {
		return false
	}
	s.open = ""
	s.answer <- a
	return true
}

func (s *session) signal() {
	select {
	case s.sign <- struct{}{}:
	default:
	}
}

// count adds up what is printed and does not answer, and kills a program that floods. It
// is dead before its attempt is answered: the next one must not be asked of it.
func (s *session) count(n int) {
	s.mu.Lock()
	s.noise += max(n, lineCost)
	flood := s.noise > maxNoise && !s.overrun
	s.overrun = s.overrun || flood
	id := s.open
	s.mu.Unlock()
	if !flood {
		return
	}
	s.kill("it floods its output")
	if id != "" {
		s.settle(id, failure(sim.Truncated, "the program printed more than %d MiB without answering, and was killed", maxNoise>>20))
	}
}

// note traces, up to a bound.
func (s *session) note(kind string, data map[string]any, n int) {
	s.mu.Lock()
	s.notes, s.noted = s.notes+1, s.noted+n
	over := s.notes > maxNotes || s.noted > maxNoteBytes
	first := over && !s.muted
	s.muted = over
	s.mu.Unlock()
	switch {
	case !over:
		s.opts.Trace(kind, data)
	case first:
		s.opts.Trace("muted", map[string]any{"text": "what the program prints is not traced any further in this turn"})
	}
}

// begin opens an attempt. Only a new turn forgives noise: retries do not.
func (s *session) begin(id string, turn bool) chan sim.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if turn {
		s.noise, s.notes, s.noted, s.muted = 0, 0, 0, false
	}
	s.open, s.canceled, s.answer = id, "", make(chan sim.Answer, 1)
	s.asked = id
	return s.answer
}

// shut closes the open attempt, so that what comes is stale, and returns the answer that
// had come before.
func (s *session) shut(answer chan sim.Answer, canceled string) (sim.Answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open, s.canceled = "", canceled
	select {
	case <-s.sign: // an old one
	default:
	}
	select {
	case a := <-answer:
		return a, true
	default:
		return sim.Answer{}, false
	}
}

// write sends one message. A program that does not read holds it up until ctx ends, and
// then is not understood any more.
func (s *session) write(ctx context.Context, m any) error {
	b, err := encode(m)
	if err != nil {
		return err
	}
	s.proc.Stdin.SetWriteDeadline(time.Time{})
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(over)
		s.proc.Stdin.SetWriteDeadline(time.Unix(1, 0))
	})
	s.wrote, err = s.proc.Stdin.Write(b)
	if !stop() {
		<-over
	}
	s.torn = s.torn || err != nil
	return err
}

// unread tells whether nobody has read anything of the last message: the pipe still holds
// as much.
func (s *session) unread() bool {
	held := 0
	raw, err := s.proc.Stdin.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { held, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	}
	return err == nil && held >= s.wrote
}

// kill kills the tree; the trace says why, once. A failure is the harness's and is logged.
func (s *session) kill(why string) {
	s.mu.Lock()
	first := !s.killed
	s.killed = true
	s.mu.Unlock()
	if first {
		s.opts.Trace("kill", map[string]any{"pid": s.proc.PID(), "why": why})
	}
	if err := s.proc.Kill(context.Background()); err != nil {
		s.opts.Log.Error("program not killed", "agent", s.opts.Hello.Name, "error", err)
	}
}

// alive tells whether the session can take another message.
func (s *session) alive() bool {
	select {
	case <-s.gone:
		return false
	case <-s.proc.Done():
		return false
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.torn && !s.overrun
}

// close kills what is left and waits for the readers.
func (s *session) close(why string) {
	select {
	case <-s.proc.Done():
	default:
		s.kill(why)
	}
	late := time.AfterFunc(time.Second, func() { // something unkillable may hold the pipes
		s.proc.Stdout.SetReadDeadline(time.Unix(1, 0))
		s.proc.Stderr.SetReadDeadline(time.Unix(1, 0))
	})
	s.wait.Wait()
	late.Stop()
	s.proc.CloseStreams()
}

// exit is how the process ended; it does not wait for one that could not be killed.
func (s *session) exit() process.Exit {
	select {
	case <-s.proc.Done():
		return s.proc.Exit()
	default:
		return process.Exit{Code: -1, Err: &process.SurvivorsError{Name: s.opts.Hello.Name, PIDs: s.proc.Alive(), Want: "killed"}}
	}
}

func clip(s string) string {
	const most = 64
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func failure(c sim.Category, format string, args ...any) sim.Answer {
	return sim.Answer{Failure: &sim.Failure{Category: c, Text: fmt.Sprintf(format, args...)}}
}
