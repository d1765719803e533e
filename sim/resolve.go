package sim

import (
	"github.com/sandtable/sandtable/sim/tree"
)

// resolve is T3.4 and T3.5: a function of R(i-1), the sealed results and the streams of
// this stage. Write sets enter in canonical order, then the world speaks.
func (s *stage) resolve(moves []Move) error {
	g := s.g
	fx := g.newEffects()
	rec := &Revised{}
	if err := s.commitAll(fx, rec); err != nil {
		return err
	}
	if err := s.forfeits(fx); err != nil {
		return err
	}
	state, err := g.world.Resolve(g.state, moves, fx.ctx())
	if err != nil {
		return &WorldError{"resolve", g.turn, err}
	}
	g.state = state
	s.countPasses()
	if err := g.publish(rec, fx, s); err != nil {
		return err
	}
	return g.ends()
}

func (s *stage) commitAll(fx *effects, rec *Revised) error {
	for _, m := range s.canonical {
		if len(m.answer.Writes) == 0 {
			continue
		}
		d, err := s.decide(fx, m)
		if err != nil {
			return err
		}
		rec.WriteSets = append(rec.WriteSets, d)
		s.g.tellAuthor(m.st, d)
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

// tellAuthor puts every path that was not taken into its author's next prompt.
func (g *game) tellAuthor(st *seatState, d WriteSetDecided) {
	for _, p := range d.Decisions {
		if !p.Lost() {
			continue
		}
		text := "A change of yours was not taken: " + p.Reason + "."
		if g.cfg.ConflictNote != nil {
			text += g.cfg.ConflictNote(st.seat, g.turn, p.Path)
		}
		st.notices = append(st.notices, text)
	}
}

func (s *stage) forfeits(fx *effects) error {
	for _, m := range s.canonical {
		if !m.forfeit {
			continue
		}
		fx.gone = append(fx.gone, Elimination{
			Agent: m.st.seat.Name, Status: m.failed.Category.seatStatus(),
			Reason: "forfeit: " + string(m.failed.Category),
		})
	}
	return nil
}

// countPasses counts passes in a row in this phase, in canonical order.
func (s *stage) countPasses() {
	for _, m := range s.canonical {
		if m.move.Status == Passed {
			s.g.passes++
		} else {
			s.g.passes = 0
		}
	}
}

// publish makes R(i): the world's writes, mail, eliminations, all at once (T3.5). s is
// nil for revisions that no stage made.
func (g *game) publish(rec *Revised, fx *effects, s *stage) error {
	if err := fx.flush(); err != nil {
		return err
	}
	if ws := tree.FromDiff(fx.start, fx.tree); len(ws) > 0 {
		rec.WriteSets = append(rec.WriteSets, worldWrites(g, ws, rec.Author))
	}
	if rec.Author != "@setup" || fx.tree != g.head {
		g.revision++ // a set-up that writes nothing leaves revision 0 as it is
	}
	g.head = fx.tree
	g.eliminate(fx.gone)
	rec.Mail = g.deliver(s, fx)
	rec.Eliminated = fx.gone
	if err := g.finalViews(rec.Eliminated); err != nil {
		return err
	}
	if g.cfg.Observer == nil {
		return nil
	}
	rec.Turn, rec.Stage, rec.Revision, rec.Tree, rec.State = g.turn, g.stage, g.revision, g.head, g.state
	return g.tell(rec)
}

// worldWrites records what the world wrote: applied, never in conflict.
func worldWrites(g *game, ws tree.WriteSet, author string) WriteSetDecided {
	if author == "" || author == "@setup" {
		author = "@world"
	}
	d := WriteSetDecided{Author: author, Applied: true}
	for _, c := range ws {
		g.wrote(c.Path, author)
		d.Decisions = append(d.Decisions, tree.Decision{
			Path: c.Path, Outcome: tree.Applied, Base: c.Base, Head: c.Base, New: c.New, Result: c.New,
		})
	}
	return d
}

// eliminate takes seats out at the stage's end (T6). A seat is eliminated once.
func (g *game) eliminate(gone []Elimination) {
	for i := range gone {
		st := g.byName[gone[i].Agent]
		if st.status == Active {
			st.status, g.live = gone[i].Status, nil
		}
	}
}

// finalViews gives every seat that left one last observation (E3).
func (g *game) finalViews(gone []Elimination) error {
	for i := range gone {
		g.last = g.ctx()
		v, err := g.observe(g.byName[gone[i].Agent].seat, &g.last)
		if err != nil {
			return err
		}
		gone[i].Final = v
	}
	return nil
}

// ends tests what may end a run, after every stage.
func (g *game) ends() error {
	g.last = g.ctx()
	reason, err := g.world.Done(g.state, &g.last)
	if err != nil {
		return &WorldError{"done", g.turn, err}
	}
	if reason != "" {
		return g.terminate(reason)
	}
	if g.cfg.Stop != nil {
		reason, stop, err := g.cfg.Stop(g.scope())
		if err != nil {
			return err
		}
		if stop {
			return g.terminate(reason)
		}
	}
	return g.nobodyLeft()
}
