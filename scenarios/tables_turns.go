package scenarios

import (
	"slices"
	"time"
)

func turnsTable() table[turnsAndDefaults] {
	rows := []field[turnsAndDefaults]{
		required(f("max", "the length: reaching it ends the run", dyn(AtLoad, integers(1, most)), func(t *turnsAndDefaults) *Dyn[int] { return &t.Max })),
		f("phases", "the phases; without them there is one", list("phases", object(phaseTable(true))), func(t *turnsAndDefaults) *[]*Phase { return &t.Phases }),
	}
	for _, row := range phaseTable(false).rows {
		if row.key == "name" {
			continue
		}
		rows = append(rows, field[turnsAndDefaults]{
			key: row.key, about: row.about + " (default for all phases)", schema: row.schema, planned: row.planned,
			load: func(l *loader, n *node, t *turnsAndDefaults) { row.load(l, n, &t.Phase) },
		})
	}
	return table[turnsAndDefaults]{"turns", rows}
}

// turnsAndDefaults is `turns` as it is written: the embedded phase holds the defaults.
type turnsAndDefaults struct {
	Phase
	Max    Dyn[int]
	Phases []*Phase
}

// onlyPhase is the name of the one phase of a scenario that names none.
const onlyPhase = "act"

func turnsKind() kind[*Turns] {
	of := object(turnsTable())
	return kind[*Turns]{
		read: func(l *loader, n *node) (*Turns, bool) {
			t, ok := of.read(l, n)
			if t == nil {
				return nil, false
			}
			return t.turns(l), ok
		},
		schema: of.schema,
	}
}

// turns gives every phase what it does not say itself.
func (t *turnsAndDefaults) turns(l *loader) *Turns {
	if !t.Has("phases") {
		t.Phases = []*Phase{{Name: onlyPhase, Given: Given{pos: t.pos}}}
	} else if len(t.Phases) == 0 {
		l.add(t.keys["phases"], "phases is empty; leave it out for a turn of one phase")
	}
	for _, p := range t.Phases {
		complete(phaseTable(true), p, &t.Phase, (*Phase).Has)
		who, _ := p.Who.Literal()
		p.WorldOnly = slices.Equal(who, []string{"none"})
		if p.Limits != nil && t.Limits != nil && p.Limits != t.Limits {
			complete(phaseLimitsTable(), p.Limits, t.Limits, (*PhaseLimits).Has)
		}
		if p.Failures != nil && t.Failures != nil && p.Failures != t.Failures {
			complete(failuresTable(), p.Failures, t.Failures, (*Failures).Has)
			p.Failures.inherit(t.Failures)
		}
	}
	return &Turns{Max: t.Max, Phases: t.Phases}
}

func phaseTable(named bool) table[Phase] {
	name := f("name", "the phase's name", static(pattern("a phase's name", agentPattern, agentWords)), func(p *Phase) *string { return &p.Name })
	if named {
		name = required(name)
	}
	return table[Phase]{"the phase", []field[Phase]{
		name,
		f("when", "whether it is held", dyn(AtStage, boolean()), func(p *Phase) *Dyn[bool] { return &p.When }),
		f("who", "seats; none: a step of the world alone", dyn(AtStage, seats()), func(p *Phase) *Dyn[[]string] { return &p.Who }),
		f("order", "how members are split into stages", dyn(AtStage, orders()), func(p *Phase) *Dyn[Order] { return &p.Order }),
		f("canonical", "in which order results are applied", dyn(AtStage, canonicals()), func(p *Phase) *Dyn[Canonical] { return &p.Canonical }),
		f("repeat", "laps", dyn(AtStage, integers(0, 100_000)), func(p *Phase) *Dyn[int] { return &p.Repeat }),
		f("until", "tested after each stage", dyn(AtStage, boolean()), func(p *Phase) *Dyn[bool] { return &p.Until }),
		f("prompt", "what the agent is told", prompt(AtPrompt), func(p *Phase) *Text { return &p.Prompt }),
		planned[Phase]("images", "Live"),
		f("action", "schema of the action", dyn(AtPrompt, actionSchemas()), func(p *Phase) *Dyn[any] { return &p.Action }),
		f("via", "how the action arrives", viaKind(), func(p *Phase) **Via { return &p.Via }),
		f("optional", "silence is no failure", pointer(static(boolean())), func(p *Phase) **bool { return &p.Optional }),
		f("default", "the default action", dyn(AtPrompt, actions()), func(p *Phase) *Dyn[any] { return &p.Default }),
		f("hear", "who receives the reply's text as a message", dyn(AtMember, seats()), func(p *Phase) *Dyn[[]string] { return &p.Hear }),
		f("mail", "whom a member may write to", dyn(AtMember, seats()), func(p *Phase) *Dyn[[]string] { return &p.Mail }),
		f("read", "globs, in place of the agent's", dyn(AtMember, globs()), func(p *Phase) *Dyn[[]string] { return &p.Read }),
		f("write", "globs, in place of the agent's", dyn(AtMember, globs()), func(p *Phase) *Dyn[[]string] { return &p.Write }),
		f("tools", "tools, in place of the player's", static(texts()), func(p *Phase) *[]string { return &p.Tools }),
		f("limits", "bounds of an act, in place of the player's", object(phaseLimitsTable()), func(p *Phase) **PhaseLimits { return &p.Limits }),
		f("failures", "what happens when an attempt fails, in place of the scenario's", object(failuresTable()), func(p *Phase) **Failures { return &p.Failures }),
	}}
}

func phaseLimitsTable() table[PhaseLimits] {
	return table[PhaseLimits]{"the phase's limits", []field[PhaseLimits]{
		f("steps", "model requests an act", dyn(AtLoad, integers(1, most)), func(p *PhaseLimits) *Dyn[int] { return &p.Steps }),
		f("act", "time of an act", dyn(AtLoad, positive()), func(p *PhaseLimits) *Dyn[time.Duration] { return &p.Act }),
		f("mail", "letters an act", dyn(AtLoad, integers(1, most)), func(p *PhaseLimits) *Dyn[int] { return &p.Mail }),
	}}
}

func failuresTable() table[Failures] {
	return table[Failures]{"failures", []field[Failures]{
		f("illegal", "unusable moves", failureKind(), func(x *Failures) *FailurePolicy { return &x.Illegal }),
		f("timeout", "the deadline passed", failureKind(), func(x *Failures) *FailurePolicy { return &x.Timeout }),
		f("crash", "the process ended", failureKind(), func(x *Failures) *FailurePolicy { return &x.Crash }),
		f("transport", "the call failed outside the agent", failureKind(), func(x *Failures) *FailurePolicy { return &x.Transport }),
		f("budget", "the agent's own limit is used up", failureKind(), func(x *Failures) *FailurePolicy { return &x.Budget }),
		f("forfeit_after", "failed stages in a row that forfeit the seat; 0: never", static(integers(0, most)), func(x *Failures) *int { return &x.ForfeitAfter }),
	}}
}

// defaultFailures are those of the format's page.
func defaultFailures() *Failures {
	return &Failures{
		Illegal:   FailurePolicy{Retry: 2, Then: "pass"},
		Timeout:   FailurePolicy{Then: "pass"},
		Crash:     FailurePolicy{Retry: 1, Then: "forfeit"},
		Transport: FailurePolicy{Then: "void"},
		Budget:    FailurePolicy{Then: "pass"},
	}
}

// inherit notes the keys of from as given here, so that a further default does not
// overwrite what was just taken over.
func (x *Failures) inherit(from *Failures) {
	for key, pos := range from.keys {
		if !x.Has(key) {
			x.keys[key] = pos
		}
	}
}
