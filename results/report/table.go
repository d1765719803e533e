package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sandtable/sandtable/results"
)

// Options of [Table].
type Options struct {
	Width int  // columns; 0: 100; never less than 60
	Color bool // colour the verdicts
	// Rows bounds the rows of the tables of agents, scores, failures and shares, each;
	// 0: 40. What is left out is counted.
	Rows int
}

func (o Options) normal() Options {
	o.Width = max(60, cmp.Or(o.Width, 100))
	o.Rows = cmp.Or(o.Rows, 40)
	return o
}

// Table writes a summary for a person: runs, outcomes, scores, cost, agents, failures,
// expectations, warnings, verdict. Parts that are empty are left out.
func Table(w io.Writer, s *results.Summary, o Options) error {
	o = o.normal()
	for _, g := range []*grid{runsGrid(s), outcomesGrid(s), sharesGrid(s, o.Rows), pathsGrid(s), scoresGrid(s, o.Rows), costGrid(s),
		agentsGrid(s, o.Rows), failuresGrid(s, o.Rows), expectGrid(s)} {
		if err := g.write(w, o.Width); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, closing(s, o))
	return err
}

// closing is what stands below the tables.
func closing(s *results.Summary, o Options) string {
	var b strings.Builder
	b.WriteString(tiers(s.Cells))
	for _, c := range s.Cells {
		b.WriteString(chance(&c, o.Width))
		for _, warning := range c.Warnings {
			if !strings.HasPrefix(warning, "deterministic:") {
				fmt.Fprintf(&b, "%s: %s\n", Clean(c.ID), Clean(warning))
			}
		}
	}
	for i, p := range s.Problems {
		if i == o.Rows {
			fmt.Fprintf(&b, "and %d more problems, in summary.json\n", len(s.Problems)-i)
			break
		}
		fmt.Fprintf(&b, "problem: %s\n", clip(p, 4*o.Width))
	}
	for _, r := range s.Reasons {
		fmt.Fprintf(&b, "%s\n", clip(r, 2*o.Width))
	}
	fmt.Fprintf(&b, "%s: %s\n", Clean(s.Name), paint(s.Verdict, o.Color))
	return b.String()
}

// chance lists a cell's draws by stream, the most drawn first, or says that there were
// none.
func chance(c *results.Cell, width int) string {
	if c.Deterministic {
		return Clean(c.ID) + ": deterministic: the seed has no effect\n"
	}
	if len(c.Draws) == 0 {
		return ""
	}
	streams := sorted(c.Draws)
	slices.SortStableFunc(streams, func(a, b string) int { return cmp.Compare(c.Draws[b], c.Draws[a]) })
	out := make([]string, 0, len(streams))
	for _, s := range streams {
		out = append(out, s+" "+num(c.Draws[s]))
	}
	return clip(c.ID+": draws: "+strings.Join(out, ", "), width) + "\n"
}

// tiers says what the sandbox could guarantee, where the runs say.
func tiers(cells []results.Cell) string {
	var all []string
	for _, c := range cells {
		if c.Tier != "" && !slices.Contains(all, c.Tier) {
			all = append(all, c.Tier)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "tier: " + Clean(strings.Join(all, ", ")) + "\n"
}

// paint writes a verdict, in colour if asked.
func paint(v results.Verdict, color bool) string {
	if !color {
		return string(v)
	}
	code := "33" // yellow: neither good nor bad
	switch v {
	case results.Passed:
		code = "32"
	case results.Failed, results.ErrorVerdict:
		code = "31"
	case results.NoVerdict:
		return string(v)
	}
	return "\x1b[" + code + "m" + string(v) + "\x1b[0m"
}

func runsGrid(s *results.Summary) *grid {
	g := &grid{title: "Runs", columns: []column{{name: "cell"}, {name: "params", elastic: true, spare: true},
		{name: "runs", number: true}, {name: "valid", number: true}, {name: "void", number: true, spare: true},
		{name: "cut", number: true, spare: true}, {name: "failed", number: true, spare: true},
		{name: "stopped", number: true, spare: true}, {name: "unreadable", number: true, spare: true},
		{name: "missing", number: true, spare: true}, {name: "turns", number: true}, {name: "commits", number: true},
		{name: "conflicts", number: true}, {name: "lost", number: true, spare: true}, {name: "wall", number: true}}}
	params := differing(s.Cells)
	for i, c := range s.Cells {
		g.add(c.ID, params[i], num(c.Runs), num(c.Valid), num(c.Void), num(c.Censored), num(c.Failed.Harness), num(c.Interrupted),
			num(c.Unreadable), num(c.Missing), num(c.Turns), num(c.Commits), num(c.Conflicts), num(c.LostUpdates), seconds(c.WallSeconds))
	}
	return g
}

func num(n int) string { return Count(int64(n)) }

// differing writes the parameters in which cells differ; all of a single cell's are
// left out, for they are in the scenario.
func differing(cells []results.Cell) []string {
	out := make([]string, len(cells))
	all := make([]map[string]json.RawMessage, len(cells))
	names := map[string]map[string]bool{}
	for i, c := range cells {
		_ = json.Unmarshal(c.Params, &all[i]) // what is no object has no names to show
		for name, v := range all[i] {
			if names[name] == nil {
				names[name] = map[string]bool{}
			}
			names[name][string(v)] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if len(names[name]) < 2 {
			continue
		}
		for i := range cells {
			out[i] = strings.TrimSpace(out[i] + " " + name + "=" + plain(all[i][name]))
		}
	}
	return out
}

// plain writes a text without its quotes.
func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

func outcomesGrid(s *results.Summary) *grid {
	g := &grid{title: "Outcomes" + levels(s.Cells), columns: []column{{name: "cell"}, {name: "outcome", elastic: true}, {name: "kind"},
		{name: "n", number: true}, {name: "value", number: true}, {name: "interval"}, {name: "median", number: true, spare: true}, {name: "notes", spare: true}}}
	for _, c := range s.Cells {
		for _, name := range sorted(c.Outcomes) {
			g.outcome(c.ID, name, c.Outcomes[name])
		}
	}
	for _, c := range s.Cells {
		for _, m := range [][2]string{{"tokens", "tokens per run"}, {"usd", "usd per run"}, {"truncated", "truncated"}} {
			if o := c.Measures[m[0]]; o.N+o.Undefined > 0 && o.Value != 0 {
				g.outcome(c.ID, m[1], o)
			}
		}
	}
	return g
}

// levels names the confidence level, which is the same for all intervals of a summary.
func levels(cells []results.Cell) string {
	for _, c := range cells {
		for _, name := range sorted(c.Measures) {
			return " (" + strconv.FormatFloat(float64(c.Measures[name].Level)*100, 'g', 4, 64) + "% intervals)"
		}
	}
	return ""
}

func (g *grid) outcome(cell, name string, o results.Outcome) {
	write, median := number, ""
	if o.Kind == results.RateKind {
		write = percent
	}
	if o.Median != nil {
		median = number(o.Median.Value)
	}
	var notes []string
	for _, warning := range o.Warnings {
		notes = append(notes, g.note(warning))
	}
	g.add(cell, name, string(o.Kind), num(o.N), write(o.Value), interval(o.Low, o.High, write), median, strings.Join(notes, ""))
}

func sharesGrid(s *results.Summary, rows int) *grid {
	g := &grid{title: "Shares", columns: []column{{name: "cell"}, {name: "outcome"}, {name: "text", elastic: true},
		{name: "runs", number: true}, {name: "share", number: true}, {name: "interval"}}}
	for _, c := range s.Cells {
		for _, name := range sorted(c.Outcomes) {
			o := c.Outcomes[name]
			for _, share := range o.Shares {
				g.add(c.ID, name, share.Text, num(share.Count), percent(share.Value), interval(share.Low, share.High, percent))
			}
			if o.Others > 0 {
				g.add(c.ID, name, "(others)", num(o.Others), percent(results.Number(float64(o.Others)/float64(o.N))), "-")
			}
		}
	}
	return g.head(rows)
}

// head keeps the first rows and says how many are not shown.
func (g *grid) head(rows int) *grid {
	if more := len(g.rows) - rows; more > 0 {
		g.rows = g.rows[:rows]
		g.notes = append(g.notes, fmt.Sprintf("%d more rows are in summary.json", more))
	}
	return g
}

func sorted[V any](m map[string]V) []string { return slices.SortedFunc(maps.Keys(m), natural) }
