package sim

import (
	"sync"
	"time"

	"github.com/sandtable/sandtable/sim/tree"
)

// member is one seat in one open stage. While the stage is open its own goroutine
// alone uses it, but for what mu guards; before and after, the run's.
type member struct {
	stage *stage
	st    *seatState

	inbox   []Message // as the stage opened
	notices []string
	memory  any // kept from the last act

	schema *Schema
	mayTo  []string // mail: who may be written to
	hear   []string // who hears what is said
	write  tree.Globs
	read   tree.Globs
	limit  time.Duration
	limits ActLimits

	asked Ask // the open attempt
	see   func() (any, error)

	// mu guards what the actor's helpers may ask for from other goroutines: what the
	// member is shown, and that showing it failed.
	mu       sync.Mutex
	scope    AgentScope // what its texts were made from
	shown    any        // observation, once asked for
	hasShown bool
	text     string // prompt of the open attempt, once asked for
	hasText  bool
	retry    *Failure
	err      error // the harness or the world failed

	attempts []Attempt
	draws    int // of all attempts, from the seat's own stream
	answer   Answer
	failed   *Failure
	then     FailureAction
	move     Move
	forfeit  bool
	failures []SeatFailure
}

// prepare computes what the member may see and do: on the run's goroutine, from R(i-1).
func (m *member) prepare() error {
	p := m.stage.phase
	if err := m.prepareSchema(); err != nil {
		return err
	}
	var err error
	if m.mayTo, err = m.recipients(p.Mail); err != nil {
		return err
	}
	if m.hear, err = m.recipients(p.Hear); err != nil {
		return err
	}
	if m.write, err = m.globs(p.Write, m.st.seat.Write); err != nil {
		return err
	}
	if m.read, err = m.globs(p.Read, m.st.seat.Read); err != nil {
		return err
	}
	if p.Act != nil {
		m.limit = p.Act(m.st.seat)
	}
	if p.Limits != nil {
		m.limits = p.Limits(m.st.seat)
	}
	return nil
}

func (m *member) prepareSchema() error {
	s := m.stage
	v, err := s.g.world.Actions(s.state, m.st.seat, &s.ctx)
	if err != nil {
		return &WorldError{"actions", s.ctx.Turn, err}
	}
	if v == nil && s.phase.Action != nil {
		if v, err = s.phase.Action(m.agentScope()); err != nil {
			return err
		}
	}
	if v != nil {
		m.schema, err = s.g.schemas.compile(v)
	}
	return err
}

// recipients evaluates `mail` or `hear`; a message never goes to its sender.
func (m *member) recipients(f SeatsFunc) ([]string, error) {
	if f == nil {
		return nil, nil
	}
	names, err := f(m.stage.g.scopeFor(m.st.seat))
	if err != nil {
		return nil, err
	}
	if names, err = m.stage.g.inSeatOrder(names); err != nil {
		return nil, err
	}
	return without(names, m.st.seat.Name), nil
}

// without drops a name; names is the caller's own.
func without(names []string, name string) []string {
	out := names[:0]
	for _, n := range names {
		if n != name {
			out = append(out, n)
		}
	}
	return out
}

func (m *member) globs(f func(*Scope) (tree.Globs, error), own tree.Globs) (tree.Globs, error) {
	if f == nil {
		return own, nil
	}
	return f(m.stage.g.scopeFor(m.st.seat))
}

// broken is the failure of the harness or the world that the member has met.
func (m *member) broken() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// breakBy notes a failure of the harness or the world; the first one counts.
func (m *member) breakBy(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.err = err
	}
}
