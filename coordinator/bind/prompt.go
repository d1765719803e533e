package bind

import (
	"fmt"
	"strings"

	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/scenarios/expr"
	"github.com/sandtable/sandtable/sim"
)

// promptOf binds the prompt. What the template did not place itself is appended: mail
// and notices, so that nobody misses what happened to their work, then how to act.
func (b *binder) promptOf(p *scenarios.Phase, via sim.Via) func(*sim.AgentScope) (string, error) {
	placedInbox, placedNotices := false, false
	if p.Prompt.IsSet() {
		placedInbox, placedNotices = p.Prompt.Template.Uses("inbox"), p.Prompt.Template.Uses("notices")
	}
	return func(s *sim.AgentScope) (string, error) {
		text, err := b.promptText(p, s)
		if err != nil {
			return "", err
		}
		parts := []string{strings.TrimRight(text, "\n")}
		if len(s.Inbox) > 0 && !placedInbox {
			parts = append(parts, "Messages to you:\n"+expr.Lines(messages(s.Inbox)))
		}
		if len(s.Notices) > 0 && !placedNotices {
			parts = append(parts, "Notices:\n"+expr.Lines(anys(s.Notices)))
		}
		if how, err := howToAct(s, via, p.Optional != nil && *p.Optional); err != nil {
			return "", err
		} else if how != "" {
			parts = append(parts, how)
		}
		return strings.Join(parts, "\n\n"), nil
	}
}

// promptText is the template's text, or the default: turn, phase and observation.
func (b *binder) promptText(p *scenarios.Phase, s *sim.AgentScope) (string, error) {
	if p.Prompt.IsSet() {
		return p.Prompt.Template.Text(b.prompt(s))
	}
	seen, err := s.See()
	if err != nil {
		return "", err
	}
	text, err := expr.Text(seen)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Turn %d %s\n\n%s", s.Turn, s.Phase, text), nil
}

// howToAct tells which action is wanted and how it is handed in.
func howToAct(s *sim.AgentScope, via sim.Via, optional bool) (string, error) {
	if s.Schema == nil {
		return "", nil
	}
	schema, err := expr.Canonical(s.Schema)
	if err != nil {
		return "", err
	}
	how := "Call the tool `act` with an `action` that fits this JSON Schema:"
	switch via.Kind {
	case sim.ViaReply:
		how = "End your reply with your action: one JSON object that fits this JSON Schema:"
	case sim.ViaFile:
		how = fmt.Sprintf("Write your action to the file %s: one JSON object that fits this JSON Schema:", via.File)
	}
	text := how + "\n" + string(schema)
	if optional {
		text += "\nYou need not act."
	}
	return text, nil
}
