package workspace

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"unicode/utf8"

	"github.com/sandtable/sandtable/sim/tree"
)

// RecordType says what a record of the write-ahead log stands for. The zero value is
// not one of them.
type RecordType string

// The record types. A transaction is the records that share Tx, which is the LSN of the
// first: its decided records, its intents, and one commit or abort.
const (
	RecEpoch   RecordType = "epoch"         // a coordinator opened the journal
	RecDecided RecordType = "decided"       // what became of one path of one write set
	RecIntent  RecordType = "intent"        // a path on disk is about to change from Pre to Post
	RecCommit  RecordType = "commit"        // all of the transaction's intents are done
	RecAbort   RecordType = "abort"         // none of them counts: the tree before stands
	RecForeign RecordType = "foreign_write" // Post was found where Pre was expected
	RecLate    RecordType = "late"          // Post was written by Agent after its stage was sealed
	RecSalvage RecordType = "salvaged"      // bytes a killed coordinator had displaced
)

// Op says what happens to a path.
type Op string

// The operations. Rejected paths keep Pre; Post is what their author wanted.
const (
	OpCreate   Op = "create"
	OpReplace  Op = "replace"
	OpDelete   Op = "delete"
	OpSame     Op = "same"
	OpRejected Op = "rejected"
)

// Record is one line of wal.jsonl.
//
// The decided records of committed transactions, in LSN order, are the chain of each
// path: Pre is what the head held before this author's change, Post what it held after
// (for rejected ones: what the author wanted), Basis what the author had been given.
// The bytes of every Pre, Post and Basis are in blobs. Absent entries are null.
type Record struct {
	LSN   uint64     `json:"lsn"`   // 1, 2, 3, … through all epochs
	Epoch uint64     `json:"epoch"` // of the coordinator that wrote it; rises with every open
	Type  RecordType `json:"type"`
	Tx    uint64     `json:"tx,omitempty"`
	// Path is relative to the tree; one that is not UTF-8 is in PathBase64 instead.
	Path       string       `json:"path,omitempty"`
	PathBase64 []byte       `json:"path_base64,omitempty"`
	Key        string       `json:"key,omitempty"` // what the path is locked and compared by, where it is not Path
	Op         Op           `json:"op,omitempty"`
	Pre        tree.Entry   `json:"pre"`
	Post       tree.Entry   `json:"post"`
	Basis      tree.Entry   `json:"basis"`
	Agent      string       `json:"agent,omitempty"`
	Turn       int          `json:"turn"`
	Stage      int          `json:"stage"`
	Rev        int          `json:"rev"`
	Via        string       `json:"via,omitempty"` // seed, view, world, boundary, displaced, …
	Decision   tree.Outcome `json:"decision,omitempty"`
	Policy     tree.Policy  `json:"policy,omitempty"`
	Winner     string       `json:"winner,omitempty"`
	Reason     string       `json:"reason,omitempty"`
	Evidence   string       `json:"evidence,omitempty"`
	Confidence string       `json:"confidence,omitempty"` // certain, or likely
	Staged     string       `json:"staged,omitempty"`     // intent: name of the staged, later the displaced file
	Root       *tree.Hash   `json:"root,omitempty"`       // commit, abort: of the tree that stands
	PID        int          `json:"pid,omitempty"`        // epoch
	Boot       string       `json:"boot,omitempty"`       // epoch: changes when the machine restarts
	Journal    string       `json:"journal,omitempty"`    // epoch: random name of this journal
	// Prev is the SHA-256 of the line before, without its newline; "" in the first.
	Prev string `json:"prev,omitempty"`
	// Sum is the first 16 hexadecimal digits of the SHA-256 of this line as it would
	// be without Sum. It tells a whole line from a torn or damaged one.
	Sum string `json:"sum,omitempty"`
}

const sumDigits = 16

// wal appends to wal.jsonl. Appends of one call are one write, whole or not at all.
type wal struct {
	mu    sync.Mutex
	f     *os.File
	size  int64 // up to the last whole record
	sync  bool
	lsn   uint64
	epoch uint64
	prev  string
	bad   error
}

// append gives the records their numbers and writes them. tx makes them one
// transaction that starts with the first of them. durable waits for the disk.
func (l *wal) append(recs []Record, tx, durable bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bad != nil {
		return l.bad
	}
	var out bytes.Buffer
	lsn, prev := l.lsn, l.prev
	for i := range recs {
		lsn++
		r := &recs[i]
		r.LSN, r.Epoch, r.Prev = lsn, l.epoch, prev
		if tx {
			r.Tx = l.lsn + 1
		}
		line, err := encodeRecord(*r)
		if err != nil {
			return fmt.Errorf("workspace: journal: %w", err)
		}
		sum := sha256.Sum256(line)
		prev = hex.EncodeToString(sum[:])
		out.Write(line)
		out.WriteByte('\n')
	}
	if err := l.write(out.Bytes(), durable); err != nil {
		return err
	}
	l.lsn, l.prev = lsn, prev
	return nil
}

// write appends bytes. After a failure the file is cut back, so that the next record
// does not follow half a line; where even that fails nothing more is written.
func (l *wal) write(data []byte, durable bool) error {
	_, err := l.f.WriteAt(data, l.size)
	if err == nil && durable && l.sync {
		err = l.f.Sync()
	}
	if err == nil {
		l.size += int64(len(data))
		return nil
	}
	err = &StorageError{"append to", l.f.Name(), err}
	if cut := l.f.Truncate(l.size); cut != nil {
		l.bad = fmt.Errorf("%w; and it cannot be cut back: %w", err, cut)
	}
	return err
}

// encodeRecord returns the record's line, Sum included and last.
func encodeRecord(r Record) ([]byte, error) {
	if !utf8.ValidString(r.Path) {
		r.Path, r.PathBase64 = "", []byte(r.Path)
	}
	r.Sum = ""
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, err
	}
	line := bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	return append(line[:len(line)-1], []byte(`,"sum":"`+lineSum(line)+`"}`)...), nil
}

func lineSum(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])[:sumDigits]
}
