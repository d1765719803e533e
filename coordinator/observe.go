package coordinator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sandtable/sandtable/coordinator/workspace"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/sim"
)

// The events of the trace that readers look for.
const (
	eventPrompt = results.EventPrompt
	eventSealed = results.EventSealed
)

// Observe records what the engine decided. A failure ends the run from here too: were a
// limit to end it at the same moment, the engine would tell of the limit alone.
func (r *run) Observe(ev sim.Record) error {
	err := r.observe(ev)
	if err != nil {
		r.harnessFailed(err)
	}
	return err
}

// observe does what follows from a record: history first, since what cannot be recorded
// has not happened.
func (r *run) observe(ev sim.Record) error {
	rec, err := records(ev)
	if err != nil {
		return err
	}
	if err := r.history.Write(rec); err != nil {
		return err
	}
	switch ev := ev.(type) {
	case *sim.TurnOpened:
		r.turn.Store(int64(ev.Turn))
		r.show()
	case *sim.StageSealed:
		return r.sealed(ev)
	case *sim.Revised:
		return r.revised(ev)
	}
	return nil
}

func (r *run) sealed(ev *sim.StageSealed) error {
	var errs []error
	times := map[string][]float64{}
	for _, res := range ev.Results {
		for _, a := range res.Attempts {
			times[res.Agent] = append(times[res.Agent], a.Used)
		}
		if s := r.seats[res.Agent]; s != nil {
			errs = append(errs, named(res.Agent, s.wasSealed(r.ctx, &res)))
		}
	}
	r.trace.event(eventSealed, at{turn: ev.Turn, stage: ev.Stage}, "", map[string]any{"seconds": times})
	return errors.Join(errs...)
}

// revised publishes a revision to the head on disk, tells agents what became of their
// files, and lets those go that have left.
func (r *run) revised(ev *sim.Revised) error {
	if len(ev.WriteSets) > 0 {
		err := r.ws.Publish(r.ctx, workspace.Publication{
			Revision: ev.Revision, Turn: ev.Turn, Stage: ev.Stage, Author: ev.Author, Tree: ev.Tree, WriteSets: ev.WriteSets,
		})
		if err != nil {
			return fmt.Errorf("publishing revision %d: %w", ev.Revision, err)
		}
	}
	for _, ws := range ev.WriteSets {
		if s := r.seats[ws.Author]; s != nil {
			s.decided(ev.Turn, ws.Decisions)
		}
	}
	for _, e := range ev.Eliminated {
		if s := r.seats[e.Agent]; s != nil {
			r.leave.Go(func() { r.dismiss(s, goodbye{reason: e.Reason}) })
		}
	}
	return nil
}

// dismiss ends one seat's process; what is left of it is a failure of the harness.
func (r *run) dismiss(s *seat, bye goodbye) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), goodbyeLimit)
	defer cancel()
	if err := s.leave(ctx, bye); err != nil {
		r.harnessFailed(fmt.Errorf("ending agent %s: %w", s.name, err))
	}
}

func (r *run) seatNumber(name string) int {
	for i, s := range r.plan.Seats {
		if s.Name == name {
			return i
		}
	}
	return -1
}

// openUp gives the owner back the permissions on folders that an agent took away.
func openUp(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
}
