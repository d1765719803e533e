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
		Default: b.perAgent(p.Default), Action: b.schema(p.Action), Optional: p.Optional != nil && *p.Optional,
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

// condition binds a field of the row between stages that is true or false.
func condition(b *binder, d scenarios.Dyn[bool]) func(*sim.Scope) (bool, error) {
	if !d.IsSet() {
		return nil
	}
	return func(s *sim.Scope) (bool, error) { return d.Eval(b.stage(s)) }
}

// globs binds a phase's read or write, which stands in place of the agent's own.
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

// perAgent binds a value made for one agent; a literal is made once.
func (b *binder) perAgent(d scenarios.Dyn[any]) func(*sim.AgentScope) (any, error) {
	if !d.IsSet() {
		return nil
	}
	if v, ok := d.Literal(); ok {
		return func(*sim.AgentScope) (any, error) { return v, nil }
	}
	return func(s *sim.AgentScope) (any, error) { return d.Eval(b.prompt(s)) }
}

// maxSchemas bounds the schemas of a phase that are kept for the next time.
const maxSchemas = 256

// schema binds an action's schema. The same schema is the same value, literal or not:
// it is written out and checked once, and the engine knows it again by its identity.
// Schemas are asked for by the run's goroutine alone, so that it may remember them.
func (b *binder) schema(d scenarios.Dyn[any]) func(*sim.AgentScope) (any, error) {
	if _, ok := d.Literal(); ok || !d.IsSet() {
		return b.perAgent(d)
	}
	known := map[string]any{}
	return func(s *sim.AgentScope) (any, error) {
		short, err := d.Value.Eval(b.prompt(s))
		if err != nil {
			return nil, err
		}
		key, err := expr.Canonical(short)
		if err != nil {
			return nil, placed(d.Pos(), err)
		}
		if full, ok := known[string(key)]; ok {
			return full, nil
		}
		full, err := scenarios.ExpandSchema(short)
		if err != nil {
			return nil, placed(d.Pos(), err)
		}
		if len(known) >= maxSchemas {
			clear(known)
		}
		known[string(key)] = full
		return full, nil
	}
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
			if stages[i], err = b.resolve(p.Order.Pos(), list); err != nil {
				return "", nil, err
			}
		}
		return sim.OrderExplicit, stages, nil
	}
}

// rank binds the canonical order: evaluated as each stage opens.
func (b *binder) rank(p *scenarios.Phase) func(*sim.Scope) (sim.Canonical, []string, error) {
	if !p.Canonical.IsSet() {
		return nil
	}
	return func(s *sim.Scope) (sim.Canonical, []string, error) {
		c, err := p.Canonical.Eval(b.stage(s))
		if err != nil || c.Name != "" {
			return sim.Canonical(c.Name), nil, err
		}
		names, err := b.inGivenOrder(p.Canonical.Pos(), c.Seats)
		return sim.CanonicalList, names, err
	}
}

// failures are complete: the loader has filled in those of turns, scenario and format.
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
		own = &scenarios.PhaseLimits{} // nothing is set: the seats' own
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
