package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sandtable/sandtable/sim/tree"
)

// Truncation is the cause to cancel a run's context with when a limit ends it: the
// open stage is discarded and the run ends truncated with this reason (E1, C4).
type Truncation struct{ Reason string }

// Error makes a truncation usable as a context's cause.
func (t *Truncation) Error() string { return "truncated: " + t.Reason }

// WorldError is an error of the rules: the run ends as a harness failure.
type WorldError struct {
	Call string // the function that failed
	Turn int
	Err  error
}

func (e *WorldError) Error() string {
	return fmt.Sprintf("world: %s in turn %d: %v", e.Call, e.Turn, e.Err)
}

// Unwrap returns the cause.
func (e *WorldError) Unwrap() error { return e.Err }

// Play plays one run. It returns a result when the run ended by its rules or by a
// limit; an error when the harness, the world or an expression failed, when the
// observer could not record, or when ctx was cancelled with any cause but a
// *[Truncation]. It returns only after every actor has.
func Play(ctx context.Context, cfg *Config) (*Result, error) {
	g, err := newGame(cfg)
	if err != nil {
		return nil, err
	}
	return g.play(ctx)
}

// game is the state of one run. Play's goroutine owns all of it; actors' goroutines
// read what does not change while a stage is open, and write to their own member only.
type game struct {
	cfg     *Config
	world   World
	seats   []*seatState
	byName  map[string]*seatState
	phases  []Phase
	schemas schemas
	blobs   tree.Blobs

	turn, stage, lap int
	phase            *Phase
	phaseName        string
	passes           int
	state            State
	head             *tree.Tree
	revision         int
	owners           map[string]string   // path to who wrote it last
	recent           map[string][]string // path to all who wrote it since the stage opened
	nextMail         int64
	live             []string // cache; nil when stale
	open_            stage    // reused from stage to stage if the run is serial
	last             Ctx      // what the last Done, Score or final Observe saw
	names            []string // all seats' names, in seat order
	measured         bool     // this turn's metrics are taken

	res Result
}

// seatState is what the game keeps for a seat.
type seatState struct {
	seat     *Seat
	actor    Actor
	status   SeatStatus
	bank     time.Duration
	inbox    []Message
	notices  []string
	memory   any
	failures int // stages failed in a row
	view     viewCache
	open     *member // in the open stage
	member   member  // reused from stage to stage if the run is serial
}

// viewCache keeps the last filtered tree: most stages leave most views as they were.
type viewCache struct {
	head  *tree.Tree
	globs tree.Globs
	view  *tree.Tree
}

func newGame(cfg *Config) (*game, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	g := &game{
		cfg: cfg, world: cfg.World, blobs: cfg.Blobs, head: cfg.Tree,
		byName: make(map[string]*seatState, len(cfg.Seats)), owners: map[string]string{},
		phases: phasesOf(cfg),
	}
	if g.world == nil {
		g.world = Rules{}
	}
	if g.blobs == nil {
		g.blobs = tree.NewMemory()
	}
	for _, s := range cfg.Seats {
		st := &seatState{seat: s, actor: cfg.Actors[s.Name], status: Inactive, bank: cfg.Bank[s.Name]}
		g.seats = append(g.seats, st)
		g.byName[s.Name] = st
		g.names = append(g.names, s.Name)
	}
	g.res = Result{Series: map[string][]any{}, Status: map[string]SeatStatus{}, Draws: map[string]int{}}
	return g, nil
}

// check finds what would make a run meaningless before it starts.
func (c *Config) check() error {
	if len(c.Seats) == 0 || len(c.Phases) == 0 {
		return errors.New("sim: a run needs at least one seat and one phase")
	}
	if c.MaxTurns < 1 {
		return fmt.Errorf("sim: turns.max is %d: want at least 1", c.MaxTurns)
	}
	seen := map[string]bool{}
	for i, s := range c.Seats {
		if s.Name == "" || seen[s.Name] || c.Actors[s.Name] == nil || s.Number != i {
			return fmt.Errorf("sim: seat %d %q: want a unique name, an actor and Number %d", i, s.Name, i)
		}
		seen[s.Name] = true
	}
	return c.checkPhases()
}

func (c *Config) checkPhases() error {
	names := map[string]bool{"": true}
	for i := range c.Phases {
		p := &c.Phases[i]
		if p.Name == "" || names[p.Name] {
			return fmt.Errorf("sim: phase %d %q: want a unique name", i, p.Name)
		}
		names[p.Name] = true
		if err := p.checkFailures(); err != nil {
			return err
		}
	}
	for _, e := range c.Events {
		if !names[e.Before] {
			return fmt.Errorf("sim: an event names the phase %q, which does not exist", e.Before)
		}
	}
	return nil
}

func (p *Phase) checkFailures() error {
	f := p.Failures.filled()
	for _, policy := range []FailurePolicy{f.Illegal, f.Timeout, f.Crash, f.Transport, f.Budget} {
		switch policy.Then {
		case ThenPass, ThenForfeit, ThenVoid:
		case ThenDefault:
			if p.Default == nil {
				return fmt.Errorf("sim: phase %q: a failure policy says default, but the phase has no default action", p.Name)
			}
		default:
			return fmt.Errorf("sim: phase %q: unknown failure action %q: want pass, default, forfeit or void", p.Name, policy.Then)
		}
	}
	return nil
}

// filled puts the defaults in the place of policies that are not set.
func (f Failures) filled() Failures {
	d := DefaultFailures()
	for _, p := range []struct{ to, from *FailurePolicy }{
		{&f.Illegal, &d.Illegal}, {&f.Timeout, &d.Timeout}, {&f.Crash, &d.Crash},
		{&f.Transport, &d.Transport}, {&f.Budget, &d.Budget},
	} {
		if *p.to == (FailurePolicy{}) {
			*p.to = *p.from
		}
	}
	return f
}

// phasesOf copies the phases and fills in the failure policies of those that name none.
func phasesOf(cfg *Config) []Phase {
	phases := slices.Clone(cfg.Phases)
	for i := range phases {
		phases[i].Failures = phases[i].Failures.filled()
	}
	return phases
}

// errEnded unwinds the loops when the run has ended; the reason is in the result.
var errEnded = errors.New("the run has ended")

func (g *game) play(ctx context.Context) (*Result, error) {
	err := g.run(ctx)
	if errors.Is(err, errEnded) {
		err = nil
	}
	var cut *Truncation
	if err != nil && ctx.Err() != nil && errors.As(context.Cause(ctx), &cut) {
		g.truncate(cut.Reason)
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return g.finish(context.WithoutCancel(ctx))
}

func (g *game) run(ctx context.Context) error {
	if err := g.open(); err != nil {
		return err
	}
	for {
		if g.turn == g.cfg.MaxTurns {
			return g.terminate("max")
		}
		if g.cfg.TurnLimit > 0 && g.turn == g.cfg.TurnLimit {
			return g.truncate("turns")
		}
		if err := g.playTurn(ctx); err != nil {
			return err
		}
	}
}

// open records the start and lets the world set up.
func (g *game) open() error {
	s := g.cfg.Streams
	if err := g.tell(&RunOpened{Seed: s.Seed, Replicate: s.Replicate, Seats: g.cfg.Seats, Params: g.cfg.Params, Tree: g.head}); err != nil {
		return err
	}
	for _, d := range g.cfg.Draws {
		g.res.Draws[d.Stream]++
		if err := g.tell(d); err != nil {
			return err
		}
	}
	fx := g.newEffects()
	state, err := g.world.Setup(fx.ctx())
	if err != nil {
		return &WorldError{"setup", 0, err}
	}
	g.state = state
	return g.publish(&Revised{Author: "@setup"}, fx, nil)
}

func (g *game) playTurn(ctx context.Context) error {
	g.turn++
	g.stage, g.measured = 0, false
	g.res.Turns = g.turn
	g.phase, g.phaseName, g.lap, g.passes = nil, "", 0, 0
	if err := g.openTurn(); err != nil {
		return err
	}
	for i := range g.phases {
		if err := g.playPhase(ctx, &g.phases[i]); err != nil {
			return err
		}
	}
	return g.measure(ctx)
}

// openTurn lets seats join and leave, then plays the events of the turn's opening.
func (g *game) openTurn() error {
	rec := &TurnOpened{Turn: g.turn}
	for _, st := range g.seats {
		if err := g.joinOrLeave(st, rec); err != nil {
			return err
		}
	}
	if rec.Live = g.liveNames(); g.cfg.Observer != nil {
		if err := g.tell(rec); err != nil {
			return err
		}
	}
	if err := g.intervene(""); err != nil {
		return err
	}
	return g.nobodyLeft()
}

func (g *game) joinOrLeave(st *seatState, rec *TurnOpened) error {
	switch st.status {
	case Inactive:
		yes, err := g.test(st.seat.Joins, st.seat, true)
		if err != nil || !yes {
			return err
		}
		st.status, g.live = Active, nil
		rec.Joined = append(rec.Joined, st.seat.Name)
	case Active:
		yes, err := g.test(st.seat.Leaves, st.seat, false)
		if err != nil || !yes {
			return err
		}
		st.status, g.live = Done, nil
		rec.Left = append(rec.Left, st.seat.Name)
	}
	return nil
}

// test evaluates a condition, for a seat where it is one seat's; a missing one is
// otherwise.
func (g *game) test(f func(*Scope) (bool, error), s *Seat, otherwise bool) (bool, error) {
	if f == nil {
		return otherwise, nil
	}
	return f(g.scopeFor(s))
}

// nobodyLeft ends the run when no seat is active and none can still join (E5).
func (g *game) nobodyLeft() error {
	for _, st := range g.seats {
		if st.status == Active || st.status == Inactive {
			return nil
		}
	}
	return g.terminate("no agent is left")
}

func (g *game) terminate(reason string) error {
	g.res.Terminated, g.res.Reason = true, reason
	return errEnded
}

func (g *game) truncate(reason string) error {
	g.res.Terminated, g.res.Truncated, g.res.Reason = false, true, reason
	return errEnded
}

// finish takes the last metrics, the scores and the outcomes.
func (g *game) finish(ctx context.Context) (*Result, error) {
	if err := g.measure(ctx); err != nil {
		return nil, err
	}
	var err error
	if g.res.Scores, err = g.scores(); err != nil {
		return nil, err
	}
	if g.res.Outcomes, err = g.evaluate(ctx, g.cfg.Outcomes, true); err != nil {
		return nil, err
	}
	for _, st := range g.seats {
		if st.status == Active {
			st.status = Done
		}
		g.res.Status[st.seat.Name] = st.status
	}
	g.res.Tree, g.res.State, g.res.Revisions = g.head, g.state, g.revision
	res := g.res
	return &res, g.tell(&RunEnded{Result: &res})
}

func (g *game) tell(r Record) error {
	if g.cfg.Observer == nil {
		return nil
	}
	return g.cfg.Observer.Observe(r)
}

// liveNames returns the live seats in seat order. The slice is never changed after
// it was made: a change of membership makes a new one.
func (g *game) liveNames() []string {
	if g.live == nil {
		g.live = make([]string, 0, len(g.seats))
		for _, st := range g.seats {
			if st.status == Active {
				g.live = append(g.live, st.seat.Name)
			}
		}
	}
	return g.live
}

func (g *game) scope() *Scope {
	return &Scope{
		Turn: g.turn, Phase: g.phaseName, Lap: g.lap, Seats: g.cfg.Seats,
		Live: g.liveNames(), State: g.state, Passes: g.passes,
	}
}

func (g *game) scopeFor(s *Seat) *Scope {
	sc := g.scope()
	sc.Agent = s
	return sc
}

// ctx is what the world sees now, with the files of the head.
func (g *game) ctx() Ctx { return g.ctxWith(g) }

func (g *game) ctxWith(files fileView) Ctx {
	return Ctx{
		Params: g.cfg.Params, Turn: g.turn, Phase: g.phaseName, Lap: g.lap, Stage: g.stage,
		Agents: g.cfg.Seats, Live: g.liveNames(), files: files,
	}
}

// The game itself reads the head for a [Ctx]: it does not change while one is in use.
func (g *game) read(path string) (string, bool, error) { return treeFiles{g.head, g.blobs}.read(path) }

func (g *game) now() (*tree.Tree, tree.Blobs) { return g.head, g.blobs }

func (g *game) list(glob string) ([]string, error) { return treeFiles{g.head, g.blobs}.list(glob) }
