package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sandtable/sandtable/results/jsonl"
)

// Options of a [Writer].
type Options struct {
	// Sync makes everything durable at each seal and at the end, against a power
	// failure too.
	Sync bool
}

// Writer is a [Recorder] that appends to a history file. Lines are collected and
// written at each seal, each revision and the end, in one call each.
type Writer struct {
	chain
	name   string
	opts   Options
	file   jsonl.File
	size   int64 // bytes in the file, whole lines
	buf    bytes.Buffer
	err    error // of the first failed write; nothing is written after it
	replay *replay
}

// Create makes a new history file. One that is there already is an error.
func Create(path string, opts Options) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return NewWriter(f, path, opts), nil
}

// NewWriter writes a new history to an empty file that it owns from now on; name
// stands in errors.
func NewWriter(f jsonl.File, name string, opts Options) *Writer {
	return &Writer{name: name, opts: opts, file: f}
}

// Hash is the hash of the last record given to Write; 64 zeros before the first.
func (w *Writer) Hash() Hash { return w.hash() }

// Write adds a record. A record that cannot be encoded is refused and changes nothing;
// a failed write is final: every later call returns its error. After [Resume] a record
// that differs from the one that is there is a [DivergedError].
func (w *Writer) Write(r Record) error {
	if w.err != nil {
		return w.err
	}
	line, err := w.next(r)
	if err != nil {
		return fmt.Errorf("%s: %w", w.name, err)
	}
	if w.replay != nil {
		w.err = w.repeat(line)
		return w.err
	}
	return w.add(line, r.Kind())
}

func (w *Writer) add(line []byte, kind Kind) error {
	w.buf.Write(line)
	w.buf.WriteByte('\n')
	if kind == KindSeal || kind == KindRevision || kind == KindEnd || w.buf.Len() > bufferLimit {
		w.err = w.flush(kind != KindRevision)
	}
	return w.err
}

// bufferLimit bounds what is held between two seals; a run record with a large tree is
// written through.
const bufferLimit = 1 << 20

// flush writes what was collected. What is written in part is cut off again.
func (w *Writer) flush(sync bool) error {
	if w.buf.Len() == 0 {
		return nil
	}
	if _, err := w.file.Write(w.buf.Bytes()); err != nil {
		return errors.Join(fmt.Errorf("%s: records up to %d are not written: %w", w.name, w.n, err), w.file.Truncate(w.size))
	}
	w.size += int64(w.buf.Len())
	w.buf.Reset()
	if sync && w.opts.Sync {
		return w.file.Sync()
	}
	return nil
}

// Close writes what is still held, syncs and closes the file.
func (w *Writer) Close() error {
	if errors.Is(w.err, os.ErrClosed) {
		return nil
	}
	var err error
	if w.err == nil && w.replay == nil {
		err = w.flush(false)
	}
	w.err = fmt.Errorf("%s: %w", w.name, os.ErrClosed)
	return errors.Join(err, w.file.Sync(), w.file.Close())
}

// replay is the part of a resumed history that is not yet repeated.
type replay struct{ lines *jsonl.Lines }

// DivergedError says that a resumed run did not repeat what its history holds.
type DivergedError struct {
	File            string
	Line            int
	Recorded, Again string // the two lines
}

// Error names the line and what to do.
func (e *DivergedError) Error() string {
	return fmt.Sprintf("%s:%d: the run does not repeat its history; it was recorded as\n%s\nand is now\n%s\n"+
		"the scenario, its files or the program changed: restore them, or start a new run", e.File, e.Line, e.Recorded, e.Again)
}

// Resume opens the history of an interrupted run. The run must be played again from
// its start with its recorded results: each record is compared with the one that is
// there, and the first that is new is appended behind them; a torn tail is cut off
// then. The chain is verified before anything else.
func Resume(path string, opts Options) (*Writer, error) {
	if err := Verify(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	w := NewWriter(f, path, opts)
	w.replay = &replay{lines: jsonl.NewLines(f, path)}
	return w, nil
}

// Repeating reports whether the records that are there have not run out yet. It turns
// false with the first new record.
func (w *Writer) Repeating() bool { return w.replay != nil }

func (w *Writer) repeat(line []byte) error {
	recorded, err := w.replay.lines.Next()
	switch {
	case errors.Is(err, io.EOF):
		return w.catchUp(line)
	case err != nil:
		return err
	case !bytes.Equal(recorded, line):
		return &DivergedError{File: w.name, Line: w.replay.lines.Number(), Recorded: string(recorded), Again: string(line)}
	}
	return nil
}

// catchUp ends the repetition: a torn tail goes, and the line is the first new one.
func (w *Writer) catchUp(line []byte) error {
	w.size = w.replay.lines.Whole()
	if w.replay.lines.Torn() != nil {
		if err := w.file.Truncate(w.size); err != nil {
			return err
		}
	}
	w.replay = nil
	w.buf.Write(line)
	w.buf.WriteByte('\n')
	// The kind is not known here: writing through once is always right.
	return w.flush(true)
}
