package coordinator

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/results"
)

// seedScenario starts from a folder, in which there is more than files to be taken.
const seedScenario = `
-- scenario.yaml --
sandtable: 1
name: seeded
seed: 3
workspace:
  from: start
  files: {"plan.md": "plan\n"}
  ignore: ["*.log", "build/**", ".env"]
agents: [{name: a, script: a.star}]
turns: {max: 2}
outcomes: {files: '${files("**")}'}
-- a.star --
def act(view, agent, turn, ctx):
    view.write("a.txt", "%d" % turn)
-- start/one.txt --
one
-- start/plan.md --
replaced
-- start/debug.log --
noise
-- start/build/out.o --
noise
-- start/.env --
SECRET=1
-- start/__pycache__/x.py --
x
-- start/.git/config --
[core]
-- start/bin/tool --
#!/bin/sh
`

// Whatever a workspace starts from, in memory it is what it is on disk: files that are
// ignored are left out, links are links, programs are programs.
func TestMemorySeed(t *testing.T) {
	t.Parallel()
	folder := folderOf(t, seedScenario)
	if err := os.Symlink("one.txt", filepath.Join(folder, "start", "link")); err != nil {
		t.Fatal(err)
	}
	p := completed(t, folder, setup{})
	if got := p.outcome(t, "files"); got != `[".git/config","__pycache__/x.py","a.txt","bin/tool","link","one.txt","plan.md"]` {
		t.Errorf("on disk: %s", got)
	}
	if ep := inMemory(t, folder); ep.History != p.info.History || ep.History == "" {
		t.Errorf("the history is %s in memory and %s on disk; %s", ep.History, p.info.History, marshal(t, ep.Outcomes))
	}
}

// What a run with processes refuses is refused in memory too.
func TestMemorySeedRefused(t *testing.T) {
	t.Parallel()
	plan, err := setup{sets: []string{"workspace.ignore=[]"}}.plan(folderOf(t, seedScenario))
	if err != nil {
		t.Fatal(err)
	}
	ep, err := NewMemory(plan).Play(t.Context(), plan.Runs[0])
	if err == nil || ep.Status != results.HarnessFailed || !strings.Contains(ep.Reason, ".env") {
		t.Errorf("%s: %q, %v", ep.Status, ep.Reason, err)
	}
}

// limits.wall truncates a run in memory as it does one with processes.
func TestMemoryWall(t *testing.T) {
	t.Parallel()
	ep := inMemory(t, folderOf(t, `
-- scenario.yaml --
sandtable: 1
name: long
seed: 3
limits: {wall: 1ms}
agents: [{name: a, script: a.star}]
turns: {max: 1000}
-- a.star --
def act():
    for i in range(1000):
        pass
`))
	if ep.Status != results.Truncated || ep.Reason != "wall" {
		t.Errorf("%s, %q, after %d turns", ep.Status, ep.Reason, ep.Turns)
	}
}
