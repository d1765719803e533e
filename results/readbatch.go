package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sandtable/sandtable/results/jsonl"
)

// BatchResult is a batch, recomputed from its runs.
type BatchResult struct {
	Dir      string
	Info     BatchInfo
	Cells    []CellResult
	Problems []string
}

// CellResult is one cell with the runs that were started.
type CellResult struct {
	ID       string
	Params   json.RawMessage
	Planned  int
	Runs     []RunResult // by replicate
	Problems []string
}

// ReadBatch reads a batch directory: every run of every cell, episodes of in-memory
// batches included. What is wrong inside is told in Problems and does not hide the
// rest; the error is for a directory that is no batch's.
func ReadBatch(dir string) (*BatchResult, error) {
	batch := &Batch{Dir: dir}
	res := &BatchResult{Dir: dir}
	cells, err := cellDirs(dir)
	if err != nil {
		return nil, err
	}
	info, err := batch.Info()
	if err != nil {
		if len(cells) == 0 {
			return nil, fmt.Errorf("%s is no batch directory: %w", dir, err)
		}
		res.Problems = append(res.Problems, err.Error())
		info = salvage(batch, cells)
	}
	res.Info = info
	for _, c := range info.Cells {
		res.Cells = append(res.Cells, readCell(batch, c, info.Replicates))
		cells = slices.DeleteFunc(cells, func(id string) bool { return id == c.ID })
	}
	for _, id := range cells {
		res.Problems = append(res.Problems, fmt.Sprintf("%s: it is in no plan, and is not counted", batch.CellDir(id)))
	}
	return res, nil
}

// salvage makes a plan of the cells that are there when batch.json is unreadable.
func salvage(b *Batch, cells []string) BatchInfo {
	info := BatchInfo{Name: filepath.Base(b.Dir)}
	for _, id := range cells {
		c := CellInfo{ID: id}
		if err := readJSON(filepath.Join(b.CellDir(id), cellFile), &c); err != nil || c.ID != id {
			c = CellInfo{ID: id}
		}
		info.Cells = append(info.Cells, c)
	}
	return info
}

func cellDirs(dir string) ([]string, error) { return numbered(dir, 'c') }

// numbered lists the sub-directories named by a letter and a number, in the order of
// their numbers.
func numbered(dir string, letter byte) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	byNumber := map[int]string{}
	for _, e := range entries {
		if n, ok := ordinal(letter, e.Name()); ok && e.IsDir() {
			byNumber[n] = e.Name()
		}
	}
	var out []string
	for _, n := range slices.Sorted(maps.Keys(byNumber)) {
		out = append(out, byNumber[n])
	}
	return out, nil
}

func readCell(b *Batch, info CellInfo, planned int) CellResult {
	cell := CellResult{ID: info.ID, Params: info.Params, Planned: planned}
	runs := map[int]RunResult{}
	cell.readEpisodes(b, runs)
	cell.readRuns(b, runs)
	for _, n := range slices.Sorted(maps.Keys(runs)) {
		cell.Runs = append(cell.Runs, runs[n])
	}
	return cell
}

func (cell *CellResult) readEpisodes(b *Batch, runs map[int]RunResult) {
	path := filepath.Join(b.CellDir(cell.ID), episodesFile)
	torn, err := jsonl.Each(path, func(e *Episode) error {
		if _, twice := runs[e.Replicate]; twice {
			return fmt.Errorf("%s: replicate %d is there twice", path, e.Replicate)
		}
		runs[e.Replicate] = e.result(cell.ID)
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		cell.Problems = append(cell.Problems, err.Error())
	}
	if torn != nil {
		cell.Problems = append(cell.Problems, path+": "+torn.String())
	}
}

// result makes a run of an episode.
func (e *Episode) result(cell string) RunResult {
	res := RunResult{Cell: cell, Replicate: e.Replicate, Seed: e.Seed, Status: e.Status, Reason: e.Reason,
		History: e.History, Turns: e.Turns, Commits: e.Commits, Conflicts: e.Conflicts, Paths: e.Paths, Lost: e.Lost,
		Draws: e.Draws, Outcomes: e.Outcomes, Scores: e.Scores, Failures: e.Failures, Agents: e.Agents,
		Wall: time.Duration(e.WallNS)}
	for name, a := range e.Agents {
		if a == nil {
			e.Agents[name] = &AgentStats{}
		}
	}
	if e.Status == HarnessFailed {
		res.Error = e.Reason
	}
	for _, n := range e.Draws {
		res.Chance += n
	}
	res.Seats = slices.Sorted(maps.Keys(e.Agents))
	return res
}

// readRuns reads the run directories. A kept run of an in-memory batch stands for its
// episode, and must be the same run.
func (cell *CellResult) readRuns(b *Batch, runs map[int]RunResult) {
	names, err := numbered(b.CellDir(cell.ID), 'r')
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		cell.Problems = append(cell.Problems, err.Error())
	}
	for _, name := range names {
		n, _ := ordinal('r', name)
		dir := filepath.Join(b.CellDir(cell.ID), name)
		res, err := ReadRun(dir)
		if err != nil {
			res = RunResult{Dir: dir, Problems: []string{err.Error()}}
		}
		if res.Replicate != 0 && res.Replicate != n {
			res.problem(fmt.Errorf("%s: it says that it is replicate %d", dir, res.Replicate))
			res.Status = ""
		}
		res.Cell, res.Replicate = cell.ID, n
		if e, kept := runs[n]; kept && e.History != "" && e.History != res.History {
			res.problem(fmt.Errorf("%s: the episode's history is %.12s…, this one %.12s…", dir, e.History, res.History))
			res.Status = ""
		}
		runs[n] = res
	}
}
