package tree

import (
	"fmt"
	"strings"
)

// The texts of Decision.Reason are for the agent that lost: which path, against whom,
// why, and what to do. They hold no path of the machine and no content.

const again = "read it as it is now and make your change again"

// reason explains a decision that a change by somebody else brought about.
func (c *commit) reason(d Decision, why string) string {
	did := "changed"
	switch {
	case d.Head.Absent():
		did = "deleted"
	case d.Base.Absent():
		did = "added"
	}
	return fmt.Sprintf("%s: %s %s it after the version you were given; %s; %s", shown(d.Path), c.who(d.Winner), did, why, again)
}

// clashReason explains that at is in the way of a path.
func (c *commit) clashReason(d Decision, at string) string {
	by := c.who(d.Winner)
	if strings.HasPrefix(d.Path, at+"/") {
		return fmt.Sprintf("%s: %s is a file there, written by %s, so nothing can be below it; use another path or delete the file", shown(d.Path), shown(at), by)
	}
	return fmt.Sprintf("%s: it is a folder there, with %s written by %s in it; use another path or delete what is in the folder", shown(d.Path), shown(at), by)
}

func withheldReason(path, because string) string {
	return fmt.Sprintf("%s: fine by itself, but not taken, because %s of the same changes was not; make it again together with that one", shown(path), shown(because))
}

func (c *commit) who(winner string) string {
	switch winner {
	case "":
		return "somebody"
	case c.author:
		return "an earlier change of yours"
	}
	return winner
}

// hunksReason names the first places that do not merge, in the author's lines.
func hunksReason(hunks []Hunk) string {
	const most = 3
	var places []string
	for i, h := range hunks {
		if i == most {
			places = append(places, fmt.Sprintf("and %d more", len(hunks)-most))
			break
		}
		places = append(places, fmt.Sprintf("your %s against %s there", h.Theirs.words(), h.Ours.words()))
	}
	return "both changed the same or adjacent lines: " + strings.Join(places, ", ")
}

// words names lines as people count them.
func (s Span) words() string {
	switch s.Len() {
	case 0:
		return fmt.Sprintf("deletion before line %d", s.From+1)
	case 1:
		return fmt.Sprintf("line %d", s.To)
	}
	return fmt.Sprintf("lines %d-%d", s.From+1, s.To)
}
