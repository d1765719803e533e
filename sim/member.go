package sim

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sandtable/sandtable/sim/tree"
)

// member is one seat in one open stage. While the stage is open its own goroutine
// alone uses it; before and after, the run's.
type member struct {
	stage *stage
	st    *seatState

	schema *Schema
	mayTo  []string // mail: who may be written to
	hear   []string // who hears what is said
	write  tree.Globs
	read   tree.Globs
	limit  time.Duration
	limits ActLimits

	asked Ask        // the open attempt
	scope AgentScope // what its texts were made from
	see   func() (any, error)

	shown    any // observation, once asked for
	hasShown bool
	text     string // prompt of the open attempt, once asked for
	hasText  bool
	retry    *Failure

	attempts []Attempt
	answer   Answer
	failed   *Failure
	then     FailureAction
	move     Move
	forfeit  bool
	err      error // the harness or the world failed
	failures []SeatFailure
}

// prepare computes what the member may see and do: on the run's goroutine, from R(i-1).
func (m *member) prepare() error {
	p := m.stage.g.phase
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
	g := m.stage.g
	v, err := g.world.Actions(g.state, m.st.seat, &m.stage.ctx)
	if err != nil {
		return &WorldError{"actions", g.turn, err}
	}
	if v == nil && g.phase.Action != nil {
		if v, err = g.phase.Action(m.agentScope(true)); err != nil {
			return err
		}
	}
	if v != nil {
		m.schema, err = g.schemas.compile(v)
	}
	return err
}

func (m *member) recipients(f SeatsFunc) ([]string, error) {
	names, err := m.seats(f)
	if err != nil {
		return nil, err
	}
	out := names[:0:0]
	for _, n := range names {
		if n != m.st.seat.Name {
			out = append(out, n)
		}
	}
	return out, nil
}

func (m *member) seats(f SeatsFunc) ([]string, error) {
	if f == nil {
		return nil, nil
	}
	names, err := f(m.stage.g.scopeFor(m.st.seat))
	if err != nil {
		return nil, err
	}
	return m.stage.g.inSeatOrder(names)
}

func (m *member) globs(f func(*Scope) (tree.Globs, error), own tree.Globs) (tree.Globs, error) {
	if f == nil {
		return own, nil
	}
	return f(m.stage.g.scopeFor(m.st.seat))
}

// View is R(i-1), of which only what the seat may read is there. It is made when it is
// first asked for: many a strategy looks at no file.
func (a *Ask) View() *tree.Tree {
	m := a.member
	return m.st.view.filter(m.stage.g.head, m.read)
}

// filter returns what of head the globs let see.
func (c *viewCache) filter(head *tree.Tree, globs tree.Globs) *tree.Tree {
	if head == nil || head.Len() == 0 {
		return head
	}
	if c.head != head || !sameGlobs(c.globs, globs) {
		*c = viewCache{head, globs, head.Filter(globs.Match)}
	}
	return c.view
}

func sameGlobs(a, b tree.Globs) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] {
		return true
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// play asks until an attempt is good or no further one is allowed (F2).
func (m *member) play(ctx context.Context) {
	var used [5]int
	for n := 1; ; n++ {
		ask := m.ask(n)
		m.hasText = false
		m.answer = m.st.actor.Act(ctx, ask)
		if ctx.Err() != nil || m.err != nil {
			return
		}
		fail, err := m.judge(ask)
		if err != nil {
			m.err = err
			return
		}
		m.charge(fail)
		if m.err = m.note(n, fail); m.err != nil || fail == nil {
			return
		}
		group, policy := m.stage.g.phase.Failures.of(fail.Category)
		if used[group] == policy.Retry {
			m.failed, m.then = fail, policy.Then
			return
		}
		used[group]++
		m.retry = fail
	}
}

// of returns the policy of a category's group and the group's number.
func (f *Failures) of(c Category) (int, FailurePolicy) {
	switch c {
	case Timeout:
		return 1, f.Timeout
	case Crash:
		return 2, f.Crash
	case Transport:
		return 3, f.Transport
	case Budget:
		return 4, f.Budget
	}
	return 0, f.Illegal
}

func (m *member) ask(n int) *Ask {
	g := m.stage.g
	ask := &m.asked
	if !g.cfg.Serial {
		ask = &Ask{} // a tool call that comes late may still hold the last one
	}
	*ask = Ask{
		ID:   askID(g.turn, g.stage, n),
		Turn: g.turn, Phase: g.phaseName, Lap: g.lap, Stage: g.stage, Attempt: n,
		Seat: m.st.seat, Inbox: m.st.inbox, Notices: m.st.notices,
		Schema: m.schema, Optional: g.phase.Optional || m.schema == nil, Via: g.phase.via(),
		Mail: m.mayTo, Limit: m.limit, Bank: m.st.bank, Limits: m.limits,
		Tools: g.phase.Tools, Write: m.write, Memory: m.st.memory,
		Retry: m.retry, member: m,
	}
	return ask
}

// askID writes turn.stage.attempt.
func askID(turn, stage, attempt int) string {
	b := strconv.AppendInt(make([]byte, 0, 24), int64(turn), 10)
	b = strconv.AppendInt(append(b, '.'), int64(stage), 10)
	return string(strconv.AppendInt(append(b, '.'), int64(attempt), 10))
}

func (p *Phase) via() Via {
	if p.Via.Kind == "" {
		return Via{Kind: ViaTool}
	}
	return p.Via
}

// Key is the key of the seat's own stream in this turn and stage (D7, D8). Its path
// contains turn and stage, so that asking again repeats the same dice.
func (a *Ask) Key() [32]byte {
	g := a.member.stage.g
	return g.cfg.Streams.Key("turn", strconv.Itoa(a.Turn), "stage", strconv.Itoa(a.Stage), "agent", a.Seat.Name)
}

// charge takes time beyond the act limit from the bank (C1).
func (m *member) charge(fail *Failure) {
	if over := m.answer.Used - m.limit; m.limit > 0 && over > 0 {
		m.st.bank = max(0, m.st.bank-over)
	}
	if fail != nil && fail.Category == Timeout {
		m.st.bank = 0
	}
}

// judge returns why the answer cannot stand, in the order of F1, or nil.
func (m *member) judge(ask *Ask) (*Failure, error) {
	a := &m.answer
	switch {
	case a.Failure != nil:
		return a.Failure, nil
	case m.limit > 0 && a.Used > m.limit+m.st.bank:
		return &Failure{Timeout, fmt.Sprintf("the act took longer than %v", m.limit+m.st.bank)}, nil
	case a.Pass:
		a.Action = nil
	case a.Action == nil && !ask.Optional:
		return &Failure{Empty, "no action was submitted"}, nil
	}
	if f := m.writesAllowed(); f != nil {
		return f, nil
	}
	if a.Action == nil {
		return nil, nil
	}
	if deeper(a.Action, maxActionDepth) {
		return &Failure{Illegal, fmt.Sprintf("the action is nested deeper than %d levels", maxActionDepth)}, nil
	}
	return asFailure(m.check(a.Action))
}

// maxActionDepth bounds an action: what an agent nests must still have room in a state
// that holds it, or an agent could make the world fail.
const maxActionDepth = 32

func deeper(v any, depth int) bool {
	if depth < 0 {
		return true
	}
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			if deeper(x, depth-1) {
				return true
			}
		}
	case map[string]any:
		for _, x := range v {
			if deeper(x, depth-1) {
				return true
			}
		}
	}
	return false
}

// asFailure tells an agent's failure from a failure of the harness.
func asFailure(err error) (*Failure, error) {
	if f, ok := err.(*Failure); ok {
		return f, nil
	}
	return nil, err
}

func (m *member) writesAllowed() *Failure {
	if len(m.answer.Writes) == 0 {
		return nil
	}
	if err := m.answer.Writes.Validate(); err != nil {
		return &Failure{Illegal, err.Error()}
	}
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

// check is static legality (T3.2): schema, then the world's rules against R(i-1).
func (m *member) check(action any) error {
	if m.schema == nil {
		return &Failure{Illegal, "this stage takes no action"}
	}
	if err := m.schema.Validate(action); err != nil {
		return err
	}
	g := m.stage.g
	reason, err := g.world.Check(g.state, m.st.seat, action, &m.stage.ctx)
	if err != nil {
		return &WorldError{"check", g.turn, err}
	}
	if reason != "" {
		return &Failure{Illegal, reason}
	}
	return nil
}

// note records an attempt; what an observer needs is computed only if there is one.
func (m *member) note(n int, fail *Failure) error {
	g := m.stage.g
	if fail != nil {
		m.failures = append(m.failures, SeatFailure{
			Agent: m.st.seat.Name, Turn: g.turn, Stage: g.stage, Attempt: n, Category: fail.Category, Text: fail.Text,
		})
	}
	if g.cfg.Observer == nil {
		return nil
	}
	prompt, err := m.prompt()
	if err != nil {
		return err
	}
	seen, err := m.observation()
	m.attempts = append(m.attempts, Attempt{Failure: fail, Prompt: prompt, Observation: seen, Used: m.answer.Used.Seconds()})
	return err
}
