package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// row is one line of the table. Cells that are empty are shown as a dash.
type row struct {
	what, ours, bare, ratio, peer, target, met string
}

func (r row) cells() []string {
	cells := []string{r.what, r.ours, r.bare, r.ratio, r.peer, r.target, r.met}
	for i, c := range cells {
		if c == "" {
			cells[i] = "–"
		}
	}
	return cells
}

var heads = []string{"what", "sandtable", "bare floor (same run)", "ratio", "peer (source)", "target", "met"}

// table is what is printed.
type table struct {
	title string
	rows  []row
}

func (t *table) add(r row) { t.rows = append(t.rows, r) }

// text writes aligned columns.
func (t *table) text(w io.Writer) error {
	fmt.Fprintf(w, "%s\n\n", t.title)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join(heads, "\t"))
	for _, r := range t.rows {
		fmt.Fprintln(tw, strings.Join(r.cells(), "\t"))
	}
	return tw.Flush()
}

// markdown writes a table in GitHub's form.
func (t *table) markdown(w io.Writer) error {
	line := func(cells []string) string {
		out := make([]string, len(cells))
		for i, c := range cells {
			out[i] = strings.NewReplacer("|", `\|`, "\n", " ").Replace(c)
		}
		return "| " + strings.Join(out, " | ") + " |\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", t.title)
	b.WriteString(line(heads))
	b.WriteString(line(slices.Repeat([]string{"---"}, len(heads))))
	for _, r := range t.rows {
		b.WriteString(line(r.cells()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// sample are repetitions of one measurement.
type sample []float64

// median of an even number of values is the mean of the two in the middle. It is NaN for
// none.
func (s sample) median() float64 { return s.quantile(0.5) }

// quantile interpolates between the two neighbours.
func (s sample) quantile(q float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	v := slices.Sorted(slices.Values(s))
	at := q * float64(len(v)-1)
	low := int(at)
	if low == len(v)-1 {
		return v[low]
	}
	return v[low] + (at-float64(low))*(v[low+1]-v[low])
}

// show is the median, with minimum and maximum behind it if there is more than one value.
func (s sample) show(format, unit string) string {
	if len(s) == 0 {
		return ""
	}
	out := fmt.Sprintf(format, s.median())
	if len(s) > 1 {
		out += fmt.Sprintf(" ("+format+"–"+format+")", slices.Min(s), slices.Max(s))
	}
	return out + " " + unit
}

// over is the ratio of two medians.
func over(a, b sample) string { return fmt.Sprintf("%.2f", a.median()/b.median()) }

// atMost judges a figure whose target is an upper bound. If the floor alone is above the
// bound, no harness could have met it, and the floor's number says so.
func atMost(ours, floor, bound float64, format string) string {
	switch {
	case ours <= bound:
		return "yes"
	case !math.IsNaN(floor) && floor > bound:
		return fmt.Sprintf("no: the floor alone is "+format, floor)
	}
	return "no"
}

// atLeast judges one whose target is a lower bound.
func atLeast(ours, bound float64) string {
	if ours >= bound {
		return "yes"
	}
	return "no"
}
