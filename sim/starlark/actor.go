package star

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
	"go.starlark.net/starlark"
)

// Actor plays one seat of one run by a [Script]. It is not safe for concurrent use:
// the engine has one act of a seat open at a time.
type Actor struct {
	script *Script
	blobs  tree.Blobs
	run    *runner
	agent  *agentValue
	ctx    actCtx
	view   viewValue
	args   [4]starlark.Value
	ask    *sim.Ask // while an act is open

	seen, wanted memo // the last observation and schema
}

var _ sim.Actor = (*Actor)(nil)

// NewActor makes the actor of seat. blobs is the run's store, in which files are read
// and written; it may be nil for a script that uses no files. Options given here
// replace those that the script was loaded with.
func NewActor(s *Script, seat *sim.Seat, blobs tree.Blobs, opts ...Option) *Actor {
	o := s.opts
	for _, opt := range opts {
		opt(&o)
	}
	if o.steps == 0 {
		o.steps = MaxSteps
	}
	a := &Actor{script: s, blobs: blobs, run: newRunner(o), agent: &agentValue{seat: seat, live: true}}
	a.ctx.actor = a
	a.view = viewValue{opaque: "view", actor: a}
	return a
}

// Act calls the script once. It ends early, with nothing done, once ctx is done.
func (a *Actor) Act(ctx context.Context, ask *sim.Ask) sim.Answer {
	a.begin(ask)
	defer a.end()
	v, err := a.run.call(ctx, a.script.act, a.args[:])
	var ans sim.Answer
	if err == nil {
		ans, err = a.answer(v)
	}
	if err != nil {
		ans = sim.Answer{Failure: failure(err), Memory: ask.Memory}
	}
	ans.Writes, ans.Draws = a.view.writes(), a.ctx.draws
	return ans
}

func (a *Actor) begin(ask *sim.Ask) {
	a.ask = ask
	a.ctx.begin()
	a.view.begin(ask)
	a.args = [4]starlark.Value{&a.view, a.agent, starlark.MakeInt(ask.Turn), &a.ctx}
}

func (a *Actor) end() { a.ask = nil }

// answer reads what the function returned: a dict is the action, a text is said, None
// is neither.
func (a *Actor) answer(v starlark.Value) (sim.Answer, error) {
	ans := sim.Answer{Mail: a.ctx.letters}
	words := a.ctx.words
	switch v := v.(type) {
	case starlark.NoneType:
	case *starlark.Dict:
		action, err := fromValue(v)
		if err != nil {
			return ans, a.wrong("the action: "+err.Error(), err)
		}
		ans.Action = action
	case starlark.String:
		words = append(words, string(v))
	default:
		return ans, a.wrong(fmt.Sprintf("returned a %s; want a dict (the action), a text (what is said) or None (a pass)", v.Type()), nil)
	}
	ans.Say = clean(strings.Join(words, "\n"))
	ans.Pass = ans.Action == nil && ans.Say == ""
	memory, err := a.ctx.keep()
	if err != nil {
		return ans, a.wrong("ctx.memory: "+err.Error(), err)
	}
	ans.Memory = memory
	return ans, nil
}

// wrong is an error about the result of the call, at the function's definition.
func (a *Actor) wrong(message string, cause error) error {
	fn := a.script.act.fn
	return positioned(fn.Position(), fn.Name(), message, cause)
}

// illegal is an error that is a breach of the rules, not a crash.
type illegal struct{ error }

// outside is an error that is not the script's.
type outside struct{ error }

// failure says whose fault an error is (F1): a path that may not be written is
// ILLEGAL, what the store or the world failed at is TRANSPORT, all else is a CRASH.
func failure(err error) *sim.Failure {
	var bad illegal
	var other outside
	switch {
	case errors.As(err, &bad):
		return &sim.Failure{Category: sim.Illegal, Text: err.Error()}
	case errors.As(err, &other):
		return &sim.Failure{Category: sim.Transport, Text: err.Error()}
	}
	return &sim.Failure{Category: sim.Crash, Text: err.Error() + shortTrace(err)}
}

// shortTrace is the inner end of a call stack, for a text that is told and recorded.
func shortTrace(err error) string {
	var e *EvalError
	if !errors.As(err, &e) || e.Backtrace == "" {
		return ""
	}
	const most = 6
	lines := strings.Split(strings.TrimSpace(e.Backtrace), "\n")
	lines = lines[:len(lines)-1] // the message again
	if len(lines) > most+1 {
		lines = append([]string{lines[0], "  …"}, lines[len(lines)-most:]...)
	}
	return "\n" + strings.Join(lines, "\n")
}
