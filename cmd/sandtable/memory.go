package main

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"sync"

	"github.com/sandtable/sandtable/coordinator"
	"github.com/sandtable/sandtable/jobs"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/jsonl"
	"github.com/sandtable/sandtable/scenarios"
)

// info is batch.json: what is going to be played, and of what.
func (b *batch) info() results.BatchInfo {
	info := results.BatchInfo{
		Name: b.plan.Scenario.Name, Versions: b.versions, Seed: b.plan.Seed, Replicates: b.plan.Replicates,
		Digests: map[string]string{"scenario": b.plan.Scenario.Digest}, Memory: b.flags.memory,
		Excluded: b.plan.Scenario.Batch.Excluded,
	}
	for _, c := range b.plan.Cells {
		params, err := json.Marshal(c.Params)
		if err != nil {
			params = json.RawMessage("null") // values from YAML and Starlark are always JSON
		}
		info.Cells = append(info.Cells, results.CellInfo{ID: c.ID, Params: params})
	}
	return info
}

// inMemory plays the first --keep runs of each cell with run directories and all others
// as a line of episodes.jsonl, on every processor.
func (b *batch) inMemory(ctx context.Context, out *results.Batch, show *progress) error {
	var kept, rest []*scenarios.Run
	for _, r := range b.plan.Runs {
		if r.Replicate <= b.flags.keep {
			kept = append(kept, r)
		} else {
			rest = append(rest, r)
		}
	}
	if len(kept) > 0 {
		plan := *b.plan
		plan.Runs = kept
		err := jobs.Play(ctx, jobs.Options{
			Plan: &plan, Batch: out, Parallel: b.parallel(), Versions: b.versions, Place: b.place(show), Done: show.done,
		})
		if err != nil {
			return err
		}
	}
	return b.episodes(ctx, out, rest, show)
}

// episodes plays runs on every processor. Lines are in the order in which runs end;
// each names its replicate.
func (b *batch) episodes(ctx context.Context, out *results.Batch, runs []*scenarios.Run, show *progress) error {
	logs := map[string]*jsonl.Writer{}
	defer func() {
		for _, l := range logs {
			l.Close()
		}
	}()
	for _, c := range b.plan.Cells {
		l, err := out.Episodes(c.ID)
		if err != nil {
			return err
		}
		logs[c.ID] = l
	}
	memory := coordinator.NewMemory(b.plan)
	todo := make(chan *scenarios.Run)
	errs := make([]error, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for run := range todo {
				ep, err := memory.Play(ctx, run)
				show.done(run, err)
				if ep.Status != "" { // a failure, if there was one, is the run's: the summary names it
					err = logs[run.Cell.ID].Append(ep)
				}
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	for _, run := range runs {
		if ctx.Err() != nil {
			break
		}
		todo <- run
	}
	close(todo)
	wg.Wait()
	return errors.Join(errs...)
}
