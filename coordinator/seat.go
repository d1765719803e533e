package coordinator

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/sandtable/sandtable/coordinator/agent"
	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/coordinator/gateway"
	"github.com/sandtable/sandtable/coordinator/workspace"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// driver fills a seat with a process.
type driver interface {
	// start brings the process up; an error is the agent's failure, before turn 1.
	start(ctx context.Context) error
	act(ctx context.Context, ask *sim.Ask, prompt string) sim.Answer
	// process is the running process, or nil.
	process() *process.Process
	// fail tells that no attempt is left.
	fail(ctx context.Context, id string, f *sim.Failure)
	// end says goodbye and leaves no process.
	end(ctx context.Context, bye goodbye) error
}

// goodbye is what an agent is told when it leaves or the run ends.
type goodbye struct {
	reason    string
	truncated bool
	scores    map[string]float64
}

// score is the agent's own, or nil.
func (g goodbye) score(name string) *float64 {
	if v, ok := g.scores[name]; ok {
		return &v
	}
	return nil
}

// seat plays one seat with a process and a view of its own: the actor that the engine
// asks. Its process runs only while one of its acts is open; in between it is frozen.
type seat struct {
	name   string
	run    *run
	view   *workspace.View
	driver driver
	spec   bind.Player
	freeze func(context.Context, *process.Process) error // nil: Process.Freeze; for tests

	mu      sync.Mutex // guards what follows; held for a whole act
	broken  *sim.Failure
	ended   bool
	lost    []told        // what became of its last write set, to be laid out in its view
	sealed  tree.WriteSet // what of its view is in a sealed stage
	torn    bool          // its view could not be brought up to date
	kept    kept          // what the run directory has of its conversation
	lastAsk string
}

// told is a decision that an agent has to hear of.
type told struct {
	turn      int
	decisions []tree.Decision
}

// errActTime is the cause of an act's end at its deadline.
var errActTime = fmt.Errorf("the act's time is up: %w", context.DeadlineExceeded)

// Act plays one attempt (sim.Actor) and makes its result durable, whatever it is. A
// failure of the harness ends the run.
func (s *seat) Act(ctx context.Context, ask *sim.Ask) sim.Answer {
	stretch()
	s.mu.Lock()
	defer s.mu.Unlock()
	ans, err := s.answer(ctx, ask)
	ans.Failure = s.neutral(ans.Failure)
	if err == nil {
		err = s.run.arrived(ctx, ask, &ans)
	}
	if err != nil && ctx.Err() == nil {
		s.run.harnessFailed(fmt.Errorf("agent %s, %s: %w", s.name, ask.ID, err))
	}
	return ans
}

// stretch makes the goroutine's stack as large as most acts need, 16 KiB, at once. An act
// runs on a goroutine of its own; grown by doubling from the deepest call of its view's scan,
// of JSON and of the trace, the stack was copied with all its frames three times an act. A
// larger one would not come from the runtime's cache.
//
//go:noinline
func stretch() {
	var room [9 << 10]byte
	runtime.KeepAlive(&room)
}

// answer plays, unless it is known before that the seat cannot.
func (s *seat) answer(ctx context.Context, ask *sim.Ask) (sim.Answer, error) {
	if s.broken != nil {
		return sim.Answer{Failure: s.broken}, nil
	}
	if f := s.run.exhausted(s.name); f != nil {
		return sim.Answer{Failure: f}, nil
	}
	if err := s.run.slot(ctx); err != nil {
		return sim.Answer{}, err
	}
	defer s.run.free()
	return s.play(ctx, ask)
}

func (s *seat) play(ctx context.Context, ask *sim.Ask) (sim.Answer, error) {
	err := s.openView(ctx, ask)
	if s.torn = err != nil; s.torn {
		if f := spoilt(err); f != nil {
			return sim.Answer{Failure: f}, nil
		}
		return sim.Answer{}, err
	}
	prompt, err := ask.Prompt()
	if err != nil {
		return sim.Answer{}, err
	}
	where := at{s.name, ask.Turn, ask.Stage, ask.Attempt}
	s.run.trace.event(eventPrompt, where, prompt, nil)
	s.run.attribute(s.name, gateway.Attribution{Turn: ask.Turn, Phase: ask.Phase, Stage: ask.Stage, Attempt: ask.Attempt})
	ans, err := s.hand(ctx, ask, prompt)
	if err != nil {
		return ans, err
	}
	if ans.Failure == nil {
		ctx = context.WithoutCancel(ctx) // it is paid for: a run that is being stopped keeps it too (G1)
	}
	return ans, s.closeView(ctx, ask, &ans)
}

// hand thaws the process, hands the turn over and starts the clock (C3); at the deadline
// the driver stops the process for certain (C2).
func (s *seat) hand(ctx context.Context, ask *sim.Ask, prompt string) (sim.Answer, error) {
	if p := s.driver.process(); p != nil {
		if err := p.Thaw(); err != nil && !gone(p) {
			return sim.Answer{}, err
		}
	} else if f, err := s.restart(ctx); f != nil || err != nil {
		return sim.Answer{Failure: f}, err
	}
	actx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if ask.Limit > 0 {
		var stop context.CancelFunc
		actx, stop = context.WithTimeoutCause(actx, ask.Limit+ask.Bank, errActTime)
		defer stop()
	}
	defer s.run.acts(s.name, cancel)()
	s.lastAsk = ask.ID
	s.run.defaults.Store(s.name, func() (any, bool) {
		action, ok, err := ask.Default()
		return action, ok && err == nil
	})
	start := time.Now()
	ans := s.driver.act(actx, ask, prompt)
	if ans.Used == 0 {
		ans.Used = time.Since(start)
	}
	return ans, nil
}

// neutral takes the sandbox's paths out of a failure's text: it becomes part of the
// history, and programs name their own files when they die.
func (s *seat) neutral(f *sim.Failure) *sim.Failure {
	if f == nil {
		return nil
	}
	own, _ := s.run.places(s.name) // where that fails, the sandbox's is still replaced
	clean := agent.Neutral(s.view.Dir(), own.home, own.tmp, s.run.sandbox)
	return &sim.Failure{Category: f.Category, Text: clean(f.Text)}
}

// gone reports whether the process has ended meanwhile: then it needs no freezing, and
// the driver finds out by itself.
func gone(p *process.Process) bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}

// decided is called between stages with what became of the seat's write set.
func (s *seat) decided(turn int, decisions []tree.Decision) {
	for _, d := range decisions {
		if d.Lost() {
			s.lost = append(s.lost, told{turn, decisions})
			return
		}
	}
}

// leave ends the seat's process and keeps what it has left; it may be called more than once.
func (s *seat) leave(ctx context.Context, bye goodbye) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil
	}
	s.ended = true
	var thawed error
	if p := s.driver.process(); p != nil && !gone(p) {
		thawed = p.Thaw()
	}
	err := errors.Join(s.driver.end(ctx, bye), s.keepLeft(ctx), s.run.keepTranscript(s))
	if thawed != nil && err == nil && s.driver.process() != nil {
		err = thawed
	}
	return err
}

// wasSealed is called when the stage is sealed in which the seat acted: its files are in
// it, its conversation is kept, and if no attempt is left, the program is told so.
func (s *seat) wasSealed(ctx context.Context, res *sim.Sealed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed = res.Writes
	if s.ended {
		return nil
	}
	last := len(res.Attempts) - 1
	if last >= 0 && res.Attempts[last].Failure != nil && s.lastAsk != "" {
		s.driver.fail(ctx, s.lastAsk, res.Attempts[last].Failure)
	}
	return s.run.keepTranscript(s)
}
