package star

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// keeper records every act's answer on its way to the engine.
type keeper struct {
	sim.Actor
	answers []sim.Answer
	keys    [][32]byte // of the seat's stream at each act
}

func (k *keeper) Act(ctx context.Context, ask *sim.Ask) sim.Answer {
	a := k.Actor.Act(ctx, ask)
	k.answers, k.keys = append(k.answers, a), append(k.keys, ask.Key())
	return a
}

// scripted puts the script on seat a of cfg.
func scripted(t testing.TB, cfg *sim.Config, text string, opts ...Option) *keeper {
	t.Helper()
	k := &keeper{Actor: NewActor(mustScript(t, text), cfg.Seats[0], cfg.Blobs, opts...)}
	cfg.Actors["a"] = k
	return k
}

const rules = `
def setup(): return {"moves": []}
def resolve(state, moves): state["moves"].append([[m.agent, m.action, m.say, m.mail, m.status] for m in moves])
def observe(state, agent): return {"turns": len(state["moves"]), "me": agent.name}
`

// What act returns is the move.
func TestActReturns(t *testing.T) {
	tests := []struct {
		name, act string
		want      []any // action, say, mail, status
	}{
		{"action", "def act(): return {'a': [1, 2.0, None]}", []any{map[string]any{"a": []any{int64(1), int64(2), nil}}, "", []any{}, "committed"}},
		{"text", "def act(): return 'hello'", []any{nil, "hello", []any{}, "committed"}},
		{"pass", "def act(): return None", []any{nil, "", []any{}, "passed"}},
		{"empty text", "def act(): return ''", []any{nil, "", []any{}, "passed"}},
		{"said", "def act(v, a, t, ctx):\n    ctx.say('x')\n    return 'y'", []any{nil, "x\ny", []any{}, "committed"}},
		{"both", "def act(v, a, t, ctx):\n    ctx.say('x')\n    return {}", []any{map[string]any{}, "x", []any{}, "committed"}},
		{"mail", "def act(v, a, t, ctx):\n    ctx.send('b', 'é'[:1] + 'x')\n    ctx.send(['b'], 'y')", []any{nil, "", []any{
			map[string]any{"to": "b", "text": "\uFFFDx"}, map[string]any{"to": []any{"b"}, "text": "y"}}, "passed"}},
		{"bytes", "def act(): return 'é'[:1]", []any{nil, "\uFFFD", []any{}, "committed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := game(world(t, rules), 1, silent(), silent())
			scripted(t, cfg, tt.act)
			moves := value(play(t, cfg))["moves"].([]any)[0].([]any)[0].([]any)
			if diff := cmp.Diff(tt.want, moves[1:]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Everything that the parameters offer.
func TestActSees(t *testing.T) {
	cfg := game(world(t, rules), 2, silent(), sim.ActorFunc(func(context.Context, *sim.Ask) sim.Answer {
		return sim.Answer{Mail: []sim.Letter{{To: "a", Text: "psst"}}}
	}))
	cfg.Seats[0].Vars = map[string]any{"v": int64(3)}
	cfg.Phases[0].Mail = func(*sim.Scope) ([]string, error) { return []string{"a", "b"}, nil }
	k := scripted(t, cfg, `
def act(view, agent, turn, ctx):
    return {
        "turn": turn, "me": [agent.name, agent.entry, agent.seat, agent.live, agent.vars],
        "ctx": [ctx.phase, ctx.lap, ctx.stage, ctx.attempt, ctx.optional, ctx.schema, ctx.mail, ctx.notices],
        "inbox": ctx.inbox, "seen": ctx.observation, "types": [type(view), type(agent), type(ctx)],
    }
`)
	play(t, cfg)
	want := map[string]any{
		"turn": int64(2), "me": []any{"a", "e", int64(0), true, map[string]any{"v": int64(3)}},
		"ctx":   []any{"p", int64(1), int64(1), int64(1), true, anyAction, []any{"b"}, []any{}},
		"inbox": []any{map[string]any{"id": int64(1), "sender": "b", "text": "psst"}},
		"seen":  map[string]any{"turns": int64(1), "me": "a"}, "types": []any{"view", "agent", "ctx"},
	}
	if diff := cmp.Diff(any(want), k.answers[1].Action); diff != "" {
		t.Error(diff)
	}
}

// A failing script is its agent's failure, with place and call stack; the others and
// the run go on.
func TestActFails(t *testing.T) {
	tests := []struct {
		name, act string
		category  sim.Category
		texts     []string
	}{
		{"error", "def act():\n    return f()\ndef f():\n    return 1 // 0", sim.Crash,
			[]string{"s.star:4:14: act: floored division by zero", "s.star:2:13: in act", "s.star:4:14: in f"}},
		{"fail", "def act(): fail('I give up')", sim.Crash, []string{"I give up"}},
		{"steps", "def act():\n    for _ in range(4000000): pass", sim.Crash, []string{"s.star:2:", "which is its limit"}},
		{"kind", "def act(): return 3", sim.Crash, []string{"s.star:1:1: act: returned a int; want a dict"}},
		{"action", "def act(): return {1: 2}", sim.Crash, []string{"the action: ", "keys are strings"}},
		{"memory", "def act(v, a, t, ctx): ctx.memory['x'] = act", sim.Crash, []string{"ctx.memory: "}},
		{"attribute", "def act(v, a, t, ctx): ctx.observations", sim.Crash, []string{"did you mean .observation?"}},
		{"frozen", "X = []\ndef act(): X.append(1)", sim.Crash, []string{"frozen list"}},
		{"observation", "def act(v, a, t, ctx): ctx.observation['x'] = 1", sim.Crash, []string{"frozen"}},
		{"assign", "def act(v, a, t, ctx): ctx.memory = {}", sim.Crash, []string{"memory"}},
		{"absolute", "def act(view): view.write('/etc/passwd', 'x')", sim.Illegal, []string{"s.star:1:26: act: path /etc/passwd: is absolute"}},
		{"parent", "def act(view): view.write('a/../../x', 'x')", sim.Illegal, []string{"has the element .."}},
		{"read parent", "def act(view): view.read('../x')", sim.Illegal, []string{"has the element .."}},
		{"reserved", "def act(view): view.append('.sandtable/x', 'x')", sim.Illegal, []string{"reserved"}},
		{"clash", "def act(view):\n    view.write('a', 'x')\n    view.write('a/b', 'x')", sim.Illegal, []string{"a file and a directory"}},
		{"not allowed", "def act(view): view.write('secret/x', 'x')", sim.Illegal, []string{"you may not write", "secret/x"}},
		{"glob", "def act(view): view.list('[')", sim.Crash, []string{"list: glob"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := game(world(t, rules), 1, silent(), silent())
			cfg.Seats[0].Write = tree.Globs{"!secret/**", "**"}
			cfg.Phases[0].Failures.Illegal.Retry = 0
			cfg.Phases[0].Failures.Crash.Retry = 0
			scripted(t, cfg, tt.act, WithSteps(200_000))
			res := play(t, cfg)
			if len(res.Failures) != 1 || res.Failures[0].Category != tt.category {
				t.Fatalf("failures: %+v", res.Failures)
			}
			for _, want := range tt.texts {
				if !strings.Contains(res.Failures[0].Text, want) {
					t.Errorf("no %q in %q", want, res.Failures[0].Text)
				}
			}
		})
	}
}

// A long backtrace is cut; its inner end stays.
func TestShortTrace(t *testing.T) {
	var b strings.Builder
	b.WriteString("def f0(): return 1 // 0\n")
	for i := range 20 {
		fmt.Fprintf(&b, "def f%d(): return f%d()\n", i+1, i)
	}
	b.WriteString("def act(): return f20()\n")
	cfg := game(world(t, rules), 1, silent())
	k := scripted(t, cfg, b.String())
	play(t, cfg)
	text := k.answers[0].Failure.Text
	if strings.Count(text, "\n") != 8 || !strings.HasSuffix(text, "in f0") || !strings.Contains(text, "…") {
		t.Errorf("%s", text)
	}
}

// A cancelled run ends a script that computes.
func TestActStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cfg := game(world(t, "def setup(): return {}\ndef resolve(state, moves): pass\ndef observe(state, agent): return {}"), 1, silent())
	a := NewActor(mustScript(t, "def act(v, a, t, ctx):\n    print('going')\n    for _ in range(4000): [0 for _ in range(4000000)]"), cfg.Seats[0], nil,
		WithSteps(1<<60), WithPrint(func(string) { cancel() }))
	cfg.Actors["a"] = a
	if _, err := sim.Play(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Files: own writes are read back, the write set is against the view, nothing else
// changes.
func TestView(t *testing.T) {
	cfg := game(world(t, rules), 1, silent(), silent())
	put := func(text string) tree.Entry {
		h, err := cfg.Blobs.Put([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return tree.Entry{Kind: tree.File, Hash: h, Size: int64(len(text))}
	}
	link := put("a.txt")
	link.Kind = tree.Link
	run := put("#!")
	run.Kind = tree.Exec
	base, err := (*tree.Tree)(nil).With(map[string]tree.Entry{
		"a.txt": put("one"), "d/b.txt": put("two"), "d/c.txt": put("three"), "link": link, "run": run, "hidden/x": put("h"),
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Tree = base
	cfg.Seats[0].Read = tree.Globs{"!hidden/**", "**"}
	k := scripted(t, cfg, `
def act(view):
    view.write("new/n.txt", "n")
    view.append("a.txt", "+")
    view.append("a.txt", "+")
    view.append("log", "x")
    view.remove("d/b.txt")
    view.remove("none")
    view.write("d/c.txt", "three")
    view.write("run", "#!/bin/sh")
    view.write("gone", "x")
    view.remove("gone")
    return {"a": view.read("a.txt"), "b": view.read("d/b.txt"), "none": view.read("none"), "hidden": view.read("hidden/x"),
            "link": view.read("link"), "n": view.read("new/n.txt"), "list": view.list(), "d": view.list("d/*")}
`)
	res := play(t, cfg)
	want := map[string]any{
		"a": "one++", "b": nil, "none": nil, "hidden": nil, "link": nil, "n": "n",
		"list": []any{"a.txt", "d/c.txt", "link", "log", "new/n.txt", "run"}, "d": []any{"d/c.txt"},
	}
	if diff := cmp.Diff(any(want), k.answers[0].Action); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a.txt", "d/b.txt", "log", "new/n.txt", "run"}, k.answers[0].Writes.Paths()); diff != "" {
		t.Error(diff)
	}
	if e, _ := res.Tree.Get("run"); e.Kind != tree.Exec || e.Size != 9 {
		t.Errorf("run: %+v", e)
	}
	if e, ok := res.Tree.Get("hidden/x"); !ok || e.Size != 1 {
		t.Error("hidden/x is gone")
	}
}

// After an unusable move the agent's files are as it left them; after a crash they are
// as the turn opened. What a crashed script wrote is handed in all the same, so that its
// bytes are kept.
func TestRetries(t *testing.T) {
	script := `
def act(view, agent, turn, ctx):
    before = view.read("f")
    view.append("f", str(ctx.attempt))
    ctx.memory["n"] = ctx.memory.get("n", 0) + 1
    if ctx.attempt == 1:
        %s
    return {"ok": True, "before": before, "n": ctx.memory["n"]}
`
	w := world(t, rules+"def check(state, agent, action): return None if action.get('ok') else 'no'\n")
	for failing, want := range map[string]any{
		"return {}": map[string]any{"ok": true, "before": "1", "n": int64(1)},
		"1 // 0":    map[string]any{"ok": true, "before": nil, "n": int64(1)},
	} {
		cfg := game(w, 1, silent())
		k := scripted(t, cfg, fmt.Sprintf(script, failing))
		play(t, cfg)
		if len(k.answers) != 2 || len(k.answers[0].Writes) != 1 {
			t.Fatalf("%s: %+v", failing, k.answers)
		}
		if diff := cmp.Diff(want, k.answers[1].Action); diff != "" {
			t.Errorf("%s: %s", failing, diff)
		}
	}
}

// Memory is kept between the acts as a JSON value: sorted, not aliased; and stays as it
// was when a script does not touch it.
func TestMemory(t *testing.T) {
	cfg := game(world(t, rules), 4, silent())
	k := scripted(t, cfg, `
def act(view, agent, turn, ctx):
    if turn == 1:
        shared = [1.0]
        ctx.memory["z"] = shared
        ctx.memory["a"] = (shared, turn)
    elif turn == 2:
        ctx.memory["z"].append(2)
    elif turn == 4:
        return {"keys": list(ctx.memory), "a": ctx.memory["a"], "z": ctx.memory["z"], "type": type(ctx.memory["z"][0])}
`)
	play(t, cfg)
	want := map[string]any{
		"keys": []any{"a", "z"}, "a": []any{[]any{int64(1)}, int64(1)}, "z": []any{int64(1), int64(2)}, "type": "int",
	}
	if diff := cmp.Diff(any(want), k.answers[3].Action); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(k.answers[1].Memory, k.answers[2].Memory); diff != "" {
		t.Error("untouched memory changed:", diff)
	}
}

// An agent's dice come from its own key and the name alone, and are no chance records.
func TestActDice(t *testing.T) {
	const script = `
def act(view, agent, turn, ctx):
    d = ctx.random("x")
    return {"x": [d.int(1, 1000000), ctx.random("x").int(1, 1000000)], "y": ctx.random("y").float()}
`
	run := func(seats int) (*keeper, *sim.Result) {
		actors := make([]sim.Actor, seats)
		for i := range actors {
			actors[i] = silent()
		}
		cfg := game(world(t, rules), 2, actors...)
		cfg.Streams = sim.Streams{Seed: 11, Replicate: 2}
		k := scripted(t, cfg, script)
		return k, play(t, cfg)
	}
	k, res := run(1)
	more, _ := run(3)
	for i, key := range k.keys {
		x := sim.NewDice(sha256.Sum256(append(key[:], 'x')), nil)
		want := map[string]any{"x": []any{x.Int(1, 1000000), x.Int(1, 1000000)}}
		got := k.answers[i].Action.(map[string]any)
		if diff := cmp.Diff(want["x"], got["x"]); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(k.answers[i].Action, more.answers[i].Action); diff != "" {
			t.Error("another seat changed an agent's dice:", diff)
		}
	}
	if cmp.Equal(k.answers[0].Action, k.answers[1].Action) {
		t.Error("two turns, the same dice")
	}
	// They are counted by seat, or a report would say that the seed has no effect (D9); the
	// records of chance are the world's and the engine's alone.
	if diff := cmp.Diff(map[string]int{"agent/a": 2 * 3}, res.Draws); diff != "" {
		t.Error(diff)
	}
}

func TestLoadScript(t *testing.T) {
	src := files(map[string]string{
		"s.star":    "load('lib.star', 'helper')\ndef act(): return None\ndef other(view, agent): return helper()\ndef _private(): pass\nx = 3\n",
		"lib.star":  "def helper(): return None\n",
		"five.star": "def act(a, b, c, d, e): pass\n",
	})
	for _, ref := range []string{"s.star", "s.star:other", "s.star:act"} {
		s, err := LoadScript(src, ref)
		if err != nil || s.String() != ref {
			t.Error(ref, err)
		}
	}
	for ref, want := range map[string]string{
		"s.star:othr":  `there is no function "othr"; did you mean "other"?`,
		"s.star:zzzzz": "it has act, ",
		"s.star:x":     "x is a int; want a function",
		"s.star:":      `there is no function ""`,
		"none.star":    "none.star: ",
		"five.star":    "five.star:1:1: act: parameter e has no default",
		"../s.star":    "inside the scenario folder",
	} {
		if _, err := LoadScript(src, ref); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", ref, err, want)
		}
	}
}

// A store that fails is nobody's move: the run is void, and no agent is blamed.
func TestStoreFails(t *testing.T) {
	cfg := game(world(t, rules), 1, silent())
	cfg.Actors["a"] = NewActor(mustScript(t, "def act(view): view.write('a', 'b')"), cfg.Seats[0], brokenBlobs{})
	res := play(t, cfg)
	if !res.Void || len(res.Failures) != 1 || res.Failures[0].Category != sim.Transport || !strings.Contains(res.Failures[0].Text, "disk full") {
		t.Errorf("%+v", res.Failures)
	}
}

type brokenBlobs struct{}

func (brokenBlobs) Put([]byte) (tree.Hash, error) { return tree.Hash{}, errors.New("disk full") }
func (brokenBlobs) Get(tree.Hash) ([]byte, error) { return nil, errors.New("disk full") }

// Many actors of one script may act at a time (run with -race).
func TestConcurrentActors(t *testing.T) {
	s := mustScript(t, "NAMES = {'x': [1, 2]}\ndef act(view, agent, turn, ctx):\n    ctx.memory['t'] = turn\n    return {'n': len(NAMES['x']), 'me': agent.name, 'd': ctx.random('x').int(1, 6), 's': ctx.observation['me']}\n")
	actors := make([]sim.Actor, 8)
	cfg := game(world(t, rules), 20, actors...)
	cfg.Serial = false
	for _, seat := range cfg.Seats {
		cfg.Actors[seat.Name] = NewActor(s, seat, cfg.Blobs)
	}
	res := play(t, cfg)
	if res.Moves != 160 || len(res.Failures) > 0 {
		t.Errorf("%d moves, %v", res.Moves, res.Failures)
	}
}
