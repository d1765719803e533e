package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/scenarios"
)

// Placer plays one run in the directory made for it and returns what the run spent. An
// error says that the run could not be played to its end; run.json says the same.
type Placer func(ctx context.Context, run *scenarios.Run, dir *results.Run, info results.RunInfo) (Spent, error)

// Spent is what a run cost.
type Spent struct{ Tokens, NanoUSD int64 }

// Options of [Play]. Plan, Batch and Place are required.
type Options struct {
	Plan     *scenarios.Plan
	Batch    *results.Batch
	Place    Placer
	Parallel int // runs at a time; at least 1
	// Done hears of every run as it ends; it may be called from several goroutines.
	Done func(run *scenarios.Run, err error)
	// Versions go into every run.json.
	Versions map[string]string
}

// batch is the state of one Play.
type batch struct {
	o      Options
	limits *scenarios.Batch
	start  time.Time

	mu     sync.Mutex
	ended  *sync.Cond // a run has ended
	spent  Spent      // by runs that have ended
	flight Spent      // what those that are being played may still spend, by their own limits
	errs   []error    // of the batch's own work, not of the runs
}

// Play plays the runs. Failures of runs are in their directories and are told to Done;
// the error is for a batch that could not be kept, or the cause of ctx.
func Play(ctx context.Context, o Options) error {
	b := &batch{o: o, limits: o.Plan.Scenario.Batch, start: time.Now()}
	b.ended = sync.NewCond(&b.mu)
	slots := make(chan struct{}, max(1, o.Parallel))
	var wg sync.WaitGroup
	for _, run := range o.Plan.Runs {
		slots <- struct{}{}
		run, ok := b.admit(ctx, run)
		if !ok {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			b.play(ctx, run)
		})
	}
	wg.Wait()
	return errors.Join(append(b.errs, context.Cause(ctx))...)
}

func (b *batch) play(ctx context.Context, run *scenarios.Run) {
	info := results.RunInfo{
		Cell: run.Cell.ID, Replicate: run.Replicate, Seed: run.Seed, Versions: b.o.Versions, Started: time.Now().UTC(),
	}
	dir, err := b.o.Batch.CreateRun(info)
	if err != nil {
		b.note(fmt.Errorf("run %s/%s: %w", run.Cell.ID, run.ID, err))
		b.settle(run, Spent{}) // after the note: nobody is admitted any more
		return
	}
	info.Status = results.Interrupted
	spent, err := b.o.Place(ctx, run, dir, info)
	b.settle(run, spent)
	if b.o.Done != nil {
		b.o.Done(run, err)
	}
	if err != nil && ctx.Err() != nil {
		return // whoever resumes it needs everything, whatever `keep` says
	}
	b.note(b.thin(dir, err))
}

func (b *batch) note(err error) {
	if err == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.errs = append(b.errs, err)
}

// thin removes the bulk of a run as `batch.keep` says.
func (b *batch) thin(dir *results.Run, failed error) error {
	switch keep := b.o.Plan.Scenario.Batch.Keep; {
	case keep == "all" || keep == "", keep == "failed" && failed != nil:
		return nil
	}
	var errs []error
	for _, path := range []string{dir.Journal(), dir.Model(), dir.Workspace(), dir.Dir + "/agents", dir.Intake()} {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}
