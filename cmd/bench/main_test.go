package main

import (
	"bytes"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sandtable/sandtable/coordinator"
	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/sim"
)

// TestMain lets this binary be the supervisor and the agents of the runs that are played.
func TestMain(m *testing.M) {
	if handled, code := process.Main(os.Args); handled {
		os.Exit(code)
	}
	if len(os.Args) > 1 && os.Args[1] == "agent" {
		os.Exit(agentMain(os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func newTestBench(t *testing.T) *bench {
	t.Helper()
	b, err := newBench(t.Context(), &flags{quick: true, sandbox: t.TempDir()}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

func TestSample(t *testing.T) {
	s := sample{4, 1, 3, 2}
	for _, c := range []struct{ q, want float64 }{{0, 1}, {0.5, 2.5}, {1, 4}, {1.0 / 3, 2}} {
		if got := s.quantile(c.q); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("quantile %g of %v is %g, want %g", c.q, s, got, c.want)
		}
	}
	if !math.IsNaN(sample(nil).median()) {
		t.Error("nothing has a median")
	}
	if got := s.show("%.1f", "ms"); got != "2.5 (1.0–4.0) ms" {
		t.Errorf("shown as %q", got)
	}
	if got := (sample{7}).show("%.0f", "s"); got != "7 s" {
		t.Errorf("one value is shown as %q", got)
	}
}

// TestVerdicts: a target that the floor rules out is told with the floor's number.
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		ours, floor, bound float64
		want               string
	}{
		{74, 60, 75, "yes"}, {75, 60, 75, "yes"}, {76, 60, 75, "no"},
		{90, 80, 75, "no: the floor alone is 80 ms"}, {90, math.NaN(), 75, "no"}, {math.NaN(), 1, 75, "no"},
	} {
		if got := atMost(c.ours, c.floor, c.bound, "%.0f ms"); got != c.want {
			t.Errorf("%g against %g with a floor of %g: %q, want %q", c.ours, c.bound, c.floor, got, c.want)
		}
	}
	if atLeast(1, 1) != "yes" || atLeast(0.9, 1) != "no" || atLeast(math.NaN(), 1) != "no" {
		t.Error("a lower bound is judged wrongly")
	}
}

func TestTable(t *testing.T) {
	tab := table{title: "a machine"}
	tab.add(row{what: "a|b", ours: "1", met: "yes"})
	var out bytes.Buffer
	if err := tab.markdown(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 5 || lines[4] != `| a\|b | 1 | – | – | – | – | yes |` {
		t.Errorf("Markdown:\n%s", out.String())
	}
	out.Reset()
	if err := tab.text(&out); err != nil || !strings.Contains(out.String(), "a|b") {
		t.Errorf("text:\n%s(%v)", out.String(), err)
	}
}

func TestChoose(t *testing.T) {
	all, err := choose("")
	if err != nil || len(all) != len(sectionList()) {
		t.Errorf("all: %d sections, %v", len(all), err)
	}
	two, err := choose("stage,start")
	if err != nil || len(two) != 2 || two[0].name != "start" {
		t.Errorf("two: %v, %v", two, err)
	}
	if _, err := choose("nosuch"); err == nil || !strings.Contains(err.Error(), "warm") {
		t.Errorf("an unknown section: %v", err)
	}
	if code := run([]string{"-only", "nosuch"}, t.Output(), t.Output()); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
}

func TestAgent(t *testing.T) {
	in := strings.NewReader(`{"type":"hello","protocol":1,"agent":{"name":"a-1"}}
{"type":"turn","id":"1.1.1","turn":1}
{"type":"nosuch"}
{"type":"turn","id":"2.1.1","turn":2}
{"type":"end"}
{"type":"turn","id":"3.1.1","turn":3}
`)
	var out, said bytes.Buffer
	t.Chdir(t.TempDir())
	if code := agentMain([]string{"-write", "-sleep", "1ms"}, in, &out, &said); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	want := `{"type":"ready"}
{"type":"move","id":"1.1.1","action":{"move":"C"}}
{"type":"move","id":"2.1.1","action":{"move":"C"}}
`
	if out.String() != want {
		t.Errorf("said\n%swant\n%s", out.String(), want)
	}
	turns := make([]sample, 2)
	if err := addTurns(turns, said.String()); err != nil || turns[1][0] < 0.001 {
		t.Errorf("turns %v, %v", turns, err)
	}
	if err := addTurns(make([]sample, 3), said.String()); err == nil {
		t.Error("a turn is missing and nobody says so")
	}
	if text, _ := os.ReadFile("a-1.txt"); string(text) != "turn 2\n" {
		t.Errorf("wrote %q", text)
	}
}

func TestClock(t *testing.T) {
	var windows []bool
	c := &clock{from: 2, to: 3, window: func(begin bool) { windows = append(windows, begin) }}
	for _, p := range []coordinator.Progress{{Turn: 0}, {Turn: 1, Acting: 1}, {Turn: 1}, {Turn: 2, Acting: 1}, {Turn: 2, Acting: 2}, {Turn: 2}, {Turn: 3, Acting: 1}, {Turn: 3}} {
		c.watch(p)
	}
	if len(c.turns) != 3 || len(c.walls(1)) != 2 || len(c.walls(2)) != 1 {
		t.Errorf("turns %v, walls %v and %v", c.turns, c.walls(1), c.walls(2))
	}
	if !slices.Equal(windows, []bool{true, false}) {
		t.Errorf("windows %v", windows)
	}
	if c.end(3).Before(c.turns[2].begun) || !c.end(4).IsZero() {
		t.Errorf("turn 3 ended %v, turn 4 %v", c.end(3), c.end(4))
	}
	if c.used().own < 0 {
		t.Errorf("used %v", c.used())
	}
}

// TestSameGame: the bare loop and the engine play the same game. Tit for tat loses the
// first round against a defector and is even afterwards.
func TestSameGame(t *testing.T) {
	if n, err := bareGo(); err != nil || n != 2*episodeTurns {
		t.Errorf("bare: %d moves, %v", n, err)
	}
	res, err := sim.Play(t.Context(), game(nil))
	if err != nil || res.Moves != 2*episodeTurns {
		t.Errorf("engine: %v, %v", res, err)
	}
}

func TestSameWork(t *testing.T) {
	if err := sameWork(40, 4, 5); err != nil {
		t.Error(err)
	}
	if sameWork(41, 4, 5) == nil {
		t.Error("one answer more goes unnoticed")
	}
}

// TestLoads plays both sides with processes; what they leave behind is looked for.
func TestLoads(t *testing.T) {
	b := newTestBench(t)
	if err := b.loads(3, 8, 1, []load{{what: "nothing", judged: true}, {what: "a file", args: []string{"-write"}}}); err != nil {
		t.Fatal(err)
	}
	if len(b.table.rows) != 4 || b.table.rows[0].met == "" || b.table.rows[0].bare == "" {
		t.Errorf("rows %+v", b.table.rows)
	}
	if left := childrenOf(os.Getpid()); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

// TestSupervisors: their processor time would be zero if they were not found.
func TestSupervisors(t *testing.T) {
	b := newTestBench(t)
	var found []int
	_, err := b.play(b.programScenario(2, 1, 3), playing{from: 2, window: func(bool) { found = supervisors() }})
	if err != nil || len(found) != 3 {
		t.Errorf("a supervisor and two inits are %v, %v", found, err)
	}
}

// TestFailedRun: figures of a run in which agents failed are no figures.
func TestFailedRun(t *testing.T) {
	b := newTestBench(t)
	b.exe = "/bin/false"
	_, err := b.play(b.programScenario(1, 1, 1), playing{})
	if err == nil || !strings.Contains(err.Error(), "failed") {
		t.Errorf("a run of agents that cannot play: %v", err)
	}
}

func TestStageRatios(t *testing.T) {
	got := againstSlowest(sample{1.1, 3}, []sample{{9}, {1, 0.5}, {1, 2}})
	if !slices.Equal(got, sample{1.1, 1.5}) {
		t.Errorf("ratios %v", got)
	}
	b := newTestBench(t)
	ratios, err := b.bareStage(2, 2, (20 * time.Millisecond).String())
	if err != nil || len(ratios) != 1 || ratios[0] < 1 {
		t.Errorf("bare: %v, %v", ratios, err)
	}
}
