package scenarios

import (
	"fmt"
	"slices"
	"time"

	"go.starlark.net/starlark"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// Defaults of a player's limits.
const (
	DefaultSteps = 50
	DefaultAct   = 5 * time.Minute
	DefaultMail  = 20
)

// Defaults of a run's limits. Money, tokens and turns are not limited.
const (
	DefaultWall = 2 * time.Hour
	DefaultIdle = 10 * time.Minute
)

// maxSeats bounds the seats of a run.
const maxSeats = 10_000

// Lookup returns the cell's names for expressions: params, data and text.
func (c *Cell) Lookup() expr.Lookup { return c.lookup }

// expand evaluates what is known before a run, and checks it.
func (c *Cell) expand(s *Scenario, faults *collector) {
	c.lookup = s.Lookup(c.Params)
	e := evaluation{lookup: c.lookup, faults: faults}
	c.Max = get(e, s.Turns.Max)
	c.Limits = RunLimits{
		Turns: get(e, s.Limits.Turns), Tokens: get(e, s.Limits.Tokens),
		USD: get(e, s.Limits.USD), HasUSD: s.Limits.USD.IsSet(),
		Wall: getOr(e, s.Limits.Wall, DefaultWall), Idle: getOr(e, s.Limits.Idle, DefaultIdle),
	}
	c.Files = map[string]string{}
	for _, file := range s.Workspace.Files {
		c.Files[file.Name] = get(e, file.Value)
	}
	c.fileTree(s, faults)
	for _, a := range s.Agents {
		if entry := e.entry(s, a); entry != nil {
			c.Entries = append(c.Entries, entry)
			c.seat(entry)
		}
	}
	c.checkSeats(s, faults)
	for _, p := range s.Turns.Phases {
		e.phase(p)
	}
	for _, x := range s.Expect {
		if err := x.rehearse(c.lookup); err != nil {
			faults.addErr(x.Pos, err)
		}
	}
}

// evaluation evaluates fields for one cell and gathers the faults.
type evaluation struct {
	lookup expr.Lookup
	faults *collector
}

func get[T any](e evaluation, d Dyn[T]) T {
	v, err := d.Eval(e.lookup)
	if err != nil {
		e.faults.addErr(d.Pos(), err)
	}
	return v
}

func getOr[T any](e evaluation, d Dyn[T], missing T) T {
	if !d.IsSet() {
		return missing
	}
	return get(e, d)
}

func (e evaluation) phase(p *Phase) {
	if p.Limits != nil {
		get(e, p.Limits.Steps)
		get(e, p.Limits.Act)
		get(e, p.Limits.Mail)
	}
}

// seat adds the seats of an entry.
func (c *Cell) seat(e *Entry) {
	for i := 1; i <= e.Count && len(c.Seats) <= maxSeats; i++ {
		name := e.Name
		if e.Agent.Count.IsSet() {
			name = fmt.Sprintf("%s-%d", e.Name, i)
		}
		c.Seats = append(c.Seats, SeatSpec{Name: name, Entry: e, Index: i, Number: len(c.Seats)})
	}
}

func (c *Cell) checkSeats(s *Scenario, faults *collector) {
	n := seatNames{}
	first := map[string]*Entry{}
	for _, seat := range c.Seats {
		if other := first[seat.Name]; other != nil && other.Name != seat.Entry.Name {
			faults.add(seat.Entry.Agent.keys["name"], "agent %q is there twice: entry %q makes it, and entry %q", seat.Name, other.Name, seat.Entry.Name)
		}
		first[seat.Name] = seat.Entry
		n.agents = append(n.agents, seat.Name)
	}
	switch {
	case len(c.Seats) == 0:
		faults.add(s.keys["agents"], "no agents: all counts are 0%s", c.suffix())
	case len(c.Seats) > maxSeats:
		faults.add(s.keys["agents"], "more than %d agents", maxSeats)
	}
	for _, e := range c.Entries {
		if seat := first[e.Name]; seat != nil && seat.Name != e.Name {
			faults.add(e.Agent.keys["name"], "entry %q has the name of an agent that entry %q makes; whom seats mean by it would be unclear", e.Name, seat.Name)
		}
		n.entries = append(n.entries, e.Name)
		n.roles = append(n.roles, e.Role)
		n.own = n.own || e.OwnRoles
		for _, r := range e.Roles {
			n.roles = append(n.roles, r.Role)
		}
	}
	n.roles = slices.DeleteFunc(n.roles, func(r string) bool { return r == "" })
	c.checkReferences(s, n, faults)
}

func (c *Cell) suffix() string {
	if len(c.Axes) == 0 {
		return ""
	}
	return " in cell " + c.ID
}

func (c *Cell) checkReferences(s *Scenario, n seatNames, faults *collector) {
	for _, p := range s.Turns.Phases {
		for _, v := range []*Value{p.Who.Value, p.Hear.Value, p.Mail.Value} {
			faults.seatLiterals(v, n)
		}
		for _, v := range []*Value{p.Order.Value, p.Canonical.Value} {
			if v != nil && v.kind == listNode { // else it is a word, checked before
				faults.seatLiterals(v, n)
			}
		}
	}
	for _, e := range s.Events {
		if e.Mail != nil {
			faults.seatLiterals(e.Mail.To.Value, n)
		}
	}
}

// fileTree refuses inline files that would be a file and a folder at once.
func (c *Cell) fileTree(s *Scenario, faults *collector) {
	for _, file := range s.Workspace.Files {
		for i, r := range file.Name {
			if r != '/' {
				continue
			}
			if other := find(s.Workspace.Files, file.Name[:i]); other != nil {
				faults.add(file.Pos, "%s lies in %s, which is a file", file.Name, other.Name)
			}
		}
	}
}

// Lookup returns the names that are there everywhere: params, data and text. The
// values are converted once.
func (s *Scenario) Lookup(params map[string]any) expr.Lookup {
	values := starlark.StringDict{
		"data": starlark.NewBuiltin("data", s.dataCall),
		"text": starlark.NewBuiltin("text", s.textCall),
	}
	p, err := expr.ToStarlark(params)
	if err == nil {
		values["params"] = p
	}
	values.Freeze()
	return func(name string) (starlark.Value, error) {
		if v := values[name]; v != nil {
			return v, nil
		}
		return nil, fmt.Errorf("%s has no value here", name)
	}
}
