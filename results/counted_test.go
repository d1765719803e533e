package results

import (
	"slices"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/results/history"
)

// Only what was completed is in a statistic, whatever the other runs left behind; and
// what they cost is in every total.
func TestStatisticsAreOfCompletedRuns(t *testing.T) {
	info := batchInfo(1, 6)
	info.Excluded = 1
	b := newBatch(t, info)
	for i, p := range []played{{total: 10.0, survived: true}, {total: 1000.0, status: Void}, {total: 30.0, survived: true},
		{total: 2000.0, status: Truncated}, {total: 3000.0, status: HarnessFailed}, {total: 4000.0, status: Truncated, unpriced: true}} {
		p.nanousd = 1_000_000_000
		play(t, b, "c01", i+1, p)
	}
	res, err := ReadBatch(b.Dir)
	ok(t, err)
	var order []int
	for _, r := range res.Cells[0].Runs {
		order = append(order, r.Replicate)
	}
	if !slices.Equal(order, []int{1, 2, 3, 4, 5, 6}) {
		t.Errorf("the runs are in the order %v", order)
	}
	s, err := Summarise(res, Options{})
	ok(t, err)
	c := s.Cells[0]
	for name, want := range map[string]struct {
		n     int
		value Number
	}{"turns": {2, 1}, "usd": {2, 3}, "tokens": {2, 33336}, "conflicts": {2, 1}, "failures": {2, 1}, "truncated": {4, 0.5},
		"score": {2, (1.5 + 2.5) / 2}} {
		if m := c.Measures[name]; m.N != want.n || m.Value != want.value {
			t.Errorf("%s: n %d, value %v, want %+v", name, m.N, m.Value, want)
		}
	}
	if o := c.Outcomes["total"]; o.N != 2 || o.Value != 20 || o.Undefined != 0 {
		t.Errorf("total: %+v", o)
	}
	if o := c.Outcomes["survived"]; o.N != 2 || o.Value != 1 {
		t.Errorf("survived: %+v", o)
	}
	if sc := c.Scores["a"]; sc.N != 2 || sc.Mean != 2 { // a scores its replicate's number: 1 and 3
		t.Errorf("score: %+v", sc)
	}
	if c.NanoUSD != 18_000_000_000 || c.Turns != 6 || c.Tokens.Output != 180 {
		t.Errorf("totals: %d nano-dollars, %d turns, %+v", c.NanoUSD, c.Turns, c.Tokens)
	}
}

// A cost that is not known is undefined and counted, not less.
func TestUnpricedIsUndefined(t *testing.T) {
	b := newBatch(t, batchInfo(1, 2))
	play(t, b, "c01", 1, played{nanousd: 1_000_000_000})
	play(t, b, "c01", 2, played{nanousd: 0, unpriced: true})
	c := summary(t, b, Options{}).Cells[0]
	if usd := c.Measures["usd"]; usd.N != 1 || usd.Undefined != 1 || usd.Value != 3 || c.Unpriced != 3 ||
		!strings.Contains(strings.Join(c.Warnings, "\n"), "model responses without a price: 3") {
		t.Errorf("%+v %d %q", usd, c.Unpriced, c.Warnings)
	}
}

// Where no run counts nothing is judged, however many exclusions are allowed; a run that
// was never started is one of them.
func TestTooWeakToJudge(t *testing.T) {
	passes := Options{Expect: []Expectation{{Text: "x", Judge: always(Passed)}}}
	for name, c := range map[string]struct {
		runs     []played
		excluded float64
		reason   string
	}{
		"none counts":     {[]played{{status: Void}, {status: Void}}, 1, "no run counts"},
		"one is missing":  {[]played{{survived: true}}, 0.05, "1 of 2 runs do not count"},
		"one is censored": {[]played{{survived: true}, {status: Truncated}}, 0.49, "1 of 2 runs do not count"},
	} {
		info := batchInfo(1, 2)
		info.Excluded = c.excluded
		b := newBatch(t, info)
		for i, p := range c.runs {
			play(t, b, "c01", i+1, p)
		}
		s := summary(t, b, passes)
		if s.Verdict != Inconclusive || !strings.Contains(s.Expect[0].Reasons["c01"], c.reason) {
			t.Errorf("%s: %s %v", name, s.Verdict, s.Expect)
		}
	}
	info := batchInfo(1, 2)
	info.Excluded = 0.5
	b := newBatch(t, info)
	play(t, b, "c01", 1, played{survived: true})
	play(t, b, "c01", 2, played{status: Void})
	if s := summary(t, b, passes); s.Verdict != Passed {
		t.Errorf("as many exclusions as are allowed: %s %q", s.Verdict, s.Reasons)
	}
}

// A replicate is counted once. What is behind a second line of it is not believed.
func TestEpisodeTwice(t *testing.T) {
	b := newBatch(t, batchInfo(1, 3))
	w, err := b.Episodes("c01")
	ok(t, err)
	for _, n := range []int{1, 2, 2, 3} {
		ok(t, w.Append(Episode{Replicate: n, Status: Completed, Turns: 1}))
	}
	ok(t, w.Close())
	s := summary(t, b, Options{})
	if c := s.Cells[0]; c.Valid != 2 || c.Missing != 1 || s.Verdict == NoVerdict || !strings.Contains(strings.Join(s.Problems, ""), "replicate 2 is there twice") {
		t.Errorf("%+v %s %q", c, s.Verdict, s.Problems)
	}
}

// The tier of a cell is the weakest of its runs', in any order.
func TestWeakestTier(t *testing.T) {
	for _, tiers := range [][]string{{"T1", "T0", "T2"}, {"T0", "T2", "T1"}, {"", "T0"}, {"T0", ""}} {
		cell := CellResult{ID: "c01"}
		for _, tier := range tiers {
			cell.Runs = append(cell.Runs, RunResult{Status: Completed, Info: RunInfo{Tier: tier}})
		}
		if c := summariseCell(&cell, cellStats(&cell, .95)); c.Tier != "T0" {
			t.Errorf("of %q the weakest is %q", tiers, c.Tier)
		}
	}
}

// Bytes that a later writer displaced from the head are lost updates; those that the
// workspace saw go round it are added.
func TestLostUpdates(t *testing.T) {
	var tally Tally
	tally.Add(&history.Revision{WriteSets: []history.WriteSet{
		{Author: "a", Applied: true, Decisions: []history.Decision{{Path: "p", Outcome: history.Superseded}, {Path: "q", Outcome: history.Merged}}},
		{Author: "b", Decisions: []history.Decision{{Path: "p", Outcome: history.Kept}}}}})
	if tally.Lost != 1 || tally.Conflicts != 2 || tally.Commits != 1 || tally.Agents["a"].Conflicts != 1 {
		t.Errorf("%+v", tally)
	}
	b := newBatch(t, batchInfo(1, 1))
	run := play(t, b, "c01", 1, played{})
	info, err := run.Info()
	ok(t, err)
	info.UncoveredLosses = 2
	ok(t, run.WriteInfo(info))
	if c := summary(t, b, Options{}).Cells[0]; c.LostUpdates != 2 || !strings.Contains(strings.Join(c.Warnings, "\n"), "updates displaced or lost: 2") {
		t.Errorf("%d %q", c.LostUpdates, c.Warnings)
	}
}
