package coordinator

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/history"
)

// mixed is a program, two scripts, a world and metrics, with chance, files, conflicts,
// mail and an act against the rules.
const mixed = `
-- scenario.yaml --
sandtable: 1
name: mixed
seed: 21
world: world.star
workspace:
  files: {"plan.md": "one\ntwo\nthree\n"}
agents:
  - {name: prog, runtime: program, command: [python3, prog.py]}
  - {name: s, count: 2, script: s.star}
turns:
  max: 4
  phases:
    - {name: work, order: simultaneous, action: {n: {type: integer}}, mail: all, hear: all}
    - {name: talk, order: shuffled, optional: true}
metrics: {size: "${len(file('plan.md'))}"}
outcomes: {state: "${state.sum}"}
-- world.star --
def setup(ctx):
    return {"sum": 0, "die": 0}

def resolve(state, moves, ctx):
    state["die"] = ctx.random("die").int(1, 6)
    for m in moves:
        if m.action:
            state["sum"] += m.action["n"] * state["die"]

def observe(state, agent, ctx):
    return {"die": state["die"]}

def check(state, agent, action, ctx):
    return "thirteen" if action["n"] == 13 else None

def score(state):
    return {}
-- s.star --
def act(view, agent, turn, ctx):
    if ctx.phase == "talk":
        return "%s says %d" % (agent.name, ctx.random("x").int(1, 1000))
    ctx.send("all", "hello from " + agent.name)
    view.write("plan.md", "one\n%s %d\nthree\n" % (agent.name, turn))
    return {"n": 13 if ctx.attempt == 1 and turn == 2 else ctx.random("y").int(1, 9)}
-- prog.py --
import json, os, sys
for line in sys.stdin:
    m = json.loads(line)
    if m["type"] == "hello":
        print(json.dumps({"type": "ready"}), flush=True)
    elif m["type"] == "end":
        break
    elif m["type"] in ("turn", "error") and m.get("next_id", m["id"]):
        if m.get("phase") == "talk":
            reply = {"say": "I work in " + os.getcwd(), "mail": [{"to": "all", "text": "cwd=" + os.getcwd() + "/plan.md"}]}
        else:
            with open("own-%d.txt" % m["turn"], "w") as f:
                f.write(m["random"])
            reply = {"action": {"n": m["observation"]["die"]}}
        print(json.dumps(dict(reply, type="move", id=m["id"])), flush=True)
`

// Promise 2 for programs and scripts.
func TestMixedIsDeterministic(t *testing.T) {
	python(t)
	folder := folderOf(t, mixed)
	first := completed(t, folder, setup{})
	want := text(t, first.History())
	if n := len(recordsOf[*history.Draw](t, first)); n < 8 {
		t.Errorf("%d draws", n)
	}
	if end := first.end(t); end.Conflicts == 0 || len(end.Failures) != 2 {
		t.Errorf("%d conflicts, failures %+v", end.Conflicts, end.Failures)
	}
	if strings.Contains(want, first.sandbox) {
		t.Error("the history holds the sandbox's path")
	}
	same(t, want, completed(t, folder, setup{}))
	same(t, want, completed(t, folder, setup{sandbox: filepath.Join(sandboxDir(t), "elsewhere", "and-longer")}))
	same(t, want, completed(t, folder, setup{change: func(o *Options) { o.Acts = 1 }}))
	procs := runtime.GOMAXPROCS(1)
	same(t, want, completed(t, folder, setup{}))
	runtime.GOMAXPROCS(procs)
	seed := uint64(22)
	other := completed(t, folder, setup{seed: &seed})
	if orders(t, first) == orders(t, other) || first.outcome(t, "state") == other.outcome(t, "state") {
		t.Error("another seed has changed nothing")
	}
}

// A change of the head from outside, by a person's editor, becomes a revision of its own
// before the stage's commits; it is never overwritten, and the run is flagged.
func TestForeignEdit(t *testing.T) {
	t.Parallel()
	var once sync.Once
	var sandbox string
	s := setup{sets: []string{"players.p.limits.act=20s"}, change: func(o *Options) {
		o.opened = func(r *run) { sandbox = r.sandbox }
		o.Watch = func(p Progress) {
			if p.Turn == 2 && p.Acting > 0 {
				once.Do(func() { edit(t, filepath.Join(sandbox, "tree", "plan.md")) })
			}
		}
	}}
	p := completed(t, programs(t, "", "good", "writer"), s)
	checkFailures(t, p)
	var authors []string
	for _, r := range recordsOf[*history.Revision](t, p) {
		if authors = append(authors, r.Author); r.Author == "@foreign" && (r.Turn != 2 || len(r.WriteSets) != 1 || r.WriteSets[0].Decisions[0].Path != "plan.md") {
			t.Errorf("%+v", r)
		}
	}
	if got := strings.Join(authors, ","); got != "@setup,,@foreign," {
		t.Errorf("authors of revisions: %s", got)
	}
	got := text(t, filepath.Join(p.Workspace(), "plan.md"))
	if got != "by hand\nplan\nturn 1\nturn 2\n" {
		t.Errorf("plan.md: %q", got)
	}
	res, err := results.ReadRun(p.Dir)
	if err != nil || !res.Foreign {
		t.Errorf("the run is not flagged: %v", err)
	}
}

// edit adds a line at the top, as an editor does: a new file in the place of the old.
func edit(t *testing.T, name string) {
	data, err := os.ReadFile(name)
	if err == nil {
		err = os.WriteFile(name+"~", append([]byte("by hand\n"), data...), 0o644)
	}
	if err == nil {
		err = os.Rename(name+"~", name)
	}
	if err != nil {
		t.Error(err)
	}
}

// An interrupt ends a run in order: status interrupted, nothing left, at once.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("somebody pressed a key")
	s := setup{sets: []string{"players.p.limits.act=5m"}, change: func(o *Options) {
		o.Watch = func(p Progress) {
			if p.Turn == 1 && p.Acting > 0 {
				cancel(why)
			}
		}
	}}
	p := playIn(t, ctx, programs(t, "", "good", "mute"), s)
	checkInterrupted(t, p, why)
}

func checkInterrupted(t *testing.T, p *played, why error) {
	t.Helper()
	if !errors.Is(p.err, why) || errors.As(p.err, new(*HarnessError)) || p.info.Status != results.Interrupted {
		t.Errorf("%s: %v", p.info.Status, p.err)
	}
	if p.took > 15*time.Second {
		t.Errorf("it took %v", p.took)
	}
	if data := []byte(text(t, p.History())); len(data) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
		t.Error("the history ends in the middle of a record")
	}
}

// So does one that waits for a command of an outcome.
func TestInterruptCommand(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("no time")
	mark := filepath.Join(t.TempDir(), "mark")
	folder := programs(t, "outcomes: {slow: {command: [sh, -c, 'touch "+mark+"; sleep 300']}}\n", "good")
	go func() {
		poll(time.Minute, func() bool { _, err := os.Stat(mark); return err == nil })
		cancel(why)
	}()
	p := playIn(t, ctx, folder, setup{})
	checkInterrupted(t, p, why)
}

// Clients are interrupted like anybody, and their conversations are kept.
func TestInterruptClients(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	s := setup{claude: client(t), change: func(o *Options) {
		o.Watch = func(p Progress) {
			if p.Turn == 2 && p.Acting > 0 {
				cancel(why)
			}
		}
	}}
	p := playIn(t, ctx, folderOf(t, trio), s)
	checkInterrupted(t, p, why)
	for _, agent := range []string{"ada", "ben", "victim"} {
		dir, err := p.Agent(agent)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text(t, filepath.Join(dir, "transcript.jsonl")), "Turn 1.") {
			t.Errorf("%s: the conversation is not kept", agent)
		}
	}
}
