package scenarios

import (
	"reflect"
	"testing"
	"time"
)

// loadText loads a scenario beside w.star, which has the functions that it must have.
func loadText(t *testing.T, text string) *Scenario {
	t.Helper()
	return mustLoad(t, folder(t, map[string]string{
		"scenario.yaml": "sandtable: 1\nname: x\n" + text, "w.star": "def setup(ctx):\n  return {}\ndef resolve(state, moves):\n  pass\n",
	}))
}

// TestPageDefaults holds the defaults against those that the format's page writes out.
func TestPageDefaults(t *testing.T) {
	s := loadText(t, "agents: [{name: a}, {name: b, count: 1}]\nturns: {max: 1}\nworld: {command: [w]}\noutcomes: {o: {command: [x]}}\n")
	p := must(s.Expand(ExpandOptions{}))
	cell := p.Cells[0]
	if want := (SeatLimits{Steps: 50, Mail: 20, Act: 5 * time.Minute}); cell.Entries[0].Limits != want {
		t.Errorf("limits %+v, want %+v", cell.Entries[0].Limits, want)
	}
	if cell.Seats[0].Name != "a" || cell.Seats[1].Name != "b-1" {
		t.Errorf("seats %v: with count, also 1, they are numbered", cell.Seats)
	}
	if s.World.Timeout != 30*time.Second || s.Outcomes[0].Value.Timeout != 5*time.Minute || s.Outcomes[0].Value.Value != nil {
		t.Errorf("world %+v, outcome %+v", s.World, s.Outcomes[0].Value)
	}
	if s.Replicates != 1 || s.Workspace.Mode != "snapshot" || !s.Workspace.Atomic || s.Batch.Excluded != 0.05 || s.Batch.Keep != "all" {
		t.Errorf("replicates %d, workspace %+v, batch %+v", s.Replicates, s.Workspace, s.Batch)
	}
	if got, want := DefaultGlobs("a"), []string{"private/a/**", "!private/**", "!hidden/**", "**"}; !reflect.DeepEqual(got, want) {
		t.Errorf("globs %v", got)
	}
	f := s.Turns.Phases[0].Failures
	if f.Illegal != (FailurePolicy{2, "pass"}) || f.Timeout != (FailurePolicy{0, "pass"}) || f.Crash != (FailurePolicy{1, "forfeit"}) ||
		f.Transport != (FailurePolicy{0, "void"}) || f.Budget != (FailurePolicy{0, "pass"}) || f.ForfeitAfter != 0 {
		t.Errorf("failures %+v", f)
	}
}

// TestFailuresFromAllLevels: a phase's win over the turns', these over the scenario's,
// those over the format's.
func TestFailuresFromAllLevels(t *testing.T) {
	s := loadText(t, `agents: [{name: a}]
failures: {illegal: void, timeout: void, crash: void, forfeit_after: 9}
turns:
  max: 1
  failures: {illegal: forfeit, timeout: forfeit}
  phases:
    - {name: own, failures: {illegal: pass}}
    - {name: none}
`)
	own, none := s.Turns.Phases[0].Failures, s.Turns.Phases[1].Failures
	if own.Illegal.Then != "pass" || own.Timeout.Then != "forfeit" || own.Crash.Then != "void" || own.Budget.Then != "pass" || own.ForfeitAfter != 9 {
		t.Errorf("own %+v", own)
	}
	if none.Illegal.Then != "forfeit" || none.Timeout.Then != "forfeit" || none.Crash.Then != "void" || none.ForfeitAfter != 9 {
		t.Errorf("none %+v", none)
	}
}

// TestCoreScalars resolves the examples of YAML 1.2.2, 10.3.2, and what YAML 1.1 reads
// otherwise.
func TestCoreScalars(t *testing.T) {
	s := loadText(t, `agents: [{name: a}]
turns: {max: 1}
params:
  list: [null, ~, Null, true, True, FALSE, 0, 0o7, 0x3A, -19, +12, 007, 0777, 0., -0.0, .5, +12e03, -2E+05, 1e3]
  texts: [on, off, yes, No, y, nULL, tRUE, 1_000, 0b11, 12:30, 2001-12-14, "1", '2', 1.2.3, 0o8, 0xg, -, 1e, <, =]
`)
	want := []any{nil, nil, nil, true, true, false, int64(0), int64(7), int64(58), int64(-19), int64(12), int64(7), int64(777), 0.0, 0.0, 0.5, 12000.0, -200000.0, 1000.0}
	if got := s.Params[0].Default; !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%#v, want\n%#v", got, want)
	}
	for _, v := range s.Params[1].Default.([]any) {
		if _, ok := v.(string); !ok {
			t.Errorf("%v is a %T, want a text", v, v)
		}
	}
}

// TestMoments: from and every are 1 unless the file says otherwise.
func TestMoments(t *testing.T) {
	s := loadText(t, `agents: [{name: a}]
turns: {max: 1}
events:
  - {at: {from: 3}, remove: x}
  - {at: {every: 2, until: 8}, remove: x}
  - {at: [3, 1], remove: x}
`)
	for i, want := range []When{{From: 3, Every: 1}, {From: 1, Every: 2, Until: 8}, {Turns: []int{1, 3}}} {
		got := *s.Events[i].At
		if got.Pos = (Pos{}); !reflect.DeepEqual(got, want) {
			t.Errorf("event %d: %+v, want %+v", i, got, want)
		}
	}
}

// TestWorldOnly: none is a step of the world alone; beside others it adds nobody.
func TestWorldOnly(t *testing.T) {
	s := loadText(t, `agents: [{name: a}]
turns: {max: 1, phases: [{name: p, who: none}, {name: q, who: [none]}, {name: r, who: [none, a]}, {name: s, who: []}]}
`)
	for i, want := range []bool{true, true, false, false} {
		if p := s.Turns.Phases[i]; p.WorldOnly != want {
			t.Errorf("%s: %v", p.Name, p.WorldOnly)
		}
	}
}

// TestBoundsAreIncluded: min and max are values that a parameter may have.
func TestBoundsAreIncluded(t *testing.T) {
	p := Param{Name: "p", Default: int64(2), Min: ptr(1.0), Max: ptr(3.0)}
	for v, want := range map[int64]bool{0: false, 1: true, 3: true, 4: false} {
		if _, err := p.Check(v); (err == nil) != want {
			t.Errorf("%d: %v", v, err)
		}
	}
}

// TestExcludedBound: a verdict bears excluded runs up to batch.excluded, and not more.
func TestExcludedBound(t *testing.T) {
	e := expectation(t, "True")
	for share, want := range map[float64]Verdict{0.05: Passed, 0.050001: Inconclusive} {
		if got, err := e.Eval(fixed{"excluded": {Value: share}}, nil, 0.05); got != want || err != nil {
			t.Errorf("%v: %v, %v", share, got, err)
		}
	}
}
