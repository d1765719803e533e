package coordinator

import (
	"context"
	"errors"

	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/sim"
)

// restart brings a process up again that has ended: its start is no part of the act, or
// a busy machine would decide who is in time.
func (s *seat) restart(ctx context.Context) (*sim.Failure, error) {
	start, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	err := s.driver.start(start)
	if err == nil {
		return nil, nil
	}
	return s.startFailure(ctx, err)
}

// begin starts the process and freezes it. A start that fails is the agent's failure,
// told at its first turn; one that the supervisor fails is the harness's.
func (s *seat) begin(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	start, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := s.driver.start(start); err != nil {
		return s.cannotStart(ctx, err)
	}
	f, err := s.still(ctx)
	if f != nil {
		return s.cannotStart(ctx, f)
	}
	return err
}

// startFailure tells an agent's own failure to start from the harness's.
func (s *seat) startFailure(ctx context.Context, err error) (*sim.Failure, error) {
	if ctx.Err() != nil || errors.Is(err, process.ErrSupervisor) {
		return nil, err
	}
	var f *sim.Failure
	if !errors.As(err, &f) {
		f = &sim.Failure{Category: sim.Crash, Text: "it could not be started: " + err.Error()}
	}
	return f, nil
}

func (s *seat) cannotStart(ctx context.Context, err error) error {
	f, err := s.startFailure(ctx, err)
	if err != nil {
		return err
	}
	s.broken = f
	s.run.trace.event("agent.broken", at{agent: s.name}, f.Text, nil)
	s.run.log.Warn("an agent could not be started", "agent", s.name, "error", f.Text)
	return nil
}
