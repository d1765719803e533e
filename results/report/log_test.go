package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/history"
	"github.com/sandtable/sandtable/results/jsonl"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// story writes a run of two agents who meet on one file. name is b's name.
func story(t *testing.T, name string) *results.Run {
	t.Helper()
	return changed(t, name, func(history.Record) {})
}

// changed writes a story whose records are changed before.
func changed(t *testing.T, name string, change func(history.Record)) *results.Run {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b, err := results.CreateBatch(t.TempDir(), "board", now)
	ok(t, err)
	ok(t, b.WriteInfo(results.BatchInfo{Name: "board", Replicates: 1, Cells: []results.CellInfo{{ID: "c01", Params: json.RawMessage(`{}`)}}}))
	run, err := b.CreateRun(results.RunInfo{Cell: "c01", Replicate: 1, Seed: 42, Tier: "T0"})
	ok(t, err)
	h, err := run.CreateHistory(history.Options{})
	ok(t, err)
	for _, r := range scenes(t, run, name) {
		change(r)
		ok(t, h.Write(r))
	}
	ok(t, h.Close())
	l, err := run.OpenLedger(jsonl.Options{})
	ok(t, err)
	ok(t, l.Append(results.LedgerRow{Agent: "a", Turn: 1, Stage: 1, Tokens: results.Tokens{Input: 1200, Output: 34}, NanoUSD: 4_110_000, Priced: true}))
	ok(t, l.Append(results.LedgerRow{Agent: name, Turn: 1, Stage: 1, Tokens: results.Tokens{Input: 1}, Priced: true}))
	ok(t, l.Close())
	tr, err := run.OpenTrace()
	ok(t, err)
	ok(t, tr.Append(results.TraceRow{Time: now, Event: results.EventPrompt, Turn: 1, Stage: 1, Agent: "a", Attempt: 1, Text: "Turn 1.\nWrite to the board."}))
	ok(t, tr.Append(results.TraceRow{Time: now.Add(3 * time.Second), Event: results.EventSealed, Turn: 1, Stage: 1}))
	ok(t, tr.Close())
	ok(t, run.WriteInfo(results.RunInfo{Cell: "c01", Replicate: 1, Seed: 42, Tier: "T0", Status: results.Completed, History: h.Hash()}))
	return run
}

// blob stores a text and returns its entry.
func blob(t *testing.T, run *results.Run, s string) *history.Entry {
	t.Helper()
	hash := history.HashBytes([]byte(s))
	ok(t, os.MkdirAll(run.Blobs(), 0o755))
	ok(t, os.WriteFile(filepath.Join(run.Blobs(), string(hash)), []byte(s), 0o644))
	return &history.Entry{Hash: hash, Kind: "file", Size: int64(len(s))}
}

func scenes(t *testing.T, run *results.Run, b string) []history.Record {
	base, one := blob(t, run, "title\nend\n"), blob(t, run, "title\nfrom a\nend\n")
	two := blob(t, run, "title\nfrom b "+"\x1b[31m"+"\nend\n")
	action := history.Value{V: map[string]any{"want": int64(9)}}
	return []history.Record{
		&history.Run{Seed: 42, Replicate: 1, Params: history.Value{V: map[string]any{"n": int64(2)}}, Root: history.HashBytes([]byte("r0")),
			Files: []history.File{{Entry: *base, Path: "board.md"}},
			Seats: []history.Seat{{Name: "a", Player: "fisher", Role: "chair"}, {Name: b, Player: "fisher"}}},
		&history.Turn{Turn: 1, Live: []string{"a", b}, Joined: []string{"a", b}},
		&history.Phase{Turn: 1, Phase: "main", Lap: 1, Order: "simultaneous", Stages: [][]string{{"a", b}}},
		&history.Stage{Turn: 1, Stage: 1, Phase: "main", Lap: 1, Members: []string{"a", b}, Canonical: []string{"a", b}},
		&history.Draw{Turn: 1, Stage: 1, Stream: "world/tie", Draw: "int", Args: []history.Value{{V: int64(1)}, {V: int64(6)}}, Result: history.Value{V: int64(4)}},
		&history.Seal{Turn: 1, Stage: 1, Results: []history.Result{
			{Agent: "a", Status: "committed", Action: action, Say: "hello\nall", Attempts: []history.Attempt{{Failure: &history.Failure{Category: "ILLEGAL", Text: "want: 900 is above 80"}}, {}},
				Mail: []history.Letter{{Text: "9?", To: history.Value{V: b}}}, Writes: []history.Change{{Base: base, New: one, Path: "board.md"}}},
			{Agent: b, Status: "timeout", Category: "TIMEOUT", Substituted: true, Attempts: []history.Attempt{{Failure: &history.Failure{Category: "TIMEOUT", Text: "2m0s"}}},
				Writes: []history.Change{{Base: base, New: two, Path: "board.md"}}}}},
		&history.Revision{Turn: 1, Stage: 1, Revision: 1, Root: history.HashBytes([]byte("r1")), State: history.HashBytes([]byte("{}")),
			WriteSets: []history.WriteSet{
				{Author: "a", Applied: true, Decisions: []history.Decision{{Path: "board.md", Outcome: history.Applied, Policy: "merge3", Base: base, Head: base, New: one, Result: one}}},
				{Author: b, Decisions: []history.Decision{{Path: "board.md", Outcome: history.Conflict, Policy: "merge3", Base: base, Head: one, New: two, Result: one, Winner: "a", Reason: "line 2"}}}},
			Deliveries: []history.Delivery{{ID: 1, Sender: "a", Text: "9?", To: []string{b}}, {ID: 2, Sender: b, Text: "x", Returned: "nobody of that name"}},
			Eliminated: []history.Elimination{{Agent: b, Reason: "starved", Status: "DONE"}}},
		&history.Metrics{Turn: 1, Values: []history.NamedValue{{Name: "stock", Value: history.Value{V: 71.5}}}},
		&history.Turn{Turn: 2, Live: []string{"a"}},
		&history.Phase{Turn: 2, Phase: "main", Skipped: true},
		&history.Revision{Turn: 2, Revision: 2, Author: "@intervention", Root: history.HashBytes([]byte("r2")),
			WriteSets: []history.WriteSet{{Author: "@intervention", Applied: true, Decisions: []history.Decision{{Path: "board.md", Outcome: history.Applied, Head: one}}}}},
		&history.End{Turns: 2, Reason: "max", Terminated: true, Draws: map[string]int{"world/tie": 1}, Scores: map[string]history.Number{"a": 9, b: 0.5},
			Statuses: map[string]string{"a": "DONE", b: "DONE"}, Outcomes: []history.NamedValue{{Name: "survived", Value: history.Value{V: true}}},
			Failures: []history.SeatFailure{{Agent: b, Turn: 1, Stage: 1, Attempt: 1, Category: "TIMEOUT", Text: "2m0s"}}},
	}
}

func logged(t *testing.T, run *results.Run, o LogOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	ok(t, Log(&b, run.Dir, o))
	return b.Bytes()
}

func TestLogGolden(t *testing.T) {
	run := story(t, "b")
	golden(t, "log.txt", logged(t, run, LogOptions{Prompts: true}))
	golden(t, "log-turn-2.txt", logged(t, run, LogOptions{Turn: 2}))
}

// Without trace and ledger, and cut off anywhere, what is there is told.
func TestLogOfWhatIsLeft(t *testing.T) {
	run := story(t, "b")
	ok(t, os.Remove(run.Trace()))
	ok(t, os.WriteFile(run.Ledger(), []byte("{\"crc"), 0o600))
	whole, err := os.ReadFile(run.History())
	ok(t, err)
	ok(t, os.WriteFile(run.History(), whole[:len(whole)-1], 0o600))
	got := string(logged(t, run, LogOptions{}))
	for _, want := range []string{"turn 2", "problem: line 1 is torn", "problem: history.jsonl: line 12 is torn"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "end after") {
		t.Error("an end that is torn was told")
	}
	ok(t, os.WriteFile(run.History(), append([]byte("{}\n"), whole...), 0o600))
	if got := string(logged(t, run, LogOptions{})); !strings.Contains(got, "history.jsonl:1:") {
		t.Errorf("damage is not named:\n%s", got)
	}
	if err := Log(&bytes.Buffer{}, t.TempDir(), LogOptions{}); err == nil {
		t.Error("an empty directory has no story")
	}
}

// What the chain of hashes cannot see is seen by the identity that run.json names: a last
// line that was changed, and a history that was cut short between two lines.
func TestAnotherHistoryIsTold(t *testing.T) {
	for name, change := range map[string]func(lines []string) []string{
		"changed": func(l []string) []string { l[len(l)-1] = strings.Replace(l[len(l)-1], `"a":9`, `"a":8`, 1); return l },
		"cut":     func(l []string) []string { return l[:len(l)-1] },
		"empty":   func([]string) []string { return nil },
	} {
		run := story(t, "b")
		text, err := os.ReadFile(run.History())
		ok(t, err)
		lines := change(strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n"))
		ok(t, os.WriteFile(run.History(), []byte(strings.TrimSuffix(strings.Join(lines, ""), "\n")+strings.Repeat("\n", min(len(lines), 1))), 0o600))
		var b bytes.Buffer
		ok(t, Files(&b, run.Dir, ""))
		for what, got := range map[string]string{"log": string(logged(t, run, LogOptions{})), "files": b.String()} {
			if !strings.Contains(got, "problem: ") || !strings.Contains(got, "run.json names history") {
				t.Errorf("%s: %s does not tell:\n%s", name, what, got)
			}
		}
	}
	if got := string(logged(t, story(t, "b"), LogOptions{})); strings.Contains(got, "problem") {
		t.Errorf("a whole history has a problem:\n%s", got)
	}
}

func TestLogHostile(t *testing.T) {
	run := story(t, strings.ToValidUTF8(hostile, "?"))
	harmless(t, string(logged(t, run, LogOptions{Prompts: true})))
	var b bytes.Buffer
	ok(t, Files(&b, run.Dir, "board.md"))
	ok(t, Files(&b, run.Dir, ""))
	harmless(t, b.String())
}

// Every text of a history is somebody's choice.
func TestLogHostileTexts(t *testing.T) {
	bad := strings.ToValidUTF8(hostile, "?")
	run := changed(t, "b", func(r history.Record) {
		switch r := r.(type) {
		case *history.Phase:
			r.Phase, r.Order = bad, bad
		case *history.Draw:
			r.Stream, r.Draw, r.Args[0].V, r.Result.V = bad, bad, bad, bad
		case *history.Seal:
			for i := range r.Results {
				p := &r.Results[i]
				p.Say, p.Status, p.Action.V = bad, bad, map[string]any{bad: bad}
				p.Mail = []history.Letter{{Text: bad, To: history.Value{V: bad}}}
				p.Attempts = []history.Attempt{{Failure: &history.Failure{Category: bad, Text: bad}}}
			}
		case *history.Revision:
			for i := range r.WriteSets {
				d := &r.WriteSets[i].Decisions[0]
				d.Reason, d.Winner, d.Policy, d.Outcome = bad, bad, bad, bad
			}
			for i := range r.Deliveries {
				r.Deliveries[i].Text, r.Deliveries[i].Returned = bad, strings.Repeat(bad, i)
			}
			for i := range r.Eliminated {
				r.Eliminated[i].Reason, r.Eliminated[i].Status = bad, bad
			}
		case *history.Metrics:
			r.Values = []history.NamedValue{{Name: bad, Value: history.Value{V: bad}}}
		case *history.End:
			r.Reason, r.Outcomes, r.Draws = bad, []history.NamedValue{{Name: bad, Value: history.Value{V: bad}}}, map[string]int{bad: 1}
			r.Failures[0].Text, r.Failures[0].Category, r.Statuses["a"] = bad, bad, bad
		}
	})
	info, err := run.Info()
	ok(t, err)
	info.Error, info.Tier, info.Cell = bad, bad, bad
	ok(t, run.WriteInfo(info))
	tr, err := run.OpenTrace()
	ok(t, err)
	ok(t, tr.Append(results.TraceRow{Event: results.EventPrompt, Turn: 1, Stage: 1, Agent: "b", Attempt: 1, Text: bad}))
	ok(t, tr.Close())
	got := string(logged(t, run, LogOptions{Prompts: true}))
	harmless(t, got)
	if n := strings.Count(got, "owned"); n < 25 {
		t.Errorf("%d texts were shown: too few to mean anything:\n%s", n, got)
	}
	var b bytes.Buffer
	ok(t, Files(&b, run.Dir, ""))
	ok(t, Files(&b, run.Dir, "board.md"))
	harmless(t, b.String())
}

func TestFilesGolden(t *testing.T) {
	run := story(t, "b")
	var list, one bytes.Buffer
	ok(t, Files(&list, run.Dir, ""))
	golden(t, "files.txt", list.Bytes())
	ok(t, Files(&one, run.Dir, "board.md"))
	golden(t, "files-board.txt", one.Bytes())
	var none *NoSuchFileError
	if err := Files(&one, run.Dir, "../../etc/passwd"); !errors.As(err, &none) {
		t.Error(err)
	}
}

// Negative control: bytes that are not what the history says are not shown.
func TestFilesDamagedBlob(t *testing.T) {
	run := story(t, "b")
	hash := history.HashBytes([]byte("title\nfrom a\nend\n"))
	ok(t, os.WriteFile(filepath.Join(run.Blobs(), string(hash)), []byte("forged"), 0o600))
	var b bytes.Buffer
	ok(t, Files(&b, run.Dir, "board.md"))
	if !strings.Contains(b.String(), "is damaged") || strings.Contains(b.String(), "forged") {
		t.Errorf("%s", b.String())
	}
	ok(t, os.Remove(filepath.Join(run.Blobs(), string(hash))))
	b.Reset()
	ok(t, Files(&b, run.Dir, "board.md"))
	if !strings.Contains(b.String(), "not in journal/blobs") {
		t.Errorf("%s", b.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestWriteErrorsAreReturned(t *testing.T) {
	run := story(t, "b")
	for name, err := range map[string]error{"table": Table(broken{}, summarise(t, batch()), Options{}), "log": Log(broken{}, run.Dir, LogOptions{}),
		"files": Files(broken{}, run.Dir, ""), "file": Files(broken{}, run.Dir, "board.md")} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestProgress(t *testing.T) {
	defer goleak.VerifyNone(t)
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		p := NewProgress(&b, ProgressOptions{Width: 120, Every: time.Second})
		p.Update(Status{Done: 1, Total: 5}) // gives way to the next
		p.Update(Status{Done: 2, Total: 6, Running: 2, Acting: 7, Tokens: 12345, NanoUSD: 1_234_567_891, Unpriced: true})
		time.Sleep(10*time.Second + time.Millisecond)
		synctest.Wait()
		p.Close()
		p.Close()
		want := "\r\x1b[K2/6 runs, 2 running, 7 agents acting, 12,345 tokens, $1.23456+, 20s left"
		if got := b.String(); !strings.HasSuffix(got, want+"\r\x1b[K") || strings.Count(got, "\x1b[K") != 11 || strings.Contains(got, "1/5") {
			t.Errorf("%q", got)
		}
	})
}

func TestProgressThatShowsNothing(t *testing.T) {
	var none *Progress
	none.Update(Status{})
	none.Close()
	defer goleak.VerifyNone(t)
	var b bytes.Buffer
	p := NewProgress(&b, ProgressOptions{})
	p.Close()
	if b.Len() != 0 {
		t.Errorf("%q", b.String())
	}
	q := NewProgress(broken{}, ProgressOptions{Every: time.Millisecond})
	q.Update(Status{})
	q.Close()
	q.Update(Status{}) // after Close: shown to nobody, blocks nobody
	q.Update(Status{})
}
