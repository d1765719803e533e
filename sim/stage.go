package sim

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/sandtable/sandtable/sim/tree"
)

// stage is one open stage: the five steps of T3.
type stage struct {
	g         *game
	members   []*member // in seat order
	canonical []*member
	ctx       Ctx // what Observe, Actions and Check see: R(i-1)
}

// playStage plays one stage for the listed members, of whom the dead are skipped (T6).
func (g *game) playStage(ctx context.Context, names []string) error {
	g.stage++
	g.res.Stages++
	live := g.stillLive(names)
	order, err := g.canonical(live)
	if err != nil {
		return err
	}
	if g.cfg.Observer != nil {
		rec := &StageOpened{Turn: g.turn, Stage: g.stage, Phase: g.phaseName, Lap: g.lap, Members: live, Canonical: order}
		if err := g.tell(rec); err != nil {
			return err
		}
	}
	if len(live) == 0 && !g.phase.WorldOnly {
		return g.tell(&StageSealed{Turn: g.turn, Stage: g.stage, Empty: true})
	}
	s := g.newStage()
	if err := s.enter(live, order); err != nil {
		return err
	}
	if err := s.act(ctx); err != nil {
		return err
	}
	return s.close(ctx)
}

// newStage returns an open stage. In a serial run nobody can still hold the last one.
func (g *game) newStage() *stage {
	s := &g.open_
	if !g.cfg.Serial {
		s = &stage{}
	}
	*s = stage{g: g, ctx: g.ctx(), members: s.members[:0], canonical: s.canonical[:0]}
	return s
}

func (g *game) stillLive(names []string) []string {
	for i, name := range names {
		if g.byName[name].status == Active {
			continue
		}
		out := slices.Clone(names[:i])
		for _, n := range names[i+1:] {
			if g.byName[n].status == Active {
				out = append(out, n)
			}
		}
		return out
	}
	return names
}

// enter makes the members; what can fail for the scenario's own fault fails here, on
// the run's goroutine, before anybody is asked.
func (s *stage) enter(live, order []string) error {
	for _, name := range live {
		m := s.newMember(s.g.byName[name])
		if err := m.prepare(); err != nil {
			return fmt.Errorf("turn %d, stage %d, agent %s: %w", s.g.turn, s.g.stage, name, err)
		}
		s.members = append(s.members, m)
	}
	for _, name := range order {
		s.canonical = append(s.canonical, s.g.byName[name].open)
	}
	return nil
}

func (s *stage) newMember(st *seatState) *member {
	m := &st.member
	if !s.g.cfg.Serial {
		m = &member{}
	}
	see := m.see
	*m = member{stage: s, st: st, see: see}
	if see == nil {
		m.see = m.observation
	}
	st.open = m
	return m
}

// act runs the members' attempts and returns when every one is over.
func (s *stage) act(ctx context.Context) error {
	if s.g.cfg.Serial || len(s.members) == 1 {
		for _, m := range s.members {
			m.play(ctx)
		}
	} else {
		s.actTogether(ctx)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx) // the open stage is discarded (C4)
	}
	for _, m := range s.members {
		if m.err != nil {
			return m.err
		}
	}
	return nil
}

func (s *stage) actTogether(ctx context.Context) {
	var wg sync.WaitGroup
	for _, m := range s.members {
		wg.Go(func() { m.play(ctx) })
	}
	wg.Wait()
}

// close seals, resolves and publishes.
func (s *stage) close(ctx context.Context) error {
	s.g.res.Moves += len(s.members)
	moves, err := s.seal()
	if err != nil {
		return err
	}
	if s.g.res.Void {
		return errEnded
	}
	clear(s.g.recent)
	if err := s.g.foreign(ctx); err != nil {
		return err
	}
	return s.resolve(moves)
}

// seal turns results into moves in canonical order and records them (G6).
func (s *stage) seal() ([]Move, error) {
	moves := make([]Move, len(s.canonical))
	for i, m := range s.canonical {
		if err := m.settle(); err != nil {
			return nil, err
		}
		moves[i] = m.move
	}
	if s.g.cfg.Observer == nil {
		return moves, nil
	}
	rec := &StageSealed{Turn: s.g.turn, Stage: s.g.stage, Results: make([]Sealed, len(s.canonical))}
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
