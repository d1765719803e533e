package coordinator

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

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
		if err := r.arrived(ctx, ask, &ans); err != nil {
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
		if errs[i] = named(s.Name, st.view.Refresh(nil)); errs[i] != nil {
			break // and wait for those that are being started: they belong to this run
		}
		atOnce <- struct{}{}
		wg.Go(func() {
			defer func() { <-atOnce }()
			errs[i] = named(s.Name, st.begin(r.ctx))
		})
	}
	wg.Wait()
	r.trace.event("ready", at{}, "", map[string]any{"agents": len(r.seats)})
	return errors.Join(errs...)
}

func named(agent string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("agent %s: %w", agent, err)
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
