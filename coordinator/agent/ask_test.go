package agent_test

import (
	"context"
	"testing"

	"github.com/sandtable/sandtable/sim"
)

// rules is a world that refuses one number, so that legality beyond the schema shows.
type rules struct{ sim.Rules }

func (rules) Check(_ sim.State, _ *sim.Seat, action any, _ *sim.Ctx) (string, error) {
	if action.(map[string]any)["want"] == int64(13) {
		return "13 is not allowed here", nil
	}
	return "", nil
}

// want is the schema of a stage that wants a number.
func want(*sim.AgentScope) (any, error) {
	return map[string]any{"want": map[string]any{"type": "integer", "maximum": int64(99)}}, nil
}

// play asks seat "a" once, with seat "b" beside it, and returns what the engine made
// of the answer.
func play(t *testing.T, phase sim.Phase, act sim.ActorFunc) sim.Sealed {
	t.Helper()
	var got sim.Sealed
	phase.Name = "only"
	phase.Mail = func(*sim.Scope) ([]string, error) { return []string{"a", "b"}, nil }
	silent := sim.ActorFunc(func(context.Context, *sim.Ask) sim.Answer { return sim.Answer{Pass: true} })
	_, err := sim.Play(context.Background(), &sim.Config{
		Seats:    []*sim.Seat{{Name: "a", Entry: "a"}, {Name: "b", Entry: "b", Number: 1}},
		Actors:   map[string]sim.Actor{"a": act, "b": silent},
		World:    rules{},
		Phases:   []sim.Phase{phase},
		MaxTurns: 1,
		Serial:   true,
		Observer: observe(func(r sim.Record) {
			if s, ok := r.(*sim.StageSealed); ok {
				for _, m := range s.Results {
					if m.Agent == "a" {
						got = m
					}
				}
			}
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

type observe func(sim.Record)

func (o observe) Observe(r sim.Record) error { o(r); return nil }
