package program

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/sandtable/sandtable/coordinator/agent"
	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/sim"
)

// Options of a [Driver].
type Options struct {
	// Spawn starts the program's process. It is called again when the program is gone.
	Spawn func(context.Context) (*process.Process, error)
	Hello Hello
	Log   hclog.Logger // nil: nowhere
	// Trace hears what does not decide anything: start, exit, kill, log, stale, garbage,
	// muted, with a JSON value each. It is called from any goroutine. nil: nobody does.
	Trace func(kind string, data any)
	// Stderr gets the first 16 MiB of what each process prints there; nil: nobody does.
	Stderr io.Writer
	// Neutral rewrites what the program says and writes to others; see [agent.Neutral].
	// nil: nothing is rewritten.
	Neutral func(string) string
	// StartLimit is how long hello may wait for ready. 0: 30 s.
	StartLimit time.Duration
	// Grace is what a program has to react to cancel and to end. 0: 2 s.
	Grace time.Duration
}

// Driver plays one seat with a program.
type Driver struct {
	opts Options

	mu     sync.Mutex // guards what follows
	now    *session   // nil: no process
	closed bool
}

// New returns a driver. It starts nothing.
func New(o Options) *Driver {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.Trace == nil {
		o.Trace = func(string, any) {}
	}
	if o.Neutral == nil {
		o.Neutral = func(s string) string { return s }
	}
	if o.StartLimit == 0 {
		o.StartLimit = 30 * time.Second
	}
	if o.Grace == 0 {
		o.Grace = 2 * time.Second
	}
	return &Driver{opts: o}
}

// Start makes sure that the program runs and is ready, so that its start is not part of
// its first turn. The error is a [*sim.Failure].
func (d *Driver) Start(ctx context.Context) error {
	if _, f := d.session(ctx); f != nil {
		return f
	}
	return nil
}

// Process is the running process, to be frozen between turns; nil if there is none, also
// if it has ended by itself: who starts a new one then does it outside of an act. The
// program must be thawed before Act, End and Fail.
func (d *Driver) Process() *process.Process {
	s := d.current()
	if s == nil {
		return nil
	}
	select {
	case <-s.proc.Done():
		return nil
	default:
		return s.proc
	}
}

func (d *Driver) current() *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

// session returns the running session, or starts one.
func (d *Driver) session(ctx context.Context) (*session, *sim.Failure) {
	s := d.current()
	if s != nil && s.alive() {
		return s, nil
	}
	if s != nil {
		d.drop(s, "it does not hear us any more")
	}
	if !d.adopt(nil) {
		return nil, errClosed()
	}
	p, err := d.opts.Spawn(ctx)
	if err != nil {
		return nil, spawnFailure(ctx, err)
	}
	d.opts.Trace("start", map[string]any{"pid": p.PID()})
	s = newSession(p, &d.opts)
	if !d.adopt(s) {
		s.close("the driver is closed")
		return nil, errClosed()
	}
	if f := d.greet(ctx, s); f != nil {
		d.drop(s, "it did not get ready")
		return nil, f
	}
	return s, nil
}

func errClosed() *sim.Failure { return failure(sim.Transport, "the driver is closed").Failure }

// adopt makes s the running session, unless the driver is closed.
func (d *Driver) adopt(s *session) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.now = s
	}
	return !d.closed
}

// drop ends a session for good. why is for the trace, if it must be killed for that.
func (d *Driver) drop(s *session, why string) {
	s.close(why)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now == s {
		d.now = nil
		d.opts.Trace("exit", map[string]any{"pid": s.proc.PID(), "exit": s.exit().String()})
	}
}

// spawnFailure tells a program that cannot be started from a harness that cannot start
// it.
func spawnFailure(ctx context.Context, err error) *sim.Failure {
	var missing *process.SpawnError
	switch {
	case errors.As(err, &missing):
		return &sim.Failure{Category: sim.Crash, Text: err.Error()}
	case ctx.Err() != nil:
		return timeout(ctx).Failure
	}
	return &sim.Failure{Category: sim.Transport, Text: err.Error()}
}

// greet says hello and waits for ready.
func (d *Driver) greet(ctx context.Context, s *session) *sim.Failure {
	start, cancel := context.WithTimeout(ctx, d.opts.StartLimit)
	defer cancel()
	if s.write(start, d.opts.Hello.message()) == nil {
		select {
		case <-s.ready:
			return nil
		case <-s.gone:
		case <-start.Done():
		}
	}
	switch {
	case ctx.Err() != nil:
		return timeout(ctx).Failure
	case start.Err() != nil:
		return failure(sim.Crash, "the program did not answer hello with ready within %v%s", d.opts.StartLimit, stderrOf(s)).Failure
	}
	return d.crash(s)
}

// crash describes the end of a program that should not have ended.
func (d *Driver) crash(s *session) *sim.Failure {
	end := time.NewTimer(d.opts.Grace)
	defer end.Stop()
	why := "the program ended before its move: "
	select {
	case <-s.proc.Done():
	case <-end.C:
		why = "the program closed its input or output, went on, and was killed: "
		s.kill("it closed its input or output")
	}
	d.drop(s, why) // after which all of stderr is read
	exit := s.exit()
	if errors.Is(exit.Err, process.ErrSupervisor) {
		return failure(sim.Transport, "%v", exit.Err).Failure
	}
	return failure(sim.Crash, "%s%v%s", why, exit, stderrOf(s)).Failure
}

func stderrOf(s *session) string {
	if t := clean(s.errs.End()); t != "" {
		return "; the end of its stderr:\n" + t
	}
	return ""
}

// Act asks for one attempt's move. prompt is the rendered text of the turn. The end of
// ctx is the attempt's deadline: then Act returns TIMEOUT, at most [Options.Grace] and
// the time of a kill later. Used is the time from the request to the move; the start of
// a process is not in it. Writes is left empty.
func (d *Driver) Act(ctx context.Context, ask *sim.Ask, prompt string) sim.Answer {
	a, missed := d.once(ctx, ask, prompt)
	if missed {
		a, _ = d.once(ctx, ask, prompt)
	}
	if a.Failure == nil && ask.Schema != nil && a.Action == nil && ask.Via.Kind == sim.ViaReply {
		if v, ok := agent.LastObject(a.Say); ok {
			a.Action = v
		}
	}
	return a
}

// once asks the running process, or a new one. missed: it was on its way out since an
// earlier attempt and has not read this one. Then it did not crash in it, and is to be
// started anew, as it would have been had its end been noticed before.
func (d *Driver) once(ctx context.Context, ask *sim.Ask, prompt string) (a sim.Answer, missed bool) {
	s, f := d.session(ctx)
	if f != nil {
		return sim.Answer{Failure: f}, false
	}
	if ctx.Err() != nil { // one who is not asked cannot answer in the moment of the cancel
		return timeout(ctx), false
	}
	m, fresh, err := s.request(ask, prompt)
	if err != nil {
		return failure(sim.Transport, "the turn cannot be told: %v", err), false
	}
	old := s.asked != ""
	answer := s.begin(ask.ID, fresh)
	begin := time.Now()
	a, ended := d.await(ctx, s, m, answer, ask.ID)
	if ended {
		missed = old && s.unread()
		a.Failure = d.crash(s)
	}
	a.Used = time.Since(begin)
	return a, missed
}

// request is error where this process knows the attempt before, else turn, and fresh.
func (s *session) request(ask *sim.Ask, prompt string) (m any, fresh bool, err error) {
	if ask.Retry != nil && sameStage(s.asked, ask.ID) {
		return errorMessage(s.asked, ask.Retry, ask.ID), false, nil
	}
	m, err = turnMessage(ask, prompt)
	return m, true, err
}

// sameStage tells whether two ids, turn.stage.attempt, differ in the attempt only.
func sameStage(a, b string) bool {
	return a != "" && a[:strings.LastIndexByte(a, '.')+1] == b[:strings.LastIndexByte(b, '.')+1]
}

// await returns the answer, or that the program ended before it gave one.
func (d *Driver) await(ctx context.Context, s *session, m any, answer chan sim.Answer, id string) (a sim.Answer, ended bool) {
	var broken <-chan time.Time
	if err := s.write(ctx, m); err != nil && ctx.Err() == nil {
		t := time.NewTimer(d.opts.Grace) // it closed its input, most likely because it is ending
		defer t.Stop()
		broken = t.C
	}
	select {
	case a := <-answer:
		return a, false
	case <-s.gone:
	case <-broken:
	case <-ctx.Done():
		return d.cancel(ctx, s, answer, id), false
	}
	a, answered := s.shut(answer, "")
	return a, !answered
}

// cancel tells the program that its time is over, and kills it unless it gives a sign.
func (d *Driver) cancel(ctx context.Context, s *session, answer chan sim.Answer, id string) sim.Answer {
	if a, ok := s.shut(answer, id); ok {
		return a
	}
	grace, stop := context.WithTimeout(context.Background(), d.opts.Grace)
	defer stop()
	if !s.torn && s.write(grace, map[string]any{"type": "cancel", "id": id, "reason": reason(ctx)}) == nil {
		select {
		case <-s.sign:
			return timeout(ctx)
		case <-s.gone:
		case <-grace.Done():
		}
	}
	d.drop(s, "it did not react to cancel")
	return timeout(ctx)
}

// reason is the word for the program; timeout what the engine hears.
func reason(ctx context.Context) string {
	if cause := context.Cause(ctx); isTimeout(cause) {
		return "timeout"
	}
	return "stopped"
}

func timeout(ctx context.Context) sim.Answer {
	cause := context.Cause(ctx)
	if text, own := strings.CutSuffix(cause.Error(), ": "+context.DeadlineExceeded.Error()); own {
		return failure(sim.Timeout, "%s", text) // whose deadline it was: the act's, or limits.idle
	}
	if isTimeout(cause) {
		return failure(sim.Timeout, "the time for the act was over")
	}
	return failure(sim.Timeout, "the act was stopped: %v", cause)
}

func isTimeout(err error) bool {
	var f *sim.Failure
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &f) && f.Category == sim.Timeout
}

// Fail tells the program that attempt id failed and none is left. A program that is gone,
// or was not asked that, is not told.
func (d *Driver) Fail(ctx context.Context, id string, f *sim.Failure) {
	s := d.current()
	if s == nil || !s.alive() || s.asked != id {
		return
	}
	ctx, stop := context.WithTimeout(ctx, d.opts.Grace)
	defer stop()
	s.write(ctx, errorMessage(id, f, ""))
}

// End tells the program that the run is over, and waits until it is gone: by itself
// within [Options.Grace], else killed. score is nil where there is none.
func (d *Driver) End(ctx context.Context, reason string, truncated bool, score *float64) {
	s := d.current()
	if s == nil {
		return
	}
	grace, stop := context.WithTimeout(ctx, d.opts.Grace)
	defer stop()
	m := map[string]any{"type": "end", "reason": reason, "truncated": truncated, "score": nil}
	if score != nil {
		m["score"] = *score
	}
	if s.alive() && s.write(grace, m) == nil {
		s.proc.Stdin.Close()
		select {
		case <-s.proc.Done():
		case <-grace.Done():
		}
	}
	d.drop(s, "it did not end")
}

// Close kills the program if it runs, and waits for the driver's goroutines. After it,
// Act fails. Calling it again does nothing.
func (d *Driver) Close() {
	d.mu.Lock()
	d.closed = true
	s := d.now
	d.mu.Unlock()
	if s != nil {
		d.drop(s, "the run is over")
	}
}
