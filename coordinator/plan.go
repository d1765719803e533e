package coordinator

import (
	"fmt"
	"path/filepath"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/coordinator/workspace"
	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
)

// openPlan fills revision 0 and binds the scenario to the engine.
func (r *run) openPlan() error {
	seed := seedFor(r.scenario, r.opts.Run.Cell)
	if seed.Setup = r.scenario.Workspace.Setup; len(seed.Setup) > 0 {
		if err := r.supervise(); err != nil {
			return err
		}
		seed.Run = r.setUp
	}
	tree, err := r.ws.Seed(r.ctx, seed)
	if err != nil {
		return err
	}
	game, err := bind.Build(r.opts.Run, bind.Deps{World: r.openWorld, Command: r.command, Usage: r.usage})
	if err != nil {
		return err
	}
	r.plan, r.players = game.Config, game.Players
	r.plan.Tree, r.plan.Blobs, r.plan.Observer, r.plan.Foreign = tree, r.ws.Blobs(), r, r.ws.Foreign
	r.plan.ConflictNote = r.whereToFind
	r.plan.Serial = !r.needsModel()
	return nil
}

// seedFor is what revision 0 is made of before any command has run in it.
func seedFor(s *scenarios.Scenario, cell *scenarios.Cell) workspace.Seed {
	seed := workspace.Seed{Files: cell.Files}
	if from := s.Workspace.From; from != "" {
		seed.From = s.Files.Name(filepath.Clean(from))
	}
	return seed
}

// whereToFind tells the author of a path that was not taken where both versions are.
// Scripts have no view on disk: nothing is laid out for them.
func (r *run) whereToFind(s *sim.Seat, turn int, _ string) string {
	if r.players[s.Number].Runtime == runtimeScript {
		return ""
	}
	return fmt.Sprintf(" Both versions are in .sandtable/conflicts/%d/ in your folder.", turn)
}

func (r *run) usage() (usd float64, tokens int64) {
	spent := r.budget.spent()
	return float64(spent.NanoUSD) / 1e9, spent.Tokens
}
