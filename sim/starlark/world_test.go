package star

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sandtable/sandtable/scenarios/expr"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// Everything that a world's ctx, agents and moves offer, with a trailing ctx and
// without.
func TestWorldSees(t *testing.T) {
	w := world(t, `
def setup(ctx):
    return {"log": [], "params": ctx.params["x"], "setup": [ctx.turn, ctx.phase, ctx.live]}

def resolve(state, moves, ctx):
    state["log"].append({
        "at": [ctx.turn, ctx.phase, ctx.lap, ctx.stage, ctx.live],
        "agents": [[a.name, a.entry, a.role, a.player, a.index, a.seat, a.live, a.vars] for a in ctx.agents],
        "moves": [[m.agent, m.action, m.say, m.mail, m.status, m.substituted] for m in moves],
        "same": ctx.agents[0] == ctx.agents[0] and ctx.agents[0] != ctx.agents[1],
    })
`)
	cfg := game(w, 1,
		sim.ActorFunc(func(context.Context, *sim.Ask) sim.Answer {
			return sim.Answer{Action: map[string]any{"n": 2.0}, Say: "hi", Mail: []sim.Letter{{To: "b", Text: "t"}}}
		}), silent())
	cfg.Params = map[string]any{"x": map[string]any{"y": int64(1)}}
	cfg.Seats[0].Role, cfg.Seats[0].Player = "r", "p"
	cfg.Seats[0].Vars = map[string]any{"v": []any{int64(1)}}
	want := map[string]any{
		"params": map[string]any{"y": int64(1)},
		"setup":  []any{int64(0), "", []any{}},
		"log": []any{map[string]any{
			"at": []any{int64(1), "p", int64(1), int64(1), []any{"a", "b"}},
			"agents": []any{
				[]any{"a", "e", "r", "p", int64(1), int64(0), true, map[string]any{"v": []any{int64(1)}}},
				[]any{"b", "e", "", "", int64(2), int64(1), true, map[string]any{}},
			},
			"moves": []any{
				[]any{"a", map[string]any{"n": int64(2)}, "hi", []any{map[string]any{"to": "b", "text": "t"}}, "committed", false},
				[]any{"b", nil, "", []any{}, "passed", false},
			},
			"same": true,
		}},
	}
	if diff := cmp.Diff(want, value(play(t, cfg))); diff != "" {
		t.Error(diff)
	}
}

// What a world does: files, mail, draws, elimination, done and score.
func TestWorldActs(t *testing.T) {
	w := world(t, `
def setup(ctx):
    ctx.write("a.txt", "1")
    return {"seen": []}

def resolve(state, moves, ctx):
    d = ctx.random("die")
    state["die"] = d.int(1, 6)
    state["rest"] = [d.float() < 1, d.choice(["x"]), d.weighted(["x", "y"], [0, 1]), sorted(d.shuffle([3, 1, 2])), len(d.sample(list(range(5)), 2))]
    state["same"] = ctx.random("die") == d or True
    ctx.append("a.txt", "2")
    ctx.write("b/c.txt", "3")
    state["seen"].append([ctx.read("a.txt"), ctx.read("none"), ctx.list("**"), ctx.list("b/*")])
    ctx.remove("b/c.txt")
    ctx.mail(["a", "b"], "hello")
    ctx.eliminate("b", "because")

def done(state, ctx):
    return "enough" if ctx.turn == 2 else False

def score(state, ctx):
    return {a.name: a.seat + 0.5 for a in ctx.agents}

def observe(state, agent):
    return "text for " + agent.name

def check(state, agent, action):
    if action.get("bad"):
        return "bad is bad"

def actions(state, agent):
    return {"type": "object"}
`)
	var texts []string
	var failed *sim.Failure
	cfg := game(w, 5, sim.ActorFunc(func(_ context.Context, ask *sim.Ask) sim.Answer {
		for _, m := range ask.Inbox {
			if ask.Attempt > 1 {
				break
			}
			texts = append(texts, m.Sender+" "+m.Text)
		}
		seen, err := ask.Observation()
		if err != nil || seen != "text for a" {
			t.Error(seen, err)
		}
		failed = ask.Retry
		return sim.Answer{Action: map[string]any{"bad": ask.Attempt == 1}}
	}), silent())
	res := play(t, cfg)
	if res.Reason != "enough" || res.Turns != 2 || res.Status["b"] != sim.Done {
		t.Errorf("%+v", res)
	}
	if failed == nil || failed.Text != "bad is bad" {
		t.Errorf("check: %v", failed)
	}
	if diff := cmp.Diff(map[string]float64{"a": 0.5, "b": 1.5}, res.Scores); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"@world hello"}, texts); diff != "" {
		t.Error(diff)
	}
	want := []any{
		[]any{"12", nil, []any{"a.txt", "b/c.txt"}, []any{"b/c.txt"}},
		[]any{"122", nil, []any{"a.txt", "b/c.txt"}, []any{"b/c.txt"}},
	}
	s := value(res)
	if diff := cmp.Diff(want, s["seen"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{true, "x", "y", []any{int64(1), int64(2), int64(3)}, int64(2)}, s["rest"]); diff != "" {
		t.Error(diff)
	}
	if n := s["die"].(int64); n < 1 || n > 6 || res.Draws["die"] != 2*6 {
		t.Errorf("die %d, draws %v", n, res.Draws)
	}
	if _, ok := res.Tree.Get("b/c.txt"); ok {
		t.Error("b/c.txt is still there")
	}
}

// The functions that look may not change anything, and say so.
func TestReadOnly(t *testing.T) {
	for body, want := range map[string]string{
		`state["x"] = 1`:                        "cannot insert into frozen hash table",
		`state["list"].append(1)`:               "cannot append to frozen list",
		`ctx.params["x"] = 1`:                   "cannot insert into frozen hash table",
		`ctx.agents[0].vars["x"] = 1`:           "cannot insert into frozen hash table",
		`ctx.live.append("z")`:                  "cannot append to frozen list",
		`ctx.random("x")`:                       "only setup and resolve may draw",
		`ctx.write("x", "y")`:                   "only setup and resolve may draw",
		`ctx.agent`:                             "did you mean .agents?",
		`agent.rol`:                             "did you mean .role?",
		`agent.vars.x`:                          "dict has no .x field or method",
		`load_it()`:                             "",
		`[x for x in range(10000000)]`:          "more than",
		`[x for x in state["list"] * 1 if f()]`: "",
	} {
		src := "def setup():\n    return {'list': [1]}\ndef resolve(state, moves): pass\ndef f(): return 1\ndef observe(state, agent, ctx):\n    " + body + "\n"
		w, err := LoadWorld(files(map[string]string{"w.star": src}), "w.star")
		if body == `load_it()` {
			if err == nil || !strings.Contains(err.Error(), "w.star:6:5: undefined: load_it") {
				t.Errorf("%s: %v", body, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		seat := &sim.Seat{Name: "a"}
		_, err = w.Observe(map[string]any{"list": []any{int64(1)}}, seat, &sim.Ctx{Agents: []*sim.Seat{seat}, Live: []string{"a"}})
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", body, err)
			}
			continue
		}
		e, ok := errors.AsType[*EvalError](err)
		if !ok || !strings.Contains(e.Message, want) || e.File != "w.star" || e.Line != 6 || e.Func != "observe" || !strings.Contains(e.Backtrace, "in observe") {
			t.Errorf("%s: %v, want %q at line 6", body, err, want)
		}
	}
}

// A world's error ends the run with file, line and call stack.
func TestWorldError(t *testing.T) {
	w := mustWorld(t, map[string]string{
		"lib/deep.star": "def f(x):\n    return g(x)\n\ndef g(x):\n    return 1 // x\n",
		"w.star":        "load('lib/deep.star', 'f')\ndef setup(): return {}\ndef resolve(state, moves):\n    f(0)\n",
	}, "w.star")
	_, err := sim.Play(context.Background(), game(w, 1, silent()))
	e, ok := errors.AsType[*EvalError](err)
	if !ok {
		t.Fatal(err)
	}
	if e.File != "lib/deep.star" || e.Line != 5 || e.Func != "resolve" {
		t.Errorf("place: %+v", e)
	}
	for _, want := range []string{"w.star:4:6: in resolve", "lib/deep.star:2:13: in f", "lib/deep.star:5:14: in g", "division by zero"} {
		if !strings.Contains(e.Backtrace, want) {
			t.Errorf("no %q in\n%s", want, e.Backtrace)
		}
	}
}

func TestResultsOfTheWrongKind(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"setup none", "def setup(): pass\ndef resolve(state, moves): pass", "w.star:1:1: setup: returned a NoneType; want the state, a dict"},
		{"setup key", "def setup(): return {1: 2}\ndef resolve(state, moves): pass", "keys are strings"},
		{"setup set", "def setup(): return {'a': set([1])}\ndef resolve(state, moves): pass", `["a"]`},
		{"setup function", "def setup(): return {'a': setup}\ndef resolve(state, moves): pass", `["a"]`},
		{"setup agent", "def setup(ctx): return {'a': ctx.agents}\ndef resolve(state, moves): pass", `["a"][0]`},
		{"setup NaN", "def setup(ctx): return {'a': float('nan')}\ndef resolve(state, moves): pass", "no JSON number"},
		{"setup big", "def setup(ctx): return {'a': 1 << 64}\ndef resolve(state, moves): pass", "64 bits"},
		{"cycle", "def setup(ctx): \n  a = []\n  a.append(a)\n  return {'a': a}\ndef resolve(state, moves): pass", "itself"},
		{"bomb", "def setup(ctx): \n  a = ['x']\n  for _ in range(100): a = [a, a]\n  return {'a': a}\ndef resolve(state, moves): pass", "values"},
		{"resolve list", "def setup(): return {}\ndef resolve(state, moves): return []", "resolve: returned a list; want the state"},
		{"observe", "def setup(): return {}\ndef resolve(state, moves): pass\ndef observe(s, a): return 1", "observe: returned a int"},
		{"actions", "def setup(): return {}\ndef resolve(state, moves): pass\ndef actions(s, a): return 'x'", "actions: returned a string"},
		{"check", "def setup(): return {}\ndef resolve(state, moves): pass\ndef check(s, a, x): return True", "check: returned a bool"},
		{"done", "def setup(): return {}\ndef resolve(state, moves): pass\ndef done(s): return True", "done: returned True"},
		{"score", "def setup(): return {}\ndef resolve(state, moves): pass\ndef score(s): return {'z': 1}", "no agent"},
		{"score text", "def setup(): return {}\ndef resolve(state, moves): pass\ndef score(s): return {'a': 'x'}", "finite number"},
		{"steps", "def setup():\n  for i in range(1000000):\n    for j in range(1000000): pass\n  return {}\ndef resolve(state, moves): pass", "which is its limit"},
		{"recursion", "def f(): return f()\ndef setup(): return f()\ndef resolve(state, moves): pass", "called recursively"},
		{"path", "def setup(ctx):\n    ctx.write('../x', '')\ndef resolve(state, moves): pass", "w.star:2:14: setup: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := game(world(t, tt.src, WithSteps(1_000_000)), 1, sim.ActorFunc(func(_ context.Context, ask *sim.Ask) sim.Answer {
				_, _ = ask.Observation()
				return sim.Answer{Action: map[string]any{}}
			}))
			cfg.Observer = tape{}
			_, err := sim.Play(context.Background(), cfg)
			if e, ok := errors.AsType[*EvalError](err); !ok || !strings.Contains(e.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// tape hears everything and keeps nothing.
type tape struct{}

func (tape) Observe(sim.Record) error { return nil }

func TestLoadWorldRefuses(t *testing.T) {
	const ok = "def setup(): return {}\ndef resolve(state, moves): pass\n"
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"missing file", map[string]string{}, "w.star: "},
		{"syntax", map[string]string{"w.star": "def setup(:\n"}, "w.star:1:12: got ':'"},
		{"two names", map[string]string{"w.star": "x = y\nz = q\n"}, "w.star:1:5: undefined: y; w.star:2:5: undefined: q"},
		{"no resolve", map[string]string{"w.star": "def setup(): return {}\n"}, "needs a function resolve"},
		{"no function", map[string]string{"w.star": ok + "score = 3\n"}, "score is a int; want a function"},
		{"too few", map[string]string{"w.star": "def setup(): return {}\ndef resolve(state): pass\n"}, "w.star:2:1: resolve has 1 parameters; want 2 to 3"},
		{"too many", map[string]string{"w.star": "def setup(): return {}\ndef resolve(a, b, c, d): pass\n"}, "parameter d has no default"},
		{"keyword", map[string]string{"w.star": "def setup(*, x): return {}\ndef resolve(a, b): pass\n"}, "parameter x has no default"},
		{"top level", map[string]string{"w.star": ok + "x = 1 // 0\n"}, "w.star:3:7: floored division by zero"},
		{"reassign", map[string]string{"w.star": ok + "x = 1\nx = 2\n"}, "w.star:4:1: cannot reassign"},
		{"endless", map[string]string{"w.star": ok + "x = [1 for a in range(10000) for b in range(10000)]\n"}, "limit"},
		{"escape", map[string]string{"w.star": "load('../x.star', 'x')\n" + ok}, "outside the scenario folder"},
		{"absolute", map[string]string{"w.star": "load('/etc/passwd', 'x')\n" + ok}, "outside the scenario folder"},
		{"circle", map[string]string{"w.star": "load('a.star', 'x')\n" + ok, "a.star": "load('b.star', 'x')\n", "b.star": "load('a.star', 'x')\n"}, "circle"},
		{"itself", map[string]string{"w.star": "load('w.star', 'x')\n" + ok}, "circle"},
		{"no such name", map[string]string{"w.star": "load('a.star', 'helper')\n" + ok, "a.star": "def helpers(): pass\n"}, "did you mean helpers"},
		{"inner", map[string]string{"w.star": "load('d/a.star', 'x')\n" + ok, "d/a.star": "x = 1 +\n"}, "d/a.star:1:8: "},
		{"print", map[string]string{"w.star": ok + "x = time.now()\n"}, "undefined: time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := LoadWorld(files(tt.files), "w.star", WithSteps(1_000_000))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	if _, err := LoadWorld(files(nil), "../w.star"); err == nil || !strings.Contains(err.Error(), "inside the scenario folder") {
		t.Error(err)
	}
}

// Loads are relative to the file they stand in, and each file runs once.
func TestLoad(t *testing.T) {
	var prints []string
	mustWorld(t, map[string]string{
		"w.star":     "load('d/a.star', 'a')\nload('d/b.star', 'b')\ndef setup(): return {}\ndef resolve(state, moves): pass\n",
		"d/a.star":   "load('b.star', 'b')\na = b\n",
		"d/b.star":   "load('../c.star', 'c')\nprint('b runs')\nb = c\n",
		"c.star":     "c = sum([1, 2]) + round(0.6) + len(pairs([1, 2, 3])) + int(pad(7, 3)) + int(gini([1, 1])) + len(json.encode({})) + int(math.sqrt(4))\nprint(c)",
		"d/not.star": "syntax error",
	}, "w.star", WithPrint(func(s string) { prints = append(prints, s) }))
	if diff := cmp.Diff([]string{"18", "b runs"}, prints); diff != "" {
		t.Error(diff)
	}
}

// What a resolve leaves is what a resumed run would read: sorted, nothing shared, whole
// floats as ints.
func TestStateIsNormalised(t *testing.T) {
	const src = `
def setup():
    return {"z": [], "a": {}, "n": 0}

def resolve(state, moves):
    shared = [len(state["z"])]
    state["was"] = type(state["n"])    # left as a float by the turn before
    state["z"].append(shared)
    state["a"]["k%d" % (9 - state["n"])] = shared
    state["b%d" % (9 - state["n"])] = (1, 2.0, -0.0, 1e300, "x")
    if state["n"] > 0:
        state["z"][0].append("late")   # must not be seen in state["a"]
    state["n"] = state["n"] + 1.0
    state["type"] = type(state["n"])
    state["order"] = "".join([k for k in state] + [k for k in state["a"]])
`
	w := world(t, src)
	whole := value(play(t, game(w, 4, silent())))
	// The same run, written down and read back after every turn.
	resumed := play(t, game(amnesia{w, t}, 4, silent())).State
	if diff := cmp.Diff(any(whole), any(resumed)); diff != "" {
		t.Error(diff)
	}
	if whole["n"] != int64(4) || whole["type"] != "float" || whole["was"] != "int" {
		t.Errorf("n %v, type %v, was %v", whole["n"], whole["type"], whole["was"])
	}
	if diff := cmp.Diff([]any{int64(0)}, whole["a"].(map[string]any)["k9"]); diff != "" {
		t.Error("aliased:", diff)
	}
	if diff := cmp.Diff([]any{int64(1), int64(2), int64(0), 1e300, "x"}, whole["b9"]); diff != "" {
		t.Error(diff)
	}
}

// amnesia forgets the state's Starlark form after every call, as a resumed run has.
type amnesia struct {
	*World
	t *testing.T
}

func (a amnesia) Setup(ctx *sim.ResolveCtx) (sim.State, error) {
	return a.forget(a.World.Setup(ctx))
}

func (a amnesia) Resolve(s sim.State, m []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
	return a.forget(a.World.Resolve(s, m, ctx))
}

func (a amnesia) forget(s sim.State, err error) (sim.State, error) {
	if err != nil {
		return nil, err
	}
	text, err := expr.Canonical(s.(sim.Valuer).Value())
	if err != nil {
		a.t.Fatal(err)
	}
	return expr.Decode(text)
}

// resolve may return another dict, and an error in it leaves the state before as it was.
func TestResolveReturns(t *testing.T) {
	w := world(t, `
def setup(): return {"n": 1}
def resolve(state, moves, ctx):
    state["n"] = 5
    if ctx.turn == 2:
        fail("now")
    return {"new": state["n"] + 1}
`)
	ctx := &sim.ResolveCtx{}
	before := map[string]any{"n": int64(1)}
	after, err := w.Resolve(before, nil, ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"new": int64(6)}, after.(*State).Value()); diff != "" {
		t.Error(diff)
	}
	first, err := w.Setup(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ctx.Turn = 2
	if _, err := w.Resolve(first, nil, ctx); err == nil || !strings.Contains(err.Error(), "fail: now") {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]any{"n": int64(1)}, first.(*State).Value()); diff != "" || before["n"] != int64(1) {
		t.Error("the state before was changed:", diff)
	}
	if _, err := w.Resolve("text", nil, ctx); err == nil || !strings.Contains(err.Error(), "no dict") {
		t.Error(err)
	}
}

// An operator's change hands a plain map in.
func TestEventSetsState(t *testing.T) {
	w := world(t, "def setup(): return {'n': 1}\ndef resolve(state, moves):\n    state['n'] *= 10\n")
	cfg := game(w, 2, silent())
	cfg.Events = []sim.Event{{
		At:  func(s *sim.Scope) (bool, error) { return s.Turn == 2, nil },
		Set: func(*sim.Scope) (map[string]any, error) { return map[string]any{"n": int64(7)}, nil },
	}}
	if got := value(play(t, cfg)); got["n"] != int64(70) {
		t.Errorf("%v", got)
	}
}

// Many goroutines may look at one state at a time (run with -race).
func TestConcurrentLooks(t *testing.T) {
	w := world(t, `
def setup(): return {"a": {"k": [1, 2, 3]}}
def resolve(state, moves): pass
def observe(state, agent, ctx): return {"sum": sum(state["a"]["k"]), "p": ctx.params["p"], "v": agent.vars["v"], "me": agent.name}
def check(state, agent, action): return action["x"] if action["x"] in state["a"] else None
`)
	s, err := w.Setup(&sim.ResolveCtx{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			seat := &sim.Seat{Name: fmt.Sprint("s", i), Vars: map[string]any{"v": int64(i)}}
			ctx := &sim.Ctx{Params: map[string]any{"p": int64(i)}, Agents: []*sim.Seat{seat}}
			for range 200 {
				got, err := w.Observe(s, seat, ctx)
				want := map[string]any{"sum": int64(6), "p": int64(i), "v": int64(i), "me": seat.Name}
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Error(err, diff)
				}
				if reason, err := w.Check(s, seat, map[string]any{"x": "z"}, ctx); err != nil || reason != "" {
					t.Error(reason, err)
				}
				_ = s.(*State).Value()
			}
		})
	}
	wg.Wait()
}

// Each of two runs on one world has its own parameters.
func TestSharedWorld(t *testing.T) {
	w := world(t, "def setup(ctx): return {'p': ctx.params['p']}\ndef resolve(state, moves): pass")
	for i := range 3 {
		cfg := game(w, 1, silent())
		cfg.Params = map[string]any{"p": int64(i)}
		if got := value(play(t, cfg)); got["p"] != int64(i) {
			t.Errorf("run %d: %v", i, got)
		}
	}
}

// Bytes that are not UTF-8, from a file say, become U+FFFD in the state, as in JSON.
func TestStateText(t *testing.T) {
	w := world(t, "def setup(ctx): return {'t': 'é'[:1] + 'x'}\ndef resolve(state, moves): pass")
	if got := value(play(t, game(w, 1, silent()))); got["t"] != "\uFFFDx" {
		t.Errorf("%q", got["t"])
	}
}

func TestDiceArguments(t *testing.T) {
	for call, want := range map[string]string{
		"int(2, 1)":              "no number from 2 to 1",
		"choice([])":             "the list is empty",
		"weighted([1], [])":      "1 elements and 0 weights",
		"weighted([1], [-1])":    "from 0 to 1e300",
		"weighted([1], [0])":     "must be positive",
		"weighted([1], ['x'])":   "from 0 to 1e300",
		"sample([1], 2)":         "2 of 1 elements",
		"sample([1], -1)":        "-1 of 1 elements",
		"choise([1])":            "did you mean .choice?",
		"weighted([], [])":       "must be positive",
		"int(0, 1 << 63)":        "out of range",
		"weighted([1], [1e301])": "from 0 to 1e300",
	} {
		w := world(t, "def setup(ctx):\n    ctx.random('x')."+call+"\n    return {}\ndef resolve(state, moves): pass")
		_, err := sim.Play(context.Background(), game(w, 1, silent()))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", call, err, want)
		}
	}
}

var _ tree.Blobs = (*tree.Memory)(nil)

// json.decode reads what agents have written. A text of nothing but brackets would end the
// whole program, without an error, by the depth of its own recursion.
func TestDeepJSONIsNoCrash(t *testing.T) {
	w := world(t, `
def setup(ctx): return {}
def resolve(state, moves, ctx):
    text = ctx.read("bid.json")
    state["given"] = json.decode(text, "no JSON")
    state["fine"] = json.decode("[" * 100 + "]" * 100) != None
    state["brackets"] = json.decode('["[[\\"[", {"{": "}"}]')
    if ctx.turn == 2: json.decode(text)
`)
	blobs := tree.NewMemory()
	run := func(turns int) (*sim.Result, error) {
		cfg := game(w, turns, sim.ActorFunc(func(_ context.Context, ask *sim.Ask) sim.Answer {
			hash, err := blobs.Put([]byte(strings.Repeat("[", 5_000_000)))
			if err != nil || ask.Turn > 1 {
				return sim.Answer{Pass: true}
			}
			return sim.Answer{Writes: tree.WriteSet{{Path: "bid.json", New: tree.Entry{Kind: tree.File, Hash: hash, Size: 5_000_000}}}}
		}))
		cfg.Blobs = blobs
		return sim.Play(t.Context(), cfg)
	}
	res, err := run(1)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"given": "no JSON", "fine": true, "brackets": []any{`[["[`, map[string]any{"{": "}"}}}
	if diff := cmp.Diff(any(want), res.State.(sim.Valuer).Value()); diff != "" {
		t.Error(diff)
	}
	if _, err := run(2); err == nil || !strings.Contains(err.Error(), "w.star:8:") || !strings.Contains(err.Error(), "nested deeper") {
		t.Errorf("without a default: %v", err)
	}
}
