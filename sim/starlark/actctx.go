package star

import (
	"crypto/sha256"
	"errors"

	"github.com/sandtable/sandtable/sim"
	"go.starlark.net/starlark"
)

// actCtx is a scripted agent's ctx argument. One value serves all acts of an actor;
// nothing is computed before the script asks for it.
type actCtx struct {
	opaque
	actor *Actor

	observation, inbox, notices, schema, mail starlark.Value
	memory                                    *starlark.Dict
	dice                                      map[string]diceValue
	draws                                     int
	letters                                   []sim.Letter
	words                                     []string

	// Bound once, since scripts look them up at every act.
	randomFn, sendFn, sayFn starlark.Value
}

var _ starlark.HasAttrs = (*actCtx)(nil)

func (c *actCtx) begin() {
	*c = actCtx{opaque: "ctx", actor: c.actor, randomFn: c.randomFn, sendFn: c.sendFn, sayFn: c.sayFn}
}

func (c *actCtx) AttrNames() []string {
	return []string{
		"attempt", "inbox", "lap", "mail", "memory", "notices", "observation", "optional", "phase",
		"random", "say", "schema", "send", "stage",
	}
}

func (c *actCtx) Attr(name string) (starlark.Value, error) {
	ask := c.actor.ask
	switch name {
	case "observation":
		return once(&c.observation, c.observe)
	case "memory":
		return c.recall()
	case "phase":
		return starlark.String(ask.Phase), nil
	case "lap":
		return starlark.MakeInt(ask.Lap), nil
	case "stage":
		return starlark.MakeInt(ask.Stage), nil
	case "attempt":
		return starlark.MakeInt(ask.Attempt), nil
	case "optional":
		return starlark.Bool(ask.Optional), nil
	case "inbox":
		return once(&c.inbox, func() (starlark.Value, error) { return messages(ask.Inbox) })
	case "notices":
		return once(&c.notices, func() (starlark.Value, error) { return texts(ask.Notices), nil })
	case "mail":
		return once(&c.mail, func() (starlark.Value, error) { return texts(ask.Mail), nil })
	case "schema":
		return once(&c.schema, c.schemaValue)
	}
	return c.method(name)
}

func (c *actCtx) method(name string) (starlark.Value, error) {
	switch name {
	case "random":
		return bound(&c.randomFn, name, c.random), nil
	case "send":
		return bound(&c.sendFn, name, c.send), nil
	case "say":
		return bound(&c.sayFn, name, c.say), nil
	}
	return nil, nil
}

// bound makes a method when it is first asked for.
func bound(at *starlark.Value, name string, body builtin) starlark.Value {
	if *at == nil {
		*at = method(name, body)
	}
	return *at
}

func (c *actCtx) observe() (starlark.Value, error) {
	v, err := c.actor.ask.Observation()
	if err != nil {
		return nil, outside{err}
	}
	out, err := c.actor.seen.value(v)
	if err != nil {
		return nil, outside{err}
	}
	return out, nil
}

func (c *actCtx) schemaValue() (starlark.Value, error) {
	if c.actor.ask.Schema == nil {
		return starlark.None, nil
	}
	return c.actor.wanted.value(c.actor.ask.Schema.Value())
}

func messages(list []sim.Message) (starlark.Value, error) {
	out := make([]any, len(list))
	for i, m := range list {
		out[i] = map[string]any{"id": m.ID, "sender": m.Sender, "text": m.Text}
	}
	return toFrozen(out)
}

// recall makes the dict that the script may change of what it kept.
func (c *actCtx) recall() (starlark.Value, error) {
	if c.memory == nil {
		kept, _ := c.actor.ask.Memory.(map[string]any)
		v, err := toDict(kept, 0)
		if err != nil {
			return nil, outside{err}
		}
		c.memory = v.(*starlark.Dict)
	}
	return c.memory, nil
}

// keep is what the script takes to its next act: a JSON value that shares nothing
// with the interpreter.
func (c *actCtx) keep() (any, error) {
	if c.memory == nil {
		return c.actor.ask.Memory, nil
	}
	return fromValue(c.memory)
}

// random returns the agent's own dice of a name. Their key is SHA-256 over the seat's
// key in this turn and stage and the name's bytes: nobody else can draw from them, and
// asking again repeats them (D7, D8), a further attempt included.
func (c *actCtx) random(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var stream string
	if err := starlark.UnpackArgs(name, args, kwargs, "name", &stream); err != nil {
		return nil, err
	}
	if d, ok := c.dice[stream]; ok {
		return d, nil
	}
	key := c.actor.ask.Key()
	d := newDice(sim.NewDice(sha256.Sum256(append(key[:], stream...)), func(sim.Drawn) { c.draws++ }))
	if c.dice == nil {
		c.dice = map[string]diceValue{}
	}
	c.dice[stream] = d
	return d, nil
}

func (c *actCtx) send(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var to starlark.Value
	var text string
	if err := starlark.UnpackArgs(name, args, kwargs, "to", &to, "text", &text); err != nil {
		return nil, err
	}
	seats, err := fromValue(to)
	if err != nil {
		return nil, errors.New("send: to: " + err.Error())
	}
	c.letters = append(c.letters, sim.Letter{To: seats, Text: clean(text)})
	return starlark.None, nil
}

func (c *actCtx) say(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text string
	if err := starlark.UnpackArgs(name, args, kwargs, "text", &text); err != nil {
		return nil, err
	}
	c.words = append(c.words, text)
	return starlark.None, nil
}
