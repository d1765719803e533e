package coordinator

import (
	"os"
	"path/filepath"
	"testing"
)

// phased is one client whose phases differ: in the second it has another tool than its
// own, and more model requests.
const phased = `
-- scenario.yaml --
sandtable: 1
name: phased
seed: 3
upstream: {scripted: model.star}
players:
  worker: {model: claude-opus-5-5, tools: [Write], subagents: {max: 1}, limits: {steps: 3, act: 60s}}
agents: [{name: ada, player: worker}]
turns:
  max: 1
  phases:
    - {name: plan, optional: true, prompt: Plan.}
    - {name: build, optional: true, prompt: Build., tools: [Bash], limits: {steps: 6}}
-- model.star --
def reply(request, agent, turn, ctx):
    steps = [tool("Write", file_path = ctx.phase + "-write.txt", content = "x"), tool("Bash", command = "echo x > %s-bash.txt" % ctx.phase)]
    if ctx.phase == "build":
        steps += [tool("Bash", command = "echo %d >> more.txt" % i) for i in range(3)]
    return [steps[request.call]] if request.call < len(steps) else "done"

def tool(name, **input):
    return {"tool": name, "input": input}
`

// A phase's tools and limits stand in the place of the player's (scenario format, phase):
// also where they allow what the player has not, or more of it.
func TestPhaseOverridesPlayer(t *testing.T) {
	t.Parallel()
	p := completed(t, folderOf(t, phased), setup{claude: client(t)})
	checkFailures(t, p)
	for name, want := range map[string]bool{
		"plan-write.txt": true, "plan-bash.txt": false, "build-write.txt": false, "build-bash.txt": true,
	} {
		_, err := os.Stat(filepath.Join(p.Workspace(), name))
		if got := err == nil; got != want {
			t.Errorf("%s is there: %t, want %t", name, got, want)
		}
	}
	if got := text(t, filepath.Join(p.Workspace(), "more.txt")); got != "0\n1\n2\n" {
		t.Errorf("after more requests than the player has: %q", got)
	}
}
