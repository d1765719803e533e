package sim

import (
	"fmt"
	"strings"

	"github.com/sandtable/sandtable/sim/tree"
)

// settle turns the member's result into the move that the world resolves, filling in
// what a failure policy says (F2). It runs at the seal, in canonical order.
func (m *member) settle() error {
	st := m.st
	g := m.stage.g
	g.res.Failures = append(g.res.Failures, m.failures...)
	st.inbox, st.notices = nil, nil
	m.move = Move{Agent: st.seat.Name}
	if m.failed == nil {
		m.succeed()
		return nil
	}
	st.failures++
	if n := g.phase.Failures.ForfeitAfter; n > 0 && st.failures >= n {
		m.then = ThenForfeit
	}
	return m.substitute()
}

// succeed: a move is passed only if there is nothing in it. A pass is about the action:
// files and letters of a passing agent are taken like anybody's.
func (m *member) succeed() {
	a := &m.answer
	m.st.failures = 0
	m.st.memory = a.Memory
	m.move.Action, m.move.Say, m.move.Mail = a.Action, a.Say, a.Mail
	m.move.Status = Committed
	if a.Pass || a.Action == nil && a.Say == "" && len(a.Mail) == 0 && len(a.Writes) == 0 {
		m.move.Status = Passed
	}
}

// substitute does what the failure policy says.
func (m *member) substitute() error {
	g := m.stage.g
	m.move.Status, m.move.Category = m.failed.Category.status(), m.failed.Category
	switch m.then {
	case ThenPass:
		return nil
	case ThenForfeit:
		m.forfeit = true
		return nil
	case ThenVoid:
		g.res.Void = true
		return ended(g.truncate(fmt.Sprintf("void: %s of %s", m.failed.Category, m.st.seat.Name)))
	case ThenDefault:
		return m.useDefault()
	}
	return fmt.Errorf("sim: phase %q: unknown failure action %q", g.phase.Name, m.then)
}

// ended drops the sentinel: a voided stage is still sealed and recorded.
func ended(err error) error {
	if err == errEnded {
		return nil
	}
	return err
}

func (m *member) useDefault() error {
	action, err := m.stage.g.phase.Default(m.agentScope(false))
	if err != nil {
		return err
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

// commit takes one write set into fx's tree and counts it.
func (g *game) commit(fx *effects, author string, ws tree.WriteSet, pol tree.Policies) (WriteSetDecided, error) {
	next, decisions, applied, err := tree.Commit(fx.tree, author, ws, pol, g.blobs, g.owner)
	if err != nil {
		return WriteSetDecided{}, fmt.Errorf("turn %d, stage %d: committing the files of %s: %w", g.turn, g.stage, author, err)
	}
	if applied {
		g.res.Commits++
		for _, c := range ws {
			g.wrote(c.Path, author)
		}
	}
	for _, d := range decisions {
		if contested(d.Outcome) {
			g.res.Conflicts++
		}
	}
	fx.tree, fx.start = next, next
	return WriteSetDecided{Author: author, Applied: applied, Decisions: decisions}, nil
}

// wrote remembers who changed a path.
func (g *game) wrote(path, author string) {
	g.owners[path] = author
	if g.recent == nil {
		g.recent = map[string][]string{}
	}
	g.recent[path] = append(g.recent[path], author)
}

// owner names who changed a path after the version that the stage's members were given:
// all of them, since any of them may be the one that a change does not merge with.
func (g *game) owner(path string) string {
	if list := g.recent[path]; len(list) > 0 {
		return strings.Join(list, ", ")
	}
	return g.owners[path]
}

// contested: two authors met on this path and not both have all they wrote.
func contested(o tree.Outcome) bool {
	switch o {
	case tree.Kept, tree.Stale, tree.Conflict, tree.Superseded:
		return true
	}
	return false
}

// withhold decides the write set of a failed member: nothing of it is taken, and every
// path says so, so that its author can be told and its bytes are kept.
func withhold(head *tree.Tree, m *member) WriteSetDecided {
	d := WriteSetDecided{Author: m.st.seat.Name}
	for _, c := range m.answer.Writes {
		at, _ := head.Get(c.Path)
		d.Decisions = append(d.Decisions, tree.Decision{
			Path: c.Path, Outcome: tree.Withheld, Base: c.Base, Head: at, New: c.New, Result: at,
			Reason: fmt.Sprintf("%q: your move was not valid (%s)", c.Path, m.failed.Category),
		})
	}
	return d
}
