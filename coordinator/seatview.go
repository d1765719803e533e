package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/coordinator/workspace"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// openView brings the view to the revision that is asked about: the process is frozen,
// or not there. Files of an attempt that was against the rules stay for the next one;
// those of a crash are put back (design section 4).
func (s *seat) openView(ctx context.Context, ask *sim.Ask) error {
	if ask.Attempt > 1 {
		if ask.Retry != nil && ask.Retry.Category == sim.Crash {
			_, err := s.view.Discard(ctx)
			return err
		}
		return nil
	}
	if err := s.view.Refresh(ask.View()); err != nil {
		return err
	}
	for _, t := range s.lost {
		if _, err := s.view.Conflict(t.turn, ask.Read, t.decisions); err != nil {
			return err
		}
	}
	s.lost, s.sealed = nil, nil
	return nil
}

// keepLeft journals what the view holds and no stage has sealed: the files of an act
// that the end of the run cut off, and what was written after the last one (promise 1).
func (s *seat) keepLeft(ctx context.Context) error {
	if s.torn { // by the agent's own doing, or the run is failing for it
		s.run.trace.event("view.spoilt", at{agent: s.name}, "", nil)
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	left, refused, err := s.view.Scan(ctx)
	s.refused(at{agent: s.name}, refused)
	if err == nil && slices.ContainsFunc(left, func(c tree.Change) bool { return !slices.Contains(s.sealed, c) }) {
		_, err = s.view.Discard(ctx)
		s.run.trace.event("view.left", at{agent: s.name}, "", map[string]any{"paths": left.Paths()})
	}
	if f := spoilt(err); f != nil {
		s.run.trace.event("view.spoilt", at{agent: s.name}, f.Text, nil)
		return nil
	}
	return err
}

// spoilt tells what an agent has done to its own view (files that cannot be changed any
// more, a mount in it) from what ails the disk; nil: it is not the agent's doing.
func spoilt(err error) *sim.Failure {
	var at *workspace.StorageError
	if !errors.As(err, &at) {
		return nil
	}
	for _, errno := range []error{syscall.EPERM, syscall.EACCES, syscall.EBUSY} {
		if errors.Is(err, errno) {
			return &sim.Failure{Category: sim.Crash, Text: fmt.Sprintf("its folder cannot be brought up to date: %s %s: %v", at.Op, at.Path, at.Err)}
		}
	}
	return nil
}

// closeView holds the process still and takes what it changed. What cannot be taken (a
// device, a link that leads out, a file that is too large) makes the attempt illegal.
func (s *seat) closeView(ctx context.Context, ask *sim.Ask, ans *sim.Answer) error {
	f, err := s.still(ctx)
	if err != nil {
		return err
	}
	if ans.Failure == nil {
		ans.Failure = f
	}
	ws, refused, err := s.view.Scan(ctx)
	if err != nil {
		return err
	}
	ans.Writes = ws
	s.refused(at{s.name, ask.Turn, ask.Stage, ask.Attempt}, refused)
	if len(refused) > 0 && ans.Failure == nil {
		ans.Failure = &sim.Failure{Category: sim.Illegal, Text: "these cannot be part of the workspace: " + refusals(refused)}
	}
	return nil
}

// refused traces what of the view is not taken: of an act that has failed already, or that
// the end of the run cut off, nothing else tells it.
func (s *seat) refused(where at, list []workspace.Refusal) {
	if len(list) > 0 {
		s.run.trace.event("view.refused", where, refusals(list), nil)
	}
}

// still holds the process tree still. One that does not come to rest is killed: it
// would write into a view that is being read, and it is its agent's doing.
func (s *seat) still(ctx context.Context) (*sim.Failure, error) {
	p := s.driver.process()
	if p == nil {
		return nil, nil
	}
	freeze := s.freeze
	if freeze == nil {
		freeze = func(ctx context.Context, p *process.Process) error { return p.Freeze(ctx) }
	}
	err := freeze(ctx, p)
	if err == nil || gone(p) {
		return nil, nil
	}
	if ctx.Err() != nil || !restless(err) {
		return nil, err
	}
	s.run.trace.event("agent.restless", at{agent: s.name}, err.Error(), nil)
	if kill := p.Kill(context.WithoutCancel(ctx)); kill != nil {
		return nil, errors.Join(err, kill)
	}
	return &sim.Failure{Category: sim.Crash, Text: "its processes could not be held still at the end of the act, and were killed"}, nil
}

// restless tells a tree that does not come to rest from means that do not work.
func restless(err error) bool {
	var left *process.SurvivorsError
	return errors.As(err, &left) || errors.Is(err, context.DeadlineExceeded)
}

func refusals(list []workspace.Refusal) string {
	const most = 5
	var parts []string
	for i, r := range list {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(list)-most))
			break
		}
		parts = append(parts, r.String())
	}
	return strings.Join(parts, "; ")
}
