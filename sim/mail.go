package sim

import (
	"fmt"
	"slices"
	"strings"
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
	for _, l := range fx.post {
		out = append(out, g.postWorld(l))
	}
	return out
}

// postWorld posts a letter of the world. While it sets up nobody has joined yet: what it
// sends then waits for those who will.
func (g *game) postWorld(l worldLetter) Delivery {
	to := slices.DeleteFunc(slices.Clone(l.to), func(n string) bool {
		status := g.byName[n].status
		return status != Active && !(g.turn == 0 && status == Inactive)
	})
	d := g.post("@world", to, l.text)
	if len(to) == 0 {
		d.Returned = "nobody it is addressed to is in the game"
	}
	return d
}

// sendAll posts a member's letters and then, if the phase lets it be heard, what it said.
func (m *member) sendAll(out []Delivery) []Delivery {
	if m.failed != nil {
		return out
	}
	over := 0
	for i, l := range m.move.Mail {
		if most := m.limits.Mail; most > 0 && i >= most {
			over++
			out = append(out, m.returned(l, fmt.Sprintf("you may send %d messages in one act", most)))
			continue
		}
		out = m.send(out, l)
	}
	if over > 0 { // one notice for all: a flood of letters may not become one of notices
		m.notice(fmt.Sprintf("%d of your messages were not delivered: you may send %d in one act.", over, m.limits.Mail))
	}
	if hears := m.hearers(); m.move.Say != "" && len(hears) > 0 {
		out = append(out, m.stage.g.post(m.st.seat.Name, hears, m.move.Say))
	}
	return out
}

// hearers: `hear` was evaluated as the stage opened, when everybody in it was still
// live; who left in this stage hears nothing more.
func (m *member) hearers() []string {
	return slices.DeleteFunc(slices.Clone(m.hear), func(n string) bool { return m.stage.g.byName[n].status != Active })
}

// send delivers one letter to those of its addressees who may get it, and returns the
// rest to the sender.
func (m *member) send(out []Delivery, l Letter) []Delivery {
	good, bad := m.addressees(l)
	if len(good) > 0 {
		out = append(out, m.stage.g.post(m.st.seat.Name, good, l.Text))
	}
	if bad != "" {
		m.notice(fmt.Sprintf("Your message to %s was not delivered: %s.", addressText(l.To), bad))
		out = append(out, m.returned(l, bad))
	}
	return out
}

// maxReasons bounds what one letter's return says.
const maxReasons = 5

// addressees splits a letter's seats into those the sender may write to now and a
// reason for the rest, naming them as the sender did.
func (m *member) addressees(l Letter) (good []string, bad string) {
	items, ok := addresses(nil, l.To, 0)
	if !ok {
		return nil, "write to an agent, an entry, your own role as role:R, all, or a list of these"
	}
	if len(items) == 0 {
		return nil, "it is addressed to nobody"
	}
	var reasons []string
	for _, item := range items {
		names, why := m.reach(item)
		if why != "" {
			reasons = append(reasons, why)
		}
		for _, n := range names {
			if !slices.Contains(good, n) {
				good = append(good, n)
			}
		}
	}
	if n := len(reasons) - maxReasons; n > 0 {
		reasons = append(reasons[:maxReasons], fmt.Sprintf("and %d more", n))
	}
	return good, strings.Join(reasons, "; ")
}

// reach returns whom one address reaches now, or why nobody. Who holds another role than
// the sender's, and whether anybody does, is not to be found out by writing to it (V5).
func (m *member) reach(item string) (names []string, why string) {
	if role, ok := strings.CutPrefix(item, "role:"); ok && (role == "" || role != m.st.seat.Role) {
		return nil, fmt.Sprintf("you may not write to %s: name agents", shortAddress(item))
	}
	g := m.stage.g
	names, err := ResolveSeats(g.cfg.Seats, item)
	if err != nil {
		return nil, fmt.Sprintf("there is no agent or entry %s", shortAddress(item))
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		return g.byName[n].status != Active || !slices.Contains(m.mayTo, n)
	})
	if len(names) == 0 {
		return nil, fmt.Sprintf("you may not write to %s now", shortAddress(item))
	}
	return names, ""
}

// checkLetter judges a letter while the act is still open: from what was true as the
// stage opened.
func (m *member) checkLetter(l Letter) error {
	if good, bad := m.addressees(l); len(good) == 0 {
		return &Failure{Illegal, bad}
	}
	return nil
}

// post numbers a message and puts it into its recipients' inboxes.
func (g *game) post(from string, to []string, text string) Delivery {
	g.nextMail++
	msg := Message{ID: g.nextMail, Sender: from, Text: clean(text)}
	for _, name := range to {
		st := g.byName[name]
		st.inbox = append(st.inbox, msg)
	}
	return Delivery{Message: msg, To: to}
}

// returned numbers a letter that comes back.
func (m *member) returned(l Letter, reason string) Delivery {
	g := m.stage.g
	g.nextMail++
	return Delivery{Message: Message{ID: g.nextMail, Sender: m.st.seat.Name, Text: l.Text}, Returned: reason}
}

func (m *member) notice(text string) { m.st.notices = append(m.st.notices, text) }
