package sim

import (
	"fmt"
	"slices"
)

// deliver hands the stage's mail over in the order (canonical rank of the sender, the
// sender's own sequence), the world's last, and numbers it (T7). What cannot be
// delivered goes back to its sender with a reason; nothing is broadcast instead and
// nothing is dropped.
func (g *game) deliver(s *stage, fx *effects) []Delivery {
	var out []Delivery
	if s != nil {
		for _, m := range s.canonical {
			out = m.sendAll(out)
		}
	}
	for _, l := range fx.mail_ {
		to := slices.DeleteFunc(slices.Clone(l.to), func(n string) bool { return g.byName[n].status != Active })
		out = append(out, g.post("@world", to, l.text))
	}
	return out
}

// sendAll posts a member's letters and then, if the phase lets it be heard, what it said.
func (m *member) sendAll(out []Delivery) []Delivery {
	g := m.stage.g
	if m.failed != nil {
		return out
	}
	for i, l := range m.move.Mail {
		out = append(out, m.send(i, l)...)
	}
	if hears := m.hearers(); m.move.Say != "" && len(hears) > 0 {
		out = append(out, g.post(m.st.seat.Name, hears, m.move.Say))
	}
	return out
}

// hearers: `hear` was evaluated at the seal's side of the stage, when everybody in it
// was still live; who left in this stage hears nothing more.
func (m *member) hearers() []string {
	return slices.DeleteFunc(slices.Clone(m.hear), func(n string) bool { return m.stage.g.byName[n].status != Active })
}

// send delivers one letter to those of its addressees who may get it, and returns the
// rest to the sender.
func (m *member) send(i int, l Letter) []Delivery {
	g, from := m.stage.g, m.st.seat.Name
	if most := m.limits.Mail; most > 0 && i >= most {
		return []Delivery{g.giveBack(m.st, l, fmt.Sprintf("you may send %d messages in one act", most))}
	}
	good, bad := m.addressees(l)
	var out []Delivery
	good = slices.DeleteFunc(good, func(n string) bool { return g.byName[n].status != Active })
	if len(good) > 0 {
		out = append(out, g.post(from, good, l.Text))
	} else if bad == "" {
		bad = "nobody it is addressed to is in the game"
	}
	if bad != "" {
		out = append(out, g.giveBack(m.st, l, bad))
	}
	return out
}

// addressees splits a letter's seats into those the sender may write to and a reason
// for the rest, naming them as the sender did.
func (m *member) addressees(l Letter) (good []string, bad string) {
	items, ok := l.To.([]any)
	if !ok {
		items = []any{l.To}
	}
	if list, ok := l.To.([]string); ok {
		items = anys(list)
	}
	for _, item := range items {
		names, err := ResolveSeats(m.stage.g.cfg.Seats, item)
		if err != nil {
			bad = joinReasons(bad, err.Error())
			continue
		}
		allowed := slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(m.mayTo, n) })
		if len(allowed) == 0 {
			bad = joinReasons(bad, fmt.Sprintf("you may not write to %v now", item))
		}
		for _, n := range allowed {
			if !slices.Contains(good, n) {
				good = append(good, n)
			}
		}
	}
	if len(items) == 0 {
		bad = "it is addressed to nobody"
	}
	return good, bad
}

func joinReasons(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// checkLetter judges a letter while the act is still open.
func (m *member) checkLetter(l Letter) error {
	if good, bad := m.addressees(l); len(good) == 0 {
		return &Failure{Illegal, bad}
	}
	return nil
}

// post numbers a message and puts it into its recipients' inboxes.
func (g *game) post(from string, to []string, text string) Delivery {
	g.nextMail++
	msg := Message{ID: g.nextMail, Sender: from, Text: text}
	for _, name := range to {
		st := g.byName[name]
		st.inbox = append(st.inbox, msg)
	}
	return Delivery{Message: msg, To: to}
}

// giveBack returns a letter to its sender as a notice.
func (g *game) giveBack(st *seatState, l Letter, reason string) Delivery {
	g.nextMail++
	st.notices = append(st.notices, fmt.Sprintf("Your message to %s was not delivered: %s.", addressText(l.To), reason))
	return Delivery{Message: Message{ID: g.nextMail, Sender: st.seat.Name, Text: l.Text}, Returned: reason}
}

func addressText(to any) string {
	if s, ok := to.(string); ok {
		return s
	}
	return fmt.Sprint(to)
}
