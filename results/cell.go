package results

import (
	"encoding/json"
	"fmt"

	"github.com/sandtable/sandtable/results/stats"
)

// summariseCell computes a cell's entry.
func summariseCell(cell *CellResult, st CellStats) Cell {
	n := st.Runs
	c := Cell{ID: cell.ID, Params: cell.Params, Planned: n.Planned, Runs: n.Started, Valid: n.Valid, Void: n.Void,
		Censored: n.Censored, Failed: FailedRuns{Harness: n.Harness}, Interrupted: n.Interrupted,
		Unreadable: n.Unreadable, Missing: n.Missing, Warnings: []string{},
		Outcomes: map[string]Outcome{}, Measures: map[string]Outcome{}, Scores: map[string]Score{},
		Draws: map[string]int{}, Paths: map[string]int{}, Failures: map[string]FailureStats{}, Agents: map[string]*AgentStats{}}
	if c.Params == nil {
		c.Params = json.RawMessage("{}")
	}
	for name, sample := range st.Samples {
		if isOutcome(cell, name) {
			c.Outcomes[name] = outcome(sample, st)
		} else {
			c.Measures[name] = outcome(sample, st)
		}
	}
	for i := range cell.Runs {
		c.add(&cell.Runs[i])
	}
	c.scores(cell, st.Level)
	c.warn(cell)
	return c
}

// isOutcome tells a scenario's outcome from a measure, which it hides if it has its
// name.
func isOutcome(cell *CellResult, name string) bool {
	for i := range cell.Runs {
		for _, o := range cell.Runs[i].Outcomes {
			if o.Name == name {
				return true
			}
		}
	}
	return false
}

// add counts one run into the totals.
func (c *Cell) add(run *RunResult) {
	c.Tokens.Add(run.Tokens)
	c.NanoUSD += run.NanoUSD
	c.Unpriced += run.Unpriced
	c.ContainerNanoUSD += run.Info.ContainerNanoUSD
	c.Turns += run.Turns
	c.Commits += run.Commits
	c.Conflicts += run.Conflicts
	for outcome, n := range run.Paths {
		c.Paths[outcome] += n
	}
	c.LostUpdates += run.Lost
	c.WallSeconds += run.Wall.Seconds()
	if t := run.Info.Tier; t != "" && (c.Tier == "" || t < c.Tier) {
		c.Tier = t
	}
	for stream, n := range run.Draws {
		c.Draws[stream] += n
	}
	for category, n := range run.Failures {
		f := c.Failures[category]
		f.Count += n
		if last, ok := run.LastError[category]; ok {
			f.Agent, f.LastError = last.Agent, last.Text
		}
		c.Failures[category] = f
	}
	for name, a := range run.Agents {
		if c.Agents[name] == nil {
			c.Agents[name] = &AgentStats{}
		}
		c.Agents[name].Add(a)
	}
}

func (c *Cell) scores(cell *CellResult, level float64) {
	bySeat := map[string][]float64{}
	for i := range cell.Runs {
		if cell.Runs[i].Status != Completed {
			continue
		}
		for seat, score := range cell.Runs[i].Scores {
			bySeat[seat] = append(bySeat[seat], score)
		}
	}
	for seat, xs := range bySeat {
		e := stats.Mean(xs, level)
		c.Scores[seat] = Score{Mean: Number(e.Value), N: e.N, Low: Number(e.Low), High: Number(e.High),
			Level: Number(e.Level), Method: string(e.Method), Warnings: nonNil(e.Warnings)}
	}
}

// warn notes what a reader of any number of this cell should know.
func (c *Cell) warn(cell *CellResult) {
	note := func(n int, format string) {
		if n > 0 {
			c.Warnings = append(c.Warnings, fmt.Sprintf(format, n))
		}
	}
	note(c.Censored, "runs cut short by a limit: %d; what they cost is a lower bound, and they are in no statistic of outcomes")
	note(c.Unpriced, "model responses without a price: %d; the cost is a lower bound")
	note(c.Missing, "planned runs never started: %d; intervals assume a number of runs fixed beforehand")
	note(c.LostUpdates, "updates displaced or lost: %d")
	drawn, ended := 0, 0
	for i := range cell.Runs {
		run := &cell.Runs[i]
		if run.Foreign {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s was changed from outside: it is not reproducible", RunID(run.Replicate)))
		}
		drawn += run.Chance
		if run.Status == Completed || run.Status == Truncated {
			ended++
		}
	}
	for _, n := range c.Draws {
		drawn += n
	}
	c.Deterministic = ended > 0 && drawn == 0
	if c.Deterministic && c.Tokens.Total() == 0 && c.Valid > 1 {
		c.Warnings = append(c.Warnings, "deterministic: the seed has no effect, and the runs are copies of one")
	}
}

// outcome computes one estimate.
func outcome(s Sample, st CellStats) Outcome {
	o := fromEstimate(s.Kind, s.Estimate(st.Level))
	o.Undefined = s.Undefined
	switch s.Kind {
	case MeanKind:
		m := fromEstimate("median", s.Median(st.Level))
		o.Median = &m
	case SharesKind:
		o.shares(s, st.Level)
	}
	if s.Undefined > 0 {
		o.Warnings = append(o.Warnings, fmt.Sprintf("runs without a value: %d", s.Undefined))
	}
	return o
}

func fromEstimate(kind SampleKind, e stats.Estimate) Outcome {
	return Outcome{Kind: kind, N: e.N, Value: Number(e.Value), Low: Number(e.Low), High: Number(e.High),
		Level: Number(e.Level), Achieved: Number(e.Achieved), Method: string(e.Method), Warnings: nonNil(e.Warnings)}
}

// maxShares bounds how many texts are listed: agents can make every one different.
const maxShares = 50

func (o *Outcome) shares(s Sample, level float64) {
	all := stats.Shares(s.Texts, level)
	o.Method = string(stats.MethodWilson)
	for _, share := range all[:min(len(all), maxShares)] {
		o.Shares = append(o.Shares, Share{Text: shorten(share.Text), Count: share.Count, Value: Number(share.Value),
			Low: Number(share.Low), High: Number(share.High)})
	}
	for _, share := range all[len(o.Shares):] {
		o.Others += share.Count
	}
	if o.Others > 0 {
		o.Warnings = append(o.Warnings, fmt.Sprintf("%d different texts: only the %d most frequent are listed", len(all), maxShares))
	}
}

func nonNil(s []string) []string { return append([]string{}, s...) }
