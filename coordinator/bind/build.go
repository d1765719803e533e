package bind

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/scenarios/expr"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// Deps is what the binding needs from whoever plays the run.
type Deps struct {
	// World opens the rules; it is called once, with nil for a scenario without, and
	// may answer nil then. Required for a scenario with a world.
	World func(*scenarios.World) (sim.World, error)
	// Command runs the command of a metric or an outcome on a copy of the head. That it
	// fails is its exit code; an error is the harness's own. Required where there is one.
	Command func(context.Context, Command, *sim.MeasureScope) (exit int, stdout string, err error)
	// Usage is what the run's agents have spent so far; nil: nothing.
	Usage func() (usd float64, tokens int64)
}

// ErrNotRun is what [Deps.Command] returns for a command that is not to be run: the
// measure is undefined then, and its value, which may rest on any output, is not evaluated.
var ErrNotRun = errors.New("the command is not run")

// Command is the command of a metric or an outcome.
type Command struct {
	Argv    []string
	Add     string        // folder of the scenario laid over the copy; "": none
	Timeout time.Duration // the format's default is filled in
}

// Game is a run ready to be played once Config has been given Actors and, where there
// are files, Tree and Blobs. It is for one [sim.Play].
type Game struct {
	Config  *sim.Config
	Players []Player // who plays each seat, by seat number
}

// binder makes one game.
type binder struct {
	run      *scenarios.Run
	scenario *scenarios.Scenario
	cell     *scenarios.Cell
	deps     Deps
	streams  sim.Streams
	seats    []*sim.Seat
	limits   []scenarios.SeatLimits // by seat number
	names    []string
	draws    []*sim.Draw
}

// Build binds a run: the same run is bound the same way every time. Errors are faults
// of the scenario, a *[scenarios.Error] or *[expr.Error] at their place in it, say that
// deps cannot do what the scenario needs, or are those of Deps.World.
func Build(run *scenarios.Run, deps Deps) (*Game, error) {
	b := &binder{
		run: run, scenario: run.Plan.Scenario, cell: run.Cell, deps: deps,
		streams: sim.Streams{Seed: run.Seed, Replicate: run.Replicate},
	}
	if err := b.needs(); err != nil {
		return nil, err
	}
	players, err := b.makeSeats()
	if err != nil {
		return nil, err
	}
	cfg := &sim.Config{
		Seats: b.seats, Params: run.Params(), MaxTurns: b.cell.Max, TurnLimit: b.cell.Limits.Turns,
		Streams: b.streams, Bank: b.banks(), Policies: policies(b.scenario.Workspace),
		Stop: b.stop(), Events: b.events(), Draws: b.draws,
		Metrics: b.measures(b.scenario.Metrics), Outcomes: b.measures(b.scenario.Outcomes),
	}
	for _, p := range b.scenario.Turns.Phases {
		phase, err := b.phase(p)
		if err != nil {
			return nil, err
		}
		cfg.Phases = append(cfg.Phases, phase)
	}
	if deps.World == nil {
		return &Game{Config: cfg, Players: players}, nil
	}
	if cfg.World, err = deps.World(b.scenario.World); err != nil {
		return nil, err
	}
	return &Game{Config: cfg, Players: players}, nil
}

// needs finds what deps cannot do for this scenario before anything is evaluated.
func (b *binder) needs() error {
	if b.scenario.World != nil && b.deps.World == nil {
		return errors.New("the scenario has a world, and nothing here can open one")
	}
	for _, m := range slices.Concat(b.scenario.Metrics, b.scenario.Outcomes) {
		if len(m.Value.Command) > 0 && b.deps.Command == nil {
			return &scenarios.Error{Pos: m.Pos, Msg: m.Name + " runs a command, and nothing here can run one"}
		}
	}
	if b.deps.Usage == nil {
		b.deps.Usage = func() (float64, int64) { return 0, 0 }
	}
	return nil
}

// banks are the seats' extra times in the run.
func (b *binder) banks() map[string]time.Duration {
	out := map[string]time.Duration{}
	for i, s := range b.seats {
		out[s.Name] = b.limits[i].Bank
	}
	return out
}

// policies are how write sets enter the head, in the file's order.
func policies(w *scenarios.Workspace) tree.Policies {
	p := tree.Policies{PathByPath: !w.Atomic}
	for _, rule := range w.Policy {
		p.Rules = append(p.Rules, tree.Rule{Path: rule.Path, Use: tree.Policy(rule.Use)})
	}
	return p
}

// stop: true or a text ends the run; the text is the reason.
func (b *binder) stop() func(*sim.Scope) (string, bool, error) {
	code := b.scenario.Stop
	if code == nil {
		return nil
	}
	return func(s *sim.Scope) (string, bool, error) {
		v, err := code.Value(b.stage(s))
		if err != nil {
			return "", false, err
		}
		switch v := v.(type) {
		case bool:
			return "stop", v, nil
		case string:
			return v, v != "", nil
		case nil:
			return "", false, nil
		}
		text, _ := expr.Text(v)
		return "", false, code.Errorf("stop: want True, False, None or a text, got %.60s", text)
	}
}

// lookupOf is the cell's names with further ones, each made when it is asked for.
func (b *binder) lookupOf(more names) expr.Lookup { return more.over(b.cell.Lookup()) }
