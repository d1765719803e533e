package coordinator

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/results"
)

// An agent that puts a pipe in the place of its own transcript holds nobody up.
func TestSpoiltTranscript(t *testing.T) {
	t.Parallel()
	p := completed(t, folderOf(t, `
-- scenario.yaml --
sandtable: 1
name: spoilt
seed: 2
upstream: {scripted: model.star}
agents: [{name: a, model: claude-opus-5-5, tools: [Bash], limits: {act: 60s}}]
turns:
  max: 1
  phases: [{name: do, optional: true, prompt: "Turn ${turn}."}]
-- model.star --
def reply(request, agent, turn, ctx):
    if request.call > 0:
        return "done"
    return [{"tool": "Bash", "input": {"command": "cd $CLAUDE_CONFIG_DIR/projects/*/ && for f in *.jsonl; do rm $f; mkfifo $f; done; setsid sleep 300 & true"}}]
`), setup{claude: client(t)})
	checkFailures(t, p)
	if p.took > time.Minute {
		t.Errorf("it took %v", p.took)
	}
}

// Whatever agents put where hidden tests go, the tests are laid over it.
func TestOverlayInTheWay(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"tests", "tests/hidden.sh", "tests/hidden.sh/deep/x"} {
		p := completed(t, folderOf(t, strings.ReplaceAll(`
-- scenario.yaml --
sandtable: 1
name: overlay
seed: 2
agents: [{name: a, script: a.star}]
turns: {max: 1}
outcomes: {passed: {command: [sh, tests/hidden.sh], add: hidden}}
-- a.star --
def act(view, agent, turn, ctx):
    view.write("PATH", "exit 1\n")
-- hidden/tests/hidden.sh --
exit 0
`, "PATH", path)), setup{})
		if got := p.outcome(t, "passed"); got != "true" {
			t.Errorf("with %s in the way: %s", path, got)
		}
	}
}

// The end of the supervisor is a failure of the harness, and everybody's end.
func TestSupervisorKilled(t *testing.T) {
	t.Parallel()
	var once sync.Once
	s := setup{sets: []string{"players.p.limits.act=5m"}, change: func(o *Options) {
		var r *run
		o.opened = func(opened *run) { r = opened }
		o.Watch = func(p Progress) {
			if p.Turn == 1 && p.Acting > 0 {
				once.Do(func() { syscall.Kill(r.procs.PID(), syscall.SIGKILL) })
			}
		}
	}}
	p := play(t, programs(t, "", "good", "mute"), s)
	if !errors.Is(p.err, process.ErrSupervisor) || p.info.Status != results.HarnessFailed {
		t.Errorf("%s, %v", p.info.Status, p.err)
	}
	if p.took > 20*time.Second {
		t.Errorf("it took %v", p.took)
	}
}

// A file that nobody may change or remove, in an agent's own view, costs that agent its
// moves: the others play on, and the run counts.
func TestImmutableView(t *testing.T) {
	t.Parallel()
	probe := filepath.Join(t.TempDir(), "probe")
	if err := os.WriteFile(probe, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("chattr", "+i", probe).Run(); err != nil {
		t.Skipf("NOT TESTED: files cannot be made immutable here: %v", err)
	}
	_ = exec.Command("chattr", "-i", probe).Run()
	s := setup{sandbox: sandboxDir(t), out: t.TempDir()}
	t.Cleanup(func() { _ = exec.Command("chattr", "-R", "-i", s.sandbox).Run() })
	p, err := s.play(t.Context(), folderOf(t, `
-- scenario.yaml --
sandtable: 1
name: immutable
seed: 2
workspace: {files: {"plan.md": "plan\n"}}
agents:
  - {name: bad, runtime: program, command: [sh, bad.sh], limits: {act: 20s}}
  - {name: good, script: good.star}
turns:
  max: 3
  phases: [{name: do, canonical: seat, optional: true, prompt: "Turn ${turn}."}]
failures: {illegal: pass, crash: pass}
-- good.star --
def act(view, agent, turn, ctx):
    view.write("plan.md", "good %d\n" % turn)
-- bad.sh --
while read -r line; do
  case "$line" in
  *'"type":"hello"'*) echo '{"type":"ready"}' ;;
  *'"type":"turn"'*)
    id=$(printf %s "$line" | sed 's/.*"id":"\([0-9.]*\)".*/\1/')
    echo mine > mine.txt; chattr +i plan.md mine.txt .
    echo '{"type":"move","id":"'$id'","say":"did"}' ;;
  *'"type":"end"'*) exit 0 ;;
  esac
done
`))
	if err != nil {
		t.Fatal(err)
	}
	if p.err != nil || p.info.Status != results.Completed {
		t.Fatalf("%s: %v", p.info.Status, p.err)
	}
	checkFailures(t, p, "bad 2.1.1 CRASH", "bad 3.1.1 CRASH")
	if got := text(t, filepath.Join(p.Workspace(), "plan.md")); got != "good 3\n" {
		t.Errorf("plan.md: %q", got)
	}
	if left := traces(s.sandbox); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
