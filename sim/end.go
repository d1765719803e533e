package sim

import "context"

// terminate ends the run by its rules (E1).
func (g *game) terminate(reason string) error {
	g.res.Terminated, g.res.Reason = true, reason
	return errEnded
}

// truncate ends the run by a limit (E1).
func (g *game) truncate(reason string) error {
	g.res.Terminated, g.res.Truncated, g.res.Reason = false, true, reason
	return errEnded
}

// finish takes the last metrics, the scores and the outcomes.
func (g *game) finish(ctx context.Context) (*Result, error) {
	if err := g.measure(ctx); err != nil {
		return nil, err
	}
	var err error
	if g.res.Scores, err = g.scores(); err != nil {
		return nil, err
	}
	if g.res.Outcomes, err = g.evaluate(ctx, g.cfg.Outcomes, true); err != nil {
		return nil, err
	}
	for _, st := range g.seats {
		switch {
		case st.status != Active:
		case st.spent:
			st.status = SeatBudget
		default:
			st.status = Done
		}
		g.res.Status[st.seat.Name] = st.status
	}
	g.res.Tree, g.res.State, g.res.Revisions = g.head, g.state, g.revision
	res := g.res
	return &res, g.tell(&RunEnded{Result: &res})
}
