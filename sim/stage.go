package sim

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/sandtable/sandtable/sim/tree"
)

// stage is one open stage: the five steps of T3. What its members are shown is frozen
// here as it opens, R(i-1): a helper of an actor that comes late still reads that.
type stage struct {
	g         *game
	phase     *Phase
	state     State
	head      *tree.Tree
	members   []*member // in seat order
	canonical []*member
	ctx       Ctx // what Observe, Actions and Check see
}

func (s *stage) read(path string) (string, bool, error) { return s.files().read(path) }
func (s *stage) list(glob string) ([]string, error)     { return s.files().list(glob) }
func (s *stage) now() (*tree.Tree, tree.Blobs)          { return s.head, s.g.blobs }
func (s *stage) files() treeFiles                       { return treeFiles{s.head, s.g.blobs} }

// playStage plays one stage for the listed members, of whom the dead are skipped (T6).
func (g *game) playStage(ctx context.Context, names []string) error {
	g.stage++
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
		return g.empty()
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

// empty seals a stage in which nobody is live: there is nothing to resolve.
func (g *game) empty() error {
	g.res.Stages++
	if err := g.tell(&StageSealed{Turn: g.turn, Stage: g.stage, Empty: true}); err != nil {
		return err
	}
	return g.ends()
}

// newStage returns an open stage. In a serial run nobody can still hold the last one.
func (g *game) newStage() *stage {
	s := &g.reuse.stage
	if !g.cfg.Serial {
		s = &stage{}
	}
	*s = stage{
		g: g, phase: g.phase, state: g.state, head: g.head, ctx: g.ctx(s),
		members: s.members[:0], canonical: s.canonical[:0],
	}
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
	*m = member{stage: s, st: st, see: see, inbox: st.inbox, notices: st.notices, memory: st.memory}
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
	if err := over(ctx); err != nil {
		return err // the open stage is discarded (C4)
	}
	for _, m := range s.members {
		if err := m.broken(); err != nil {
			return err
		}
	}
	return nil
}

// actTogether runs each member on a goroutine of its own. Where one finds the harness or
// the world broken, the others are stopped: whatever they do will not count.
func (s *stage) actTogether(ctx context.Context) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	for _, m := range s.members {
		wg.Go(func() {
			m.play(ctx)
			if err := m.broken(); err != nil {
				stop(err)
			}
		})
	}
	wg.Wait()
}
