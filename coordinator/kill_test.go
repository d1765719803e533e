package coordinator

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sandtable/sandtable/coordinator/agent/claude"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/history"
)

// A coordinator that is killed in the middle of a turn leaves no process behind within
// two seconds, and a run directory that says what is true (promise 5, checklist P10).
func TestCoordinatorKilled(t *testing.T) {
	t.Parallel()
	c := startCoordinator(t, sharedNotes)
	c.await(t, "turn 3 acting 4")
	were := descendants(c.cmd.Process.Pid)
	if len(were) < 5 || len(traces(c.sandbox)) < 4 {
		t.Fatalf("before the kill: %d processes, %v", len(were), traces(c.sandbox))
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	within(t, 2*time.Second, "no process of the run is left", func() bool {
		return len(alive(were)) == 0 && len(traces(c.sandbox)) == 0
	})
	c.wait()
	p := c.played(t)
	if p.info.Status != results.Interrupted {
		t.Errorf("run.json says %s", p.info.Status)
	}
	checkReadable(t, p)
	dirs, _ := filepath.Glob(filepath.Join(p.Dir, "agents", "*"))
	for _, dir := range dirs { // kept at each seal: the sandbox may be gone with its machine
		if s := text(t, filepath.Join(dir, "transcript.jsonl")); strings.Count(s, `"type":"assistant"`) < 2 || !strings.HasSuffix(s, "\n") {
			t.Errorf("%s: %d bytes of the conversation are kept", dir, len(s))
		}
	}
	if len(dirs) != 4 {
		t.Errorf("agents: %v", dirs)
	}
}

// checkReadable: the history of an interrupted run can be read up to its last whole
// record, and the run's other logs too.
func checkReadable(t *testing.T, p *played) {
	t.Helper()
	r, err := history.Open(p.History())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	turns, ends := 0, 0
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch rec := line.Record.(type) {
		case *history.Seal:
			turns = rec.Turn
		case *history.End:
			ends++
		}
	}
	if turns != 2 || ends != 0 {
		t.Errorf("the history ends after turn %d with %d ends", turns, ends)
	}
	res, err := results.ReadRun(p.Dir)
	if err != nil || res.Status != results.Interrupted || res.NanoUSD == 0 {
		t.Errorf("%+v, %v", res, err)
	}
}

// coordinatorProcess is this test binary as a coordinator of its own.
type coordinatorProcess struct {
	cmd          *exec.Cmd
	said         *bufio.Scanner
	out, sandbox string
	wait         func() error
}

func startCoordinator(t *testing.T, folder string) *coordinatorProcess {
	t.Helper()
	c := &coordinatorProcess{cmd: exec.Command("/proc/self/exe"), out: t.TempDir(), sandbox: sandboxDir(t)}
	c.cmd.Env = append(os.Environ(), "SANDTABLE_TEST_PLAY="+folder, "SANDTABLE_TEST_OUT="+c.out,
		"SANDTABLE_TEST_SANDBOX="+c.sandbox, "SANDTABLE_TEST_CLAUDE="+client(t))
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.said = bufio.NewScanner(out)
	c.wait = sync.OnceValue(c.cmd.Wait)
	t.Cleanup(func() { _ = c.cmd.Process.Kill(); _ = c.wait() })
	return c
}

// await reads what it says up to a line.
func (c *coordinatorProcess) await(t *testing.T, line string) {
	t.Helper()
	for c.said.Scan() {
		if c.said.Text() == line {
			return
		}
	}
	t.Fatalf("the coordinator never said %q", line)
}

func (c *coordinatorProcess) played(t *testing.T) *played {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(c.out, "*/c01/r001"))
	if len(found) != 1 {
		t.Fatalf("run directories: %v", found)
	}
	p := &played{Run: &results.Run{Dir: found[0]}}
	var err error
	if p.info, err = p.Info(); err != nil {
		t.Fatal(err)
	}
	return p
}

// trio is three agents, one of which starts what would outlive its client, in turn 2.
const trio = `
-- scenario.yaml --
sandtable: 1
name: trio
seed: 4
world: world.star
upstream: {scripted: model.star}
workspace:
  files: {"plan.md": "plan\n"}
  policy: [{path: log.md, use: append}]
players:
  worker: {model: claude-opus-5-5, tools: [Bash, Write], limits: {steps: 10, act: 60s}}
agents:
  - {name: ada, player: worker}
  - {name: ben, player: worker}
  - {name: victim, player: worker}
turns:
  max: 3
  phases:
    - {name: work, action: {n: {type: integer}}, mail: all, hear: all, prompt: "Turn ${turn}."}
failures: {crash: pass, illegal: pass}
-- world.star --
def setup(ctx):
    return {a.name: 0 for a in ctx.agents}

def resolve(state, moves, ctx):
    for m in moves:
        if m.action:
            state[m.agent] += m.action["n"]

def score(state):
    return state
-- model.star --
def reply(request, agent, turn, ctx):
    steps = [
        [tool("Bash", command = "echo %s %d >> log.md; echo %d > %s.txt" % (agent, turn, turn, agent))],
        [tool("send", to = "all", text = "%s in %d" % (agent, turn)), tool("act", action = {"n": turn})],
    ]
    if agent == "victim" and turn == 2 and ctx.attempt == 1:
        steps = hang() + steps
    return steps[request.call] if request.call < len(steps) else "done"

def hang():
    return [
        [tool("Write", file_path = "half.txt", content = "half")],
        [tool("Bash", command = "setsid sleep 300 & setsid --wait sleep 300", timeout = 60000)],
    ]

def tool(name, **input):
    return {"tool": name, "input": input}
`

// One agent's client is killed while its tool runs what has left its session: nothing
// of that agent is left within two seconds, the failure is that agent's own, under its
// policy, and the others play as if nothing had happened (promise 5, F5).
func TestAgentKilled(t *testing.T) {
	cli := client(t)
	folder := folderOf(t, trio)
	calm := strings.Replace(text(t, filepath.Join(folder, "model.star")), `agent == "victim"`, `agent == "nobody"`, 1)
	if err := os.WriteFile(filepath.Join(folder, "calm.star"), []byte(calm), 0o644); err != nil {
		t.Fatal(err)
	}
	want := completed(t, folder, setup{claude: cli, sets: []string{"upstream.scripted=calm.star"}})
	if got := want.scores(t); got != `{"ada":6,"ben":6,"victim":6}` {
		t.Errorf("without a kill: %s", got)
	}
	t.Run("pass", func(t *testing.T) {
		t.Parallel()
		p := killVictim(t, folder, cli, "pass")
		checkFailures(t, p, "victim 2.1.1 CRASH")
		if got := p.scores(t); got != `{"ada":6,"ben":6,"victim":4}` {
			t.Error(got)
		}
		unharmed(t, want, p, "ada", "ben")
		checkResumed(t, p)
	})
	if testing.Short() {
		return
	}
	t.Run("forfeit", func(t *testing.T) {
		t.Parallel()
		p := killVictim(t, folder, cli, "forfeit")
		checkFailures(t, p, "victim 2.1.1 CRASH")
		if got := p.scores(t); got != `{"ada":6,"ben":6,"victim":1}` {
			t.Error(got)
		}
		if got := p.end(t).Statuses["victim"]; got != "ERROR" {
			t.Errorf("the victim is %s", got)
		}
		unharmed(t, want, p, "ada", "ben")
	})
	t.Run("retry", func(t *testing.T) {
		t.Parallel()
		p := killVictim(t, folder, cli, "{retry: 1, then: forfeit}")
		checkFailures(t, p, "victim 2.1.1 CRASH")
		if got := p.scores(t); got != want.scores(t) {
			t.Error(got)
		}
		unharmed(t, want, p, "ada", "ben", "victim")
		checkResumed(t, p)
	})
}

func checkFailures(t *testing.T, p *played, want ...string) {
	t.Helper()
	if got := p.failures(t); !slices.Equal(got, want) {
		t.Errorf("failures: %v, want %v", got, want)
	}
}

// killVictim plays and kills the victim's client in turn 2.
func killVictim(t *testing.T, folder, cli, policy string) *played {
	t.Helper()
	s := setup{claude: cli, sandbox: sandboxDir(t), out: t.TempDir(), sets: []string{"failures.crash=" + policy}}
	watched := make(chan struct{})
	s.change = func(o *Options) {
		o.opened = func(r *run) {
			go func() {
				defer close(watched)
				watchVictim(t, r)
			}()
		}
	}
	p := completed(t, folder, s)
	<-watched
	checkLedger(t, p)
	if _, err := os.Stat(filepath.Join(p.Workspace(), "half.txt")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of the attempt that crashed is in the workspace: %v", err)
	}
	return p
}

func watchVictim(t *testing.T, r *run) {
	view := r.seats["victim"].view.Dir()
	own := strings.Replace(view, "/views/", "/home/", 1)
	mine := func() []string { return append(traces(view), traces(own)...) }
	sleeping := func() bool {
		n := 0
		for _, p := range traces(view) {
			if strings.Contains(p, `"sleep 300`) {
				n++
			}
		}
		return n >= 2
	}
	if !poll(time.Minute, sleeping) {
		t.Errorf("the tool never ran: %v", traces(view))
		return
	}
	were := mine()
	if err := syscall.Kill(r.seats["victim"].driver.process().PID(), syscall.SIGKILL); err != nil {
		t.Error(err)
		return
	}
	gone := func() bool {
		return !slices.ContainsFunc(mine(), func(l string) bool { return slices.Contains(were, l) })
	}
	if !poll(2*time.Second, gone) {
		t.Errorf("two seconds after the kill there is %v", mine())
	}
}

// unharmed compares what some agents did, and their files, with another run.
func unharmed(t *testing.T, want, got *played, agents ...string) {
	t.Helper()
	for _, agent := range agents {
		for turn := 1; turn <= 3; turn++ {
			a, b := want.result(t, turn, agent), got.result(t, turn, agent)
			a.Attempts, b.Attempts = nil, nil // what they were asked may tell of the other's mail
			if x, y := marshal(t, own(a)), marshal(t, own(b)); x != y {
				t.Errorf("%s in turn %d:\n%s\n%s", agent, turn, x, y)
			}
		}
		name := agent + ".txt"
		if x, y := text(t, filepath.Join(want.Workspace(), name)), text(t, filepath.Join(got.Workspace(), name)); x != y {
			t.Errorf("%s: %q, want %q", name, y, x)
		}
		if n := strings.Count(text(t, filepath.Join(got.Workspace(), "log.md")), agent+" "); n != 3 {
			t.Errorf("%s has %d lines in log.md", agent, n)
		}
	}
}

// own leaves out the shared log, whose base is everybody's.
func own(r history.Result) history.Result {
	r.Writes = slices.DeleteFunc(slices.Clone(r.Writes), func(c history.Change) bool { return c.Path == "log.md" })
	return r
}

// checkResumed: the victim's second process goes on with the first one's session.
func checkResumed(t *testing.T, p *played) {
	t.Helper()
	var got []claude.Started
	for _, e := range p.events(t, "claude.start", "victim") {
		var s claude.Started
		decode(t, e.Data, &s)
		got = append(got, s)
	}
	if len(got) != 2 || got[0].Resumed || !got[1].Resumed || got[0].Session != got[1].Session {
		t.Errorf("starts: %+v", got)
	}
	if lost := p.events(t, "claude.lost", ""); len(lost) > 0 {
		t.Errorf("sessions were lost: %s", fmt.Sprint(lost))
	}
}

// A coordinator that is told to stop ends its run in order.
func TestCoordinatorTerminated(t *testing.T) {
	t.Parallel()
	c := startCoordinator(t, sharedNotes)
	c.await(t, "turn 2 acting 4")
	were := descendants(c.cmd.Process.Pid)
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for c.said.Scan() { // up to the end of its output
	}
	_ = c.wait()
	if code := c.cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	if left := alive(were); len(left) > 0 || len(traces(c.sandbox)) > 0 {
		t.Errorf("left: %v, %v", left, traces(c.sandbox))
	}
	if p := c.played(t); p.info.Status != results.Interrupted {
		t.Errorf("run.json says %s", p.info.Status)
	}
	if left, _ := os.ReadDir(c.sandbox); len(left) > 0 {
		t.Errorf("the sandbox is left: %v", left)
	}
}
