package coordinator

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/sandtable/sandtable/coordinator/agent/claude"
	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/sim"
	star "github.com/sandtable/sandtable/sim/starlark"
)

// The runtimes of a player.
const (
	runtimeClaude  = "claude"
	runtimeProgram = "program"
	runtimeScript  = "script"
)

// openSeats gives every seat its actor.
func (r *run) openSeats() error {
	r.plan.Actors = map[string]sim.Actor{}
	r.onClose(func(ctx context.Context) error { return r.goodbye(ctx, goodbye{reason: "the run was stopped"}) })
	for i, s := range r.plan.Seats {
		a, err := r.actor(s, r.players[i])
		if err != nil {
			return fmt.Errorf("agent %s: %w", s.Name, err)
		}
		r.plan.Actors[s.Name] = a
	}
	return nil
}

func (r *run) actor(s *sim.Seat, p bind.Player) (sim.Actor, error) {
	switch p.Runtime {
	case runtimeScript:
		return r.scripted(s, p)
	case runtimeClaude, runtimeProgram:
		return r.seat(s, p)
	}
	return nil, fmt.Errorf("unknown runtime %q", p.Runtime)
}

// scripted plays in process; its results are made durable like anybody's.
func (r *run) scripted(s *sim.Seat, p bind.Player) (sim.Actor, error) {
	script, err := star.LoadScript(folder{r.scenario.Files}, p.Script, star.WithPrint(func(line string) {
		r.trace.event("print", at{agent: s.Name}, line, nil)
	}))
	if err != nil {
		return nil, err
	}
	inner := star.NewActor(script, s, r.ws.Blobs())
	return sim.ActorFunc(func(ctx context.Context, ask *sim.Ask) sim.Answer {
		ans := inner.Act(ctx, ask)
		if err := r.arrived(ask, &ans); err != nil {
			r.harnessFailed(err)
		}
		return ans
	}), nil
}

func (r *run) seat(s *sim.Seat, p bind.Player) (sim.Actor, error) {
	view, err := r.ws.View(s.Name)
	if err != nil {
		return nil, err
	}
	st := &seat{name: s.Name, run: r, view: view, spec: p}
	if p.Runtime == runtimeClaude {
		st.driver, err = r.newClaude(st)
	} else {
		st.driver, err = r.newProgram(st)
	}
	if err != nil {
		return nil, err
	}
	r.seats[s.Name] = st
	return st, nil
}

// startAgents brings every process up before turn 1, a few at a time: more at once only
// compete for the processors, and a start that is slow for that may run into its limit.
func (r *run) startAgents() error {
	atOnce := make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	errs := make([]error, len(r.plan.Seats))
	var wg sync.WaitGroup
	for i, s := range r.plan.Seats {
		st := r.seats[s.Name]
		if st == nil {
			continue
		}
		if err := st.view.Refresh(nil); err != nil {
			return err
		}
		atOnce <- struct{}{}
		wg.Go(func() {
			defer func() { <-atOnce }()
			errs[i] = st.begin(r.ctx)
		})
	}
	wg.Wait()
	r.trace.event("ready", at{}, "", map[string]any{"agents": len(r.seats)})
	return errors.Join(errs...)
}

// transcript is where a claude agent's conversation is; "" for others.
func (s *seat) transcript() string {
	d, ok := s.driver.(*claudeDriver)
	if !ok {
		return ""
	}
	p, err := s.run.places(s.name)
	if err != nil {
		return ""
	}
	return claude.Transcript(p.config, d.agent.SessionID())
}

// watchIdle ends an act when no agent of the run has given a sign of life for the
// scenario's limits.idle: no output, no tool call, no byte of a model's response.
func (r *run) watchIdle(agent string, cancel context.CancelCauseFunc) (stop func()) {
	limit := r.opts.Run.Cell.Limits.Idle
	if limit <= 0 {
		return func() {}
	}
	r.trace.alive()
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(max(limit/8, time.Millisecond))
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if r.silence() > limit {
					cancel(fmt.Errorf("no sign of life for %v: %w", limit, context.DeadlineExceeded))
					return
				}
			}
		}
	})
	return sync.OnceFunc(func() { close(done); wg.Wait() })
}

// silence is how long nothing has been heard of any agent.
func (r *run) silence() time.Duration {
	quiet := time.Since(r.start) - time.Duration(r.trace.last.Load())
	if r.gateway == nil {
		return quiet
	}
	for name := range r.seats {
		if s := time.Since(r.gateway.Activity(name)); s < quiet {
			quiet = s
		}
	}
	return quiet
}
