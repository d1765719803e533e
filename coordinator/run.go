package coordinator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/sandtable/sandtable/coordinator/agent/mcp"
	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/coordinator/gateway"
	"github.com/sandtable/sandtable/coordinator/workspace"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/history"
	"github.com/sandtable/sandtable/results/jsonl"
	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
	star "github.com/sandtable/sandtable/sim/starlark"
)

// run is one run being played. Its parts are opened in the order of the fields and
// closed in the opposite one.
type run struct {
	opts     *Options
	log      hclog.Logger
	scenario *scenarios.Scenario
	start    time.Time

	trace    *trace
	ledger   *jsonl.Writer
	intake   *jsonl.Writer
	history  *history.Writer
	sandbox  string // our own folder
	runtimes string // of the agents' sockets, if not in the sandbox
	ws       *workspace.Workspace
	procs    *process.Supervisor // nil: no seat needs a process
	gateway  *gateway.Gateway    // nil: no seat needs a model
	script   *gateway.Scripted
	budget   budget
	mcp      *mcp.HTTP  // nil: no program
	idle     *idleWatch // nil: no limit
	plan     *sim.Config
	players  []bind.Player // by seat number
	seats    map[string]*seat
	closers  []func(context.Context) error

	ctx      context.Context // of everything that belongs to the run
	cancel   context.CancelCauseFunc
	truncate context.CancelCauseFunc // ends the play at a limit, with a *sim.Truncation
	slots    chan struct{}           // nil: no limit
	closing  error                   // what was found when everything was closed
	acting   atomic.Int64
	turn     atomic.Int64
	fail     sync.Once
	leave    sync.WaitGroup // seats that are being ended while the run goes on
	kills    sync.WaitGroup // processes of our own that are being killed

	defaults sync.Map // agent name to func() (any, bool): the default action of its open act
}

// Spent is what a run's agents used.
type Spent struct{ Tokens, NanoUSD int64 }

// Run plays one run to its end and writes what is to be known of it into its
// directory. The error is a [*HarnessError], or the cause of ctx if the run was
// interrupted; run.json says the same. An agent's failure is none.
func Run(ctx context.Context, o Options) (Spent, error) {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	r := &run{opts: &o, log: o.Log, scenario: o.Run.Plan.Scenario, start: time.Now(), seats: map[string]*seat{}}
	if o.Acts > 0 {
		r.slots = make(chan struct{}, o.Acts)
	}
	res, err := r.sound(ctx)
	err = r.classify(ctx, err)
	return r.budget.spent(), errors.Join(err, r.conclude(res, err))
}

// sound makes a panic what it is, a failure of the harness: all has closed everything by
// then, so that no process is left and run.json can say it.
func (r *run) sound(ctx context.Context) (res *sim.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			res, err = nil, &HarnessError{fmt.Errorf("a defect of this program, please report it: %v\n%s", p, debug.Stack())}
		}
	}()
	return r.all(ctx)
}

// all opens, plays and closes; what closing finds (a process that is left, a file that
// cannot be written) makes a run fail that had gone well.
func (r *run) all(ctx context.Context) (res *sim.Result, err error) {
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	defer r.cancel(nil)
	defer func() {
		if r.closing = r.close(); r.closing != nil {
			res, err = nil, errors.Join(err, r.closing)
		}
	}()
	play, truncate := context.WithCancelCause(r.ctx)
	defer truncate(nil)
	r.truncate = truncate
	if err := r.open(); err != nil {
		return nil, err
	}
	if r.opts.opened != nil {
		r.opts.opened(r)
	}
	if err := r.startAgents(); err != nil {
		return nil, err
	}
	r.watchIdle()
	if wall := r.opts.Run.Cell.Limits.Wall; wall > 0 {
		limited, stop := context.WithTimeoutCause(play, wall, &sim.Truncation{Reason: "wall"})
		defer stop()
		play = limited
	}
	if res, err = sim.Play(play, r.plan); err != nil {
		r.explain(err)
		return nil, err
	}
	return res, r.finish(res)
}

// explain keeps where a world or a script failed, call by call, for whoever mends it.
func (r *run) explain(err error) {
	var failed *star.EvalError
	if errors.As(err, &failed) && failed.Backtrace != "" {
		r.trace.event("world.error", at{}, failed.Backtrace, nil)
		r.log.Error("the rules failed", "error", err, "calls", failed.Backtrace)
	}
}

// classify tells an interrupt from a failure. A failure that a helper found cancelled
// the play; the cause says more than what the play made of it, and an interrupt that
// came after it hides nothing. What was found at the end of a run that was interrupted
// (a process that is left) is told beside the interrupt.
func (r *run) classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if broken := r.broken(); broken != nil {
		return broken
	}
	if known := (*HarnessError)(nil); errors.As(err, &known) {
		return known
	}
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), r.closing)
	}
	return &HarnessError{err}
}

// broken is the failure of the harness that a helper found, or nil.
func (r *run) broken() error {
	var harness *HarnessError
	if errors.As(context.Cause(r.ctx), &harness) {
		return harness
	}
	return nil
}

// harnessFailed ends the run from wherever the failure was found; the first one counts.
func (r *run) harnessFailed(err error) {
	r.fail.Do(func() {
		r.log.Error("the harness failed", "error", err)
		r.cancel(&HarnessError{err})
	})
}

// conclude writes run.json for the last time.
func (r *run) conclude(res *sim.Result, err error) error {
	info := r.opts.Info
	info.WallNS += time.Since(r.start).Nanoseconds()
	var harness *HarnessError
	switch {
	case errors.As(err, &harness):
		info.Status, info.Error = results.HarnessFailed, harness.Err.Error()
	case err != nil:
		info.Status, info.Error = results.Interrupted, err.Error()
	case res.Void:
		info.Status = results.Void
	case res.Truncated:
		info.Status = results.Truncated
	default:
		info.Status = results.Completed
	}
	if r.history != nil && res != nil {
		info.History = r.history.Hash()
	}
	if err := r.opts.Dir.WriteInfo(info); err != nil {
		return &HarnessError{fmt.Errorf("run.json: %w", err)}
	}
	return nil
}

// id names the run in its batch.
func (r *run) id() string { return r.opts.Run.Cell.ID + "/" + r.opts.Run.ID }

// onClose remembers what has to be undone, in the opposite order.
func (r *run) onClose(f func(context.Context) error) { r.closers = append(r.closers, f) }

func (r *run) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeLimit+killLimit)
	defer cancel()
	var errs []error
	for i := len(r.closers) - 1; i >= 0; i-- {
		errs = append(errs, r.closers[i](ctx))
	}
	return errors.Join(errs...)
}

// agentFile makes a file in the run directory's folder of an agent.
func (r *run) agentFile(agent, name string) (*os.File, error) {
	dir, err := r.opts.Dir.Agent(agent)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(dir+"/"+name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
}

// slot waits for a worker; the time is nobody's (C3). There is none in a run that is
// being stopped: nothing is handed to an agent then that would cost something.
func (r *run) slot(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r.slots != nil {
		select {
		case r.slots <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	r.acting.Add(1)
	r.show()
	return nil
}

func (r *run) free() {
	r.acting.Add(-1)
	if r.slots != nil {
		<-r.slots
	}
	r.show()
}

func (r *run) show() {
	if r.opts.Watch == nil {
		return
	}
	p := Progress{Run: r.id(), Turn: int(r.turn.Load()), Acting: int(r.acting.Load())}
	spent := r.budget.spent()
	p.Tokens, p.NanoUSD = spent.Tokens, spent.NanoUSD
	r.opts.Watch(p)
}
