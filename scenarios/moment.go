package scenarios

import (
	"cmp"
	"slices"
)

type every struct{ from, every, until int }

// whenKind is a moment. An agent's joins and leaves are one turn or a condition.
func whenKind(single bool) kind[*When] {
	turn := integers(1, most)
	more := table[every]{"the moment", []field[every]{
		f("from", "first turn", static(turn), func(e *every) *int { return &e.from }),
		f("every", "turns between", static(turn), func(e *every) *int { return &e.every }),
		f("until", "last turn", static(turn), func(e *every) *int { return &e.until }),
	}}
	s := []any{turn.schema, codeSchema()}
	if !single {
		s = append(s, schema{"type": "array", "items": turn.schema}, more.schema())
	}
	return kind[*When]{
		read: func(l *loader, n *node) (*When, bool) {
			switch {
			case n.kind == dictNode && !single:
				return readEvery(l, n, more)
			case n.kind == listNode && !single:
				turns, ok := list("at", static(turn)).read(l, n)
				if len(n.list) == 0 {
					l.add(n.pos, "at: an empty list of turns; the event would never happen")
				}
				slices.Sort(turns)
				return &When{Pos: n.pos, Turns: turns}, ok
			}
			return readMoment(l, n, turn)
		},
		schema: schema{"anyOf": s},
	}
}

// turn returns the turn of an agent's moment, absent where it has none, and 0 for a
// condition.
func (w *When) turn(absent int) int {
	switch {
	case w == nil:
		return absent
	case len(w.Turns) == 0:
		return 0
	}
	return w.Turns[0]
}

func readEvery(l *loader, n *node, t table[every]) (*When, bool) {
	var e every
	seen := t.read(l, n, &e)
	if e.until != 0 && e.until < e.from {
		l.add(n.pos, "until: %d is before from: %d", e.until, e.from)
	}
	return &When{Pos: n.pos, From: cmp.Or(e.from, 1), Every: cmp.Or(e.every, 1), Until: e.until}, seen != nil
}

func readMoment(l *loader, n *node, turn spec[int]) (*When, bool) {
	v, ok := l.value(n, AtStage)
	if !ok {
		return nil, false
	}
	if v.Dynamic() {
		if v.text == nil || v.text.Whole() == nil {
			l.add(n.pos, "want a turn or one expression ${…}")
			return nil, false
		}
		return &When{Pos: n.pos, Code: v}, true
	}
	lit, err := v.Eval(nil)
	if err == nil {
		var t int
		if t, err = turn.parse(lit); err == nil {
			return &When{Pos: n.pos, Turns: []int{t}}, true
		}
	}
	l.add(n.pos, "want a turn (an integer from 1) or a condition \"${…}\", got %s", n.what())
	return nil, false
}
