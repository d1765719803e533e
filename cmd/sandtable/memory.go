package main

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"github.com/sandtable/sandtable/coordinator"
	"github.com/sandtable/sandtable/jobs"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/jsonl"
	"github.com/sandtable/sandtable/scenarios"
)

// info is batch.json: what is going to be played, and of what.
func (b *batch) info(now time.Time) results.BatchInfo {
	info := results.BatchInfo{
		Name: b.plan.Scenario.Name, Created: now, Versions: b.versions, Seed: b.plan.Seed, Replicates: b.plan.Replicates,
		Digests: map[string]string{"scenario": b.plan.Scenario.Digest}, Memory: b.flags.memory,
		Excluded: b.plan.Scenario.Batch.Excluded,
	}
	if b.prices != nil {
		info.Digests["prices"] = b.prices.Digest()
	}
	if b.flags.upstream != "" {
		info.Digests["upstream"] = b.flags.upstream // the file is one of the scenario's
	}
	info.Spec, _ = json.Marshal(b.asked()) // texts only
	for _, c := range b.plan.Cells {
		params, err := json.Marshal(c.Params)
		if err != nil {
			params = json.RawMessage("null") // values from YAML and Starlark are always JSON
		}
		info.Cells = append(info.Cells, results.CellInfo{ID: c.ID, Params: params})
	}
	return info
}

// asked is what was said on the command line that the plan does not hold: whoever resumes
// the batch loads the scenario with it again.
type asked struct {
	Scenario string   `json:"scenario"` // its absolute path
	Sets     []string `json:"sets,omitempty"`
	Upstream string   `json:"upstream,omitempty"`
	Prices   string   `json:"prices,omitempty"` // absolute path
}

func (b *batch) asked() asked {
	return asked{Scenario: absolute(b.path), Sets: b.flags.sets, Upstream: b.flags.upstream, Prices: absolute(b.flags.prices)}
}

// absolute is a path that means the same in another working directory; one that cannot be
// made so stays as it is.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); path != "" && err == nil {
		return abs
	}
	return path
}

// inMemory plays the first --keep runs of each cell with run directories and all others
// as a line of episodes.jsonl, on every processor unless somebody says otherwise.
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

// episodes plays runs until the batch's wall time is used up. Lines are in the order in
// which runs end; each names its replicate.
func (b *batch) episodes(ctx context.Context, out *results.Batch, runs []*scenarios.Run, show *progress) error {
	if wall := b.plan.Scenario.Batch.Wall; wall > 0 {
		limited, stop := context.WithTimeout(ctx, wall)
		defer stop()
		ctx = limited
	}
	logs, err := b.episodeLogs(out)
	if err != nil {
		return errors.Join(err, logs.close())
	}
	memory := coordinator.NewMemory(b.plan)
	todo := make(chan *scenarios.Run)
	errs := make([]error, min(b.parallel(), max(1, len(runs))))
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for run := range todo {
				ep, err := memory.Play(ctx, run)
				show.done(run, err)
				errs[i] = errors.Join(errs[i], logs.add(ctx, run, ep, err))
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
	return errors.Join(append(errs, logs.close())...)
}

// episodeLogs are the logs of a batch's cells, by cell.
type episodeLogs map[string]*jsonl.Writer

func (b *batch) episodeLogs(out *results.Batch) (episodeLogs, error) {
	logs := episodeLogs{}
	for _, c := range b.plan.Cells {
		l, err := out.Episodes(c.ID)
		if err != nil {
			return logs, err
		}
		logs[c.ID] = l
	}
	return logs, nil
}

// add writes the line of a run. A failure, if there was one, is the run's: the summary
// names it. A run that was stopped has no line: the summary counts it as missing.
func (l episodeLogs) add(ctx context.Context, run *scenarios.Run, ep results.Episode, err error) error {
	switch {
	case ep.Status != "":
		return l[run.Cell.ID].Append(ep)
	case ctx.Err() != nil:
		return nil
	}
	return err
}

func (l episodeLogs) close() error {
	var errs []error
	for _, w := range l {
		errs = append(errs, w.Close())
	}
	return errors.Join(errs...)
}
