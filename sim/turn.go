package sim

import "context"

func (g *game) playTurn(ctx context.Context) error {
	g.turn++
	g.stage, g.measured = 0, false
	g.res.Turns = g.turn
	g.phase, g.phaseName, g.lap, g.passes = nil, "", 0, 0
	if err := g.openTurn(); err != nil {
		return err
	}
	for i := range g.phases {
		if err := g.playPhase(ctx, &g.phases[i]); err != nil {
			return err
		}
	}
	return g.measure(ctx)
}

// openTurn lets seats join and leave, then plays the events of the turn's opening.
func (g *game) openTurn() error {
	joined, left, err := g.joinAndLeave()
	if err != nil {
		return err
	}
	if g.cfg.Observer != nil {
		rec := &TurnOpened{Turn: g.turn, Live: g.liveNames(), Joined: joined, Left: left}
		if err := g.tell(rec); err != nil {
			return err
		}
	}
	if err := g.intervene(""); err != nil {
		return err
	}
	return g.nobodyLeft()
}

// joinAndLeave asks every seat's condition about the state as the turn opens, and only
// then changes who is live: no seat's answer depends on another's place in the list.
func (g *game) joinAndLeave() (joined, left []string, err error) {
	for _, st := range g.seats {
		switch st.status {
		case Inactive:
			yes, err := g.test(st.seat.Joins, st.seat, true)
			if err != nil {
				return nil, nil, err
			}
			if yes {
				joined = append(joined, st.seat.Name)
			}
		case Active:
			yes, err := g.test(st.seat.Leaves, st.seat, false)
			if err != nil {
				return nil, nil, err
			}
			if yes {
				left = append(left, st.seat.Name)
			}
		}
	}
	g.become(joined, Active)
	g.become(left, Done)
	return joined, left, nil
}

func (g *game) become(names []string, status SeatStatus) {
	for _, name := range names {
		g.byName[name].status, g.live = status, nil
	}
}

// test evaluates a condition, for a seat where it is one seat's; a missing one is
// otherwise.
func (g *game) test(f func(*Scope) (bool, error), s *Seat, otherwise bool) (bool, error) {
	if f == nil {
		return otherwise, nil
	}
	return f(g.scopeFor(s))
}

// nobodyLeft ends the run when no seat is active and none can still join (E5).
func (g *game) nobodyLeft() error {
	for _, st := range g.seats {
		if st.status == Active || st.status == Inactive {
			return nil
		}
	}
	return g.terminate("no agent is left")
}

// liveNames returns the live seats in seat order. The slice is never changed after
// it was made: a change of membership makes a new one.
func (g *game) liveNames() []string {
	if g.live == nil {
		g.live = make([]string, 0, len(g.seats))
		for _, st := range g.seats {
			if st.status == Active {
				g.live = append(g.live, st.seat.Name)
			}
		}
	}
	return g.live
}

func (g *game) scope() *Scope {
	return &Scope{
		Turn: g.turn, Phase: g.phaseName, Lap: g.lap, Seats: g.cfg.Seats,
		Live: g.liveNames(), State: g.state, Passes: g.passes,
	}
}

func (g *game) scopeFor(s *Seat) *Scope {
	sc := g.scope()
	sc.Agent = s
	return sc
}

// ctx is what the world sees now, with the given files.
func (g *game) ctx(files fileView) Ctx {
	return Ctx{
		Params: g.cfg.Params, Turn: g.turn, Phase: g.phaseName, Lap: g.lap, Stage: g.stage,
		Agents: g.cfg.Seats, Live: g.liveNames(), files: files,
	}
}
