package program

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/sandtable/sandtable/coordinator/agent"
	"github.com/sandtable/sandtable/sim"
)

// Hello is what a program is told first.
type Hello struct {
	Name   string
	Role   string
	Vars   map[string]any
	Prompt string // who you are
	View   string // the directory it works in
	MCP    string // endpoint of the tools; "": none
}

func (h Hello) message() map[string]any {
	m := map[string]any{
		"type": "hello", "protocol": 1, "prompt": h.Prompt, "view": h.View,
		"agent": map[string]any{"name": h.Name, "role": h.Role, "vars": orEmpty(h.Vars)},
	}
	if h.MCP != "" {
		m["mcp"] = h.MCP
	}
	return m
}

// turn is the message of a turn. It is a struct and not a map because it is written for
// every act of every program; its fields stand in the order of their names, as in all
// messages.
type turn struct {
	ActMS       int64           `json:"act_ms,omitempty"`
	Attempt     int             `json:"attempt"`
	ID          string          `json:"id"`
	Inbox       []sim.Message   `json:"inbox"`
	Lap         int             `json:"lap"`
	Mail        []string        `json:"mail"`
	Notices     []string        `json:"notices"`
	Observation any             `json:"observation"`
	Optional    bool            `json:"optional"`
	Phase       string          `json:"phase"`
	Prompt      string          `json:"prompt"`
	Random      string          `json:"random"`
	Schema      json.RawMessage `json:"schema"` // nil is null
	Stage       int             `json:"stage"`
	Turn        int             `json:"turn"`
	Type        string          `json:"type"`
}

// turnMessage is a first attempt, or one of a process that does not know those before.
func turnMessage(ask *sim.Ask, prompt string) (*turn, error) {
	observation, err := ask.Observation()
	if err != nil {
		return nil, err
	}
	key := ask.Key()
	m := &turn{
		Type: "turn", ID: ask.ID, Turn: ask.Turn, Phase: ask.Phase, Lap: ask.Lap, Stage: ask.Stage,
		Attempt: ask.Attempt, Prompt: prompt, Observation: observation, Inbox: list(ask.Inbox),
		Notices: list(ask.Notices), Optional: ask.Optional, Mail: list(ask.Mail),
		ActMS: ask.Limit.Milliseconds(), Random: hex.EncodeToString(key[:]),
	}
	if ask.Schema != nil {
		m.Schema = ask.Schema.Text()
	}
	return m, nil
}

// list writes an absent list as an empty one.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

func errorMessage(id string, f *sim.Failure, next string) map[string]any {
	m := map[string]any{"type": "error", "id": id, "category": string(f.Category), "text": f.Text}
	if next != "" {
		m["next_id"] = next
	}
	return m
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// encode writes one line.
func encode(m any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(m)
	return b.Bytes(), err
}

// said is one line of a program, read as far as needed to know what to do with it: a
// megabyte of brackets would be many as values.
type said struct{ Type, ID, Action, Say, Mail, Text json.RawMessage }

// parse reads a line. An error means that it is not a JSON object.
func parse(line []byte) (said, error) {
	var s said
	if line = bytes.TrimSpace(line); len(line) == 0 || line[0] != '{' {
		return s, fmt.Errorf("a line is not a JSON object: %s", quote(line))
	}
	if !utf8.Valid(line) { // what is not would be replaced, and nobody told
		return s, fmt.Errorf("a line is not UTF-8, as JSON is: %s", quote(line))
	}
	err := fields(line, map[string]*json.RawMessage{
		"type": &s.Type, "id": &s.ID, "action": &s.Action, "say": &s.Say, "mail": &s.Mail, "text": &s.Text,
	})
	if err != nil {
		return s, fmt.Errorf("a line is not a JSON object (%v): %s", err, quote(line))
	}
	return s, nil
}

// fields reads a JSON object's fields of these very names. What encoding/json does with a
// struct would also take "ID" for "id", which is another field, and not known.
func fields(object []byte, known map[string]*json.RawMessage) error {
	if !json.Valid(object) {
		return json.Unmarshal(object, new(json.RawMessage)) // says what is wrong
	}
	dec := json.NewDecoder(bytes.NewReader(object))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(errors.New("it begins otherwise"), err)
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		if field := known[name.(string)]; field != nil {
			*field = value
		}
	}
	return nil
}

// text returns a string field; anything else is "".
func text(raw json.RawMessage) string {
	var s string
	json.Unmarshal(raw, &s)
	return s
}

// quote shows the beginning of a line.
func quote(line []byte) string {
	const most = 80
	if len(line) > most {
		return fmt.Sprintf("%q…", line[:most])
	}
	return fmt.Sprintf("%q", line)
}

// move makes an answer of a move. An error means that it is not one.
func (s said) move(neutral func(string) string) (sim.Answer, error) {
	var a sim.Answer
	if given(s.Action) {
		v, err := agent.ParseValue(s.Action)
		if err != nil {
			return a, fmt.Errorf("action: %w", err)
		}
		object, ok := v.(map[string]any)
		if !ok {
			return a, errors.New("action: it must be a JSON object")
		}
		a.Action = rewrite(object, neutral)
	}
	if given(s.Say) {
		if err := json.Unmarshal(s.Say, &a.Say); err != nil {
			return a, errors.New("say: it must be a text")
		}
		if len(a.Say) > agent.MaxText {
			return a, fmt.Errorf("say: it has %d bytes, above %d", len(a.Say), agent.MaxText)
		}
		a.Say = neutral(a.Say)
	}
	var err error
	a.Mail, err = s.letters(neutral)
	a.Pass = a.Action == nil && a.Say == ""
	return a, err
}

func (s said) letters(neutral func(string) string) ([]sim.Letter, error) {
	if !given(s.Mail) {
		return nil, nil
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(s.Mail, &raw); err != nil {
		return nil, errors.New(`mail: it must be a list of {"to": …, "text": …}`)
	}
	var out []sim.Letter
	for i, r := range raw {
		l, ok := letter(r)
		if !ok {
			return nil, fmt.Errorf("mail[%d]: it needs to, and a text of at most %d bytes", i, agent.MaxText)
		}
		l.Text = neutral(l.Text)
		out = append(out, l)
	}
	return out, nil
}

func letter(object json.RawMessage) (l sim.Letter, ok bool) {
	var rawTo, rawText json.RawMessage
	if fields(object, map[string]*json.RawMessage{"to": &rawTo, "text": &rawText}) != nil || !given(rawText) {
		return l, false
	}
	to, err := agent.ParseValue(rawTo)
	if err != nil || json.Unmarshal(rawText, &l.Text) != nil {
		return l, false
	}
	l.To = to
	return l, len(l.Text) <= agent.MaxText
}

func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// rewrite applies f to the texts of a freshly parsed value, in place; keys are left.
func rewrite(v any, f func(string) string) any {
	switch v := v.(type) {
	case string:
		return f(v)
	case []any:
		for i := range v {
			v[i] = rewrite(v[i], f)
		}
	case map[string]any:
		for k := range v {
			v[k] = rewrite(v[k], f)
		}
	}
	return v
}
