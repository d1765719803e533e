package jobs_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sandtable/sandtable/jobs"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/scenarios"
)

const scenario = `sandtable: 1
name: t
seed: 1
replicates: 6
agents: [{name: a, script: s.star}]
turns: {max: 1}
`

// plan loads the scenario with further lines and expands it.
func plan(t *testing.T, more string) (*scenarios.Plan, *results.Batch) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"scenario.yaml": scenario + more, "s.star": "def act(): return None\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := scenarios.Load(dir, scenarios.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Expand(scenarios.ExpandOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := results.CreateBatch(t.TempDir(), "t", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return p, b
}

// placed counts the runs that a placer was given, and how many at a time.
type placed struct {
	mu        sync.Mutex
	now, most int
	runs      []string
}

func (p *placed) place(wait time.Duration, spent jobs.Spent, fail error) jobs.Placer {
	return func(ctx context.Context, run *scenarios.Run, _ *results.Run, _ results.RunInfo) (jobs.Spent, error) {
		p.mu.Lock()
		p.now++
		p.most = max(p.most, p.now)
		p.runs = append(p.runs, run.ID)
		p.mu.Unlock()
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		p.mu.Lock()
		p.now--
		p.mu.Unlock()
		return spent, fail
	}
}

// TestParallel: every run is played once, as many at a time as was said, and the failure
// of a run is none of the batch.
func TestParallel(t *testing.T) {
	p, b := plan(t, "")
	synctest.Test(t, func(t *testing.T) {
		var got placed
		var mu sync.Mutex
		failed := 0
		err := jobs.Play(t.Context(), jobs.Options{
			Plan: p, Batch: b, Parallel: 2, Place: got.place(time.Second, jobs.Spent{}, errors.New("no")),
			Done: func(_ *scenarios.Run, err error) {
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failed++
				}
			},
		})
		if err != nil || len(got.runs) != 6 || got.most != 2 || failed != 6 {
			t.Errorf("%v; runs %v, %d at a time, %d failed; want 6, 2, 6", err, got.runs, got.most, failed)
		}
	})
}

// TestBatchLimits: a batch stops admitting runs when its money, tokens or time are used
// up; what was admitted is finished, or, at the end of the time, ended.
func TestBatchLimits(t *testing.T) {
	for more, want := range map[string]int{
		"batch: {usd: 0.5}": 3, "batch: {tokens: 25}": 3, "batch: {wall: 90s}": 2, "batch: {usd: 9}": 6,
	} {
		p, b := plan(t, more+"\n")
		synctest.Test(t, func(t *testing.T) {
			var got placed
			err := jobs.Play(t.Context(), jobs.Options{
				Plan: p, Batch: b, Parallel: 1, Place: got.place(time.Minute, jobs.Spent{Tokens: 10, NanoUSD: 200_000_000}, nil),
			})
			if err != nil || len(got.runs) != want {
				t.Errorf("%s: %v; %d runs, want %d", more, err, len(got.runs), want)
			}
		})
	}
}

// TestLimitsInFlight: settled spend plus the limits of the runs in flight stays below the
// batch's (design, section 6). Runs spend 0.2 dollars and 10 tokens each. With limits of
// 0.4 in a batch of 1, three are begun at once, for 0.8 is below 1 and 1.2 is not; after
// they have spent 0.6, one (0.6 + 0.4 is not below 1); then one more. A run without a
// limit of its own is played alone.
func TestLimitsInFlight(t *testing.T) {
	for more, want := range map[string][2]int{ // runs, and at a time
		"batch: {usd: 1}\nlimits: {usd: 0.4}":                         {5, 3},
		"batch: {tokens: 50}\nlimits: {tokens: 20}":                   {5, 3},
		"batch: {usd: 0.5}":                                           {3, 1},
		"batch: {tokens: 25}":                                         {3, 1},
		"batch: {usd: 9}\nlimits: {usd: 0.4}":                         {6, 6},
		"batch: {usd: 9, tokens: 50}\nlimits: {usd: 0.4, tokens: 20}": {5, 3},
	} {
		p, b := plan(t, more+"\n")
		synctest.Test(t, func(t *testing.T) {
			var got placed
			err := jobs.Play(t.Context(), jobs.Options{
				Plan: p, Batch: b, Parallel: 6, Place: got.place(time.Minute, jobs.Spent{Tokens: 10, NanoUSD: 200_000_000}, nil),
			})
			if err != nil || len(got.runs) != want[0] || got.most != want[1] {
				t.Errorf("%q: %v; %d runs, %d at a time, want %v", more, err, len(got.runs), got.most, want)
			}
		})
	}
}

// TestWall: a run has no more time than the batch has left, and its own limit where that
// is shorter: at the batch's end it is truncated, which is not to be interrupted.
func TestWall(t *testing.T) {
	for more, want := range map[string]string{
		"batch: {wall: 150s}":                       "2m30s 1m30s 30s",
		"batch: {wall: 150s}\nlimits: {wall: 100s}": "1m40s 1m30s 30s",
		"limits: {wall: 100s}":                      "1m40s 1m40s 1m40s 1m40s 1m40s 1m40s",
	} {
		p, b := plan(t, more+"\n")
		synctest.Test(t, func(t *testing.T) {
			var limits []string
			place := func(ctx context.Context, run *scenarios.Run, _ *results.Run, _ results.RunInfo) (jobs.Spent, error) {
				limits = append(limits, run.Cell.Limits.Wall.String())
				time.Sleep(time.Minute)
				return jobs.Spent{}, ctx.Err()
			}
			err := jobs.Play(t.Context(), jobs.Options{Plan: p, Batch: b, Parallel: 1, Place: place})
			if got := strings.Join(limits, " "); err != nil || got != want {
				t.Errorf("%q: %v; runs had %s, want %s", more, err, got, want)
			}
		})
		if p.Cells[0].Limits.Wall == 150*time.Second {
			t.Error("the plan was changed")
		}
	}
}

// TestInterrupt: the cause of the end is told, and nothing more is admitted.
func TestInterrupt(t *testing.T) {
	p, b := plan(t, "")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("stop")
		time.AfterFunc(1500*time.Millisecond, func() { cancel(stop) })
		var got placed
		err := jobs.Play(ctx, jobs.Options{Plan: p, Batch: b, Parallel: 1, Place: got.place(time.Second, jobs.Spent{}, nil)})
		if !errors.Is(err, stop) || len(got.runs) != 2 {
			t.Errorf("%v after %v; want %v after two runs", err, got.runs, stop)
		}
	})
}

// TestKeep: the bulk of runs is removed as the scenario says; run.json always stays.
func TestKeep(t *testing.T) {
	for more, want := range map[string][2]bool{ // a run that went well, one that failed
		"batch: {keep: all}": {true, true}, "batch: {keep: failed}": {false, true}, "batch: {keep: none}": {false, false},
	} {
		for i, fail := range []error{nil, errors.New("no")} {
			p, b := plan(t, more+"\n")
			place := func(_ context.Context, _ *scenarios.Run, dir *results.Run, _ results.RunInfo) (jobs.Spent, error) {
				return jobs.Spent{}, errors.Join(os.MkdirAll(dir.Journal(), 0o755), fail)
			}
			if err := jobs.Play(t.Context(), jobs.Options{Plan: p, Batch: b, Parallel: 1, Place: place}); err != nil {
				t.Fatal(err)
			}
			run, err := results.OpenRun(b.RunDir("c01", 1))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(run.Journal()); (err == nil) != want[i] {
				t.Errorf("%s, failure %v: the journal is there: %t, want %t", more, fail, err == nil, want[i])
			}
		}
	}
}

// TestKeepInterrupted: what a run needs to be resumed stays, whatever `keep` says.
func TestKeepInterrupted(t *testing.T) {
	p, b := plan(t, "batch: {keep: none}\n")
	ctx, cancel := context.WithCancel(t.Context())
	place := func(ctx context.Context, _ *scenarios.Run, dir *results.Run, _ results.RunInfo) (jobs.Spent, error) {
		cancel()
		return jobs.Spent{}, errors.Join(os.WriteFile(dir.Intake(), nil, 0o644), ctx.Err())
	}
	if err := jobs.Play(ctx, jobs.Options{Plan: p, Batch: b, Parallel: 1, Place: place}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	run, err := results.OpenRun(b.RunDir("c01", 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(run.Intake()); err != nil {
		t.Error(err)
	}
}
