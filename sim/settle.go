package sim

import "fmt"

// settle turns the member's result into the move that the world resolves, filling in
// what a failure policy says (F2). It runs at the seal, in canonical order. Mail and
// notices were handed out with the request: they are not repeated, however it went.
func (m *member) settle() error {
	st := m.st
	m.stage.g.res.Failures = append(m.stage.g.res.Failures, m.failures...)
	st.inbox, st.notices = nil, nil
	if m.draws > 0 {
		m.stage.g.res.Draws["agent/"+st.seat.Name] += m.draws
	}
	m.move = Move{Agent: st.seat.Name}
	st.spent = m.failed != nil && m.failed.Category == Budget
	if m.failed == nil {
		m.succeed()
		return nil
	}
	m.count()
	return m.substitute()
}

// succeed: a move is passed only if there is nothing in it. A pass is about the action:
// files and letters of a passing agent are taken like anybody's.
func (m *member) succeed() {
	a := &m.answer
	m.st.failures, m.st.memory = 0, a.Memory
	m.move.Action, m.move.Say, m.move.Mail = a.Action, clean(a.Say), tidyLetters(a.Mail)
	m.move.Status = Committed
	if a.Pass || a.Action == nil && a.Say == "" && len(a.Mail) == 0 && len(a.Writes) == 0 {
		m.move.Status = Passed
	}
}

// count makes a forfeit of too many failures in a row. What failed outside the agent is
// not counted, and a run that is void stays void.
func (m *member) count() {
	if m.failed.Category == Transport {
		return
	}
	m.st.failures++
	most := m.stage.phase.Failures.ForfeitAfter
	if most > 0 && m.st.failures >= most && m.then != ThenVoid {
		m.then = ThenForfeit
	}
}

// substitute does what the failure policy says.
func (m *member) substitute() error {
	m.move.Status, m.move.Category = m.failed.Category.status(), m.failed.Category
	switch m.then {
	case ThenPass:
	case ThenForfeit:
		m.forfeit = true
	case ThenVoid:
		m.stage.g.void(m)
	case ThenDefault:
		return m.useDefault()
	}
	return nil
}

// void ends the run; the stage is still sealed and recorded, and the first in canonical
// order is named.
func (g *game) void(m *member) {
	if !g.res.Void {
		g.res.Void = true
		_ = g.truncate(fmt.Sprintf("void: %s of %s", m.failed.Category, m.st.seat.Name)) // close says that it ended
	}
}

// useDefault plays the default action, marked as substituted. It must be legal like any
// other: to pass instead would change the experiment, and nobody would see it.
func (m *member) useDefault() error {
	action, err := m.defaultAction()
	if err != nil || action == nil {
		return err
	}
	if action, err = m.check(action); err != nil {
		return fmt.Errorf("turn %d, phase %s: the default action cannot be played by %s: %w: change `default`, or let failures pass",
			m.stage.ctx.Turn, m.stage.ctx.Phase, m.st.seat.Name, err)
	}
	m.move.Action, m.move.Substituted = action, true
	return nil
}

// status is the stage state of a category (F1).
func (c Category) status() Status {
	switch c {
	case Transport, Crash:
		return Crashed
	case Timeout:
		return TimedOut
	}
	return Invalid
}

// seatStatus is what a forfeiting seat keeps: its natural status, never DONE (F2).
func (c Category) seatStatus() SeatStatus {
	switch c {
	case Transport, Crash:
		return SeatError
	case Timeout:
		return SeatTimeout
	case Budget:
		return SeatBudget
	}
	return SeatInvalid
}

func (m *member) sealed() Sealed {
	return Sealed{
		Agent: m.st.seat.Name, Status: m.move.Status, Category: m.move.Category, Attempts: m.attempts,
		Action: m.move.Action, Say: m.move.Say, Mail: m.move.Mail, Substituted: m.move.Substituted,
		Forfeit: m.forfeit, Writes: m.answer.Writes, Memory: m.st.memory,
	}
}
