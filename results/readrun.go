package results

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/sandtable/sandtable/results/history"
	"github.com/sandtable/sandtable/results/jsonl"
)

// RunResult is one run, recomputed from its records.
type RunResult struct {
	Dir       string // "" for an episode of an in-memory batch
	Cell      string
	Replicate int
	Seed      uint64
	Status    RunStatus // "": unreadable, it counts as no status
	Reason    string
	Error     string   // why the harness failed
	Problems  []string // what is torn, damaged, missing or in contradiction
	Info      RunInfo

	History   history.Hash // identity, up to the last whole record
	Seats     []string     // in seat order
	Turns     int
	Commits   int
	Conflicts int
	Paths     map[string]int // paths of agents' write sets, by outcome
	Lost      int            // lost updates, licensed by lww or seen by the workspace
	Draws     map[string]int // by stream name; nil where the run did not end
	Chance    int            // draws in all
	Foreign   bool           // changed from outside: not reproducible
	Outcomes  []history.NamedValue
	Scores    map[string]float64
	Failures  map[string]int // failed attempts by category
	LastError map[string]SeatError
	Agents    map[string]*AgentStats // seats, and the other accounts of the ledger

	Tokens   Tokens
	NanoUSD  int64
	Unpriced int // responses without a price
	Wall     time.Duration
}

// SeatError is the last error text of a category, and whose it was.
type SeatError struct{ Agent, Text string }

// ReadRun reads a run directory. Damage inside is told in Problems; the error is for a
// directory that is no run's.
func ReadRun(dir string) (RunResult, error) {
	run, err := OpenRun(dir)
	if err != nil {
		return RunResult{}, err
	}
	res := RunResult{Dir: dir}
	info, infoErr := run.Info()
	if infoErr != nil {
		res.problem(infoErr)
	}
	res.Info, res.Wall, res.Error = info, time.Duration(info.WallNS), info.Error
	res.Cell, res.Replicate, res.Seed = info.Cell, info.Replicate, info.Seed
	tally, historyErr := res.readHistory(run)
	res.fold(tally)
	res.readLedger(run)
	res.Lost += info.UncoveredLosses
	res.Status = res.status(tally, infoErr, historyErr)
	return res, nil
}

// fold takes over what the history says.
func (res *RunResult) fold(t *Tally) {
	res.Seats, res.Turns, res.Commits, res.Conflicts = t.Seats, t.Turns, t.Commits, t.Conflicts
	res.Paths = t.Paths
	res.Lost, res.Foreign, res.Agents, res.Chance = t.Lost, t.Foreign, t.Agents, t.Draws
	if res.Replicate == 0 {
		res.Replicate, res.Seed = t.Replicate, t.Seed
	}
	res.foldFailures(t.Failures)
	if t.End == nil {
		return
	}
	res.Reason, res.Outcomes, res.Draws = t.End.Reason, t.End.Outcomes, t.End.Draws
	if len(t.End.Scores) > 0 {
		res.Scores = map[string]float64{}
		for seat, score := range t.End.Scores {
			res.Scores[seat] = float64(score)
		}
	}
}

func (res *RunResult) foldFailures(failures []history.SeatFailure) {
	if len(failures) == 0 {
		return
	}
	res.Failures, res.LastError = map[string]int{}, map[string]SeatError{}
	for _, f := range failures {
		res.Failures[f.Category]++
		res.LastError[f.Category] = SeatError{Agent: f.Agent, Text: f.Text}
	}
}

func (res *RunResult) problem(err error) { res.Problems = append(res.Problems, err.Error()) }

func (res *RunResult) torn(name string, t *jsonl.Torn) {
	if t != nil {
		res.Problems = append(res.Problems, filepath.Join(res.Dir, name)+": "+t.String())
	}
}

// readHistory folds the history up to its end or to the first thing that is wrong.
func (res *RunResult) readHistory(run *Run) (*Tally, error) {
	tally := &Tally{}
	r, err := history.Open(run.History())
	if errors.Is(err, fs.ErrNotExist) {
		return tally, nil // killed before its first record
	}
	if err != nil {
		res.problem(err)
		return tally, err
	}
	defer r.Close()
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			res.History = r.Hash()
			res.torn(historyFile, r.Torn())
			return tally, nil
		}
		if err != nil {
			res.problem(err)
			return tally, err
		}
		tally.Add(line.Record)
	}
}

func (res *RunResult) readLedger(run *Run) {
	torn, err := jsonl.Each(run.Ledger(), func(row *LedgerRow) error {
		res.charge(row)
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		res.problem(err)
	}
	res.torn(ledgerFile, torn)
}

func (res *RunResult) charge(row *LedgerRow) {
	res.Tokens.Add(row.Tokens)
	res.NanoUSD += row.NanoUSD
	if !row.Priced {
		res.Unpriced++
	}
	if res.Agents == nil {
		res.Agents = map[string]*AgentStats{}
	}
	a := res.Agents[row.Agent]
	if a == nil {
		a = &AgentStats{}
		res.Agents[row.Agent] = a
	}
	a.Tokens.Add(row.Tokens)
	a.NanoUSD += row.NanoUSD
}

// status weighs run.json against the history. The history decides whether and how the
// run ended; that the harness failed stands only in run.json. A history that is
// damaged, or not the one that run.json names, makes the run unreadable.
func (res *RunResult) status(t *Tally, infoErr, historyErr error) RunStatus {
	said, seen := res.Info.Status, t.Status()
	switch {
	case historyErr != nil:
		return ""
	case infoErr != nil && t.End == nil:
		return ""
	case infoErr != nil:
		return seen
	case res.Info.Mismatch(res.History) != "":
		res.problem(fmt.Errorf("%s: %s", res.Dir, res.Info.Mismatch(res.History)))
		return ""
	case said == HarnessFailed, said == Void && t.End == nil, said == Truncated && t.End == nil:
		return said
	case t.End == nil && said == Completed:
		res.problem(fmt.Errorf("%s: %s says completed, but the history has no end", res.Dir, runFile))
		return ""
	}
	return seen
}
