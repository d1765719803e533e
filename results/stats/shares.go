package stats

import (
	"cmp"
	"slices"
)

// Share is how often one text was seen among all.
type Share struct {
	Text     string
	Count    int
	Estimate // its Value is Count / N
}

// Shares counts texts and gives each its rate, most frequent first, ties by text. The
// intervals are those of each share alone: together they hold at less than the level.
func Shares(texts []string, level float64) []Share {
	counts := map[string]int{}
	for _, t := range texts {
		counts[t]++
	}
	out := make([]Share, 0, len(counts))
	for t, k := range counts {
		out = append(out, Share{Text: t, Count: k, Estimate: Rate(k, len(texts), level)})
	}
	slices.SortFunc(out, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return out
}
