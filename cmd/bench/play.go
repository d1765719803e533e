package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sandtable/sandtable/coordinator"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/scenarios"
)

// playing says how a scenario is played.
type playing struct {
	sync     bool             // wait for the disk
	claude   string           // the CLI, if a seat needs it
	from, to int              // turns between which processor time is taken
	window   func(begin bool) // called at from and to; nil: the profiler, if it is asked for
}

// played is a run that was played.
type played struct {
	*clock
	start time.Time
	dir   *results.Run
}

// play plays the one run of a scenario with the coordinator.
func (b *bench) play(text string, how playing) (*played, error) {
	run, err := b.expand(text)
	if err != nil {
		return nil, err
	}
	base, err := b.folder()
	if err != nil {
		return nil, err
	}
	batch, err := results.CreateBatch(base, run.Plan.Scenario.Name, time.Now().UTC())
	if err != nil {
		return nil, err
	}
	info := results.RunInfo{Status: results.Interrupted, Cell: run.Cell.ID, Replicate: run.Replicate, Seed: run.Seed, Started: time.Now().UTC()}
	dir, err := batch.CreateRun(info)
	if err != nil {
		return nil, err
	}
	if how.window == nil {
		how.window = b.profiler()
	}
	p := &played{clock: &clock{from: how.from, to: how.to, window: how.window}, dir: dir, start: time.Now()}
	_, err = coordinator.Run(b.ctx, coordinator.Options{
		Run: run, Dir: dir, Info: info, Sandbox: base, Claude: how.claude, Watch: p.watch, NoSync: !how.sync,
	})
	if err == nil {
		err = completed(dir)
	}
	return p, err
}

// completed refuses a run in which an agent failed: its figures would be those of an error.
func completed(dir *results.Run) error {
	info, err := dir.Info()
	if err != nil {
		return err
	}
	if info.Status != results.Completed {
		return fmt.Errorf("the run ended as %s: %s", info.Status, info.Error)
	}
	res, err := results.ReadRun(dir.Dir)
	if err != nil {
		return err
	}
	for category, n := range res.Failures {
		last := res.LastError[category]
		return fmt.Errorf("%d acts failed as %s, the last one of %s: %s", n, category, last.Agent, last.Text)
	}
	return nil
}

// file is one of a scenario's.
type file struct{ name, text string }

// expand writes a scenario into a folder of its own and returns its one run.
func (b *bench) expand(text string, more ...file) (*scenarios.Run, error) {
	dir, err := b.folder()
	if err != nil {
		return nil, err
	}
	for _, f := range append(more, file{"scenario.yaml", text}) {
		if err := os.WriteFile(filepath.Join(dir, f.name), []byte(f.text), 0o644); err != nil {
			return nil, err
		}
	}
	s, err := scenarios.Load(dir, scenarios.LoadOptions{})
	if err != nil {
		return nil, err
	}
	plan, err := s.Expand(scenarios.ExpandOptions{})
	if err != nil {
		return nil, err
	}
	return plan.Runs[0], nil
}

// acts reads from the intake how long the agents had each turn: from the hand-over of the
// turn to the move, of the slowest, in seconds by turn.
func (p *played) acts() (map[int]float64, error) {
	f, err := os.Open(p.dir.Intake())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[int]float64{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var row struct {
			Turn int   `json:"turn"`
			Used int64 `json:"used_ns"`
		}
		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			return nil, err
		}
		out[row.Turn] = max(out[row.Turn], float64(row.Used)/1e9)
	}
	return out, nil
}

// apart is what of each turn's wall was not its slowest act, in seconds.
func (p *played) apart(from int) (sample, error) {
	acts, err := p.acts()
	var s sample
	for i := 1; i < len(p.turns); i++ {
		if t := p.turns[i-1]; t.turn >= from {
			s = append(s, p.turns[i].begun.Sub(t.begun).Seconds()-acts[t.turn])
		}
	}
	return s, err
}
