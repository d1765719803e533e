package results

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sandtable/sandtable/results/history"
	"github.com/sandtable/sandtable/results/jsonl"
)

// played describes a run for the fixtures.
type played struct {
	survived any // outcome
	total    any // outcome
	reason   string
	status   RunStatus // "": completed
	nanousd  int64
	unpriced bool
	draws    int
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func batchInfo(cells, replicates int) BatchInfo {
	info := BatchInfo{Name: "fishery", Created: start, Seed: 1<<64 - 1, Replicates: replicates, Excluded: 0.05,
		Digests: map[string]string{"scenario": "aa"}, Versions: map[string]string{"sandtable": "0.1"}}
	for i := range cells {
		info.Cells = append(info.Cells, CellInfo{ID: CellID(i + 1), Params: json.RawMessage(`{"n":5}`)})
	}
	return info
}

func newBatch(t *testing.T, info BatchInfo) *Batch {
	t.Helper()
	b, err := CreateBatch(t.TempDir(), info.Name, start)
	ok(t, err)
	ok(t, b.WriteInfo(info))
	return b
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// play writes a whole run of two seats: a's write is taken, b's meets it and is
// rejected; a fails once, b passes.
func play(t *testing.T, b *Batch, cell string, replicate int, p played) *Run {
	t.Helper()
	info := RunInfo{Cell: cell, Replicate: replicate, Seed: 7, Tier: "T1", Started: start, WallNS: int64(90 * time.Second)}
	run, err := b.CreateRun(info)
	ok(t, err)
	h, err := run.CreateHistory(history.Options{})
	ok(t, err)
	for _, r := range records(replicate, p) {
		ok(t, h.Write(r))
	}
	ok(t, h.Close())
	l, err := run.OpenLedger(jsonl.Options{})
	ok(t, err)
	for i, agent := range []string{"a", "b", "@judge"} {
		ok(t, l.Append(LedgerRow{Agent: agent, Turn: 1, Stage: 1, Attempt: 1, Kind: "act", Model: "m", MessageID: "id",
			Tokens:  Tokens{Input: int64(i + 1), Output: 10, CacheWrite5m: 100, CacheWrite1h: 1000, CacheRead: 10000},
			NanoUSD: p.nanousd, Priced: !p.unpriced, Status: 200}))
	}
	ok(t, l.Close())
	info.Status, info.History = Completed, h.Hash()
	if p.status != "" {
		info.Status = p.status
	}
	if p.status == HarnessFailed {
		info.Error = "world.star:3: division by zero"
	}
	ok(t, run.WriteInfo(info))
	return run
}

func records(replicate int, p played) []history.Record {
	entry := &history.Entry{Hash: history.HashBytes([]byte("x")), Kind: "file", Size: 1}
	end := &history.End{Reason: p.reason, Turns: 1, Stages: 1, Moves: 2, Revisions: 1, Terminated: true,
		Truncated: p.status == Truncated, Void: p.status == Void,
		Outcomes: []history.NamedValue{{Name: "survived", Value: history.Value{V: p.survived}}, {Name: "total", Value: history.Value{V: p.total}}},
		Scores:   map[string]history.Number{"a": history.Number(replicate), "b": 2}}
	if p.draws > 0 {
		end.Draws = map[string]int{"tie": p.draws}
	}
	return []history.Record{
		&history.Run{Replicate: replicate, Seed: 7, Seats: []history.Seat{{Name: "a"}, {Name: "b"}}},
		&history.Turn{Turn: 1, Live: []string{"a", "b"}},
		&history.Stage{Turn: 1, Stage: 1, Lap: 1, Phase: "main", Members: []string{"a", "b"}, Canonical: []string{"a", "b"}},
		&history.Seal{Turn: 1, Stage: 1, Results: []history.Result{
			{Agent: "a", Status: "committed", Attempts: []history.Attempt{{Failure: &history.Failure{Category: "ILLEGAL", Text: "want: 900 is above 80"}}, {}},
				Writes: []history.Change{{Path: "p", New: entry}}},
			{Agent: "b", Status: "passed", Attempts: []history.Attempt{{}}, Writes: []history.Change{{Path: "p", New: entry}}}}},
		&history.Revision{Turn: 1, Stage: 1, Revision: 1, WriteSets: []history.WriteSet{
			{Author: "a", Applied: true, Decisions: []history.Decision{{Path: "p", Outcome: history.Applied, New: entry, Result: entry}}},
			{Author: "b", Decisions: []history.Decision{{Path: "p", Outcome: history.Conflict, New: entry, Head: entry, Result: entry, Winner: "a"}}},
			{Author: "@world", Applied: true, Decisions: []history.Decision{{Path: "q", Outcome: history.Applied, New: entry, Result: entry}}}}},
		end,
	}
}

func mixedBatch(t *testing.T) *Batch {
	b := newBatch(t, batchInfo(2, 5))
	for i := range 5 {
		play(t, b, "c01", i+1, played{survived: i != 0, total: float64(10 * i), reason: "max", nanousd: 1_234_567_891, draws: 3})
	}
	play(t, b, "c02", 1, played{survived: true, total: "rich", reason: "max", draws: 1})
	play(t, b, "c02", 2, played{status: Void, reason: "void"})
	play(t, b, "c02", 3, played{status: Truncated, reason: "usd", unpriced: true, nanousd: 5})
	play(t, b, "c02", 4, played{status: HarnessFailed})
	_, err := b.CreateRun(RunInfo{Cell: "c02", Replicate: 5})
	ok(t, err)
	return b
}

func summary(t *testing.T, b *Batch, o Options) *Summary {
	t.Helper()
	res, err := ReadBatch(b.Dir)
	ok(t, err)
	s, err := Summarise(res, o)
	ok(t, err)
	return s
}
