package bind_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
	star "github.com/sandtable/sandtable/sim/starlark"
	"github.com/sandtable/sandtable/sim/tree"
)

// head is what every inline scenario begins with.
const head = "sandtable: 1\nname: t\nseed: 7\n"

// text is a scenario that is one file.
func text(yaml string) map[string]string { return map[string]string{"scenario.yaml": head + yaml} }

// folder writes a scenario's files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// plan loads a scenario made of files and expands it.
func plan(t *testing.T, files map[string]string, sets ...string) *scenarios.Plan {
	t.Helper()
	return load(t, folder(t, files), sets...)
}

func load(t *testing.T, dir string, sets ...string) *scenarios.Plan {
	t.Helper()
	parsed, err := scenarios.ParseSet(sets)
	if err != nil {
		t.Fatal(err)
	}
	s, err := scenarios.Load(dir, scenarios.LoadOptions{Sets: parsed})
	if err != nil {
		t.Fatalf("\n%v", err)
	}
	p, err := s.Expand(scenarios.ExpandOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// source is a scenario's folder as Starlark files see it.
type source struct{ *scenarios.Files }

func (s source) ReadFile(path string) ([]byte, error) { return s.Read(path) }

// starWorld opens worlds in Starlark.
func starWorld(s *scenarios.Scenario) func(*scenarios.World) (sim.World, error) {
	return func(w *scenarios.World) (sim.World, error) {
		if w == nil || w.Star == "" {
			return nil, nil
		}
		return star.LoadWorld(source{s.Files}, w.Star)
	}
}

// build binds a run and puts idle actors into its seats.
func build(t *testing.T, run *scenarios.Run, deps bind.Deps) *bind.Game {
	t.Helper()
	if deps.World == nil {
		deps.World = starWorld(run.Plan.Scenario)
	}
	g, err := bind.Build(run, deps)
	if err != nil {
		t.Fatal(err)
	}
	c := g.Config
	c.Serial, c.Blobs, c.Actors = true, tree.NewMemory(), map[string]sim.Actor{}
	for path, text := range run.Cell.Files {
		c.Tree = put(t, c, path, text)
	}
	for _, s := range c.Seats {
		c.Actors[s.Name] = sim.ActorFunc(idle)
	}
	return g
}

func put(t *testing.T, c *sim.Config, path, text string) *tree.Tree {
	t.Helper()
	hash, err := c.Blobs.Put([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	next, err := c.Tree.With(map[string]tree.Entry{path: {Kind: tree.File, Hash: hash, Size: int64(len(text))}})
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// idle reads its prompt, which evaluates it, and takes the default action or passes. An
// error of either is the run's own, and the engine has noted it.
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

func outcomes(res *sim.Result) map[string]any {
	out := map[string]any{}
	for _, v := range res.Outcomes {
		out[v.Name] = v.Value
	}
	return out
}

// watch is an observer that looks at every record.
type watch func(sim.Record) error

func (w watch) Observe(r sim.Record) error { return w(r) }
