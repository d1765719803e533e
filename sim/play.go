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
	last             Ctx      // what the last Done, Score or final Observe saw
	names            []string // all seats' names, in seat order
	measured         bool     // this turn's metrics are taken
	reuse            scratch

	res Result
}

// scratch is what a run uses again from stage to stage, where nobody can still hold it.
type scratch struct {
	stage stage       // of serial runs
	fx    effects     // of stages
	moves []Move      // of serial runs
	lists [1][]string // a partition of one stage, where nobody observes
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
	failures int  // stages failed in a row
	spent    bool // its last stage failed because its own budget is used up
	view     viewCache
	open     *member // in the open stage
	member   member  // reused from stage to stage if the run is serial
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
	if cut := truncation(ctx, err); cut != nil {
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
		if err := over(ctx); err != nil {
			return err
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

func (g *game) tell(r Record) error {
	if g.cfg.Observer == nil {
		return nil
	}
	return g.cfg.Observer.Observe(r)
}
