package history

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sandtable/sandtable/results/jsonl"
)

// Line is one record with its place in the chain.
type Line struct {
	N    int64 // from 1
	Hash Hash  // of its bytes
	Kind Kind
	// Record is one of the pointer types of this package, or nil for a kind that this
	// version does not know: the line counts for the chain and is otherwise skipped.
	Record Record
}

// SchemaError is a history of a version that cannot be read.
type SchemaError struct {
	File   string
	Schema int
}

// Error says which versions are readable.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("%s: schema %d: this program reads schema %d; use the version that wrote it", e.File, e.Schema, Schema)
}

// Reader streams a history and verifies its chain.
type Reader struct {
	name  string
	lines *jsonl.Lines
	close io.Closer
	chain chain
}

// NewReader reads from r; name stands in errors.
func NewReader(r io.Reader, name string) *Reader {
	return &Reader{name: name, lines: jsonl.NewLines(r, name)}
}

// Open reads the history at path.
func Open(path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := NewReader(f, path)
	r.close = f
	return r, nil
}

// Close closes what [Open] opened.
func (r *Reader) Close() error {
	if r.close == nil {
		return nil
	}
	return r.close.Close()
}

// Next returns the next record; io.EOF after the last whole one; a
// [jsonl.CorruptError] where the chain is broken or a line is none of ours; a
// [SchemaError] for a version that cannot be read.
//
// A line is vouched for by the one behind it. So the line before a broken one is not
// among those that [jsonl.CorruptError] calls good.
func (r *Reader) Next() (Line, error) {
	line, err := r.next()
	var corrupt *jsonl.CorruptError
	if errors.As(err, &corrupt) {
		corrupt.Good = max(0, corrupt.Line-2)
	}
	return line, err
}

func (r *Reader) next() (Line, error) {
	raw, err := r.lines.Next()
	if err != nil {
		return Line{}, err
	}
	kind, err := r.link(raw)
	if err != nil {
		return Line{}, err
	}
	record := blank(kind)
	if record != nil {
		if err := json.Unmarshal(raw, record); err != nil {
			return Line{}, r.lines.Corrupt(err.Error())
		}
	}
	r.chain.advance(raw)
	return Line{N: r.chain.n, Hash: r.chain.hash(), Kind: kind, Record: record}, nil
}

// link verifies the chain's fields of a line.
func (r *Reader) link(raw []byte) (Kind, error) {
	var link struct {
		Kind   Kind   `json:"kind"`
		N      int64  `json:"n"`
		Prev   string `json:"prev"`
		Schema int    `json:"schema"` // of a run
	}
	if err := json.Unmarshal(raw, &link); err != nil {
		return "", r.lines.Corrupt("no JSON object: " + err.Error())
	}
	switch prev := hex.EncodeToString(r.chain.prev[:]); {
	case link.N != r.chain.n+1:
		return "", r.lines.Corrupt(fmt.Sprintf("record number %d, want %d: a line is missing, doubled, moved or changed", link.N, r.chain.n+1))
	case link.Prev != prev:
		return "", r.lines.Corrupt(fmt.Sprintf("the chain is broken: this line or the one before it was changed; prev is %.64q, the line before has %s", link.Prev, prev))
	case link.N == 1 && link.Kind == KindRun && link.Schema != Schema: // before its fields, which may be others
		return "", &SchemaError{File: r.name, Schema: link.Schema}
	case (link.Kind == KindRun) != (link.N == 1):
		return "", r.lines.Corrupt(fmt.Sprintf("a %.20q record: the first is a run, and no other", link.Kind))
	}
	return link.Kind, nil
}

// Hash is the hash of the record returned last; 64 zeros before the first. After the
// last one it is the identity of the run.
func (r *Reader) Hash() Hash { return r.chain.hash() }

// Torn returns what followed the last whole record once Next has returned io.EOF, or
// nil.
func (r *Reader) Torn() *jsonl.Torn { return r.lines.Torn() }

// Verify reads the history at path to its end; nil means that the chain is whole up
// to a tail that may be torn.
func Verify(path string) error {
	r, err := Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
