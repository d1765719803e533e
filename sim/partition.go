package sim

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"
)

// playPhase plays all laps of a phase.
func (g *game) playPhase(ctx context.Context, p *Phase) error {
	g.phase, g.phaseName, g.lap, g.passes = p, p.Name, 1, 0
	if err := g.intervene(p.Name); err != nil {
		return err
	}
	if on, err := g.test(p.When, nil, true); err != nil || !on {
		if err == nil {
			err = g.tell(&PhaseOpened{Turn: g.turn, Phase: p.Name, Lap: 1, Skipped: true})
		}
		return err
	}
	laps, err := g.laps(p)
	if err != nil {
		return err
	}
	for ; g.lap <= laps; g.lap++ {
		if over, err := g.playLap(ctx, p); err != nil || over {
			return err
		}
	}
	return nil
}

func (g *game) laps(p *Phase) (int, error) {
	if p.Repeat == nil {
		return 1, nil
	}
	return p.Repeat(g.scope())
}

// playLap fixes the partition (T1) and plays its stages; over says that `until` held.
func (g *game) playLap(ctx context.Context, p *Phase) (over bool, err error) {
	order, stages, err := g.partition(p)
	if err != nil {
		return false, fmt.Errorf("turn %d, phase %s: %w", g.turn, p.Name, err)
	}
	if g.cfg.Observer != nil {
		rec := &PhaseOpened{Turn: g.turn, Phase: p.Name, Lap: g.lap, Order: order, Stages: stages}
		if err := g.tell(rec); err != nil {
			return false, err
		}
	}
	for _, members := range stages {
		if err := g.playStage(ctx, members); err != nil {
			return false, err
		}
		if p.Until == nil {
			continue
		}
		if over, err = p.Until(g.scope()); err != nil || over {
			return over, err
		}
	}
	return false, nil
}

// partition splits the phase's live members into ordered stages (T2).
func (g *game) partition(p *Phase) (Order, [][]string, error) {
	order, lists, err := p.Order, [][]string(nil), error(nil)
	switch {
	case p.WorldOnly:
		return order, [][]string{{}}, nil
	case p.Split != nil:
		order, lists, err = p.Split(g.scope())
	case order == OrderExplicit:
		lists, err = p.Stages(g.scope())
	case order == "":
		order = Simultaneous
	}
	if err != nil {
		return order, nil, err
	}
	members, err := g.members(p)
	if err != nil || len(members) == 0 && order != OrderExplicit {
		return order, nil, err
	}
	stages, err := g.splitBy(order, members, lists)
	return order, stages, err
}

func (g *game) splitBy(order Order, members []string, lists [][]string) ([][]string, error) {
	switch order {
	case Simultaneous:
		return [][]string{members}, nil
	case Sequential:
		return singletons(members), nil
	case Rotating:
		return singletons(g.rotate(members)), nil
	case Shuffled:
		return g.shuffled(members)
	case RandomOrder:
		return g.drawOne(members)
	case OrderExplicit:
		return g.explicit(lists, members)
	}
	return nil, fmt.Errorf("unknown order %q", order)
}

func (g *game) members(p *Phase) ([]string, error) {
	if p.Who == nil {
		return g.liveNames(), nil
	}
	names, err := p.Who(g.scope())
	if err != nil {
		return nil, err
	}
	return g.inSeatOrder(names)
}

func singletons(names []string) [][]string {
	out := make([][]string, len(names))
	for i, name := range names {
		out[i] = []string{name}
	}
	return out
}

// rotate starts with the first member whose seat number is not below turn-1 modulo the
// number of possible seats: the shift follows the turn and not the number of the
// living, so that a death does not shift anybody else's place (E3).
func (g *game) rotate(members []string) []string {
	first := (g.turn - 1) % len(g.seats)
	i := sort.Search(len(members), func(i int) bool { return g.byName[members[i]].seat.Number >= first })
	return append(slices.Clone(members[i:]), members[:i]...)
}

func (g *game) shuffled(members []string) ([][]string, error) {
	path := []string{"turn", strconv.Itoa(g.turn), "phase", g.phaseName, "lap", strconv.Itoa(g.lap), "order"}
	order := g.randomKeys(path, members)
	return singletons(order), g.chance("order", path, "permutation", anys(members), anys(order))
}

func (g *game) drawOne(members []string) ([][]string, error) {
	path := []string{"turn", strconv.Itoa(g.turn), "phase", g.phaseName, "lap", strconv.Itoa(g.lap), "order"}
	dice := NewDice(g.cfg.Streams.Key(path...), nil)
	one := members[dice.Choice(len(members))]
	return [][]string{{one}}, g.chance("order", path, "choice", anys(members), one)
}

// explicit checks that the listed stages hold each member once and nobody else.
func (g *game) explicit(lists [][]string, members []string) ([][]string, error) {
	seen := map[string]bool{}
	out := make([][]string, 0, len(lists))
	for _, list := range lists {
		stage, err := g.inSeatOrder(list)
		if err != nil {
			return nil, err
		}
		stage = slices.DeleteFunc(stage, func(n string) bool { return !slices.Contains(members, n) })
		for _, name := range stage {
			if seen[name] {
				return nil, fmt.Errorf("order: %s stands in two stages; a seat acts once per pass", name)
			}
			seen[name] = true
		}
		out = append(out, stage)
	}
	for _, name := range members {
		if !seen[name] {
			return nil, fmt.Errorf("order: %s is a member of the phase but stands in no stage", name)
		}
	}
	return out, nil
}

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
		return ranked(list, members), nil
	case Seeded, "":
		path := []string{"turn", strconv.Itoa(g.turn), "stage", strconv.Itoa(g.stage), "canonical"}
		order := g.randomKeys(path, members)
		return order, g.chance("canonical", path, "permutation", anys(members), anys(order))
	}
	return nil, fmt.Errorf("unknown canonical order %q", kind)
}

// ranked puts the listed members first, in the list's order, then the rest by seat.
func ranked(list, members []string) []string {
	var out []string
	for _, name := range append(slices.Clone(list), members...) {
		if slices.Contains(members, name) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
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
	var b bytes.Buffer
	for i, c := range path {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(c)
	}
	return b.String()
}

func anys(names []string) []any {
	out := make([]any, len(names))
	for i, n := range names {
		out[i] = n
	}
	return out
}
