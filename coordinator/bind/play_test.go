package bind_test

import (
	"path/filepath"
	"testing"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
	star "github.com/sandtable/sandtable/sim/starlark"
)

// cast is a scenario's world and scripts, loaded once for all of its runs.
type cast struct {
	world   sim.World
	scripts map[string]*star.Script
}

// scripted binds a run and puts the scenario's own scripts into its seats.
func scripted(t *testing.T, run *scenarios.Run) *sim.Config {
	t.Helper()
	return (&cast{scripts: map[string]*star.Script{}}).scripted(t, run)
}

func (c *cast) scripted(t *testing.T, run *scenarios.Run) *sim.Config {
	t.Helper()
	files := source{run.Plan.Scenario.Files}
	g := build(t, run, bind.Deps{World: func(w *scenarios.World) (_ sim.World, err error) {
		if c.world == nil && w != nil {
			c.world, err = star.LoadWorld(files, w.Star)
		}
		return c.world, err
	}})
	for i, s := range g.Config.Seats {
		ref := g.Players[i].Script
		if c.scripts[ref] == nil {
			script, err := star.LoadScript(files, ref)
			if err != nil {
				t.Fatal(err)
			}
			c.scripts[ref] = script
		}
		g.Config.Actors[s.Name] = star.NewActor(c.scripts[ref], s, g.Config.Blobs)
	}
	return g.Config
}

func play(t *testing.T, c *sim.Config) *sim.Result {
	t.Helper()
	res, err := sim.Play(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// fixture loads a scenario of testdata.
func fixture(t *testing.T, name string, sets ...string) *scenarios.Plan {
	t.Helper()
	return load(t, filepath.Join("testdata", name), sets...)
}

// playAll plays the runs of a scenario of testdata.
func playAll(t *testing.T, name string, sets ...string) []*sim.Result {
	t.Helper()
	return playRuns(t, fixture(t, name, sets...))
}

func playRuns(t *testing.T, p *scenarios.Plan) []*sim.Result {
	t.Helper()
	c := &cast{scripts: map[string]*star.Script{}}
	var out []*sim.Result
	for _, run := range p.Runs {
		out = append(out, play(t, c.scripted(t, run)))
	}
	return out
}

// again expands a plan's scenario with other options.
func again(t *testing.T, p *scenarios.Plan, opts scenarios.ExpandOptions) *scenarios.Plan {
	t.Helper()
	out, err := p.Scenario.Expand(opts)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
