package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ScriptedOptions configure the model without a model.
type ScriptedOptions struct {
	// Files and Script name the model's file, for example model.star; it may load others
	// of Files. Script "": the built-in replies.
	Files  Source
	Script string
	// Key gives the key of a stream of random numbers: sim.Streams.Key. Required with a
	// script. The path is model, agent, turn, stage, call and name: not the attempt, for
	// asking again must not draw again.
	Key func(path ...string) [32]byte
	// Canned gives the action that the built-in replies take for an agent in its present
	// phase; nil or false: none, the agent passes.
	Canned func(agent string) (action any, ok bool)
	// Delay is how long the model thinks about an agent's n-th inference, from 1; nil:
	// not at all.
	Delay func(agent string, n int64) time.Duration
	// Fault hears of errors in the script: the run has to end as a harness failure.
	Fault func(error)
	Print func(agent, line string) // what the script prints; nil: dropped
	Steps uint64                   // the script's step limit for one reply; 0: 10 million
}

// Source is the scenario's folder. Paths are slash separated, relative and clean.
type Source interface {
	ReadFile(path string) ([]byte, error)
}

// Scripted is an [Upstream] that plays the model. Its replies are a pure function of the
// conversation, the attribution and the seed. Make one with [NewScripted].
type Scripted struct {
	options ScriptedOptions
	script  *script // nil: built-in
	tally   tally
}

var _ Upstream = (*Scripted)(nil)

// NewScripted loads the script, if there is one. Its errors name file and line.
func NewScripted(o ScriptedOptions) (*Scripted, error) {
	if o.Fault == nil {
		o.Fault = func(error) {}
	}
	s := &Scripted{options: o}
	if o.Script == "" {
		return s, nil
	}
	if o.Key == nil || o.Files == nil {
		return nil, errors.New("gateway: a model script needs Files and Key")
	}
	var err error
	s.script, err = loadScript(o)
	return s, err
}

// Tally is the model's own count of what it meant to answer: apart from the ledger, which
// is read off the wire.
func (s *Scripted) Tally() Tally { return s.tally.copy() }

// Serve answers a call. See [Upstream].
func (s *Scripted) Serve(w http.ResponseWriter, call *Call) {
	if call.Endpoint == Counting {
		writeCount(w, inputRule(call.talk))
		return
	}
	ctx := call.Context()
	if s.options.Delay != nil && !wait(ctx, s.options.Delay(call.Agent, call.Ordinal)) {
		return
	}
	a, err := s.answer(ctx, call)
	if ctx.Err() != nil {
		return // nobody listens; what the script made of the cancellation is no error of its own
	}
	if err != nil {
		s.options.Fault(err)
		WriteError(w, http.StatusInternalServerError, errAPI, "sandtable: the scripted model failed", false)
		return
	}
	s.tally.add(call, a.tokens)
	m := newWireAnswer(call, a)
	if call.Request.Stream {
		m.stream(w)
	} else {
		m.whole(w)
	}
}

// wait lets d pass. It returns false if ctx is done first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// answer is what the model says, without the form in which it travels.
type answer struct {
	parts  []part
	stop   string
	tokens Tokens
}

// part is a text, or a tool call if tool is not "".
type part struct {
	text  string
	tool  string
	input map[string]any
}

func (s *Scripted) answer(ctx context.Context, call *Call) (*answer, error) {
	a, err := s.speak(ctx, call)
	if err == nil {
		err = a.settle(call)
	}
	if err != nil {
		return nil, fmt.Errorf("the scripted model, agent %s, turn %d: %w", call.Agent, call.Turn, err)
	}
	return a, nil
}

func (s *Scripted) speak(ctx context.Context, call *Call) (*answer, error) {
	switch {
	case call.errand:
		return textAnswer("ok"), nil
	case s.script == nil:
		return s.builtIn(call), nil
	}
	return s.script.reply(ctx, call)
}

// builtIn acts once with the phase's action, then is done; without an action it passes.
func (s *Scripted) builtIn(call *Call) *answer {
	if call.talk.call > 0 {
		return textAnswer("done")
	}
	tool, err := resolveTool("act", call.Request.Tools)
	if err != nil || s.options.Canned == nil {
		return textAnswer("pass")
	}
	action, ok := s.options.Canned(call.Agent)
	if !ok {
		return textAnswer("pass")
	}
	return newAnswer(part{tool: tool, input: map[string]any{"action": action}})
}

func textAnswer(text string) *answer { return newAnswer(part{text: text}) }

// newAnswer leaves stop reason and usage to the rules.
func newAnswer(parts ...part) *answer {
	return &answer{parts: parts, tokens: Tokens{Input: unstated, Output: unstated}}
}

// settle fills in what the script left open: stop reason and usage.
func (a *answer) settle(call *Call) error {
	if a.stop == "" {
		a.stop = "end_turn"
		for _, p := range a.parts {
			if p.tool != "" {
				a.stop = "tool_use"
			}
		}
	}
	for i, p := range a.parts {
		if p.tool == "" {
			continue
		}
		tool, err := resolveTool(p.tool, call.Request.Tools)
		if err != nil {
			return err
		}
		a.parts[i].tool = tool
	}
	if a.tokens.Input == unstated {
		a.tokens.Input = inputRule(call.talk)
	}
	if a.tokens.Output == unstated {
		a.tokens.Output = outputRule(a.parts)
	}
	return nil
}

// resolveTool finds a tool by its full name, or by the last part of the name of a tool of
// an MCP server: "act" is mcp__sandtable__act, which goes before other servers' act.
func resolveTool(name string, tools []string) (string, error) {
	var found []string
	for _, t := range tools {
		if t == name {
			return t, nil
		}
		if strings.HasPrefix(t, "mcp__") && strings.HasSuffix(t, "__"+name) {
			found = append(found, t)
		}
		if t == "mcp__sandtable__"+name {
			found = []string{t}
			break
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("tool %q: not offered in this request; there are: %s", name, strings.Join(tools, ", "))
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("tool %q: could be any of %s; use the full name", name, strings.Join(found, ", "))
}
