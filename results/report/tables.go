package report

import (
	"cmp"
	"github.com/sandtable/sandtable/results/history"
	"slices"
	"strconv"
	"strings"

	"github.com/sandtable/sandtable/results"
)

// scoresGrid ranks the seats of each cell by their mean score; equal scores share a
// rank.
func scoresGrid(s *results.Summary, rows int) *grid {
	g := &grid{title: "Scores", columns: []column{{name: "cell"}, {name: "rank", number: true}, {name: "seat", elastic: true},
		{name: "n", number: true}, {name: "mean", number: true}, {name: "interval"}, {name: "notes", spare: true}}}
	for _, c := range s.Cells {
		seats := sorted(c.Scores)
		slices.SortStableFunc(seats, func(a, b string) int { return cmp.Compare(c.Scores[b].Mean, c.Scores[a].Mean) })
		rank := 0
		for i, seat := range seats {
			sc := c.Scores[seat]
			if i == 0 || sc.Mean != c.Scores[seats[i-1]].Mean {
				rank = i + 1
			}
			notes := ""
			for _, warning := range sc.Warnings {
				notes += g.note(warning)
			}
			g.add(c.ID, num(rank), seat, num(sc.N), number(sc.Mean), interval(sc.Low, sc.High, number), notes)
		}
	}
	return g.head(rows)
}

// pathsGrid says what became of the files that agents changed.
func pathsGrid(s *results.Summary) *grid {
	g := &grid{title: "Changed files (paths of agents' write sets)", columns: []column{{name: "cell"}}}
	for _, o := range pathOutcomes {
		g.columns = append(g.columns, column{name: o.title, number: true, spare: true})
	}
	for _, c := range s.Cells {
		row, any := []string{c.ID}, false
		for _, o := range pathOutcomes {
			row, any = append(row, num(c.Paths[o.outcome])), any || c.Paths[o.outcome] > 0
		}
		if any {
			g.add(row...)
		}
	}
	return g
}

// pathOutcomes are the columns, from what was taken to what was not.
var pathOutcomes = [...]struct{ outcome, title string }{
	{history.Applied, "taken"}, {history.Merged, "clean merges"}, {history.Same, "same"},
	{history.Superseded, "overwritten"}, {history.Conflict, "conflicts"}, {history.Stale, "stale"},
	{history.Kept, "kept"}, {history.Withheld, "withheld"},
}

func costGrid(s *results.Summary) *grid {
	g := &grid{title: "Tokens and cost (all runs)", columns: []column{{name: "cell"}, {name: "input", number: true},
		{name: "output", number: true}, {name: "write 5m", number: true, spare: true}, {name: "write 1h", number: true, spare: true},
		{name: "cache read", number: true, spare: true}, {name: "dollars", number: true}, {name: "containers", number: true, spare: true},
		{name: "unpriced", number: true, spare: true}}}
	for _, c := range s.Cells {
		if t := c.Tokens; t.Total() != 0 || c.NanoUSD != 0 || c.ContainerNanoUSD != 0 {
			g.add(c.ID, Count(t.Input), Count(t.Output), Count(t.CacheWrite5m), Count(t.CacheWrite1h), Count(t.CacheRead),
				USD(c.NanoUSD), USD(c.ContainerNanoUSD), num(c.Unpriced))
		}
	}
	return g
}

func agentsGrid(s *results.Summary, rows int) *grid {
	g := &grid{title: "Agents", columns: []column{{name: "cell"}, {name: "agent", elastic: true}, {name: "turns", number: true},
		{name: "failures", number: true, spare: true}, {name: "tokens", number: true, spare: true}, {name: "dollars", number: true, spare: true},
		{name: "commits", number: true, spare: true}, {name: "conflicts", number: true, spare: true}}}
	for _, c := range s.Cells {
		for _, name := range sorted(c.Agents) {
			a, failures := c.Agents[name], 0
			for _, n := range a.Failures {
				failures += n
			}
			g.add(c.ID, name, num(a.Turns), num(failures), Count(a.Tokens.Total()), USD(a.NanoUSD), num(a.Commits), num(a.Conflicts))
		}
	}
	return g.head(rows)
}

func failuresGrid(s *results.Summary, rows int) *grid {
	g := &grid{title: "Failed attempts", columns: []column{{name: "cell"}, {name: "category"}, {name: "attempts", number: true},
		{name: "last by", elastic: true, spare: true}, {name: "last error", elastic: true, spare: true}}}
	for _, c := range s.Cells {
		categories := sorted(c.Failures)
		slices.SortStableFunc(categories, func(a, b string) int { return cmp.Compare(c.Failures[b].Count, c.Failures[a].Count) })
		for _, category := range categories {
			f := c.Failures[category]
			g.add(c.ID, category, num(f.Count), f.Agent, f.LastError)
		}
	}
	return g.head(rows)
}

func expectGrid(s *results.Summary) *grid {
	g := &grid{title: "Expectations", columns: []column{{name: "verdict"}, {name: "expectation", elastic: true}, {name: "cells that did not pass", elastic: true, spare: true}}}
	for _, e := range s.Expect {
		var not []string
		for _, cell := range sorted(e.Cells) {
			if v := e.Cells[cell]; v != results.Passed {
				why := cell + " " + string(v)
				if e.Reasons[cell] != "" {
					why += " (" + e.Reasons[cell] + ")"
				}
				not = append(not, why)
			}
		}
		g.add(string(e.Verdict), e.Text, strings.Join(not, "; "))
	}
	return g
}

// natural orders names so that village-2 comes before village-10.
func natural(a, b string) int {
	stemA, numberA := ending(a)
	stemB, numberB := ending(b)
	return cmp.Or(cmp.Compare(stemA, stemB), cmp.Compare(numberA, numberB), cmp.Compare(a, b))
}

func ending(s string) (stem string, number int) {
	stem = strings.TrimRight(s, "0123456789")
	number, err := strconv.Atoi(s[len(stem):])
	if err != nil {
		return s, -1
	}
	return stem, number
}
