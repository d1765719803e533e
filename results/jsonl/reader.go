package jsonl

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Reader streams the records of a log.
type Reader struct {
	lines *Lines
	seq   int64
	body  []byte
}

// NewReader reads a log from r; name stands in errors.
func NewReader(r io.Reader, name string) *Reader { return &Reader{lines: NewLines(r, name)} }

// Next returns the JSON object of the next record as it was handed in, valid until the
// next call; io.EOF after the last whole record; a [CorruptError] for a line that is
// damaged or out of sequence.
func (r *Reader) Next() ([]byte, error) {
	line, err := r.lines.Next()
	if err != nil {
		return nil, err
	}
	rest, err := r.unseal(line)
	if err != nil {
		return nil, err
	}
	digits := bytes.IndexAny(rest, ",}")
	if digits < 0 {
		return nil, r.lines.Corrupt("no sequence number")
	}
	seq, err := strconv.ParseInt(string(rest[:digits]), 10, 64)
	if err != nil || seq != r.seq+1 {
		return nil, r.lines.Corrupt(fmt.Sprintf("sequence number %s, want %d", rest[:digits], r.seq+1))
	}
	r.seq = seq
	r.body = append(append(r.body[:0], '{'), bytes.TrimPrefix(rest[digits:], []byte(","))...)
	if !json.Valid(r.body) {
		return nil, r.lines.Corrupt("no JSON object")
	}
	return r.body, nil
}

// unseal verifies the checksum and returns what follows the key of the sequence
// number.
func (r *Reader) unseal(line []byte) ([]byte, error) {
	const head = len(crcHead) + crcSize + len(`"`)
	if len(line) < head+len(seqHead) || !bytes.HasPrefix(line, []byte(crcHead)) {
		return nil, r.lines.Corrupt("no checksum")
	}
	sealed := line[head:]
	want := hex.EncodeToString(checksum(sealed))
	if got := line[len(crcHead) : len(crcHead)+crcSize]; string(got) != want || line[head-1] != '"' {
		return nil, r.lines.Corrupt(fmt.Sprintf("checksum %q, want %s", got, want))
	}
	rest, ok := bytes.CutPrefix(sealed, []byte(seqHead))
	if !ok {
		return nil, r.lines.Corrupt("no sequence number")
	}
	return rest, nil
}

// Torn returns what followed the last whole record once Next has returned io.EOF, or
// nil.
func (r *Reader) Torn() *Torn { return r.lines.Torn() }

// Each decodes the records of the log at path one after another into a fresh T and
// hands them to visit, until the end or an error. Unknown fields are ignored. A torn
// tail is returned and is no error; a record that is no T is a [CorruptError].
func Each[T any](path string, visit func(*T) error) (*Torn, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := NewReader(f, path)
	for {
		body, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Torn(), nil
		}
		if err != nil {
			return nil, err
		}
		record := new(T)
		if err := json.Unmarshal(body, record); err != nil {
			return nil, r.lines.Corrupt(err.Error())
		}
		if err := visit(record); err != nil {
			return nil, err
		}
	}
}
