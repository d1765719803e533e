package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sandtable/sandtable/sim/tree"
)

// commitAll takes the members' write sets in canonical order, each whole or not (T5).
func (s *stage) commitAll(fx *effects, rec *Revised) error {
	for _, m := range s.canonical {
		if len(m.answer.Writes) == 0 {
			continue
		}
		before := fx.tree
		d, err := s.decide(fx, m)
		if err != nil {
			return err
		}
		rec.WriteSets = append(rec.WriteSets, d)
		m.tell(d, before)
	}
	return nil
}

// decide takes a member's files into the head, or withholds them if its move failed.
func (s *stage) decide(fx *effects, m *member) (WriteSetDecided, error) {
	if m.failed != nil {
		return withhold(fx.tree, m), nil
	}
	return s.g.commit(fx, m.st.seat.Name, m.answer.Writes, s.g.cfg.Policies)
}

// maxTold bounds the notices about one write set: an agent that writes ten thousand
// files may not flood its own next prompt.
const maxTold = 20

// tell puts every path that was not taken into its author's next prompt.
func (m *member) tell(d WriteSetDecided, head *tree.Tree) {
	lost := 0
	for _, p := range d.Decisions {
		if !p.Lost() {
			continue
		}
		if lost++; lost > maxTold {
			continue
		}
		text := "A change of yours was not taken: " + m.mayKnow(p, head) + "."
		if note := m.stage.g.cfg.ConflictNote; note != nil {
			text += note(m.st.seat, m.stage.ctx.Turn, p.Path)
		}
		m.st.notices = append(m.st.notices, text)
	}
	if lost > maxTold {
		m.st.notices = append(m.st.notices, fmt.Sprintf("%d more changes of yours were not taken.", lost-maxTold))
	}
}

// mayKnow is why a path was not taken, as far as its author may know (V5): of a path
// that it cannot read, or that is in its way and that it cannot read, nothing is said.
// head is what the write set met.
func (m *member) mayKnow(d tree.Decision, head *tree.Tree) string {
	if d.Outcome == tree.Withheld || m.read.Match(d.Path) && m.seesObstacle(d, head) {
		return d.Reason
	}
	return strconv.Quote(d.Path) + ": it does not go together with the workspace as it is now"
}

// seesObstacle reports whether all that could be in the way of a new path is readable.
func (m *member) seesObstacle(d tree.Decision, head *tree.Tree) bool {
	if !d.Head.Absent() || d.New.Absent() {
		return true
	}
	return !slices.ContainsFunc(obstacles(head, d.Path), func(path string) bool { return !m.read.Match(path) })
}

// obstacles are the files that leave no room for one at path: those above it, and those
// below it.
func obstacles(head *tree.Tree, path string) []string {
	var out []string
	for i := range len(path) {
		if path[i] != '/' {
			continue
		}
		if _, ok := head.Get(path[:i]); ok {
			out = append(out, path[:i])
		}
	}
	if !head.HasDir(path) {
		return out
	}
	for at := range head.All() {
		if strings.HasPrefix(at, path+"/") {
			out = append(out, at)
		}
	}
	return out
}

// commit takes one write set into fx's tree and counts it.
func (g *game) commit(fx *effects, author string, ws tree.WriteSet, pol tree.Policies) (WriteSetDecided, error) {
	next, decisions, applied, err := tree.Commit(fx.tree, author, ws, pol, g.blobs, g.owner)
	if err != nil {
		return WriteSetDecided{}, fmt.Errorf("turn %d, stage %d: committing the files of %s: %w", g.turn, g.stage, author, err)
	}
	if applied {
		g.res.Commits++
	}
	for _, d := range decisions {
		if changed(d.Outcome) {
			g.wrote(d.Path, author)
		}
		if contested(d.Outcome) {
			g.res.Conflicts++
		}
	}
	fx.tree, fx.start = next, next
	return WriteSetDecided{Author: author, Applied: applied, Decisions: decisions}, nil
}

// wrote remembers who changed a path.
func (g *game) wrote(path, author string) {
	g.owners[path] = author
	if g.recent == nil {
		g.recent = map[string][]string{}
	}
	g.recent[path] = append(g.recent[path], author)
}

// owner names who changed a path after the version that the stage's members were given:
// all of them, since any of them may be the one that a change does not merge with.
func (g *game) owner(path string) string {
	if list := g.recent[path]; len(list) > 0 {
		return strings.Join(list, ", ")
	}
	return g.owners[path]
}

// changed: something of the author's is in the head now.
func changed(o tree.Outcome) bool {
	return o == tree.Applied || o == tree.Merged || o == tree.Superseded
}

// contested: two authors met on this path and not both have all they wrote.
func contested(o tree.Outcome) bool {
	switch o {
	case tree.Kept, tree.Stale, tree.Conflict, tree.Superseded:
		return true
	}
	return false
}

// withhold decides the write set of a failed member: nothing of it is taken, and every
// path says so, so that its author can be told and its bytes are kept.
func withhold(head *tree.Tree, m *member) WriteSetDecided {
	d := WriteSetDecided{Author: m.st.seat.Name}
	for _, c := range m.answer.Writes {
		at, _ := head.Get(c.Path)
		d.Decisions = append(d.Decisions, tree.Decision{
			Path: c.Path, Outcome: tree.Withheld, Base: c.Base, Head: at, New: c.New, Result: at,
			Reason: fmt.Sprintf("%q: your move was not valid (%s)", c.Path, m.failed.Category),
		})
	}
	return d
}
