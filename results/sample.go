package results

import (
	"fmt"

	"github.com/sandtable/sandtable/results/stats"
)

// SampleKind is what the values of an outcome are.
type SampleKind string

// The kinds.
const (
	RateKind   SampleKind = "rate"   // bool
	MeanKind   SampleKind = "mean"   // number
	SharesKind SampleKind = "shares" // text
	MixedKind  SampleKind = "mixed"  // of several kinds, or lists and dicts: nothing is computed
	EmptyKind  SampleKind = "none"   // no run has a value
)

// Sample is one outcome over the runs of a cell that count.
type Sample struct {
	Kind      SampleKind
	Values    []float64 // of a rate (0 and 1) or mean, by replicate
	Texts     []string  // of shares, by replicate
	Undefined int       // runs in which it is null
}

// N is the number of runs that have a value.
func (s Sample) N() int { return len(s.Values) + len(s.Texts) }

// Estimate is the rate or the mean; undefined for the other kinds.
func (s Sample) Estimate(level float64) stats.Estimate {
	switch s.Kind {
	case RateKind:
		k := 0
		for _, v := range s.Values {
			k += int(v)
		}
		return stats.Rate(k, len(s.Values), level)
	case MeanKind, EmptyKind:
		return stats.Mean(s.Values, level)
	}
	e := stats.Mean(nil, level)
	e.N, e.Method = s.N(), ""
	e.Warnings = nil
	if s.Kind == MixedKind {
		e.Warnings = []string{"the values are not of one kind (bool, number or text)"}
	}
	return e
}

// Median is the median of a mean's values; undefined for the other kinds.
func (s Sample) Median(level float64) stats.Estimate {
	if s.Kind != MeanKind {
		return stats.Median(nil, level)
	}
	return stats.Median(s.Values, level)
}

// add takes one run's value.
func (s *Sample) add(v any) {
	switch v := v.(type) {
	case nil:
		s.Undefined++
	case bool:
		x := 0.0
		if v {
			x = 1
		}
		s.number(RateKind, x)
	case int64:
		s.number(MeanKind, float64(v))
	case float64:
		s.number(MeanKind, v)
	case string:
		s.kind(SharesKind)
		s.Texts = append(s.Texts, v)
	default:
		s.kind(MixedKind)
		s.Texts = append(s.Texts, fmt.Sprintf("%T", v))
	}
}

func (s *Sample) number(k SampleKind, x float64) {
	s.kind(k)
	s.Values = append(s.Values, x)
}

func (s *Sample) kind(k SampleKind) {
	switch s.Kind {
	case "", EmptyKind, k:
		s.Kind = k
	default:
		s.Kind = MixedKind
	}
}

// CellStats is what an expectation is judged by: one cell, never pooled.
type CellStats struct {
	ID     string
	Params any // JSON value
	Runs   Counts
	// Samples holds the outcomes and, where no outcome has the name, the measures
	// that are always there: turns, score (mean of the seats'), usd, tokens,
	// conflicts, failures, truncated.
	Samples map[string]Sample
	Level   float64
}

// Counts says what became of the runs of a cell. Planned = Valid + Void + Censored +
// Harness + Interrupted + Unreadable + Missing, unless more were started than planned.
type Counts struct {
	Planned     int
	Started     int
	Valid       int // completed: these are in the statistics
	Void        int
	Censored    int // truncated by a limit
	Harness     int // failed by the harness
	Interrupted int
	Unreadable  int
	Missing     int // planned and never started
}

func countRuns(cell *CellResult) Counts {
	c := Counts{Planned: cell.Planned, Started: len(cell.Runs)}
	for i := range cell.Runs {
		switch cell.Runs[i].Status {
		case Completed:
			c.Valid++
		case Void:
			c.Void++
		case Truncated:
			c.Censored++
		case HarnessFailed:
			c.Harness++
		case Interrupted:
			c.Interrupted++
		default:
			c.Unreadable++
		}
	}
	c.Missing = max(0, c.Planned-c.Started)
	return c
}

// Excluded is the number of runs that do not count, the missing included.
func (c Counts) Excluded() int { return c.Started + c.Missing - c.Valid }

// ExcludedShare is their share of all, 0 to 1; 1 where there is no run at all.
func (c Counts) ExcludedShare() float64 {
	if c.Started+c.Missing == 0 {
		return 1
	}
	return float64(c.Excluded()) / float64(c.Started+c.Missing)
}

// cellStats gathers the samples of a cell.
func cellStats(cell *CellResult, level float64) CellStats {
	s := CellStats{ID: cell.ID, Runs: countRuns(cell), Samples: map[string]Sample{}, Level: level}
	s.measures(cell)
	outcomes := map[string]*Sample{}
	for i := range cell.Runs {
		run := &cell.Runs[i]
		for _, o := range run.Outcomes {
			if outcomes[o.Name] == nil {
				outcomes[o.Name] = &Sample{Kind: EmptyKind}
			}
			if run.Status == Completed {
				outcomes[o.Name].add(o.Value.V)
			}
		}
	}
	for name, sample := range outcomes {
		s.Samples[name] = *sample
	}
	return s
}

// measures gathers what is always there. Truncated is over completed and truncated
// runs, the others over completed ones.
func (s *CellStats) measures(cell *CellResult) {
	m := map[string]*Sample{}
	for _, name := range MeasureNames() {
		m[name] = &Sample{Kind: EmptyKind}
	}
	for i := range cell.Runs {
		run := &cell.Runs[i]
		if run.Status == Completed || run.Status == Truncated {
			m["truncated"].add(run.Status == Truncated)
		}
		if run.Status == Completed {
			run.measure(m)
		}
	}
	for name, sample := range m {
		s.Samples[name] = *sample
	}
}

// MeasureNames lists what every cell has besides its outcomes.
func MeasureNames() []string {
	return []string{"turns", "score", "usd", "tokens", "conflicts", "failures", "truncated"}
}

func (res *RunResult) measure(m map[string]*Sample) {
	m["turns"].add(int64(res.Turns))
	m["conflicts"].add(int64(res.Conflicts))
	m["tokens"].add(res.Tokens.Total())
	m["failures"].add(res.failures())
	m["score"].add(res.meanScore())
	if res.Unpriced > 0 {
		m["usd"].add(nil)
	} else {
		m["usd"].add(float64(res.NanoUSD) / 1e9)
	}
}

func (res *RunResult) failures() (n int64) {
	for _, k := range res.Failures {
		n += int64(k)
	}
	return n
}

// meanScore is the mean over the seats that have a score; nil without any.
func (res *RunResult) meanScore() any {
	if len(res.Scores) == 0 {
		return nil
	}
	scores := make([]float64, 0, len(res.Scores))
	for _, seat := range sortedKeys(res.Scores) { // so that rounding is the same every time
		scores = append(scores, res.Scores[seat])
	}
	return stats.Mean(scores, stats.DefaultLevel).Value
}
