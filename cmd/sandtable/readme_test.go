package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/coordinator"
	"github.com/sandtable/sandtable/scenarios"
)

// beside are the files that the README's example names; small, but real.
var beside = map[string]string{
	"model.star":  "def reply(request, agent, turn, ctx):\n    return 'ok'\n",
	"keeper.star": "def act(view, agent, turn, ctx):\n    return {'want': 1} if ctx.schema else None\n",
	"outside.py":  "",
	"world.star": `
def setup(ctx):
    return {"stock": 100}

def observe(state, agent, ctx):
    return {"stock": state["stock"]}

def resolve(state, moves, ctx):
    state["stock"] -= sum([m.action["want"] for m in moves if m.action])

def score(state, ctx):
    return {name: 0 for name in ctx.live}
`,
}

// TestReadmeScenario loads the README's example and plays one turn of every cell of it.
func TestReadmeScenario(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```yaml\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok || !strings.Contains(text, "sandtable: 1") {
		t.Fatal("the README has no scenario")
	}
	dir := t.TempDir()
	for name, content := range beside {
		write(t, filepath.Join(dir, name), content)
	}
	write(t, filepath.Join(dir, scenarios.FileName), text)
	s, err := scenarios.Load(dir, scenarios.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := s.Expand(scenarios.ExpandOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := coordinator.Rehearse(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
