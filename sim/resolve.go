package sim

import "github.com/sandtable/sandtable/sim/tree"

// resolve is T3.4 and T3.5: a function of R(i-1), the sealed results and the streams of
// this stage. Write sets enter in canonical order, then the world speaks.
func (s *stage) resolve(moves []Move) error {
	g := s.g
	fx := g.newEffects()
	rec := &Revised{}
	if err := s.commitAll(fx, rec); err != nil {
		return err
	}
	s.forfeits(fx)
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

// forfeits takes out the seats whose failures cost them the game; they come first, so
// that they keep their natural status if the world eliminates them as well (F2).
func (s *stage) forfeits(fx *effects) {
	for _, m := range s.canonical {
		if m.forfeit {
			fx.gone = append(fx.gone, Elimination{
				Agent: m.st.seat.Name, Status: m.failed.Category.seatStatus(),
				Reason: "forfeit: " + string(m.failed.Category),
			})
		}
	}
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
	rec.Eliminated = g.eliminate(fx.gone)
	rec.Mail = g.deliver(s, fx)
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

// eliminate takes seats out at the stage's end (T6), each once; one that has not joined
// yet never will. It returns those that it took out.
func (g *game) eliminate(list []Elimination) []Elimination {
	var gone []Elimination
	for _, e := range list {
		st := g.byName[e.Agent]
		if st.status == Active || st.status == Inactive {
			st.status, g.live = e.Status, nil
			gone = append(gone, e)
		}
	}
	return gone
}

// finalViews gives every seat that left one last observation (E3).
func (g *game) finalViews(gone []Elimination) error {
	if len(gone) == 0 {
		return nil
	}
	g.last = g.ctx(g)
	for i := range gone {
		v, err := g.observe(g.state, g.byName[gone[i].Agent].seat, &g.last)
		if err != nil {
			return err
		}
		gone[i].Final = v
	}
	return nil
}

// ends tests what may end a run, after every stage.
func (g *game) ends() error {
	g.last = g.ctx(g)
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
