package jsonl

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"sync"
)

// File is what a log is written to; *os.File is one.
type File interface {
	io.Writer
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Options of a log.
type Options struct {
	// Sync makes every record durable before Append returns, against a power failure
	// too. It costs a disk's flush per record.
	Sync bool
}

// Writer appends records to a log. It may be used by several goroutines.
type Writer struct {
	name string
	opts Options
	torn *Torn

	mu   sync.Mutex
	file File
	size int64 // bytes of whole lines
	seq  int64
	err  error // of the first failed write; nothing is written after it
	line bytes.Buffer
	body bytes.Buffer
}

// Open opens a log for appending and creates it where there is none. The records that
// are there are verified; a torn tail is cut off and told by [Writer.Torn]. A damaged
// log is refused with a [CorruptError].
func Open(path string, opts Options) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	w, err := verified(f, path, opts)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return w, nil
}

func verified(f *os.File, path string, opts Options) (*Writer, error) {
	r := NewReader(f, path)
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	if r.Torn() != nil {
		if err := f.Truncate(r.lines.Whole()); err != nil {
			return nil, err
		}
	}
	w := NewWriter(f, path, opts)
	w.size, w.seq, w.torn = r.lines.Whole(), r.seq, r.Torn()
	return w, nil
}

// NewWriter writes a new log to an empty file that it owns from now on; name stands in
// errors.
func NewWriter(f File, name string, opts Options) *Writer {
	return &Writer{name: name, opts: opts, file: f}
}

// Torn is what [Open] cut off, or nil.
func (w *Writer) Torn() *Torn { return w.torn }

// Append writes one record: a value that encoding/json makes an object of, without
// keys "crc" and "seq". A value that is none is refused and nothing is written. Any
// other error is final: every later call returns it.
func (w *Writer) Append(record any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	if err := w.encode(record); err != nil {
		return fmt.Errorf("%s: record %T: %w", w.name, record, err)
	}
	w.err = w.write(w.line.Bytes())
	return w.err
}

func (w *Writer) encode(record any) error {
	w.body.Reset()
	if err := Encode(&w.body, record); err != nil {
		return err
	}
	body := w.body.Bytes()
	if err := checkBody(body); err != nil {
		return err
	}
	w.line.Reset()
	w.line.WriteString(crcHead + "00000000" + `"`)
	sealed := w.line.Len()
	w.line.WriteString(seqHead + strconv.FormatInt(w.seq+1, 10))
	if len(body) > len("{}") {
		w.line.WriteByte(',')
	}
	w.line.Write(body[1:])
	hex.Encode(w.line.Bytes()[len(crcHead):], checksum(w.line.Bytes()[sealed:]))
	w.line.WriteByte('\n')
	return nil
}

const (
	crcHead = `{"crc":"`
	seqHead = `,"seq":`
	crcSize = 8
)

func checkBody(body []byte) error {
	if len(body) == 0 || body[0] != '{' {
		return errors.New("it is no JSON object")
	}
	if len(body) > MaxLine-100 {
		return fmt.Errorf("it is longer than %d bytes", MaxLine)
	}
	for _, key := range Keys(body) {
		if string(key) == "crc" || string(key) == "seq" {
			return fmt.Errorf("key %q is reserved", key)
		}
	}
	return nil
}

func checksum(b []byte) []byte {
	sum := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}
}

func (w *Writer) write(line []byte) error {
	if _, err := w.file.Write(line); err != nil {
		return errors.Join(fmt.Errorf("%s: record %d is not written: %w", w.name, w.seq+1, err), w.file.Truncate(w.size))
	}
	w.size, w.seq = w.size+int64(len(line)), w.seq+1
	if !w.opts.Sync {
		return nil
	}
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("%s: record %d may not be durable: %w", w.name, w.seq, err)
	}
	return nil
}

// Close syncs and closes the file. Records cannot be appended afterwards.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(w.err, os.ErrClosed) {
		return nil
	}
	w.err = fmt.Errorf("%s: %w", w.name, os.ErrClosed)
	return errors.Join(w.file.Sync(), w.file.Close())
}
