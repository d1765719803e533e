package coordinator

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// prepared is a scenario whose first revision is made by commands.
const prepared = `
-- scenario.yaml --
sandtable: 1
name: prepared
seed: 1
workspace:
  files: {a.md: one}
  setup: [[sh, -c, 'SETUP']]
agents: [{name: a, script: a.star}]
turns: {max: 1}
-- a.star --
def act(view):
    view.write("seen.md", view.read("made.md"))
`

// Commands of setup are run before the first revision, and what they leave in the
// background, in a session of its own, is gone when they have ended.
func TestSetupLeavesNoProcess(t *testing.T) {
	t.Parallel()
	const nap = "300.0417" // nobody else sleeps as long
	script := "setsid sh -c \"echo > up; exec sleep " + nap + "\" & until [ -e up ]; do :; done; rm up; cat a.md a.md > made.md"
	p := completed(t, folderOf(t, strings.Replace(prepared, "SETUP", script, 1)), setup{})
	if got := text(t, filepath.Join(p.Workspace(), "seen.md")); got != "oneone" {
		t.Errorf("the agent saw %q", got)
	}
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(lines) == 0 {
		t.Fatal(lines, err)
	}
	for _, name := range lines {
		if line, _ := os.ReadFile(name); strings.Contains(string(line), "sleep\x00"+nap) {
			t.Errorf("%s is left of the setup", filepath.Dir(name))
		}
	}
}

// One that fails ends the run before anything is played, with what it said.
func TestSetupFails(t *testing.T) {
	t.Parallel()
	p := play(t, folderOf(t, strings.Replace(prepared, "SETUP", "echo out; echo no such tool >&2; exit 7", 1)), setup{})
	var harness *HarnessError
	if !errors.As(p.err, &harness) || !strings.Contains(p.err.Error(), "exit status 7") || !strings.Contains(p.err.Error(), "no such tool") {
		t.Errorf("the error is %v", p.err)
	}
}
