package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// randomKeys sorts names by H(stream key, name) (T4): adding or removing one never
// changes the relative order of the others.
func (g *game) randomKeys(path, names []string) []string {
	type keyed struct {
		key  [32]byte
		name string
	}
	list := make([]keyed, len(names))
	for i, name := range names {
		list[i] = keyed{g.cfg.Streams.Key(append(slices.Clone(path), "seat", name)...), name}
	}
	slices.SortFunc(list, func(a, b keyed) int { return bytes.Compare(a.key[:], b.key[:]) })
	out := make([]string, len(list))
	for i, k := range list {
		out[i] = k.name
	}
	return out
}

// canonical fixes the order in which the stage's results will be applied, before the
// stage opens and over its full membership (T4).
func (g *game) canonical(members []string) ([]string, error) {
	if len(members) < 2 {
		return members, nil // nothing to order, nothing drawn
	}
	kind, list, err := g.phase.Canonical, []string(nil), error(nil)
	switch {
	case g.phase.Rank != nil:
		kind, list, err = g.phase.Rank(g.scope())
	case kind == CanonicalList:
		list, err = g.phase.Ranking(g.scope())
	}
	if err != nil {
		return nil, err
	}
	return g.orderBy(kind, list, members)
}

func (g *game) orderBy(kind Canonical, list, members []string) ([]string, error) {
	switch kind {
	case BySeat:
		return members, nil
	case CanonicalRotating:
		return g.rotate(members), nil
	case CanonicalList:
		return g.ranked(list, members)
	case Seeded, "":
		path := []string{"turn", strconv.Itoa(g.turn), "stage", strconv.Itoa(g.stage), "canonical"}
		order := g.randomKeys(path, members)
		return order, g.chance("canonical", path, "permutation", anys(members), anys(order))
	}
	return nil, fmt.Errorf("unknown canonical order %q", kind)
}

// ranked puts the listed members first, in the list's order, then the rest by seat.
func (g *game) ranked(list, members []string) ([]string, error) {
	out := make([]string, 0, len(members))
	for _, name := range list {
		if g.byName[name] == nil {
			return nil, fmt.Errorf("canonical order: there is no agent %q", name)
		}
	}
	for _, name := range slices.Concat(list, members) {
		if slices.Contains(members, name) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}

// chance logs one draw of the engine itself (H1) and counts it by stream (D9).
func (g *game) chance(stream string, path []string, kind string, args []any, result any) error {
	g.res.Draws[stream]++
	if g.cfg.Observer == nil {
		return nil
	}
	return g.tell(&Draw{Turn: g.turn, Stage: g.stage, Stream: streamName(path), Kind: kind, Args: args, Result: result})
}

// streamName writes a stream's path for people and for the history.
func streamName(path []string) string {
	return strings.Join(path, "/")
}

func anys(names []string) []any {
	out := make([]any, len(names))
	for i, n := range names {
		out[i] = n
	}
	return out
}
