package bind

import (
	"time"

	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/scenarios/expr"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// phase binds one phase. Fields that the file leaves out stay nil, which is how the
// engine knows its defaults.
func (b *binder) phase(p *scenarios.Phase) (sim.Phase, error) {
	out := sim.Phase{
		Name: p.Name, When: condition(b, p.When), Who: b.seatList(p.Who, b.stage), WorldOnly: p.WorldOnly,
		Until: condition(b, p.Until), Hear: b.seatList(p.Hear, b.member), Mail: b.seatList(p.Mail, b.member),
		Read: b.globs(p.Read), Write: b.globs(p.Write), Tools: p.Tools, Failures: failures(p.Failures),
		Default: b.perAgent(p.Default), Action: b.perAgent(p.Action), Optional: p.Optional != nil && *p.Optional,
		Split: b.split(p), Rank: b.rank(p),
	}
	if p.Via != nil {
		out.Via = sim.Via{Kind: sim.ViaKind(p.Via.Kind), File: p.Via.File}
	}
	if p.Repeat.IsSet() {
		out.Repeat = func(s *sim.Scope) (int, error) { return p.Repeat.Eval(b.stage(s)) }
	}
	out.Prompt = b.promptOf(p, out.Via)
	return out, b.phaseLimits(p, &out)
}

func condition(b *binder, d scenarios.Dyn[bool]) func(*sim.Scope) (bool, error) {
	if !d.IsSet() {
		return nil
	}
	return func(s *sim.Scope) (bool, error) { return d.Eval(b.stage(s)) }
}

// seatList resolves a `seats` field to names.
func (b *binder) seatList(d scenarios.Dyn[[]string], at func(*sim.Scope) expr.Lookup) sim.SeatsFunc {
	if !d.IsSet() {
		return nil
	}
	if list, ok := d.Literal(); ok {
		names, err := sim.ResolveSeats(b.seats, list)
		return func(*sim.Scope) ([]string, error) { return names, placed(d.Pos(), err) }
	}
	return func(s *sim.Scope) ([]string, error) {
		list, err := d.Eval(at(s))
		if err != nil {
			return nil, err
		}
		names, err := sim.ResolveSeats(b.seats, list)
		return names, placed(d.Pos(), err)
	}
}

func placed(pos scenarios.Pos, err error) error {
	if err == nil {
		return nil
	}
	return &scenarios.Error{Pos: pos, Msg: err.Error()}
}

func (b *binder) globs(d scenarios.Dyn[[]string]) func(*sim.Scope) (tree.Globs, error) {
	if !d.IsSet() {
		return nil
	}
	if list, ok := d.Literal(); ok {
		globs := tree.Globs(list)
		return func(*sim.Scope) (tree.Globs, error) { return globs, nil }
	}
	return func(s *sim.Scope) (tree.Globs, error) {
		list, err := d.Eval(b.member(s))
		if err != nil {
			return nil, err
		}
		return tree.Globs(list), placed(d.Pos(), tree.Globs(list).Check())
	}
}

// perAgent binds a value made for one agent. A literal is made once, so that the engine
// can tell by identity that a schema has not changed.
func (b *binder) perAgent(d scenarios.Dyn[any]) func(*sim.AgentScope) (any, error) {
	if !d.IsSet() {
		return nil
	}
	if v, ok := d.Literal(); ok {
		return func(*sim.AgentScope) (any, error) { return v, nil }
	}
	return func(s *sim.AgentScope) (any, error) { return d.Eval(b.prompt(s)) }
}

// split binds the order: evaluated as each lap of the phase opens.
func (b *binder) split(p *scenarios.Phase) func(*sim.Scope) (sim.Order, [][]string, error) {
	if !p.Order.IsSet() {
		return nil
	}
	return func(s *sim.Scope) (sim.Order, [][]string, error) {
		o, err := p.Order.Eval(b.stage(s))
		if err != nil || o.Name != "" {
			return sim.Order(o.Name), nil, err
		}
		stages := make([][]string, len(o.Stages))
		for i, list := range o.Stages {
			if stages[i], err = sim.ResolveSeats(b.seats, list); err != nil {
				return "", nil, placed(p.Order.Pos(), err)
			}
		}
		return sim.OrderExplicit, stages, nil
	}
}

func (b *binder) rank(p *scenarios.Phase) func(*sim.Scope) (sim.Canonical, []string, error) {
	if !p.Canonical.IsSet() {
		return nil
	}
	return func(s *sim.Scope) (sim.Canonical, []string, error) {
		c, err := p.Canonical.Eval(b.stage(s))
		if err != nil || c.Name != "" {
			return sim.Canonical(c.Name), nil, err
		}
		var names []string
		for _, item := range c.Seats {
			more, err := sim.ResolveSeats(b.seats, item)
			if err != nil {
				return "", nil, placed(p.Canonical.Pos(), err)
			}
			names = append(names, more...)
		}
		return sim.CanonicalList, names, nil
	}
}

func failures(f *scenarios.Failures) sim.Failures {
	if f == nil {
		return sim.Failures{}
	}
	policy := func(p scenarios.FailurePolicy) sim.FailurePolicy {
		return sim.FailurePolicy{Retry: p.Retry, Then: sim.FailureAction(p.Then)}
	}
	return sim.Failures{
		Illegal: policy(f.Illegal), Timeout: policy(f.Timeout), Crash: policy(f.Crash),
		Transport: policy(f.Transport), Budget: policy(f.Budget), ForfeitAfter: f.ForfeitAfter,
	}
}

// phaseLimits lets a phase override the limits of the seats.
func (b *binder) phaseLimits(p *scenarios.Phase, out *sim.Phase) error {
	own := p.Limits
	if own == nil {
		own = &scenarios.PhaseLimits{}
	}
	lookup := b.cell.Lookup()
	acts := make([]time.Duration, len(b.seats))
	limits := make([]sim.ActLimits, len(b.seats))
	for i, l := range b.limits {
		var errs [3]error
		acts[i], errs[0] = own.Act.EvalOr(lookup, l.Act)
		limits[i].Steps, errs[1] = own.Steps.EvalOr(lookup, l.Steps)
		limits[i].Mail, errs[2] = own.Mail.EvalOr(lookup, l.Mail)
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
	}
	out.Act = func(s *sim.Seat) time.Duration { return acts[s.Number] }
	out.Limits = func(s *sim.Seat) sim.ActLimits { return limits[s.Number] }
	return nil
}
