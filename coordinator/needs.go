package coordinator

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/sandtable/sandtable/coordinator/agent/claude"
	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
)

// Need is what the runs of a plan need of this machine.
type Need struct {
	Claude    bool     // a seat is played by the Claude Code CLI
	Processes []string // what is a process, named: agents, world, commands
	commands  []string
	tier      string
	network   string
}

// Needs binds the first run of every cell, which evaluates everything that is known
// before a run, and says what the plan needs. The error is a fault of the scenario.
func Needs(plan *scenarios.Plan) (Need, error) {
	var n Need
	s := plan.Scenario
	if s.World != nil && len(s.World.Command) > 0 {
		n.Processes = append(n.Processes, "the world")
	}
	for _, m := range slices.Concat(s.Metrics, s.Outcomes) {
		if len(m.Value.Command) > 0 {
			n.Processes = append(n.Processes, m.Name)
		}
	}
	if len(s.Workspace.Setup) > 0 {
		n.Processes = append(n.Processes, "workspace.setup")
	}
	if s.Requires != nil {
		n.commands, n.tier, n.network = s.Requires.Commands, s.Requires.Tier, s.Requires.Network
	}
	for _, cell := range plan.Cells {
		if err := n.cell(plan, cell); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (n *Need) cell(plan *scenarios.Plan, cell *scenarios.Cell) error {
	run := &scenarios.Run{ID: "r001", Plan: plan, Cell: cell, Replicate: 1, Seed: plan.Seed}
	memory := NewMemory(plan)
	game, err := bind.Build(run, bind.Deps{World: func(w *scenarios.World) (sim.World, error) {
		if w == nil || w.Star == "" {
			return nil, nil
		}
		return memory.open(w)
	}, Command: noCommand, Usage: noUsage})
	if err != nil {
		return err
	}
	for i, p := range game.Players {
		if p.Runtime == runtimeScript {
			if _, err := memory.script(p.Script); err != nil {
				return fmt.Errorf("agent %s: %w", game.Config.Seats[i].Name, err)
			}
			continue
		}
		n.Claude = n.Claude || p.Runtime == runtimeClaude
		if name := game.Config.Seats[i].Name; !slices.Contains(n.Processes, name) {
			n.Processes = append(n.Processes, name)
		}
	}
	return nil
}

// Missing names what the scenario requires and this machine has not; nil: nothing.
func (n Need) Missing() error {
	var missing []string
	for _, c := range n.commands {
		if _, err := exec.LookPath(c); err != nil {
			missing = append(missing, c)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the scenario requires commands that are not on PATH: %s", strings.Join(missing, ", "))
	}
	if n.network == "none" || n.network == "model" {
		return fmt.Errorf("the scenario requires network: %s to be enforced; in tier T0 nothing keeps an agent from the network (planned with Arbitration)", n.network)
	}
	if n.tier != "" && n.tier != "T0" {
		return fmt.Errorf("the scenario requires tier %s; this version has T0 (T1 and T2 are planned with Arbitration)", n.tier)
	}
	return nil
}

// FindClaude returns the Claude Code CLI and its version; explicit is the value of
// --claude.
func FindClaude(ctx context.Context, explicit string, anyVersion bool) (path, version string, err error) {
	f := claude.Finder{AnyVersion: anyVersion}
	return f.Find(ctx, explicit)
}
