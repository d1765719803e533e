package sim

import (
	"context"
	"errors"
)

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

// over is the cause for which the run has been stopped, or nil. It is asked also where
// nobody acts: a run may pass through any number of turns and laps without a member.
func over(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}

// truncation is the limit that an error comes from, or nil: one that only came at the same
// time is no reason to hide what has failed.
func truncation(ctx context.Context, err error) *Truncation {
	var cut *Truncation
	if ctx.Err() == nil || !errors.As(context.Cause(ctx), &cut) {
		return nil
	}
	for _, stopped := range []error{cut, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, stopped) {
			return cut
		}
	}
	return nil
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
