package agent

import (
	"fmt"
	"slices"

	"github.com/sandtable/sandtable/sim"
)

// rules are what the desk asks of an open attempt.
type rules struct {
	act    func(action any) error
	letter func(sim.Letter) error
	refuse string // not "": why this stage takes no action from a tool
	mail   int    // letters in one act; 0: no limit
	inbox  []sim.Message
}

func rulesOf(ask *sim.Ask) *rules {
	return &rules{
		act: ask.Check, letter: ask.CheckLetter, refuse: refusal(ask),
		mail: ask.Limits.Mail, inbox: slices.Clone(ask.Inbox),
	}
}

// refusal says why the stage takes no action from a tool; "" if it does.
func refusal(ask *sim.Ask) string {
	switch {
	case ask.Schema == nil:
		return "this stage wants no action: answer in text, or pass"
	case ask.Via.Kind == sim.ViaReply:
		return "this stage takes its action from your reply: end the reply with the action as a JSON object"
	case ask.Via.Kind == sim.ViaFile:
		return fmt.Sprintf("this stage takes its action from a file: write the action as a JSON object to %s", ask.Via.File)
	}
	return ""
}

// during runs f inside the open attempt, or refuses the call as stale.
func (d *Desk) during(tool, call string, f func(r *rules, order int) error) error {
	d.attempt.RLock()
	defer d.attempt.RUnlock()
	r, order := d.place(call)
	if r == nil {
		d.opts.Stale(Stale{tool, call})
		return ErrNoTurn
	}
	return f(r, order)
}

// place returns the open rules and the order of a call, or nil if it is late.
func (d *Desk) place(call string) (*rules, int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rules == nil {
		return nil, 0
	}
	order, ok := d.seen[call]
	if !ok && call != "" && d.named {
		return nil, 0
	}
	if !ok {
		d.calls++
		order = d.calls
	}
	return d.rules, order
}
