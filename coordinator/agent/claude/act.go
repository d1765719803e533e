package claude

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sandtable/sandtable/coordinator/agent"
	"github.com/sandtable/sandtable/sim"
)

// interruptGrace is how long an interrupted turn may take to end before the process is
// killed. Measured, it takes 6 to 30 ms.
const interruptGrace = time.Second

// end is how a turn ended: by its result, or by a failure.
type end struct {
	result *result
	fail   *sim.Failure
}

// Act plays one attempt: prompt is the message to the agent, whose paths, if it has
// any, are already put in. It returns at the latest a few seconds after ctx has ended.
// Writes are left to the caller; Used is the time from handing the message over to the
// result.
func (a *Agent) Act(ctx context.Context, ask *sim.Ask, prompt string) sim.Answer {
	a.turn.Lock()
	defer a.turn.Unlock()
	if err := a.ready(ctx); err != nil {
		return sim.Answer{Failure: a.notReady(ctx, err)}
	}
	if ctx.Err() != nil { // no model is asked for an act that is over
		return sim.Answer{Failure: tooLate()}
	}
	a.opts.Desk.Open(ask)
	a.openPhase(ask.Tools)
	start := time.Now()
	e := a.play(ctx, ask, prompt)
	used := time.Since(start)
	a.spent()
	hand := a.opts.Desk.Close()
	if e.fail == nil {
		e.fail = a.failure(e.result) // a turn that was interrupted has failed already
	}
	if e.fail != nil {
		return sim.Answer{Failure: e.fail, Used: used}
	}
	answer := a.settle(ask, hand, a.neutral(e.result.Result))
	answer.Used = used
	return answer
}

func (a *Agent) settle(ask *sim.Ask, hand agent.Hand, text string) sim.Answer {
	if ask.Via.Kind != sim.ViaFile {
		return hand.Answer(ask, text)
	}
	data, err := a.file(ask.Via.File)
	return hand.AnswerFile(ask, text, data, err)
}

func (a *Agent) notReady(ctx context.Context, err error) *sim.Failure {
	if ctx.Err() != nil {
		return &sim.Failure{Category: sim.Timeout, Text: "the agent's process was not ready in time"}
	}
	return &sim.Failure{Category: sim.Crash, Text: a.private(err.Error())}
}

// play sends the message and waits for its result.
func (a *Agent) play(ctx context.Context, ask *sim.Ask, prompt string) end {
	s, id := a.session, newUUID()
	s.begin(ask.Limits.Steps)
	err := s.send(ctx, map[string]any{
		"type": "user", "uuid": id, "session_id": "", "parent_tool_use_id": nil,
		"message": map[string]any{"role": "user", "content": said(prompt)},
	})
	if errors.Is(err, errEnded) {
		defer a.drop(0)
		return end{fail: s.verdict()}
	}
	e := a.wait(ctx, s, id)
	if e.result == nil && a.session != nil && s.alive() {
		e.result = a.interrupt(ctx, s, id)
	}
	if e.result != nil {
		a.note(ask, s, e.result)
	}
	if !s.alive() {
		a.drop(0) // its children must not live on until the next act
	}
	return e
}

// said keeps a prompt from being a command of the client: what begins with a slash is one,
// and /clear from another agent's mail would empty the conversation.
func said(prompt string) string {
	if strings.HasPrefix(prompt, "/") {
		return " " + prompt
	}
	return prompt
}

// wait returns how the turn ended. That there was a message too many goes before all else:
// the reader says so before it hands on what came later.
func (a *Agent) wait(ctx context.Context, s *session, id string) end {
	e := a.await(ctx, s, id, s.steps)
	select {
	case <-s.steps:
		e.fail = stepsUsed()
	default:
	}
	return e
}

func stepsUsed() *sim.Failure {
	return &sim.Failure{Category: sim.Truncated, Text: "the limit of model requests in one act is used up"}
}

func (a *Agent) await(ctx context.Context, s *session, id string, steps <-chan struct{}) end {
	for {
		select {
		case r := <-s.results:
			if r.answers(id) {
				return end{result: r}
			}
			a.trace("claude.stale", Stale{Message: r.UserMessage, Subtype: r.Subtype})
		case <-steps:
			return end{fail: stepsUsed()}
		case <-s.ended:
			return a.ended(s, id)
		case <-ctx.Done():
			return end{fail: tooLate()}
		}
	}
}

func tooLate() *sim.Failure {
	return &sim.Failure{Category: sim.Timeout, Text: "the time for this act is over"}
}

// ended looks for a result that came before the end of the process.
func (a *Agent) ended(s *session, id string) end {
	for {
		select {
		case r := <-s.results:
			if r.answers(id) {
				return end{result: r}
			}
		default:
			return end{fail: s.verdict()}
		}
	}
}

// answers tells whether a result is that of our message. One that names no message is,
// unless it names another origin: background work ends in results of its own.
func (r *result) answers(id string) bool {
	if r.UserMessage != "" {
		return r.UserMessage == id
	}
	return len(r.Origin) == 0 || string(r.Origin) == "null"
}

// interrupt stops the turn and returns its result. A process that does not end the
// turn soon is killed.
func (a *Agent) interrupt(ctx context.Context, s *session, id string) *result {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), interruptGrace)
	defer cancel()
	if _, err := s.request(ctx, map[string]any{"subtype": "interrupt", "cancel_queued": true}); err == nil {
		if r := a.await(ctx, s, id, nil).result; r != nil {
			return r
		}
	}
	a.drop(0)
	return nil
}

func (a *Agent) note(ask *sim.Ask, s *session, r *result) {
	t := Result{Ask: ask.ID, Terminal: r.TerminalReason, Turns: r.NumTurns, Usage: s.count.delta(r)}
	if r.APIErrorStatus != nil {
		t.Status = *r.APIErrorStatus
	}
	a.trace("claude.result", t)
}

// file reads the action's file.
func (a *Agent) file(path string) ([]byte, error) {
	if a.opts.FileAction == nil {
		return nil, errors.New("this agent's files cannot be read")
	}
	return a.opts.FileAction(path)
}
