package sim_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// market is Cournot's: price 14 - total, unit cost 2; firms write their quantity to a
// file that is theirs to write and everybody's to read once it is published.
type market struct{ sim.Rules }

func (market) Resolve(s sim.State, moves []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
	var q [2]int64
	for i, firm := range []string{"A", "B"} {
		text, ok, err := ctx.Read(quantityFile(ctx.Turn, firm))
		if err != nil || !ok {
			return s, err
		}
		if q[i], err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, err
		}
	}
	margin := 12 - q[0] - q[1]
	return []any{q[0] * margin, q[1] * margin}, nil
}

func (market) Score(s sim.State, _ *sim.Ctx) (map[string]float64, error) {
	profits := s.([]any)
	return map[string]float64{"A": float64(profits[0].(int64)), "B": float64(profits[1].(int64))}, nil
}

func quantityFile(turn int, firm string) string {
	return fmt.Sprintf("market/turn-%02d/%s.q", turn, firm)
}

// Conformance check 1: a follower that reads the leader's file of this turn if it can
// see it scores 12/8 when both act at once and 18/9 after the leader (textbook values
// for a - c = 12, b = 1). 18/9 in the first case is a leak of uncommitted writes, 12/8
// in the second a stage that published late.
func TestPeekingFollower(t *testing.T) {
	bestReply := []string{"6", "5", "5", "4", "4", "3", "3", "2", "2", "1", "1", "0", "0"}
	for order, want := range map[sim.Order]map[string]float64{
		sim.Simultaneous: {"A": 12, "B": 8},
		sim.Sequential:   {"A": 18, "B": 9},
	} {
		s := seats("A", "B")
		blobs := tree.NewMemory()
		leaderWrote := make(chan struct{})
		actors := map[string]sim.Actor{
			"A": sim.ActorFunc(func(_ context.Context, ask *sim.Ask) sim.Answer {
				defer close(leaderWrote)
				return writer(blobs, ask, quantityFile(1, "A"), "6")
			}),
			"B": sim.ActorFunc(func(_ context.Context, ask *sim.Ask) sim.Answer {
				<-leaderWrote
				q := "4"
				if e, ok := ask.View().Get(quantityFile(1, "A")); ok {
					data, _ := blobs.Get(e.Hash)
					lead, _ := strconv.Atoi(string(data))
					q = bestReply[lead]
				}
				return writer(blobs, ask, quantityFile(1, "B"), q)
			}),
		}
		res, _ := mustPlay(t, &sim.Config{Seats: s, Actors: actors, World: market{}, MaxTurns: 1, Blobs: blobs,
			Phases: []sim.Phase{{Name: "p", Order: order, Canonical: sim.BySeat}}})
		if diff := cmp.Diff(want, res.Scores); diff != "" {
			t.Errorf("%s: %s", order, diff)
		}
	}
}
