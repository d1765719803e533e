package coordinator

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/history"
)

// lake is a scenario whose world is a program.
func lake(t *testing.T, world, more string) string {
	t.Helper()
	python(t)
	return folderOf(t, `
-- scenario.yaml --
sandtable: 1
name: lake
seed: 3
params: {capacity: 20, greed: 100}
world: {command: [python3, world.py], timeout: 20s}
agents: [{name: a, script: a.star}, {name: b, script: a.star}]
turns: {max: 3}
`+more+`
-- a.star --
def act(view, agent, turn, ctx):
    view.write("private/%s/n.txt" % agent.name, "turn %d" % turn)
    return {"want": 2 + ctx.attempt}
-- world.py --
`+world)
}

// A world program plays as its twin in Starlark does: the same scores, files and mail.
func TestWorldProgram(t *testing.T) {
	t.Parallel()
	folder := lake(t, text(t, "world/testdata/fishery.py"), "")
	star := text(t, "world/testdata/fishery.star")
	if err := os.WriteFile(filepath.Join(folder, "world.star"), []byte(star), 0o644); err != nil {
		t.Fatal(err)
	}
	twin := strings.Replace(text(t, filepath.Join(folder, "scenario.yaml")), "{command: [python3, world.py], timeout: 20s}", "world.star", 1)
	p := completed(t, folder, setup{})
	if err := os.WriteFile(filepath.Join(folder, "scenario.yaml"), []byte(twin), 0o644); err != nil {
		t.Fatal(err)
	}
	q := completed(t, folder, setup{})
	same(t, text(t, q.History()), p)
	if got := p.scores(t); got != `{"a":9,"b":9}` {
		t.Error(got)
	}
}

// It finds the head on disk in every call, its own writes of the turn before included,
// and what it draws is logged.
func TestWorldProgramReadsHead(t *testing.T) {
	t.Parallel()
	p := completed(t, lake(t, `
import json, os, sys
def read(m, name):
    try:
        with open(os.path.join(m["ctx"]["tree"], name)) as f:
            return f.read()
    except FileNotFoundError:
        return None
for line in sys.stdin:
    m = json.loads(line)
    reply = {"type": "result", "id": m["id"], "value": None}
    turn = m["ctx"]["turn"]
    if m["call"] == "setup":
        reply["value"] = {"seen": []}
        reply["effects"] = [{"write": {"path": "world.txt", "text": "0"}}]
    elif m["call"] == "resolve":
        seen = [read(m, "private/a/n.txt"), read(m, "world.txt")]
        reply["value"] = {"seen": m["state"]["seen"] + [seen]}
        reply["effects"] = [{"write": {"path": "world.txt", "text": str(turn)}}]
        reply["draws"] = [{"name": "die", "value": turn + 1}]
    elif m["call"] == "observe":
        reply["value"] = {"world": read(m, "world.txt")}
    elif m["call"] == "actions":
        reply["value"] = {"want": {"type": "integer"}}
    elif m["call"] == "check":
        reply["value"] = None if read(m, "world.txt") == str(turn - 1) else "check saw " + str(read(m, "world.txt"))
    elif m["call"] == "score":
        reply["value"] = {"a": int(read(m, "world.txt")), "b": 0}
    print(json.dumps(reply), flush=True)
`, "outcomes: {seen: '${state.seen}'}\n"), setup{})
	checkFailures(t, p)
	if got := p.outcome(t, "seen"); got != `[["turn 1","0"],["turn 2","1"],["turn 3","2"]]` {
		t.Errorf("the world saw %s", got)
	}
	if got := p.scores(t); got != `{"a":3,"b":0}` {
		t.Errorf("scores: %s", got)
	}
	var dice []string
	for _, d := range recordsOf[*history.Draw](t, p) {
		if strings.Contains(d.Stream, "die") {
			dice = append(dice, marshal(t, d.Result))
		}
	}
	if strings.Join(dice, " ") != "2 3 4" {
		t.Errorf("draws: %v", dice)
	}
	want, err := history.HashValue(map[string]any{"world": "1"})
	if got := p.result(t, 2, "a").Attempts[0].Observation; got != want || err != nil {
		t.Error("in turn 2 the agent was not shown the head")
	}
}

// A world that crashes or hangs ends its run as a failure of the harness, and leaves
// nothing.
func TestWorldProgramFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"crash": {"    if m['call'] == 'resolve': sys.stderr.write('no such fish\\n'); sys.exit(9)", "no such fish"},
		"hang":  {"    if m['call'] == 'resolve': __import__('subprocess').run(['setsid', 'sleep', '300'])", "no answer within 2s"},
	} {
		t.Run(name, func(t *testing.T) {
			world := "import json, sys\nfor line in sys.stdin:\n    m = json.loads(line)\n" + c.body +
				"\n    print(json.dumps({'type': 'result', 'id': m['id'], 'value': {} if m['call'] in ('setup', 'observe') else None}), flush=True)\n"
			p := play(t, lake(t, world, ""), setup{sets: []string{"world.timeout=2s"}})
			var harness *HarnessError
			if !errors.As(p.err, &harness) || p.info.Status != results.HarnessFailed || !strings.Contains(p.info.Error, c.want) {
				t.Errorf("%s: %q, %v", p.info.Status, p.info.Error, p.err)
			}
			if p.took > 20*time.Second {
				t.Errorf("it took %v", p.took)
			}
		})
	}
}

// Commands of metrics and outcomes run on a copy of the head with hidden tests over it;
// neither the copy nor the tests come back.
func TestCommandOutcome(t *testing.T) {
	t.Parallel()
	p := completed(t, folderOf(t, `
-- scenario.yaml --
sandtable: 1
name: code
seed: 1
agents: [{name: a, script: a.star}]
turns: {max: 2}
metrics:
  lines: {command: [sh, -c, "wc -l < code.py; echo x > made-by-metric"], value: "${result}"}
outcomes:
  passed: {command: [sh, -c, "test -f tests/hidden.sh && test ! -e made-by-metric && sh tests/hidden.sh"], add: hidden}
  failed: {command: [sh, -c, "echo bad; exit 3"], value: "${[exit, stdout]}"}
  slow: {command: [sh, -c, "setsid sleep 300 & sleep 300"], timeout: 500ms, value: "${exit}"}
  missing: {command: [no-such-command-here], value: "${exit}"}
  environment: {command: [env], value: "${'CANARY' in stdout}"}
  series: '${series("lines")}'
-- a.star --
def act(view, agent, turn, ctx):
    if view.list("**") != (["code.py"] if turn > 1 else []):
        fail("I see %s" % view.list("**"))
    view.write("code.py", "answer = 42\n" * turn)
-- hidden/tests/hidden.sh --
grep -q 'answer = 42' code.py
`), setup{})
	for name, want := range map[string]string{
		"passed": "true", "failed": `[3,"bad\n"]`, "slow": "-1", "missing": "127", "environment": "false", "series": "[1,2]",
	} {
		if got := p.outcome(t, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if p.took > 20*time.Second {
		t.Errorf("it took %v", p.took)
	}
	list, err := os.ReadDir(p.Workspace())
	if err != nil || len(list) != 1 {
		t.Errorf("the workspace holds %v, %v", list, err)
	}
}
