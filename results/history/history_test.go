package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/results/jsonl"
	"github.com/sandtable/sandtable/scenarios/expr"
)

func entry(text string) *Entry {
	return &Entry{Hash: HashBytes([]byte(text)), Kind: "file", Size: int64(len(text))}
}

// game has every kind of record, with every field that a record can have.
func game() []Record {
	hostile := "a\x1b[31m\u2028<&>\u202e"
	decision := Decision{Base: entry("a"), Head: entry("b"), New: entry("c"), Outcome: Merged, Path: "x/y",
		Policy: "merge3", Reason: "r", Result: entry("bc"), Winner: "b"}
	return []Record{
		&Run{Files: []File{{Entry: *entry("a"), Path: "x/y"}}, Params: Value{map[string]any{"n": int64(5), "a": 0.5}},
			Replicate: 1, Root: HashBytes([]byte("r0")), Seed: math.MaxUint64, Schema: Schema,
			Seats: []Seat{{Entry: "e", Focal: true, Index: 1, Name: "a", Player: "p", Role: "r", Vars: Value{map[string]any{"k": "v"}}}}},
		&Turn{Joined: []string{"a"}, Left: []string{"c"}, Live: []string{"a", "b"}, Turn: 1},
		&Phase{Lap: 1, Order: "simultaneous", Phase: "harvest", Skipped: true, Stages: [][]string{{"a", "b"}}, Turn: 1},
		&Draw{Args: []Value{{int64(1)}, {int64(6)}}, Draw: "int", Result: Value{int64(4)}, Stage: 1, Stream: "world/tie", Turn: 1},
		&Stage{Canonical: []string{"b", "a"}, Lap: 1, Members: []string{"a", "b"}, Phase: "harvest", Stage: 1, Turn: 1},
		&Seal{Stage: 1, Turn: 1, Empty: true, Results: []Result{{Action: Value{map[string]any{"want": int64(9), "at": 1e20}}, Agent: "b",
			Attempts: []Attempt{{Failure: &Failure{"ILLEGAL", hostile}, Prompt: HashBytes(nil), Observation: HashBytes(nil)}, {}},
			Category: "ILLEGAL", Forfeit: true, Mail: []Letter{{Text: hostile, To: Value{[]any{"a"}}}}, Memory: Value{[]any{int64(1) << 60}},
			Say: hostile, Status: "committed", Substituted: true, Writes: []Change{{Base: entry("a"), New: entry("c"), Path: "x/y"}}}}},
		&Revision{Author: "@setup", Deliveries: []Delivery{{ID: 1, Returned: "dead", Sender: "a", Text: hostile, To: []string{"b"}}},
			Eliminated: []Elimination{{Agent: "a", Final: Value{map[string]any{"z": nil, "y": true}}, Reason: "r", Status: "DONE"}},
			Revision:   1, Root: HashBytes([]byte("r1")), Stage: 1, State: HashBytes([]byte("{}")), Turn: 1,
			WriteSets: []WriteSet{{Applied: true, Author: "b", Decisions: []Decision{decision}}}},
		&Metrics{Turn: 1, Values: []NamedValue{{"stock", Value{80.5}}, {"none", Value{}}}},
		&End{Commits: 1, Conflicts: 2, Draws: map[string]int{"world/tie": 1}, Moves: 2, Reason: "max", Revisions: 2, Stages: 1, Turns: 1,
			Failures: []SeatFailure{{Agent: "a", Attempt: 1, Category: "ILLEGAL", Stage: 1, Text: hostile, Turn: 1}},
			Outcomes: []NamedValue{{"survived", Value{true}}, {"total", Value{2.0}}}, Scores: map[string]Number{"b": 2, "a": 1e300},
			Statuses: map[string]string{"a": "DONE"}, Terminated: true, Truncated: true, Void: true},
	}
}

func record(t *testing.T, path string, records ...Record) *Writer {
	t.Helper()
	w, err := Create(path, Options{Sync: true})
	if err != nil {
		t.Fatal(err)
	}
	writeAll(t, w, records)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}

func writeAll(t *testing.T, w Recorder, records []Record) {
	t.Helper()
	for _, r := range records {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
}

func all(r *Reader) (got []Record, err error) {
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		got = append(got, line.Record)
	}
}

func data(t *testing.T, records ...Record) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "h")
	record(t, path, records...)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every line is the canonical JSON of itself, carries the hash of the line before by
// an independent computation, and comes back as it was.
func TestLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	w := record(t, path, game()...)
	raw, _ := os.ReadFile(path)
	prev := strings.Repeat("0", 64)
	for i, line := range bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n")) {
		v, err := expr.Decode(line)
		if err != nil {
			t.Fatal(err)
		}
		canonical, err := expr.Canonical(v)
		if err != nil || !bytes.Equal(canonical, line) {
			t.Errorf("line %d is not canonical:\n%s\n%s", i+1, line, canonical)
		}
		m := v.(map[string]any)
		if m["n"] != int64(i+1) || m["prev"] != prev || m["kind"] != string(game()[i].Kind()) {
			t.Errorf("line %d: n %v prev %v kind %v", i+1, m["n"], m["prev"], m["kind"])
		}
		sum := sha256.Sum256(line)
		prev = hex.EncodeToString(sum[:])
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := all(r)
	if err != nil || r.Torn() != nil {
		t.Fatal(err, r.Torn())
	}
	want := game()
	want[8].(*End).Outcomes[1].Value = Value{int64(2)} // 2.0 and 2 have one text
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if string(r.Hash()) != prev || string(w.Hash()) != prev {
		t.Errorf("hashes: reader %s writer %s, want %s", r.Hash(), w.Hash(), prev)
	}
}

func TestHasherIsWriter(t *testing.T) {
	var h Hasher
	writeAll(t, &h, game())
	w := record(t, filepath.Join(t.TempDir(), "h"), game()...)
	if h.Hash() != w.Hash() {
		t.Errorf("%s in memory, %s on disk", h.Hash(), w.Hash())
	}
}

// The identity of a history with one empty run record: written out by hand, so that a
// change of the format cannot go unseen.
func TestIdentityIsPinned(t *testing.T) {
	line := `{"kind":"run","n":1,"params":null,"prev":"` + strings.Repeat("0", 64) +
		`","replicate":1,"schema":1,"seats":[],"seed":"42"}`
	var h Hasher
	writeAll(t, &h, []Record{&Run{Replicate: 1, Seats: []Seat{}, Seed: 42}})
	if want := HashBytes([]byte(line)); h.Hash() != want {
		t.Errorf("the line is\n%s\nwant\n%s", h.line, line)
	}
}

var update = flag.Bool("update", false, "rewrite the golden history of this schema")

// Histories of every schema that was ever released stay readable; and a change of the
// format cannot go unseen.
func TestGoldenHistory(t *testing.T) {
	path := filepath.Join("testdata", fmt.Sprintf("schema%d.jsonl", Schema))
	got := data(t, game()...)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
	if _, err := all(NewReader(bytes.NewReader(want), path)); err != nil {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	var h Hasher
	if err := h.Write(&Turn{}); err == nil {
		t.Error("a history that begins with a turn was taken")
	}
	writeAll(t, &h, game()[:1])
	before := h.Hash()
	for _, bad := range []Record{nil, &Run{}, &Metrics{Values: []NamedValue{{"x", Value{math.NaN()}}}},
		&Draw{Result: Value{make(chan int)}}, &End{Scores: map[string]Number{"a": Number(math.Inf(1))}}} {
		if err := h.Write(bad); err == nil || h.Hash() != before {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestTornAtEveryByte(t *testing.T) {
	whole, want := data(t, game()[:6]...), game()
	for cut := range len(whole) {
		r := NewReader(bytes.NewReader(whole[:cut]), "h")
		got, err := all(r)
		n := bytes.Count(whole[:cut], []byte("\n"))
		if err != nil || len(got) != n {
			t.Fatalf("cut at %d: %d records, want %d: %v", cut, len(got), n, err)
		}
		left := cut - 1 - bytes.LastIndexByte(whole[:cut], '\n')
		if (r.Torn() != nil) != (left > 0) {
			t.Fatalf("cut at %d: torn %v", cut, r.Torn())
		}
		if n > 0 && got[n-1].Kind() != want[n-1].Kind() {
			t.Fatalf("cut at %d: %v", cut, got[n-1])
		}
	}
}

// Negative controls: what is changed, dropped, doubled, swapped or put in between is
// found, and its line named.
func TestTampering(t *testing.T) {
	whole := data(t, game()...)
	for i := 0; i < bytes.LastIndexByte(whole[:len(whole)-1], '\n'); i += 5 {
		bad := bytes.Clone(whole)
		if bad[i] ^= 1; whole[i] == '\n' || bad[i] == '\n' {
			continue
		}
		// A line is vouched for by the next one: the change is found there at the latest,
		// and nothing that was changed is called good.
		_, err := all(NewReader(bytes.NewReader(bad), "h"))
		var corrupt *jsonl.CorruptError
		var schema *SchemaError
		line := 1 + bytes.Count(whole[:i], []byte("\n"))
		switch {
		case errors.As(err, &schema) && line == 1:
		case !errors.As(err, &corrupt) || corrupt.Line < line || corrupt.Line > line+1:
			t.Fatalf("byte %d (%q) of line %d was changed: %v", i, whole[i], line, err)
		case corrupt.Good >= line || corrupt.Good < corrupt.Line-2:
			t.Fatalf("byte %d of line %d was changed, and lines up to %d are called good", i, line, corrupt.Good)
		}
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	for name, c := range map[string]struct {
		lines []int
		want  int
	}{
		"dropped": {[]int{0, 2, 3}, 2}, "first dropped": {[]int{1, 2}, 1}, "doubled": {[]int{0, 1, 1, 2}, 3},
		"swapped": {[]int{0, 2, 1}, 2}, "two runs": {[]int{0, 0}, 2},
	} {
		var bad []byte
		for _, i := range c.lines {
			bad = append(bad, lines[i]...)
		}
		_, err := all(NewReader(bytes.NewReader(bad), "h"))
		var corrupt *jsonl.CorruptError
		if !errors.As(err, &corrupt) || corrupt.Line != c.want {
			t.Errorf("%s: %v, want line %d", name, err, c.want)
		}
	}
}

// A history of a later schema is named as such, whatever has become of its records.
func TestLaterSchema(t *testing.T) {
	for _, line := range []string{`{"kind":"run","n":1,"prev":"` + strings.Repeat("0", 64) + `","schema":2,"seats":"many","seed":{}}`,
		`{"kind":"run","n":1,"prev":"` + strings.Repeat("0", 64) + `","schema":2}`} {
		_, err := all(NewReader(strings.NewReader(line+"\n"), "h"))
		var schema *SchemaError
		if !errors.As(err, &schema) || schema.Schema != 2 || !strings.Contains(err.Error(), "reads schema 1") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// A kind of a later version counts for the chain and is skipped.
func TestUnknownKind(t *testing.T) {
	first := bytes.TrimSuffix(data(t, game()[0]), []byte("\n"))
	line := fmt.Sprintf(`{"kind":"omen","n":2,"prev":"%s"}`, HashBytes(first))
	r := NewReader(strings.NewReader(string(first)+"\n"+line+"\n"), "h")
	got, err := all(r)
	if err != nil || len(got) != 2 || got[1] != nil || r.Hash() != HashBytes([]byte(line)) {
		t.Error(got, err)
	}
}

// full is a disk with room for so many bytes; what does not fit is written in part.
type full struct {
	bytes.Buffer
	room  int
	cuts  bool // it can be truncated
	syncs int
}

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.room)
	f.room -= n
	f.Buffer.Write(p[:n])
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}
func (f *full) Truncate(size int64) error {
	if !f.cuts {
		return syscall.EIO
	}
	f.Buffer.Truncate(int(size))
	return nil
}
func (f *full) Sync() error { f.syncs++; return nil }
func (*full) Close() error  { return nil }

func TestFullDisk(t *testing.T) {
	size := len(data(t, game()...))
	for room := 0; room < size; room += 31 {
		f := &full{room: room}
		w := NewWriter(f, "h", Options{})
		var err error
		for _, r := range game() {
			if err = w.Write(r); err != nil {
				break
			}
		}
		if err == nil {
			err = w.Close()
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("room %d: %v", room, err)
		}
		if _, err := all(NewReader(bytes.NewReader(f.Bytes()), "h")); err != nil {
			t.Fatalf("room %d: unreadable: %v", room, err)
		}
	}
}

// What was written in part is cut off again where the file lets it.
func TestFullDiskIsTidied(t *testing.T) {
	size := len(data(t, game()...))
	for room := 0; room < size; room += 31 {
		f := &full{room: room, cuts: true}
		w := NewWriter(f, "h", Options{})
		for _, r := range game() {
			if w.Write(r) != nil {
				break
			}
		}
		r := NewReader(bytes.NewReader(f.Bytes()), "h")
		if _, err := all(r); err != nil || r.Torn() != nil {
			t.Fatalf("room %d: %v, torn: %v", room, err, r.Torn())
		}
	}
}

// With Sync every seal and the end wait for the disk, and a revision does not: it can be
// made again from the seal.
func TestSync(t *testing.T) {
	for sync, want := range map[bool]int{false: 0, true: 2} {
		f := &full{room: 1 << 20}
		w := NewWriter(f, "h", Options{Sync: sync})
		writeAll(t, w, game())
		if f.syncs != want {
			t.Errorf("sync %v: waited %d times, want %d", sync, f.syncs, want)
		}
	}
}

// A number that is wrong is found although the chain's hash is right.
func TestNumberOfRecords(t *testing.T) {
	first := bytes.TrimSuffix(data(t, game()[0]), []byte("\n"))
	for _, n := range []int{-1, 0, 1, 3} {
		line := fmt.Sprintf(`{"kind":"turn","n":%d,"prev":"%s","live":[],"turn":1}`, n, HashBytes(first))
		_, err := all(NewReader(strings.NewReader(string(first)+"\n"+line+"\n"), "h"))
		var corrupt *jsonl.CorruptError
		if !errors.As(err, &corrupt) || corrupt.Line != 2 {
			t.Errorf("number %d: %v", n, err)
		}
	}
}

// What is sealed is in the file before the next act is asked for.
func TestSealsAreWrittenThrough(t *testing.T) {
	f := &full{room: 1 << 20}
	w := NewWriter(f, "h", Options{})
	for _, r := range game() {
		writeAll(t, w, []Record{r})
		switch r.Kind() {
		case KindSeal, KindRevision, KindEnd:
			if got := HashBytes(lastLine(f.Bytes())); got != w.Hash() {
				t.Errorf("%s is not in the file", r.Kind())
			}
		}
	}
}

func lastLine(b []byte) []byte {
	b = bytes.TrimSuffix(b, []byte("\n"))
	return b[bytes.LastIndexByte(b, '\n')+1:]
}

// Interrupted anywhere and played again, a run has the history of one that was
// never interrupted.
func TestResumeAnywhere(t *testing.T) {
	whole, dir := data(t, game()...), t.TempDir()
	for cut := 0; cut <= len(whole); cut += 29 {
		path := filepath.Join(dir, fmt.Sprint(cut))
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := Resume(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		writeAll(t, w, game())
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); !bytes.Equal(got, whole) {
			t.Fatalf("cut at %d: the resumed history differs", cut)
		}
	}
}

func TestResumeDiverged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h")
	record(t, path, game()[:4]...)
	before, _ := os.ReadFile(path)
	w, err := Resume(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	writeAll(t, w, game()[:3])
	err = w.Write(&Draw{Draw: "int", Result: Value{int64(5)}})
	var diverged *DivergedError
	if !errors.As(err, &diverged) || diverged.Line != 4 || !w.Repeating() {
		t.Fatal(err)
	}
	if err := w.Write(game()[4]); !errors.As(err, &diverged) {
		t.Error("a diverged run went on:", err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("a diverged run changed its history")
	}
}

func TestCreateNeverClobbers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h")
	record(t, path, game()...)
	if _, err := Create(path, Options{}); !errors.Is(err, os.ErrExist) {
		t.Error(err)
	}
}

func TestHashText(t *testing.T) {
	var h Hash
	for _, bad := range []string{"abc", strings.Repeat("A", 64), strings.Repeat("/", 64), "../" + strings.Repeat("a", 61)} {
		if err := h.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	// FIPS 180-4: the SHA-256 of "abc".
	if got := HashBytes([]byte("abc")); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Error(got)
	}
	a, err := HashValue(map[string]any{"b": 2.0, "a": int64(1)})
	if err != nil || a != HashBytes([]byte(`{"a":1,"b":2}`)) {
		t.Error(a, err)
	}
	if _, err := HashValue(math.NaN()); err == nil {
		t.Error("NaN has no hash")
	}
}

func FuzzReader(f *testing.F) {
	var b full
	b.room = 1 << 20
	w := NewWriter(&b, "h", Options{})
	for _, r := range game() {
		_ = w.Write(r)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:b.Len()/2])
	f.Add(bytes.Replace(b.Bytes(), []byte(`"n":1`), []byte(`"n":01`), 1))
	f.Add([]byte(`{"kind":"run","n":1,"params":[[[[]]]],"prev":"` + strings.Repeat("0", 64) + `","schema":1,"seed":"x"}` + "\n"))
	f.Add([]byte("null\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(bytes.NewReader(data), "h")
		got, err := all(r)
		if err == nil && len(got) != bytes.Count(data, []byte("\n")) {
			t.Fatalf("%d records of %d lines, and no error", len(got), bytes.Count(data, []byte("\n")))
		}
		// What was read can be written again.
		var h Hasher
		for _, rec := range got {
			if rec == nil {
				continue
			}
			if err := h.Write(rec); err != nil {
				t.Fatalf("%+v: %v", rec, err)
			}
		}
	})
}

func BenchmarkHasher(b *testing.B) {
	records := game()[1:8]
	var h Hasher
	_ = h.Write(game()[0])
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range records {
			_ = h.Write(r)
		}
	}
}
