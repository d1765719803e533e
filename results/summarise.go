package results

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sandtable/sandtable/results/stats"
	"github.com/sandtable/sandtable/scenarios/expr"
)

// Judge decides an expectation in one cell, by its point estimates and whatever of
// their intervals it asks for. An error makes the verdict error and becomes its
// reason.
type Judge func(cell CellStats) (Verdict, error)

// Expectation is what a scenario expects: its text, and who judges it.
type Expectation struct {
	Text  string
	Judge Judge // nil: skipped
}

// Options of [Summarise].
type Options struct {
	Level  float64 // of intervals; 0: [stats.DefaultLevel]
	Expect []Expectation
	// Interrupted: the batch was stopped. What was not played is then no fault.
	Interrupted bool
}

// Summarise says what a batch came to. It computes everything from the runs; the
// error is for parameters that are no JSON.
func Summarise(b *BatchResult, o Options) (*Summary, error) {
	o.Level = cmp.Or(o.Level, stats.DefaultLevel)
	s := &Summary{Sandtable: Format, Name: b.Info.Name, Reasons: []string{}, Cells: []Cell{}, Expect: []Expect{},
		Problems: append([]string{}, b.Problems...)}
	cells := make([]CellStats, 0, len(b.Cells))
	for i := range b.Cells {
		cell := &b.Cells[i]
		st := cellStats(cell, o.Level)
		if err := st.params(cell.Params); err != nil {
			return nil, fmt.Errorf("%s: params of cell %s: %w", b.Dir, cell.ID, err)
		}
		cells = append(cells, st)
		s.Cells = append(s.Cells, summariseCell(cell, st))
		s.Problems = append(s.Problems, cell.problems()...)
	}
	for _, e := range o.Expect {
		s.Expect = append(s.Expect, judge(e, cells, b.Info.Excluded))
	}
	s.decide(cells, o.Interrupted)
	return s, nil
}

func (s *CellStats) params(text json.RawMessage) (err error) {
	if len(text) > 0 {
		s.Params, err = expr.Decode(text)
	}
	return err
}

// problems are those of the cell and of its runs; that a run was interrupted is in the
// counts.
func (cell *CellResult) problems() []string {
	out := slices.Clone(cell.Problems)
	for i := range cell.Runs {
		run := &cell.Runs[i]
		out = append(out, run.Problems...)
		if run.Error != "" {
			out = append(out, fmt.Sprintf("%s/%s: %s", cell.ID, RunID(run.Replicate), run.Error))
		}
	}
	return out
}

// judge asks for a verdict in every cell; the worst counts.
func judge(e Expectation, cells []CellStats, excluded float64) Expect {
	out := Expect{Text: e.Text, Verdict: Skipped, Cells: map[string]Verdict{}, Reasons: map[string]string{}}
	var all []Verdict
	for _, cell := range cells {
		v, why := judgeCell(e, cell, excluded)
		out.Cells[cell.ID] = v
		if why != "" {
			out.Reasons[cell.ID] = why
		}
		all = append(all, v)
	}
	if len(all) > 0 {
		out.Verdict = Combine(all...)
	}
	return out
}

// judgeCell is where a cell can be too weak to be judged at all: then nobody is asked.
func judgeCell(e Expectation, cell CellStats, excluded float64) (Verdict, string) {
	c := cell.Runs
	switch {
	case e.Judge == nil:
		return Skipped, "nobody judges it"
	case c.Valid == 0:
		return Inconclusive, "no run counts"
	case c.ExcludedShare() > excluded:
		return Inconclusive, fmt.Sprintf("%d of %d runs do not count, more than a share of %v",
			c.Excluded(), c.Started+c.Missing, excluded)
	}
	v, err := e.Judge(cell)
	switch {
	case err != nil:
		return ErrorVerdict, err.Error()
	case v.rank() < 0 || v == NoVerdict:
		return ErrorVerdict, fmt.Sprintf("the judgement is %q", string(v))
	}
	return v, ""
}

// decide combines the expectations' verdicts with what became of the runs.
func (s *Summary) decide(cells []CellStats, interrupted bool) {
	c := allRuns(cells)
	verdicts := []Verdict{}
	add := func(bad bool, v Verdict, why string) {
		if bad {
			verdicts = append(verdicts, v)
			s.because(v, why)
		}
	}
	for _, e := range s.Expect {
		add(true, e.Verdict, "expectation "+e.Text)
	}
	add(c.Harness > 0, ErrorVerdict, fmt.Sprint("runs failed by the harness: ", c.Harness))
	add(c.Unreadable > 0, ErrorVerdict, fmt.Sprint("unreadable runs: ", c.Unreadable))
	add(c.Interrupted > 0 && interrupted, InterruptedVerdict, fmt.Sprint("interrupted runs: ", c.Interrupted))
	add(c.Interrupted > 0 && !interrupted, Inconclusive, fmt.Sprint("runs without an end: ", c.Interrupted))
	add(interrupted, InterruptedVerdict, "the batch was stopped")
	add(c.Started == 0, Inconclusive, "no run was started")
	if len(s.Expect) == 0 { // with expectations, the share that may not count decides
		add(c.Void > 0, Inconclusive, fmt.Sprint("void runs: ", c.Void))
		add(c.Censored > 0, Inconclusive, fmt.Sprint("runs cut short by a limit: ", c.Censored))
		add(c.Missing > 0, Inconclusive, fmt.Sprint("runs never started: ", c.Missing))
	}
	s.Verdict = Combine(verdicts...)
}

func allRuns(cells []CellStats) (all Counts) {
	for _, cell := range cells {
		c := cell.Runs
		all.Started += c.Started
		all.Void += c.Void
		all.Censored += c.Censored
		all.Harness += c.Harness
		all.Interrupted += c.Interrupted
		all.Unreadable += c.Unreadable
		all.Missing += c.Missing
	}
	return all
}

func (s *Summary) because(v Verdict, why string) {
	if v != Passed {
		s.Reasons = append(s.Reasons, fmt.Sprintf("%s: %s", v, why))
	}
}

// HarnessFailed reports whether a run failed by the harness's fault, or cannot be read.
func (s *Summary) HarnessFailed() bool {
	return slices.ContainsFunc(s.Cells, func(c Cell) bool { return c.Failed.Harness+c.Unreadable > 0 })
}
