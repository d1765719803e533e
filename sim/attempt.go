package sim

import (
	"context"
	"fmt"
	"runtime/debug"
	"strconv"
)

// play asks until an attempt is good or no further one is allowed (F2). A panic of the
// actor is a failure of the harness, not the program's end.
func (m *member) play(ctx context.Context) {
	defer func() {
		if r := recover(); r != nil {
			m.breakBy(fmt.Errorf("the actor of %s panicked: %v\n%s", m.st.seat.Name, r, debug.Stack()))
		}
	}()
	var used [5]int
	for n := 1; ; n++ {
		again, err := m.attempt(ctx, n, &used)
		if err != nil {
			m.breakBy(err)
		}
		if err != nil || !again {
			return
		}
	}
}

// attempt plays attempt n; used counts the failures of each group so far. again says
// that a further attempt is due.
func (m *member) attempt(ctx context.Context, n int, used *[5]int) (again bool, err error) {
	ask := m.ask(n)
	m.answer = m.st.actor.Act(ctx, ask)
	m.draws += m.answer.Draws
	if ctx.Err() != nil || m.broken() != nil {
		return false, nil
	}
	fail, err := m.judge(ask)
	if err != nil {
		return false, err
	}
	m.charge(fail)
	if err := m.note(n, fail); err != nil || fail == nil {
		return false, err
	}
	group, policy := m.stage.phase.Failures.of(fail.Category)
	if used[group] >= policy.Retry {
		m.failed, m.then = fail, policy.Then
		return false, nil
	}
	used[group]++
	m.retry = fail
	return true, nil
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
	s := m.stage
	ask := &m.asked
	if !s.g.cfg.Serial {
		ask = &Ask{} // a tool call that comes late may still hold the last one
	}
	m.hasText = false
	*ask = Ask{
		ID:   askID(s.ctx.Turn, s.ctx.Stage, n),
		Turn: s.ctx.Turn, Phase: s.ctx.Phase, Lap: s.ctx.Lap, Stage: s.ctx.Stage, Attempt: n,
		Seat: m.st.seat, Inbox: m.inbox, Notices: m.notices,
		Schema: m.schema, Optional: s.phase.Optional || m.schema == nil, Via: s.phase.via(),
		Mail: m.mayTo, Limit: m.limit, Bank: m.st.bank, Limits: m.limits,
		Tools: s.phase.Tools, Read: m.read, Write: m.write, Memory: m.memory,
		Retry: m.retry, member: m,
	}
	return ask
}

// askID writes turn.stage.attempt.
func askID(turn, stage, attempt int) string {
	var buf [24]byte
	b := strconv.AppendInt(buf[:0], int64(turn), 10)
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
	streams := a.member.stage.g.cfg.Streams
	return streams.Key("turn", strconv.Itoa(a.Turn), "stage", strconv.Itoa(a.Stage), "agent", a.Seat.Name)
}

// charge takes time beyond the act limit from the bank (C1). An attempt that did not
// reach the agent is not the agent's time (F2).
func (m *member) charge(fail *Failure) {
	if fail != nil && fail.Category == Transport {
		return
	}
	if over := m.answer.Used - m.limit; m.limit > 0 && over > 0 {
		m.st.bank = max(0, m.st.bank-over)
	}
	if fail != nil && fail.Category == Timeout {
		m.st.bank = 0
	}
}

// note records an attempt; what an observer needs is computed only if there is one.
func (m *member) note(n int, fail *Failure) error {
	s := m.stage
	if fail != nil {
		m.failures = append(m.failures, SeatFailure{
			Agent: m.st.seat.Name, Turn: s.ctx.Turn, Stage: s.ctx.Stage, Attempt: n, Category: fail.Category, Text: fail.Text,
		})
	}
	if s.g.cfg.Observer == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	prompt, err := m.prompt()
	if err != nil {
		return err
	}
	seen, err := m.observation()
	m.attempts = append(m.attempts, Attempt{Failure: fail, Prompt: prompt, Observation: seen, Used: m.answer.Used.Seconds()})
	return err
}
