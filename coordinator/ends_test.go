package coordinator

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sandtable/sandtable/coordinator/workspace"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// farewell is a program that says on stderr that it was told the end, and is slow to go.
const farewell = `
-- scenario.yaml --
sandtable: 1
name: farewell
seed: 1
agents: [{name: a, runtime: program, command: [python3, agent.py]}]
turns: {max: 1}
-- agent.py --
import json, sys, time
for line in sys.stdin:
    m = json.loads(line)
    if m["type"] == "hello":
        print(json.dumps({"type": "ready"}), flush=True)
    elif m["type"] == "turn":
        print(json.dumps({"type": "move", "id": m["id"], "say": "x"}), flush=True)
    elif m["type"] == "end":
        print("the end", file=sys.stderr, flush=True)
        time.sleep(1)
        break
`

// An interrupt that comes while the agents of a run that is over say goodbye changes
// nothing of how it ended: its history has its end, and it counts.
func TestInterruptAfterEnd(t *testing.T) {
	t.Parallel()
	python(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	out := t.TempDir()
	go func() {
		poll(time.Minute, func() bool {
			files, _ := filepath.Glob(filepath.Join(out, "*/c01/r001/agents/a/stderr"))
			if len(files) == 0 {
				return false
			}
			data, _ := os.ReadFile(files[0])
			return len(data) > 0
		})
		cancel(errors.New("somebody pressed a key"))
	}()
	p := playIn(t, ctx, folderOf(t, farewell), setup{out: out})
	if ctx.Err() == nil {
		t.Fatal("the interrupt came too late")
	}
	if p.err != nil || p.info.Status != results.Completed || p.info.History == "" {
		t.Errorf("%s, %v", p.info.Status, p.err)
	}
}

// What is found wrong at the end of a run that was interrupted is told beside the
// interrupt, which it still is.
func TestInterruptHidesNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("somebody pressed a key")
	left := errors.New("something is left")
	p := playIn(t, ctx, folderOf(t, scripted), setup{change: func(o *Options) {
		o.opened = func(r *run) {
			r.onClose(func(context.Context) error { return left })
			cancel(why)
		}
	}})
	checkInterrupted(t, p, why)
	if !errors.Is(p.err, left) || !strings.Contains(p.info.Error, left.Error()) {
		t.Errorf("%q, %v", p.info.Error, p.err)
	}
}

// An interrupt that comes after the harness has failed does not make the failure one.
func TestFailureBeforeInterrupt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	p := playIn(t, ctx, folderOf(t, scripted), setup{change: func(o *Options) {
		o.opened = func(r *run) {
			r.harnessFailed(errors.New("it broke"))
			cancel(errors.New("somebody pressed a key"))
		}
	}})
	if p.info.Status != results.HarnessFailed || !strings.Contains(p.info.Error, "it broke") {
		t.Errorf("%s, %q", p.info.Status, p.info.Error)
	}
}

// What an agent had written in an act that the end of the run cut off, and what it
// writes once it has been told the end, is in the journal with its author (promise 1);
// an agent whose files are all sealed is not mentioned.
func TestLeftFilesAreKept(t *testing.T) {
	t.Parallel()
	python(t)
	p := play(t, folderOf(t, `
-- scenario.yaml --
sandtable: 1
name: half
seed: 1
agents:
  - {name: a, runtime: program, command: [python3, agent.py, hang]}
  - {name: b, runtime: program, command: [python3, agent.py, write]}
  - {name: c, runtime: program, command: [python3, agent.py, quiet]}
turns: {max: 2, phases: [{name: first, when: "${turn == 1}", who: [b, c]}, {name: second, when: "${turn == 2}", who: a}]}
limits: {wall: 3s}
-- agent.py --
import json, sys, time
mode = sys.argv[1]
for line in sys.stdin:
    m = json.loads(line)
    if m["type"] == "hello":
        print(json.dumps({"type": "ready"}), flush=True)
    elif m["type"] == "turn":
        open(mode + ".txt", "w").write("by " + mode)
        if mode == "hang":
            time.sleep(300)
        print(json.dumps({"type": "move", "id": m["id"], "say": "x"}), flush=True)
    elif m["type"] == "end":
        if mode == "write":
            open("late.txt", "w").write("by " + mode)
        break
`), setup{})
	checkTruncated(t, p, "wall")
	wal, err := workspace.ReadWAL(filepath.Join(p.Journal(), "wal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, rec := range wal.Records {
		if rec.Reason != "discarded" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(p.Blobs(), rec.Post.Hash.String()))
		if got = append(got, rec.Agent+" "+rec.Path+": "+string(data)); err != nil {
			t.Error(err)
		}
	}
	slices.Sort(got)
	if want := "a hang.txt: by hang, b late.txt: by write, b write.txt: by write"; strings.Join(got, ", ") != want {
		t.Errorf("journaled as discarded: %q, want %s", got, want)
	}
	if list, _ := os.ReadDir(p.Workspace()); len(list) != 2 {
		t.Errorf("the workspace holds %v", list)
	}
}

// A head that cannot be published is a failure of the harness, even if a limit ends the
// run at the same moment: the run's files are not what its history says.
func TestFailureBesideLimit(t *testing.T) {
	t.Parallel()
	p := play(t, folderOf(t, scripted), setup{change: func(o *Options) {
		o.opened = func(r *run) {
			r.plan.Foreign = func(context.Context) (tree.WriteSet, error) { // after the acts, before the commits
				r.truncate(&sim.Truncation{Reason: "wall"})
				return nil, r.ws.Close()
			}
		}
	}})
	if p.info.Status != results.HarnessFailed {
		t.Errorf("%s, %q", p.info.Status, p.info.Error)
	}
}

// An agent whose view cannot be filled is named, and nobody is started behind the end.
func TestStartFails(t *testing.T) {
	t.Parallel()
	var begun atomic.Int32
	p := play(t, programs(t, "", "good", "mute"), setup{change: func(o *Options) {
		o.opened = func(r *run) {
			d := slowStart{r.seats["good"].driver, &begun}
			r.seats["good"].driver = d
			other, err := workspace.Open(workspace.Options{Dir: t.TempDir(), Journal: t.TempDir()})
			if err != nil {
				t.Error(err)
				return
			}
			if r.seats["mute"].view, err = other.View("mute"); err != nil {
				t.Error(err)
			}
			if err := other.Close(); err != nil {
				t.Error(err)
			}
		}
	}})
	if p.info.Status != results.HarnessFailed || !strings.HasPrefix(p.info.Error, "agent mute: ") {
		t.Errorf("%s, %q", p.info.Status, p.info.Error)
	}
	if n := begun.Load(); n != 2 {
		t.Errorf("the start of the other was at step %d of 2 when the run returned", n)
	}
}

// slowStart notes when a start begins and ends.
type slowStart struct {
	driver
	steps *atomic.Int32
}

func (d slowStart) start(ctx context.Context) error {
	d.steps.Add(1)
	defer d.steps.Add(1)
	return d.driver.start(ctx)
}

// scripted is the smallest scenario of all.
const scripted = `
-- scenario.yaml --
sandtable: 1
name: small
seed: 1
agents: [{name: a, script: a.star}, {name: b, script: a.star}]
turns: {max: 2}
-- a.star --
def act(view, agent, turn, ctx):
    view.write(agent.name + ".txt", "hi")
    return "hi"
`

// Who is eliminated is told why and leaves while the others play on; it is not told the
// run's end again.
func TestEliminatedIsEnded(t *testing.T) {
	t.Parallel()
	python(t)
	p := completed(t, folderOf(t, `
-- scenario.yaml --
sandtable: 1
name: elimination
seed: 1
world: w.star
agents: [{name: a, runtime: program, command: [python3, agent.py]}, {name: b, runtime: program, command: [python3, agent.py]}]
turns: {max: 2}
-- w.star --
def setup(ctx):
    return {}

def resolve(state, moves, ctx):
    if ctx.turn == 1:
        ctx.eliminate("a", "out of luck")
-- agent.py --
import json, sys
for line in sys.stdin:
    m = json.loads(line)
    if m["type"] == "hello":
        print(json.dumps({"type": "ready"}), flush=True)
    elif m["type"] == "turn":
        print(json.dumps({"type": "move", "id": m["id"], "say": "x"}), flush=True)
    elif m["type"] == "end":
        print(m["reason"], file=sys.stderr, flush=True)
        break
`), setup{})
	for agent, want := range map[string]string{"a": "out of luck\n", "b": "max\n"} {
		dir, err := p.Agent(agent)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, filepath.Join(dir, "stderr")); got != want {
			t.Errorf("%s was told %q, want %q", agent, got, want)
		}
	}
}

// A panic of our own is a failure of the harness like any other: the agents are gone, and
// run.json says what happened.
func TestPanicIsTheHarness(t *testing.T) {
	t.Parallel()
	python(t)
	var r *run
	s := setup{change: func(o *Options) {
		o.opened = func(opened *run) { r = opened; panic("planted") }
	}}
	p := play(t, folderOf(t, farewell), s)
	var harness *HarnessError
	if !errors.As(p.err, &harness) || !strings.Contains(p.err.Error(), "planted") {
		t.Errorf("the error is %v", p.err)
	}
	if p.info.Status != results.HarnessFailed || !strings.Contains(p.info.Error, "planted") {
		t.Errorf("run.json: %s, %.100s", p.info.Status, p.info.Error)
	}
	if err := r.ws.Close(); err != nil {
		t.Errorf("what was open is not closed: %v", err)
	}
}
