package bind

import (
	"fmt"
	"strings"

	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/scenarios/expr"
	"github.com/sandtable/sandtable/sim"
)

// The headings of what a template did not place itself.
const (
	inboxHeading   = "Messages that reached you since you last acted (sender: text):"
	noticesHeading = "Notices about your files and messages:"
)

// promptOf binds the prompt. What the template did not place itself is appended: mail
// and notices, so that nobody misses what happened to their work, then how to act. A
// template that refers to inbox or notices in any way has placed it.
func (b *binder) promptOf(p *scenarios.Phase, via sim.Via) func(*sim.AgentScope) (string, error) {
	placedInbox, placedNotices := false, false
	if p.Prompt.IsSet() {
		placedInbox, placedNotices = p.Prompt.Template.Uses("inbox"), p.Prompt.Template.Uses("notices")
	}
	optional := p.Optional != nil && *p.Optional
	return func(s *sim.AgentScope) (string, error) {
		text, err := b.promptText(p, s)
		if err != nil {
			return "", err
		}
		var parts []string
		if text = strings.TrimRight(text, "\n"); text != "" {
			parts = append(parts, text)
		}
		if len(s.Inbox) > 0 && !placedInbox {
			parts = append(parts, inboxHeading+"\n"+expr.Lines(messages(s.Inbox)))
		}
		if len(s.Notices) > 0 && !placedNotices {
			parts = append(parts, noticesHeading+"\n"+expr.Lines(anys(s.Notices)))
		}
		if s.Schema != nil {
			how, err := howToAct(s.Schema, via, optional)
			if err != nil {
				return "", placed(p.Pos(), err)
			}
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
	text := fmt.Sprintf("Turn %d %s", s.Turn, s.Phase)
	seen, err := s.See()
	if err != nil {
		return "", err
	}
	shown, err := expr.Text(seen)
	if err != nil {
		return "", placed(p.Pos(), err)
	}
	if shown == "" || shown == "{}" { // the world shows nothing
		return text, nil
	}
	return text + "\n\n" + shown, nil
}

// howToAct tells which action is wanted and how it is handed in. The schema comes last:
// it is the longest part, and what is said behind it would be overlooked.
func howToAct(want any, via sim.Via, optional bool) (string, error) {
	schema, err := expr.Canonical(want)
	if err != nil {
		return "", err
	}
	how := "To act, call the tool `act` with `action` set to a JSON object that fits the JSON Schema below."
	switch via.Kind {
	case sim.ViaReply:
		how = "To act, end your reply with one JSON object that fits the JSON Schema below, and write nothing after it."
	case sim.ViaFile:
		how = fmt.Sprintf("To act, write one JSON object that fits the JSON Schema below, and nothing else, to the file `%s` in your working folder.", via.File)
	}
	if optional {
		how += " You may also do without an action this time."
	}
	return how + "\n" + string(schema), nil
}
