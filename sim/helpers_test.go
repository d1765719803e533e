package sim_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// all lets a seat see and change every path.
var all = tree.Globs{"**"}

func seats(names ...string) []*sim.Seat {
	out := make([]*sim.Seat, len(names))
	for i, n := range names {
		out[i] = &sim.Seat{Name: n, Entry: n, Index: 1, Number: i, Focal: true, Read: all, Write: all}
	}
	return out
}

// actorsOf gives every seat the same function.
func actorsOf(s []*sim.Seat, f sim.ActorFunc) map[string]sim.Actor {
	out := map[string]sim.Actor{}
	for _, seat := range s {
		out[seat.Name] = f
	}
	return out
}

// recorder keeps the records as JSON lines, which is how two runs are compared.
type recorder struct {
	records []sim.Record
}

func (r *recorder) Observe(rec sim.Record) error {
	r.records = append(r.records, rec)
	return nil
}

// lines drops what is allowed to differ between two equal runs: durations.
func (r *recorder) lines(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, rec := range r.records {
		if s, ok := rec.(*sim.StageSealed); ok {
			for i := range s.Results {
				for j := range s.Results[i].Attempts {
					s.Results[i].Attempts[j].Used = 0
				}
			}
		}
		data, err := json.Marshal(strip(rec))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%T %s", rec, data))
	}
	return out
}

// strip replaces trees by their roots: functions and pointers are not data.
func strip(rec sim.Record) any {
	switch r := rec.(type) {
	case *sim.RunOpened:
		return []any{r.Seed, r.Replicate, r.Tree.Root()}
	case *sim.Revised:
		return []any{r.Turn, r.Stage, r.Revision, r.Author, r.Tree.Root(), r.State, r.WriteSets, r.Mail, r.Eliminated}
	case *sim.RunEnded:
		return []any{r.Result.Reason, r.Result.Scores, r.Result.Failures, r.Result.Status}
	}
	return rec
}

func of[T sim.Record](r *recorder) []T {
	var out []T
	for _, rec := range r.records {
		if x, ok := rec.(T); ok {
			out = append(out, x)
		}
	}
	return out
}

func mustPlay(t *testing.T, cfg *sim.Config) (*sim.Result, *recorder) {
	t.Helper()
	rec := &recorder{}
	cfg.Observer = rec
	res, err := sim.Play(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return res, rec
}

var anyAction = func(*sim.AgentScope) (any, error) { return map[string]any{"type": "object"}, nil }

// writer answers with one written file.
func writer(blobs tree.Blobs, ask *sim.Ask, path, text string) sim.Answer {
	hash, err := blobs.Put([]byte(text))
	if err != nil {
		panic(err)
	}
	base, _ := ask.View().Get(path)
	return sim.Answer{Writes: tree.WriteSet{{Path: path, Base: base,
		New: tree.Entry{Kind: tree.File, Hash: hash, Size: int64(len(text))}}}}
}

func text(t *testing.T, blobs tree.Blobs, tr *tree.Tree, path string) string {
	t.Helper()
	e, ok := tr.Get(path)
	if !ok {
		return "<absent>"
	}
	data, err := blobs.Get(e.Hash)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
