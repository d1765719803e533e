package sim

import (
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
		if held, err := g.playLap(ctx, p); err != nil || held {
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

// playLap fixes the partition (T1) and plays its stages; held says that `until` did.
func (g *game) playLap(ctx context.Context, p *Phase) (held bool, err error) {
	if err := over(ctx); err != nil {
		return false, err
	}
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
		if held, err = p.Until(g.scope()); err != nil || held {
			return held, err
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
		return g.oneStage(members), nil
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

// oneStage is a partition of one stage. Where it is not recorded, it is gone by the
// time the next one is made.
func (g *game) oneStage(members []string) [][]string {
	if g.cfg.Observer != nil {
		return [][]string{members}
	}
	g.reuse.lists[0] = members
	return g.reuse.lists[:]
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
