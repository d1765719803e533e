package bind_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// TestMeasures: metrics after each turn, outcomes at the end, with their own types.
func TestMeasures(t *testing.T) {
	p := plan(t, map[string]string{"w.star": countWorld, "scenario.yaml": head + `
world: w.star
agents: [{name: a, model: m, vars: {k: 1}}]
turns: {max: 2}
metrics: {n: "${state.n}", half: "${scores.a}", odd: "${state.n if state.n % 2 else None}"}
outcomes:
  all: ${len(series("n"))}
  text: ${reason + str(turn) + str(truncated)}
  none: ${file("x")}
  files: ${len(files("**"))}
  sum: ${sum(series("n")) + sum(series("half"))}
  a: ${agents[0].vars.k + scores.a + usage.commits}
  flag: ${series("odd") == [1, None]}
  label: "${'n is %d' % state.n}"
`})
	res := play(t, build(t, p.Runs[0], bind.Deps{}).Config)
	want := map[string]any{
		"all": int64(2), "text": "max2False", "none": nil, "files": int64(0), "sum": 4.5, "a": 2.0, "flag": true, "label": "n is 2",
	}
	if got := outcomes(res); !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}

// TestCommands: what a command is given, and what is made of what it says.
func TestCommands(t *testing.T) {
	p := plan(t, map[string]string{"t.py": "", "hidden/test_a.py": "", "scenario.yaml": head + `
agents: [{name: a, model: m}]
turns: {max: 2}
metrics:
  tests: {command: [python3, t.py], value: "${result}"}
outcomes:
  passed: {command: [make, test], add: hidden/, timeout: 90s}
  failed: {command: [fail]}
  said: {command: [python3, t.py], value: "${stdout + str(exit)}"}
`})
	type answer struct {
		exit int
		out  string
	}
	for out, result := range map[string]any{
		"noise\n{\"ok\": 3}\n": map[string]any{"ok": int64(3)}, "7": int64(7), "7\n\n  \n": int64(7), "x\n7 8\n": nil, "": nil,
		"7\n\"\xff\"": "\uFFFD", "{\"a\":1}\nno": nil, "[1,\n2]": nil, "null": nil,
	} {
		var asked []bind.Command
		deps := bind.Deps{Command: func(_ context.Context, c bind.Command, s *sim.MeasureScope) (int, string, error) {
			asked = append(asked, c)
			a := map[string]answer{"make": {0, ""}, "fail": {1, ""}, "python3": {2, out}}[c.Argv[0]]
			return a.exit, a.out, nil
		}}
		res := play(t, build(t, p.Runs[0], deps).Config)
		if got := res.Series["tests"]; !reflect.DeepEqual(got, []any{result, result}) {
			t.Errorf("%q gave %v, want %v", out, got, result)
		}
		said := strings.ToValidUTF8(out, "\uFFFD") + "2"
		if got := outcomes(res); !reflect.DeepEqual(got, map[string]any{"passed": true, "failed": false, "said": said}) {
			t.Errorf("%q: outcomes %v", out, got)
		}
		if len(asked) != 5 || !reflect.DeepEqual(asked[2], bind.Command{Argv: []string{"make", "test"}, Add: "hidden", Timeout: 90 * time.Second}) {
			t.Errorf("asked for %+v", asked)
		}
	}
}

// TestCommandFails: that a command cannot be run is the harness's failure.
func TestCommandFails(t *testing.T) {
	broken := errors.New("no supervisor")
	p := plan(t, text("agents: [{name: a, model: m}]\nturns: {max: 1}\noutcomes: {x: {command: [a], value: \"${exit}\"}}\n"))
	c := build(t, p.Runs[0], bind.Deps{Command: func(context.Context, bind.Command, *sim.MeasureScope) (int, string, error) {
		return 0, "", broken
	}}).Config
	if _, err := sim.Play(t.Context(), c); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// TestFiles: metrics read the head: text as it is, bytes that are no text marked, and
// nothing through a link that an agent may have left there.
func TestFiles(t *testing.T) {
	p := plan(t, text(`
agents: [{name: a, model: m}]
turns: {max: 1}
outcomes:
  text: ${file("a/text")}
  bytes: ${file("a/bytes")}
  link: ${file("a/link")}
  folder: ${file("a")}
  list: ${"+".join(files("a/*"))}
`))
	c := build(t, p.Runs[0], bind.Deps{}).Config
	c.Tree = put(t, c, "a/text", "grün\n")
	c.Tree = put(t, c, "a/bytes", "x\xff\xfey")
	linked := put(t, c, "a/link", "/etc/hostname")
	e, _ := linked.Get("a/link")
	e.Kind = tree.Link
	var err error
	if c.Tree, err = c.Tree.With(map[string]tree.Entry{"a/link": e}); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"text": "grün\n", "bytes": "x\uFFFDy", "link": nil, "folder": nil, "list": "a/bytes+a/link+a/text"}
	if got := outcomes(play(t, c)); !reflect.DeepEqual(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}
