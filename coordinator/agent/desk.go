package agent

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sandtable/sandtable/sim"
)

// ErrNoTurn is returned to an agent that calls a tool while it has no turn.
var ErrNoTurn = errors.New("no turn is open: wait for your next turn, then call the tool again")

// MaxText is the longest text an agent may hand in at once, in bytes: a say, or the
// text of one letter. Longer ones are refused, not cut, so that nobody reads half a
// message.
const MaxText = 256 << 10

// Stale is what the trace is told of a call that came outside its attempt.
type Stale struct {
	Tool string `json:"tool"`
	Call string `json:"call,omitempty"`
}

// DeskOptions are what a desk needs beside the attempts. The zero value is valid.
type DeskOptions struct {
	// Neutral rewrites every text before it is judged; nil leaves texts alone. See
	// [Neutral].
	Neutral func(string) string
	// Stale hears of calls outside their attempt; nil: nobody does.
	Stale func(Stale)
}

// Desk collects what one seat submits through tools. The zero value is not usable.
type Desk struct {
	opts DeskOptions

	// attempt is held for reading while a call is judged and for writing while the
	// desk opens or closes, so that no call outlives its attempt and [sim.Ask] is not
	// used after its actor has returned.
	attempt sync.RWMutex

	mu    sync.Mutex // guards what follows
	rules *rules     // nil: closed
	seen  map[string]int
	named bool // some driver announces blocks: an unannounced call is a late one
	calls int  // calls and blocks so far in this attempt
	last  *act // the last decision by order; the others are not kept, for there may be many
	mail  []letter
	hand  Hand
}

// act is one decision: an action, or an explicit pass.
type act struct {
	order  int
	action any
	say    string
	pass   bool
}

type letter struct {
	order int
	sim.Letter
}

// NewDesk returns a closed desk.
func NewDesk(opts DeskOptions) *Desk {
	if opts.Neutral == nil {
		opts.Neutral = func(s string) string { return s }
	}
	if opts.Stale == nil {
		opts.Stale = func(Stale) {}
	}
	return &Desk{opts: opts}
}

// Open begins an attempt. Whatever a former attempt left is dropped.
func (d *Desk) Open(ask *sim.Ask) { d.open(rulesOf(ask)) }

func (d *Desk) open(r *rules) {
	d.attempt.Lock()
	defer d.attempt.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rules, d.seen, d.calls = r, map[string]int{}, 0
	d.last, d.mail, d.hand = nil, nil, Hand{}
}

// Block announces the next tool block of the model's messages by its tool_use id. A
// driver that announces any block announces all of them before their calls.
func (d *Desk) Block(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.named = true
	if d.rules == nil {
		return
	}
	if _, ok := d.seen[id]; !ok {
		d.calls++
		d.seen[id] = d.calls
	}
}

// Act submits an action: a JSON object, with a text for those who hear the seat. call
// is the tool_use id of the call, "" if there is none: then the order of arrival
// counts. The last legal action of the attempt counts. An error is for the agent: a
// [*sim.Failure] names the rule that was broken.
func (d *Desk) Act(call string, action any, say string) error {
	action, say = rewrite(action, d.opts.Neutral), d.opts.Neutral(say)
	return d.during("act", call, func(r *rules, order int) error {
		err := judgeAct(r, action, say)
		var f *sim.Failure
		if errors.As(err, &f) {
			d.note(f)
			return err
		}
		// An action that the world failed to judge is handed on: the engine judges
		// every answer again, and there a broken world ends the run as it should.
		d.decide(act{order: order, action: action, say: say})
		return err
	})
}

func judgeAct(r *rules, action any, say string) error {
	if r.refuse != "" {
		return illegal("%s", r.refuse)
	}
	if len(say) > MaxText {
		return illegal("say has %d bytes; at most %d are taken", len(say), MaxText)
	}
	if _, ok := action.(map[string]any); !ok {
		return illegal("an action is a JSON object, not %s", kindOf(action))
	}
	return r.act(action)
}

// Pass submits an explicit pass. A later legal action takes it back.
func (d *Desk) Pass(call string) error {
	return d.during("pass", call, func(_ *rules, order int) error {
		d.decide(act{order: order, pass: true})
		return nil
	})
}

// Send hands in a letter. It is delivered when the stage is published, if the attempt
// counts; the engine judges it again then.
func (d *Desk) Send(call string, to any, text string) error {
	l := sim.Letter{To: rewrite(to, d.opts.Neutral), Text: d.opts.Neutral(text)}
	return d.during("send", call, func(r *rules, order int) error {
		if len(l.Text) > MaxText {
			return illegal("the text has %d bytes; at most %d are taken", len(l.Text), MaxText)
		}
		if err := r.letter(l); err != nil {
			return err
		}
		return d.post(r, letter{order, l})
	})
}

// post buffers a letter. Which letters a limit refuses is a matter of arrival: the
// command line client runs these tools one after another, in the order of blocks.
func (d *Desk) post(r *rules, l letter) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.mail > 0 && len(d.mail) >= r.mail {
		return illegal("you have sent %d letters this turn, which is the limit", r.mail)
	}
	d.mail = append(d.mail, l)
	return nil
}

// Inbox returns the mail that the open attempt was given.
func (d *Desk) Inbox() ([]sim.Message, error) {
	var in []sim.Message
	err := d.during("inbox", "", func(r *rules, _ int) error {
		in = slices.Clone(r.inbox)
		return nil
	})
	return in, err
}

func (d *Desk) decide(a act) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !a.pass {
		d.hand.Acts++
	}
	if d.last == nil || a.order >= d.last.order {
		d.last = &a
	}
}

// note remembers the last refusal of an action.
func (d *Desk) note(f *sim.Failure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hand.Illegal = &sim.Failure{Category: f.Category, Text: f.Text}
}

// Close ends the attempt, waits for calls that are being judged, and returns what was
// submitted. On a closed desk it returns an empty hand.
func (d *Desk) Close() Hand {
	d.attempt.Lock()
	defer d.attempt.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.hand
	if a := d.last; a != nil {
		h.Action, h.Say, h.Passed = a.action, a.say, a.pass
	}
	slices.SortStableFunc(d.mail, func(a, b letter) int { return a.order - b.order })
	for _, l := range d.mail {
		h.Mail = append(h.Mail, l.Letter)
	}
	d.rules, d.seen, d.last, d.mail, d.hand = nil, nil, nil, nil, Hand{}
	return h
}

func illegal(format string, args ...any) *sim.Failure {
	return &sim.Failure{Category: sim.Illegal, Text: fmt.Sprintf(format, args...)}
}
