package world

import (
	"errors"
	"fmt"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// reply is one message from the program.
type reply struct {
	kind    string // result, error, log; any other is to be ignored
	id      int64
	text    string
	value   any
	effects []effect
	draws   []draw
}

// effect is one thing that the program wants done.
type effect struct {
	kind       string // write, append, remove, mail, eliminate
	path, text string
	to         any
	name       string
}

type draw struct {
	name  string
	value any
}

// parseReply reads one line. Numbers are brought into the form that a history gives
// back: whole floats are ints.
func parseReply(line []byte) (*reply, error) {
	v, err := expr.Decode(line)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("want an object, got %s", kindOf(v))
	}
	r := &reply{}
	if r.kind, err = text(m, "type", true); err != nil {
		return nil, err
	}
	switch r.kind {
	case "result":
		return r, r.result(m)
	case "error":
		return r, errors.Join(r.takeID(m), r.takeText(m))
	case "log":
		return r, r.takeText(m)
	}
	return r, nil
}

func (r *reply) result(m map[string]any) error {
	if err := r.takeID(m); err != nil {
		return err
	}
	r.value = expr.Normal(m["value"])
	for i, v := range list(m["effects"]) {
		e, err := parseEffect(v)
		if err != nil {
			return fmt.Errorf("effect %d: %w", i+1, err)
		}
		r.effects = append(r.effects, e)
	}
	for i, v := range list(m["draws"]) {
		d, err := object(v)
		if err != nil {
			return fmt.Errorf("draw %d: %w", i+1, err)
		}
		name, err := text(d, "name", true)
		if err != nil {
			return fmt.Errorf("draw %d: %w", i+1, err)
		}
		r.draws = append(r.draws, draw{name, expr.Normal(d["value"])})
	}
	return errors.Join(wantList(m, "effects"), wantList(m, "draws"))
}

func (r *reply) takeID(m map[string]any) error {
	id, ok := m["id"].(int64)
	if !ok {
		return fmt.Errorf("id: want an integer, got %s", kindOf(m["id"]))
	}
	r.id = id
	return nil
}

func (r *reply) takeText(m map[string]any) (err error) {
	r.text, err = text(m, "text", true)
	return err
}

// parseEffect reads {"write": {…}} and its like: exactly one kind.
func parseEffect(v any) (effect, error) {
	m, err := object(v)
	if err != nil {
		return effect{}, err
	}
	if len(m) != 1 {
		return effect{}, fmt.Errorf("want one of write, append, remove, mail, eliminate; got %d keys", len(m))
	}
	for kind, body := range m {
		d, err := object(body)
		if err != nil {
			return effect{}, fmt.Errorf("%s: %w", kind, err)
		}
		return fillEffect(kind, d)
	}
	panic("unreachable")
}

func fillEffect(kind string, d map[string]any) (effect, error) {
	e := effect{kind: kind}
	var err, more error
	switch kind {
	case "write", "append":
		e.path, err = text(d, "path", true)
		e.text, more = text(d, "text", true)
	case "remove":
		e.path, err = text(d, "path", true)
	case "mail":
		if e.to = d["to"]; e.to == nil {
			err = errors.New("to: want the name of an agent or a list of names")
		}
		e.text, more = text(d, "text", true)
	case "eliminate":
		e.name, err = text(d, "name", true)
		e.text, more = text(d, "reason", false)
	default:
		return e, fmt.Errorf("%q: there are write, append, remove, mail and eliminate", kind)
	}
	if err = errors.Join(err, more); err != nil {
		return e, fmt.Errorf("%s: %w", kind, err)
	}
	return e, nil
}

func object(v any) (map[string]any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("want an object, got %s", kindOf(v))
	}
	return m, nil
}

func text(m map[string]any, key string, required bool) (string, error) {
	v, ok := m[key]
	if !ok && !required {
		return "", nil
	}
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("%s: want a text, got %s", key, kindOf(v))
	}
	return s, nil
}

func list(v any) []any { l, _ := v.([]any); return l }

func wantList(m map[string]any, key string) error {
	switch m[key].(type) {
	case nil, []any:
		return nil
	}
	return fmt.Errorf("%s: want a list, got %s", key, kindOf(m[key]))
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("a %T", v)
}
