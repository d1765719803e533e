package coordinator

import (
	"context"
	"fmt"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// Rehearse plays one turn of every cell in memory, with agents that take the default
// action or pass: so every expression that a turn reaches has been evaluated. A world
// that is a program is not started, and a scenario with one is only bound; commands of
// metrics and outcomes are not run either, and what is made of their output is not known.
func Rehearse(ctx context.Context, plan *scenarios.Plan) error {
	memory := NewMemory(plan)
	for _, cell := range plan.Cells {
		if err := memory.rehearse(ctx, cell); err != nil {
			return fmt.Errorf("cell %s: %w", cell.ID, err)
		}
	}
	return nil
}

func (m *Memory) rehearse(ctx context.Context, cell *scenarios.Cell) error {
	run := &scenarios.Run{ID: "r001", Plan: m.plan, Cell: cell, Replicate: 1, Seed: m.plan.Seed}
	program := false
	game, err := bind.Build(run, bind.Deps{World: func(w *scenarios.World) (sim.World, error) {
		if program = w != nil && w.Star == ""; program {
			return nil, nil
		}
		return m.open(w)
	}, Command: func(context.Context, bind.Command, *sim.MeasureScope) (int, string, error) {
		return 0, "", bind.ErrNotRun
	}, Usage: noUsage})
	if err != nil || program {
		return err
	}
	cfg := game.Config
	cfg.Blobs, cfg.Serial, cfg.MaxTurns, cfg.Actors = tree.NewMemory(), true, 1, map[string]sim.Actor{}
	if cfg.Tree, err = m.files(ctx, run, cfg.Blobs); err != nil && len(m.plan.Scenario.Workspace.Setup) == 0 {
		return err
	}
	for _, s := range cfg.Seats {
		cfg.Actors[s.Name] = sim.ActorFunc(idle)
	}
	res, err := sim.Play(ctx, cfg)
	if err != nil {
		return err
	}
	return m.estimable(res)
}

// estimable finds outcomes of which no statistic can be made.
func (m *Memory) estimable(res *sim.Result) error {
	for i, o := range res.Outcomes {
		switch o.Value.(type) {
		case nil, bool, int64, float64, string:
		default:
			kind := "a list"
			if _, dict := o.Value.(map[string]any); dict {
				kind = "a dict"
			}
			text := fmt.Sprintf("outcome %s: want True or False, a number or a text (or None for undefined), got %s", o.Name, kind)
			return &scenarios.Error{Pos: m.plan.Scenario.Outcomes[i].Pos, Msg: text}
		}
	}
	return nil
}

// idle reads its prompt, which evaluates it, and takes the default action or passes.
// Errors of either are the run's own, and the engine has noted them.
func idle(_ context.Context, ask *sim.Ask) sim.Answer {
	if _, err := ask.Prompt(); err != nil {
		return sim.Answer{Pass: true}
	}
	action, ok, err := ask.Default()
	if err != nil || !ok || action == nil {
		return sim.Answer{Pass: true}
	}
	return sim.Answer{Action: action}
}
