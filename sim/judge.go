package sim

import (
	"fmt"
	"strconv"
	"strings"
)

// maxFailureText bounds what is told and recorded of a failed attempt, in bytes.
const maxFailureText = 8 << 10

// judge returns why the answer cannot stand, in the order of F1, or nil.
func (m *member) judge(ask *Ask) (*Failure, error) {
	a := &m.answer
	if a.Failure != nil {
		return m.judgeFailure(a.Failure)
	}
	switch {
	case m.late():
		return m.lateness(), nil
	case a.Pass:
		a.Action = nil
	case a.Action == nil && !ask.Optional:
		return &Failure{Empty, "no action was submitted"}, nil
	}
	if f, err := m.judgeWrites(); f != nil || err != nil {
		return f, err
	}
	if a.Action == nil {
		return nil, nil
	}
	action, err := m.check(a.Action)
	if err == nil {
		a.Action = action
	}
	return asFailure(err)
}

// judgeFailure takes the failure that the actor reports: an own copy, with a text that
// can be recorded. A deadline that passed goes before what was wrong with the answer.
func (m *member) judgeFailure(f *Failure) (*Failure, error) {
	switch f.Category {
	case Transport, Crash, Timeout, Budget:
	case Truncated, Empty, Unparsable, Illegal:
		if m.late() {
			return m.lateness(), nil
		}
	default:
		return nil, fmt.Errorf("the actor of %s failed with the category %q, which does not exist", m.st.seat.Name, f.Category)
	}
	return &Failure{f.Category, cut(clean(f.Text), maxFailureText)}, nil
}

func (m *member) late() bool { return m.limit > 0 && m.answer.Used > m.limit+m.st.bank }

// lateness says nothing of what was left in the bank: that is a matter of clocks, and
// the text is part of the history (C5).
func (m *member) lateness() *Failure {
	return &Failure{Timeout, fmt.Sprintf("the act took longer than its limit of %v and what was left in the bank", m.limit)}
}

// asFailure tells an agent's failure from a failure of the harness.
func asFailure(err error) (*Failure, error) {
	if f, ok := err.(*Failure); ok {
		return &Failure{f.Category, cut(clean(f.Text), maxFailureText)}, nil
	}
	return nil, err
}

func (m *member) judgeWrites() (*Failure, error) {
	if len(m.answer.Writes) == 0 {
		return nil, nil
	}
	if err := m.answer.Writes.Validate(); err != nil {
		return &Failure{Illegal, cut(clean(err.Error()), maxFailureText)}, nil
	}
	if f := m.writesAllowed(); f != nil {
		return f, nil
	}
	return nil, m.writesFromView()
}

// writesAllowed names by the globs alone what may not be written: whether there is such
// a path is not said (V5).
func (m *member) writesAllowed() *Failure {
	var bad []string
	for _, c := range m.answer.Writes {
		if !m.write.Match(c.Path) {
			bad = append(bad, strconv.Quote(c.Path))
		}
	}
	if bad == nil {
		return nil
	}
	const most = 5
	if len(bad) > most {
		bad = append(bad[:most], fmt.Sprintf("and %d more", len(bad)-most))
	}
	return &Failure{Illegal, "you may not write " + strings.Join(bad, ", ") + "; put these paths back as they were"}
}

// writesFromView: a base that the seat was not given would pass for a version it has
// seen, and overwrite it. Only a broken actor can do that.
func (m *member) writesFromView() error {
	view := m.view()
	for _, c := range m.answer.Writes {
		if at, _ := view.Get(c.Path); at != c.Base {
			return fmt.Errorf("the actor of %s took the base of %q from another version than the one it was given", m.st.seat.Name, c.Path)
		}
	}
	return nil
}

// Check tells whether action would be legal now: the schema first, then the world's
// static rules against R(i-1). It returns nil, a *[Failure] for the agent, or another
// error if the world itself failed. It may be called from any goroutine.
func (a *Ask) Check(action any) error {
	_, err := a.member.check(action)
	return err
}

// check is static legality (T3.2): form, schema, then the world's rules against R(i-1).
// It returns the action as the world sees it: in normal form.
func (m *member) check(action any) (any, error) {
	if m.schema == nil {
		return nil, &Failure{Illegal, "this stage takes no action"}
	}
	known, err := m.schema.validate(action)
	if err != nil {
		return nil, err
	}
	if !known {
		action = normal(action)
	}
	s := m.stage
	reason, err := s.g.world.Check(s.state, m.st.seat, action, &s.ctx)
	if err != nil {
		return nil, &WorldError{"check", s.ctx.Turn, err}
	}
	if reason != "" {
		return nil, &Failure{Illegal, reason}
	}
	return action, nil
}
