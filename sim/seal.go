package sim

import (
	"context"

	"github.com/sandtable/sandtable/sim/tree"
)

// close seals, resolves and publishes.
func (s *stage) close(ctx context.Context) error {
	g := s.g
	g.res.Stages++
	g.res.Moves += len(s.members)
	moves, err := s.seal()
	if err != nil {
		return err
	}
	if g.res.Void {
		return errEnded
	}
	clear(g.recent)
	if err := g.foreign(ctx); err != nil {
		return err
	}
	return s.resolve(moves)
}

// seal turns results into moves in canonical order and records them (G6).
func (s *stage) seal() ([]Move, error) {
	moves := s.g.reuse.moves[:0]
	if !s.g.cfg.Serial {
		moves = make([]Move, 0, len(s.canonical))
	}
	for _, m := range s.canonical {
		if err := m.settle(); err != nil {
			return nil, err
		}
		moves = append(moves, m.move)
	}
	s.g.reuse.moves = moves
	if s.g.cfg.Observer == nil {
		return moves, nil
	}
	rec := &StageSealed{Turn: s.ctx.Turn, Stage: s.ctx.Stage, Results: make([]Sealed, len(s.canonical))}
	for i, m := range s.canonical {
		rec.Results[i] = m.sealed()
	}
	return moves, s.g.tell(rec)
}

// foreign takes what changed the head from outside as a revision of its own, before
// the stage's commits, which then merge against it (design section 5).
func (g *game) foreign(ctx context.Context) error {
	if g.cfg.Foreign == nil {
		return nil
	}
	ws, err := g.cfg.Foreign(ctx)
	if err != nil || len(ws) == 0 {
		return err
	}
	g.res.Foreign++
	fx := g.newEffects()
	d, err := g.commit(fx, "@foreign", ws, tree.Policies{Default: tree.Merge3, PathByPath: true})
	if err != nil {
		return err
	}
	return g.publish(&Revised{Author: "@foreign", WriteSets: []WriteSetDecided{d}}, fx, nil)
}
