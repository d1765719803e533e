package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/history"
	"github.com/sandtable/sandtable/results/jsonl"
)

// NoSuchFileError is a path that no revision of a run ever held, and nobody ever wrote.
type NoSuchFileError struct{ Run, Path string }

// Error names run and path.
func (e *NoSuchFileError) Error() string {
	return fmt.Sprintf("%s: no version of %q: `sandtable files` with the run alone lists what there is", e.Run, e.Path)
}

// Files lists the files of a run. Without a path: each path that ever was, how many
// versions it had, how many were rejected, and who wrote the last. With a path: every
// version in order, the rejected ones marked, each with what it changed.
func Files(w io.Writer, dir, path string) error {
	run, err := results.OpenRun(dir)
	if err != nil {
		return err
	}
	f, err := collect(run)
	if err != nil {
		return err
	}
	if path == "" {
		err = f.list(w)
	} else {
		err = f.show(w, run, path)
	}
	if f.note != "" {
		_, noteErr := fmt.Fprintf(w, "problem: %s\n", clip(f.note, 500))
		err = errors.Join(err, noteErr)
	}
	return err
}

// version is one content that somebody gave, or wanted to give, a path.
type version struct {
	revision, turn int
	author         string
	decision       history.Decision
	entry          *history.Entry // nil: removed
	rejected       bool
}

type files struct {
	paths map[string][]version
	note  string
}

// collect reads the history up to its end or to where it is damaged.
func collect(run *results.Run) (*files, error) {
	f := &files{paths: map[string][]version{}}
	r, err := history.Open(run.History())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for {
		line, err := r.Next()
		var corrupt *jsonl.CorruptError
		switch {
		case errors.Is(err, io.EOF):
			if r.Torn() != nil {
				f.note = "history.jsonl: " + r.Torn().String()
			} else if info, err := run.Info(); err == nil {
				f.note = info.Mismatch(r.Hash())
			}
			return f, nil
		case errors.As(err, &corrupt):
			f.note = err.Error()
			return f, nil
		case err != nil:
			return nil, err
		}
		f.record(line.Record)
	}
}

func (f *files) record(r history.Record) {
	switch r := r.(type) {
	case *history.Run:
		for _, file := range r.Files {
			f.add(file.Path, version{author: "r0", entry: &file.Entry, decision: history.Decision{Outcome: "start"}})
		}
	case *history.Revision:
		for _, w := range r.WriteSets {
			for _, d := range w.Decisions {
				f.decision(r, w.Author, d)
			}
		}
	}
}

// decision adds what the head got, and before it what it did not get.
func (f *files) decision(r *history.Revision, author string, d history.Decision) {
	v := version{revision: r.Revision, turn: r.Turn, author: author, decision: d, entry: d.Result}
	if d.Lost() {
		v.entry, v.rejected = d.New, true
	}
	f.add(d.Path, v)
}

func (f *files) add(path string, v version) { f.paths[path] = append(f.paths[path], v) }

func (f *files) list(w io.Writer) error {
	if len(f.paths) == 0 {
		_, err := fmt.Fprintln(w, "nobody wrote a file")
		return err
	}
	g := &grid{title: "Files", columns: []column{{name: "path", elastic: true}, {name: "versions", number: true},
		{name: "rejected", number: true, spare: true}, {name: "last by"}, {name: "revision", number: true}, {name: "bytes", number: true}}}
	for _, path := range sorted(f.paths) {
		taken, rejected, last := 0, 0, version{author: "-"}
		for _, v := range f.paths[path] {
			if v.rejected {
				rejected++
				continue
			}
			taken++
			last = v
		}
		size := "-"
		if last.entry != nil {
			size = Count(last.entry.Size)
		}
		g.add(path, num(taken), num(rejected), last.author, num(last.revision), size)
	}
	return g.write(w, 100)
}

func (f *files) show(w io.Writer, run *results.Run, path string) error {
	versions := f.paths[path]
	if len(versions) == 0 {
		return &NoSuchFileError{Run: run.Dir, Path: path}
	}
	var head *history.Entry
	for _, v := range versions {
		if _, err := fmt.Fprintln(w, v.title()); err != nil {
			return err
		}
		base := head
		if v.rejected {
			base = v.decision.Base // what its author had before them
		}
		if _, err := io.WriteString(w, change(run, base, v.entry)+"\n"); err != nil {
			return err
		}
		if !v.rejected {
			head = v.entry
		}
	}
	return nil
}

// title is the line above a version.
func (v version) title() string {
	s := fmt.Sprintf("r%d, turn %d, by %s: %s", v.revision, v.turn, Clean(v.author), explain(v.decision.Outcome))
	if v.rejected {
		s = "REJECTED " + s
	}
	if v.decision.Winner != "" {
		s += ", head by " + Clean(v.decision.Winner)
	}
	if v.decision.Policy != "" {
		s += ", policy " + Clean(v.decision.Policy)
	}
	if v.decision.Reason != "" {
		s += ": " + clip(v.decision.Reason, 200)
	}
	if d := v.decision; d.Outcome == history.Merged && d.New != nil {
		s += "; its author wrote " + string(d.New.Hash)
	}
	if v.entry == nil {
		return s + "; removed"
	}
	return s + fmt.Sprintf("; %s, %s bytes, %s", Clean(v.entry.Kind), Count(v.entry.Size), string(v.entry.Hash))
}

// change shows what lies between two contents: the lines that differ, or why they
// cannot be shown.
func change(run *results.Run, from, to *history.Entry) string {
	if from != nil && to != nil && from.Hash == to.Hash {
		return "  the same bytes as before\n"
	}
	a, err := content(run, from)
	if err != nil {
		return "  what was before: " + Clean(err.Error()) + "\n"
	}
	b, err := content(run, to)
	if err != nil {
		return "  " + Clean(err.Error()) + "\n"
	}
	if !utf8.Valid(a) || !utf8.Valid(b) || bytes.IndexByte(a, 0) >= 0 || bytes.IndexByte(b, 0) >= 0 {
		return "  not text: see journal/blobs\n"
	}
	return indent(CleanText(string(diff.Diff("before", a, "after", b))))
}

func indent(s string) string {
	var b bytes.Buffer
	for line := range bytes.Lines([]byte(s)) {
		b.WriteString("  ")
		b.Write(bytes.TrimSuffix(line, []byte("\n")))
		b.WriteByte('\n')
	}
	return b.String()
}

// mostShown bounds the bytes of a version that are read to be shown.
const mostShown = 1 << 20

// content reads a version from journal/blobs and verifies it. No entry is no bytes.
func content(run *results.Run, e *history.Entry) ([]byte, error) {
	if e == nil || e.Size == 0 {
		return nil, nil
	}
	if e.Size > mostShown {
		return nil, fmt.Errorf("%s bytes, too many to show: see journal/blobs/%s", Count(e.Size), e.Hash)
	}
	if e.Hash == "" {
		return nil, errors.New("the history names no content")
	}
	data, err := os.ReadFile(filepath.Join(run.Blobs(), string(e.Hash)))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("its bytes are not in journal/blobs/%s", e.Hash)
	}
	if err != nil {
		return nil, err
	}
	if got := history.HashBytes(data); got != e.Hash {
		return nil, fmt.Errorf("journal/blobs/%s is damaged: its bytes have hash %s", e.Hash, got)
	}
	return data, nil
}
