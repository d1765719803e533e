package bind

import (
	"slices"

	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/scenarios/expr"
	"github.com/sandtable/sandtable/sim"
)

// events binds the operator's changes (P2).
func (b *binder) events() []sim.Event {
	out := make([]sim.Event, len(b.scenario.Events))
	for i, e := range b.scenario.Events {
		out[i] = sim.Event{Before: e.Before, At: b.due(e.At)}
		if e.Set.IsSet() {
			out[i].Set = func(s *sim.Scope) (map[string]any, error) { return e.Set.Eval(b.stage(s)) }
		}
		if e.Write != nil {
			out[i].Write = b.writeFile(e.Write)
		}
		if e.Remove.IsSet() {
			out[i].Remove = func(s *sim.Scope) ([]string, error) { return e.Remove.Eval(b.stage(s)) }
		}
		if e.Mail != nil {
			out[i].Mail = b.sendMail(e.Mail)
		}
	}
	return out
}

// due is when an event happens: in listed turns, every so many, or when a condition holds.
func (b *binder) due(w *scenarios.When) func(*sim.Scope) (bool, error) {
	if w == nil {
		return nil
	}
	return func(s *sim.Scope) (bool, error) {
		switch {
		case w.Code != nil:
			return moment(w, b.stage(s), func(turn int64) bool { return int64(s.Turn) == turn })
		case w.Every > 0:
			from := max(1, w.From)
			return s.Turn >= from && (w.Until == 0 || s.Turn <= w.Until) && (s.Turn-from)%w.Every == 0, nil
		}
		return slices.Contains(w.Turns, s.Turn), nil
	}
}

// writeFile binds an event's write: one file, its text whole.
func (b *binder) writeFile(w *scenarios.WriteFile) func(*sim.Scope) (map[string]string, error) {
	return func(s *sim.Scope) (map[string]string, error) {
		path, err := w.Path.Eval(b.stage(s))
		if err != nil {
			return nil, err
		}
		text, err := whole(w.Text, b.stage(s))
		return map[string]string{path: text}, err
	}
}

// sendMail binds an event's letter.
func (b *binder) sendMail(m *scenarios.SendMail) func(*sim.Scope) ([]sim.Letter, error) {
	return func(s *sim.Scope) ([]sim.Letter, error) {
		to, err := m.To.Eval(b.stage(s))
		if err != nil {
			return nil, err
		}
		names, err := b.resolve(m.To.Pos(), to)
		if err != nil {
			return nil, err
		}
		text, err := whole(m.Text, b.stage(s))
		return []sim.Letter{{To: names, Text: text}}, err
	}
}

// whole is the text of a field in full: one that is a single expression of another type
// is written as it would be inside a longer text.
func whole(d scenarios.Dyn[string], lookup expr.Lookup) (string, error) {
	v, err := d.Value.Eval(lookup)
	if err != nil {
		return "", err
	}
	text, err := expr.Text(v)
	return text, placed(d.Pos(), err)
}
