package agent

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sandtable/sandtable/sim"
)

// Hand is what a seat submitted in one attempt.
type Hand struct {
	Action  any // the last legal action: a JSON object; nil: none, or taken back by a pass
	Say     string
	Passed  bool // the last decision was a pass
	Mail    []sim.Letter
	Illegal *sim.Failure // why the last refused action was refused; nil: none was
	Acts    int          // legal actions
}

// Answer makes the engine's answer of a hand and the agent's final text, for stages
// whose action comes by a tool or in the reply. Writes and Used are left to the caller.
//
//   - An explicit pass is a pass and says nothing: the closing words of a model that
//     passes are not meant for the others. Its mail is sent.
//   - Without a schema the attempt is committed, with the text as what was said.
//   - With a schema a legal action is committed; what is said is the action's say, or
//     the final text if the action had none.
//   - Without a legal action an optional stage is passed. Otherwise it failed: ILLEGAL
//     if actions were refused, UNPARSABLE if a reply held none, else EMPTY.
//   - What would be said may not be longer than [MaxText]: else it is TRUNCATED.
func (h Hand) Answer(ask *sim.Ask, text string) sim.Answer { return bounded(h.answer(ask, text)) }

func (h Hand) answer(ask *sim.Ask, text string) sim.Answer {
	switch {
	case h.Passed:
		return sim.Answer{Pass: true, Mail: h.Mail}
	case ask.Schema == nil:
		return sim.Answer{Say: text, Mail: h.Mail}
	case ask.Via.Kind == sim.ViaReply:
		return h.reply(ask.Check, ask.Optional, text)
	case h.Action != nil:
		return h.commit(h.Action, text)
	}
	return h.silent(ask.Optional, text)
}

// AnswerFile is [Hand.Answer] for a stage whose action is a file of the view: data is
// the file, err why there is none. A file that does not exist is silence.
func (h Hand) AnswerFile(ask *sim.Ask, text string, data []byte, err error) sim.Answer {
	if h.Passed || ask.Schema == nil {
		return h.Answer(ask, text)
	}
	return bounded(h.file(ask.Check, ask.Optional, ask.Via.File, text, data, err))
}

// bounded refuses to hand on a text that is too long: every hearer gets all of it.
func bounded(a sim.Answer) sim.Answer {
	if n := len(a.Say); n > MaxText {
		return failure(sim.Truncated, "the reply has %d bytes; at most %d are taken", n, MaxText)
	}
	return a
}

func (h Hand) file(check func(any) error, optional bool, name, text string, data []byte, err error) sim.Answer {
	if err != nil || len(strings.TrimSpace(string(data))) == 0 {
		if optional {
			return sim.Answer{Pass: true, Say: text, Mail: h.Mail}
		}
		return failure(sim.Empty, "the file %s holds no action", name)
	}
	v, err := ParseValue(data)
	if err != nil {
		return failure(sim.Unparsable, "the file %s is not one JSON object: %v", name, err)
	}
	return h.checked(check, v, text)
}

func (h Hand) reply(check func(any) error, optional bool, text string) sim.Answer {
	v, ok := LastObject(text)
	switch {
	case ok:
		return h.checked(check, v, text)
	case optional:
		return sim.Answer{Pass: true, Say: text, Mail: h.Mail}
	case strings.TrimSpace(text) == "":
		return failure(sim.Empty, "the reply is empty; it must end with the action as a JSON object")
	}
	return failure(sim.Unparsable, "the reply holds no complete JSON object")
}

func (h Hand) checked(check func(any) error, action any, text string) sim.Answer {
	if _, ok := action.(map[string]any); !ok {
		return failure(sim.Unparsable, "an action is a JSON object, not %s", kindOf(action))
	}
	var f *sim.Failure
	if err := check(copyValue(action)); errors.As(err, &f) {
		return failed(f)
	}
	return h.commit(action, text) // any other error meets the engine again, which judges too
}

func (h Hand) commit(action any, text string) sim.Answer {
	say := h.Say
	if say == "" {
		say = text
	}
	return sim.Answer{Action: action, Say: say, Mail: h.Mail}
}

// silent answers for a seat that was asked for an action and gave none.
func (h Hand) silent(optional bool, text string) sim.Answer {
	switch {
	case h.Illegal != nil && !optional:
		return failed(h.Illegal)
	case optional:
		return sim.Answer{Pass: true, Say: text, Mail: h.Mail}
	}
	return failure(sim.Empty, "no action was submitted: call the tool act with the action")
}

func failed(f *sim.Failure) sim.Answer { return sim.Answer{Failure: f} }

func failure(c sim.Category, format string, args ...any) sim.Answer {
	return failed(&sim.Failure{Category: c, Text: fmt.Sprintf(format, args...)})
}
