package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/sandtable/sandtable/results/jsonl"
)

// Recorder takes the records of a run: a [Writer] or a [Hasher].
type Recorder interface {
	// Write adds a record to the chain.
	Write(Record) error
	// Hash is the hash of the last record: the identity of what was written so far.
	Hash() Hash
}

// Hasher is a [Recorder] that keeps nothing but the hash. The zero Hasher is ready.
type Hasher struct{ chain }

// Write adds a record to the hash.
func (h *Hasher) Write(r Record) error {
	_, err := h.next(r)
	return err
}

// Hash is the hash of the last record; 64 zeros before the first.
func (h *Hasher) Hash() Hash { return h.hash() }

// chain turns records into lines.
type chain struct {
	n    int64
	prev [sha256.Size]byte
	body bytes.Buffer
	line []byte
}

func (c *chain) hash() Hash { return Hash(hex.EncodeToString(c.prev[:])) }

// next returns the line of the next record without its line feed, valid until the
// next call. After an error the chain is where it was.
func (c *chain) next(r Record) ([]byte, error) {
	r, err := c.checked(r)
	if err != nil {
		return nil, err
	}
	c.body.Reset()
	if err := jsonl.Encode(&c.body, r); err != nil {
		return nil, fmt.Errorf("history: record %d (%s): %w", c.n+1, r.Kind(), err)
	}
	c.line = c.splice(c.line[:0], c.body.Bytes(), r.Kind())
	c.advance(c.line)
	return c.line, nil
}

func (c *chain) advance(line []byte) { c.n, c.prev = c.n+1, sha256.Sum256(line) }

// checked refuses a chain that does not begin with a run, or has two, and puts the
// schema into a copy of the first.
func (c *chain) checked(r Record) (Record, error) {
	if r == nil {
		return nil, errors.New("history: no record")
	}
	run, first := r.(*Run)
	switch {
	case first != (c.n == 0):
		return nil, fmt.Errorf("history: record %d is a %s: the first is a run, and no other", c.n+1, r.Kind())
	case first && run.Schema == 0:
		with := *run
		with.Schema = Schema
		return &with, nil
	}
	return r, nil
}

// splice puts the fields of the chain where they belong among the sorted keys of
// body.
func (c *chain) splice(dst, body []byte, kind Kind) []byte {
	fields := c.fields(kind)
	at := 0
	for i, key := range jsonl.Keys(body) {
		for len(fields) > 0 && fields[0].key < string(key) {
			dst = append(dst, body[at:i]...)
			dst = append(append(dst, fields[0].text...), ',')
			at, fields = i, fields[1:]
		}
	}
	dst = append(dst, body[at:len(body)-1]...)
	for _, f := range fields {
		if len(dst) > len("{") {
			dst = append(dst, ',')
		}
		dst = append(dst, f.text...)
	}
	return append(dst, '}')
}

type field struct{ key, text string }

func (c *chain) fields(kind Kind) []field {
	return []field{
		{"kind", `"kind":"` + string(kind) + `"`},
		{"n", `"n":` + strconv.FormatInt(c.n+1, 10)},
		{"prev", `"prev":"` + string(c.hash()) + `"`},
	}
}
