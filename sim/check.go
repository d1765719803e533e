package sim

import (
	"errors"
	"fmt"
)

// check finds what would make a run meaningless before it starts.
func (c *Config) check() error {
	if len(c.Seats) == 0 || len(c.Phases) == 0 {
		return errors.New("sim: a run needs at least one seat and one phase")
	}
	if c.MaxTurns < 1 {
		return fmt.Errorf("sim: turns.max is %d: want at least 1", c.MaxTurns)
	}
	seen := make(map[string]bool, len(c.Seats))
	for i, s := range c.Seats {
		if s == nil || s.Name == "" || seen[s.Name] || c.Actors[s.Name] == nil || s.Number != i {
			return fmt.Errorf("sim: seat %d: want a unique name, an actor and Number %d, got %+v", i, i, s)
		}
		seen[s.Name] = true
	}
	return c.checkPhases()
}

func (c *Config) checkPhases() error {
	names := map[string]bool{"": true}
	for i := range c.Phases {
		p := &c.Phases[i]
		if p.Name == "" || names[p.Name] {
			return fmt.Errorf("sim: phase %d %q: want a unique name", i, p.Name)
		}
		names[p.Name] = true
		if err := errors.Join(p.checkOrder(), p.checkFailures()); err != nil {
			return fmt.Errorf("sim: phase %q: %w", p.Name, err)
		}
	}
	for _, e := range c.Events {
		if !names[e.Before] {
			return fmt.Errorf("sim: an event names the phase %q, which does not exist", e.Before)
		}
	}
	return nil
}

func (p *Phase) checkOrder() error {
	switch p.Order {
	case "", Simultaneous, Sequential, Rotating, Shuffled, RandomOrder:
	case OrderExplicit:
		if p.Stages == nil && p.Split == nil {
			return errors.New("the order is explicit: set Stages")
		}
	default:
		return fmt.Errorf("unknown order %q", p.Order)
	}
	switch p.Canonical {
	case "", Seeded, BySeat, CanonicalRotating:
	case CanonicalList:
		if p.Ranking == nil && p.Rank == nil {
			return errors.New("the canonical order is a list: set Ranking")
		}
	default:
		return fmt.Errorf("unknown canonical order %q", p.Canonical)
	}
	return nil
}

func (p *Phase) checkFailures() error {
	f := p.Failures.filled()
	for _, policy := range []FailurePolicy{f.Illegal, f.Timeout, f.Crash, f.Transport, f.Budget} {
		if policy.Retry < 0 {
			return fmt.Errorf("a failure policy says retry %d: want 0 or more", policy.Retry)
		}
		switch policy.Then {
		case ThenPass, ThenForfeit, ThenVoid:
		case ThenDefault:
			if p.Default == nil {
				return errors.New("a failure policy says default, but the phase has no default action")
			}
		default:
			return fmt.Errorf("unknown failure action %q: want pass, default, forfeit or void", policy.Then)
		}
	}
	return nil
}

// filled puts the defaults in the place of policies that are not set.
func (f Failures) filled() Failures {
	d := DefaultFailures()
	for _, p := range []struct{ to, from *FailurePolicy }{
		{&f.Illegal, &d.Illegal}, {&f.Timeout, &d.Timeout}, {&f.Crash, &d.Crash},
		{&f.Transport, &d.Transport}, {&f.Budget, &d.Budget},
	} {
		if *p.to == (FailurePolicy{}) {
			*p.to = *p.from
		}
	}
	return f
}
