package sim_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/sim"
)

// C4, E1: a limit in the middle of a stage discards it; the scores and metrics are those
// of the last revision, and a metric that the limit interrupts is taken again.
func TestTruncationInTheMiddle(t *testing.T) {
	s := seats("a", "b")
	ctx, cancel := context.WithCancelCause(t.Context())
	rec := &recorder{}
	res, err := sim.Play(ctx, &sim.Config{Seats: s, MaxTurns: 5, Observer: rec,
		World: worldOf{resolve: func(st sim.State, _ []sim.Move, c *sim.ResolveCtx) (sim.State, error) {
			return map[string]any{"turn": int64(c.Turn)}, nil
		}},
		Phases: []sim.Phase{{Name: "p"}},
		Metrics: []sim.Measure{{Name: "turn", Eval: func(_ context.Context, sc *sim.MeasureScope) (any, error) {
			return sc.State.(map[string]any)["turn"], nil
		}}},
		Actors: actorsOf(s, func(ctx context.Context, ask *sim.Ask) sim.Answer {
			if ask.Turn == 3 {
				cancel(&sim.Truncation{Reason: "wall"})
				<-ctx.Done()
			}
			return sim.Answer{Say: "hi"}
		})})
	if err != nil {
		t.Fatal(err)
	}
	if !res.Truncated || res.Terminated || res.Reason != "wall" || res.Turns != 3 || res.Stages != 2 || res.Moves != 4 {
		t.Errorf("%+v", res)
	}
	if diff := cmp.Diff(map[string][]any{"turn": {int64(1), int64(2), int64(2)}}, res.Series); diff != "" {
		t.Error(diff)
	}
	if n := len(of[*sim.StageSealed](rec)); n != 2 {
		t.Errorf("%d stages are sealed, want 2", n)
	}
}

func TestInterruptedMetricIsTakenAgain(t *testing.T) {
	s := seats("a")
	ctx, cancel := context.WithCancelCause(t.Context())
	res, err := sim.Play(ctx, &sim.Config{Seats: s, MaxTurns: 5, Actors: actorsOf(s, passing), Phases: []sim.Phase{{Name: "p"}},
		Metrics: []sim.Measure{{Name: "m", Eval: func(mctx context.Context, _ *sim.MeasureScope) (any, error) {
			if ctx.Err() == nil {
				cancel(&sim.Truncation{Reason: "wall"})
			}
			return int64(7), mctx.Err()
		}}}})
	if err != nil || !slices.Equal(res.Series["m"], []any{int64(7)}) {
		t.Errorf("series %v, error %v", res, err)
	}
}

// A limit ends also a run in which nobody acts: C4 does not wait for a stage.
func TestLimitsWithoutStages(t *testing.T) {
	never := func(*sim.Scope) (bool, error) { return false, nil }
	nobody := func(*sim.Scope) ([]string, error) { return nil, nil }
	far := func(*sim.Scope) (int, error) { return 1 << 40, nil }
	for name, phase := range map[string]sim.Phase{
		"skipped": {Name: "p", When: never},
		"nobody":  {Name: "p", Who: nobody},
		"laps":    {Name: "p", Who: nobody, Repeat: far},
		"empty": {Name: "p", Who: nobody, Repeat: far, Order: sim.OrderExplicit,
			Stages: func(*sim.Scope) ([][]string, error) { return [][]string{{}}, nil }},
	} {
		s := seats("a")
		ctx, cancel := context.WithCancelCause(t.Context())
		asked := 0
		cfg := &sim.Config{Seats: s, MaxTurns: 1 << 20, Actors: actorsOf(s, passing), Phases: []sim.Phase{{Name: "first", When: never}, phase},
			Stop: func(*sim.Scope) (string, bool, error) { asked++; return "asked too often", asked > 1<<20, nil }}
		cfg.Phases[0].When = func(*sim.Scope) (bool, error) {
			cancel(&sim.Truncation{Reason: "wall"})
			return false, nil
		}
		done := make(chan *sim.Result, 1)
		go func() {
			res, err := sim.Play(ctx, cfg)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			done <- res
		}()
		select {
		case res := <-done:
			if res == nil || !res.Truncated || res.Reason != "wall" || res.Turns != 1 {
				t.Errorf("%s: %+v", name, res)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: it does not end", name)
		}
	}
}

// A limit that is hit at the same moment hides no failure: what the rules or the observer
// report is still an error of the run.
func TestLimitHidesNoFailure(t *testing.T) {
	broken := errors.New("the lake has a hole")
	for name, breakIt := range map[string]func(*sim.Config, func()){
		"world": func(c *sim.Config, limit func()) {
			c.World = worldOf{resolve: func(sim.State, []sim.Move, *sim.ResolveCtx) (sim.State, error) { limit(); return nil, broken }}
		},
		"observer": func(c *sim.Config, limit func()) {
			c.Observer = observerFunc(func(r sim.Record) error {
				if _, sealed := r.(*sim.StageSealed); sealed {
					limit()
					return broken
				}
				return nil
			})
		},
	} {
		s := seats("a")
		ctx, cancel := context.WithCancelCause(t.Context())
		cfg := &sim.Config{Seats: s, MaxTurns: 2, Phases: []sim.Phase{{Name: "p"}}, Actors: actorsOf(s, passing)}
		breakIt(cfg, func() { cancel(&sim.Truncation{Reason: "wall"}) })
		if res, err := sim.Play(ctx, cfg); !errors.Is(err, broken) {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
}

type observerFunc func(sim.Record) error

func (f observerFunc) Observe(r sim.Record) error { return f(r) }
