package coordinator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/history"
	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
	star "github.com/sandtable/sandtable/sim/starlark"
	"github.com/sandtable/sandtable/sim/tree"
)

// Memory plays runs of scripted agents with the same binding, engine and records as
// [Run], and without processes, views or run directories. World and scripts are loaded
// once. It is safe for concurrent use.
type Memory struct {
	plan *scenarios.Plan

	mu      sync.Mutex
	world   sim.World               // nil: none, or not loaded yet
	loaded  bool                    // world is
	scripts map[string]*star.Script // by what names them
	seeds   map[*scenarios.Cell]*seeded
}

// NewMemory prepares the runs of a plan.
func NewMemory(plan *scenarios.Plan) *Memory {
	return &Memory{plan: plan, scripts: map[string]*star.Script{}, seeds: map[*scenarios.Cell]*seeded{}}
}

// Play plays one run and returns its line of episodes.jsonl. The history hash is that
// of the same run played by [Run]. An error is the harness's, the world's or the
// scenario's; the episode then says so, unless ctx was cancelled.
func (m *Memory) Play(ctx context.Context, run *scenarios.Run) (results.Episode, error) {
	start := time.Now()
	ep := results.Episode{Replicate: run.Replicate, Seed: run.Seed}
	rec := &memoryRecorder{}
	res, err := m.play(ctx, run, rec)
	if err != nil {
		if ctx.Err() == nil {
			ep.Status, ep.Reason = results.HarnessFailed, err.Error()
		}
		return ep, err
	}
	fill(&ep, rec, res)
	ep.WallNS = time.Since(start).Nanoseconds()
	return ep, nil
}

func fill(ep *results.Episode, rec *memoryRecorder, res *sim.Result) {
	ep.Status, ep.Reason, ep.Turns = rec.tally.Status(), res.Reason, res.Turns
	ep.Commits, ep.Conflicts, ep.Paths, ep.Lost = rec.tally.Commits, rec.tally.Conflicts, rec.tally.Paths, rec.tally.Lost
	ep.Outcomes, ep.Scores, ep.Draws = namedValues(res.Outcomes), res.Scores, res.Draws
	ep.Failures, ep.Agents, ep.History = map[string]int{}, rec.tally.Agents, rec.hash.Hash()
	for _, f := range rec.tally.Failures {
		ep.Failures[f.Category]++
	}
}

// memoryRecorder makes the history's hash and its sums, and keeps nothing.
type memoryRecorder struct {
	hash  history.Hasher
	tally results.Tally
}

// Observe adds a record.
func (m *memoryRecorder) Observe(ev sim.Record) error {
	rec, err := records(ev)
	if err != nil {
		return err
	}
	m.tally.Add(rec)
	return m.hash.Write(rec)
}

func (m *Memory) play(ctx context.Context, run *scenarios.Run, rec *memoryRecorder) (*sim.Result, error) {
	blobs := tree.NewMemory()
	game, err := bind.Build(run, bind.Deps{World: m.open, Command: noCommand, Usage: noUsage})
	if err != nil {
		return nil, err
	}
	cfg := game.Config
	if cfg.Tree, err = m.files(ctx, run, blobs); err != nil {
		return nil, err
	}
	cfg.Blobs, cfg.Observer, cfg.Serial = blobs, rec, true
	cfg.Actors = map[string]sim.Actor{}
	for i, s := range cfg.Seats {
		script, err := m.script(game.Players[i].Script)
		if err != nil {
			return nil, fmt.Errorf("agent %s: %w", s.Name, err)
		}
		cfg.Actors[s.Name] = star.NewActor(script, s, blobs)
	}
	if wall := run.Cell.Limits.Wall; wall > 0 {
		limited, stop := context.WithTimeoutCause(ctx, wall, &sim.Truncation{Reason: "wall"})
		defer stop()
		ctx = limited
	}
	return sim.Play(ctx, cfg)
}

// open loads the world once for all runs: it keeps no state of a run.
func (m *Memory) open(w *scenarios.World) (sim.World, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loaded || w == nil {
		return m.world, nil
	}
	if w.Star == "" {
		return nil, errors.New("a world program is a process and cannot be played in memory")
	}
	world, err := star.LoadWorld(folder{m.plan.Scenario.Files}, w.Star)
	if err != nil {
		return nil, err
	}
	m.world, m.loaded = world, true
	return world, nil
}

func (m *Memory) script(ref string) (*star.Script, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.scripts[ref]; s != nil {
		return s, nil
	}
	s, err := star.LoadScript(folder{m.plan.Scenario.Files}, ref)
	if err == nil {
		m.scripts[ref] = s
	}
	return s, err
}

// files makes revision 0; commands of `setup` are processes.
func (m *Memory) files(ctx context.Context, run *scenarios.Run, blobs tree.Blobs) (*tree.Tree, error) {
	w := m.plan.Scenario.Workspace
	if len(w.Setup) > 0 {
		return nil, errors.New("workspace.setup runs commands and cannot be played in memory")
	}
	if w.From == "" && len(run.Cell.Files) == 0 {
		return nil, nil
	}
	s, err := m.seedOf(ctx, run.Cell)
	if err != nil {
		return nil, err
	}
	for _, data := range s.bytes {
		if _, err := blobs.Put(data); err != nil {
			return nil, err
		}
	}
	return s.tree, nil
}

func noCommand(context.Context, bind.Command, *sim.MeasureScope) (int, string, error) {
	return 0, "", errors.New("a metric or outcome with a command cannot be played in memory")
}

func noUsage() (usd float64, tokens int64) { return 0, 0 }
