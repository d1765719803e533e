package workspace

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/sandtable/sandtable/sim/tree"
)

// Log is what [ReadWAL] found.
type Log struct {
	Records []Record
	// Size is the length in bytes of the whole records; what lies behind is torn.
	Size int64
	// Torn is the number of bytes of a record that was cut off while it was written.
	Torn int64

	last string // SHA-256 of the last line
}

// WALError says where a write-ahead log is damaged. A torn last line is not damage.
type WALError struct {
	Line   int
	Reason string
}

// Error names the line.
func (e *WALError) Error() string { return fmt.Sprintf("wal.jsonl:%d: %s", e.Line, e.Reason) }

// ReadWAL reads a write-ahead log, and stops at a torn tail. A file that is not there is
// an empty log. Damage before the last line (a wrong sum, a broken chain, numbers that
// do not follow) is a [*WALError]; the records before it are returned with it.
func ReadWAL(name string) (*Log, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &Log{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("workspace: journal: %w", err)
	}
	return parseWAL(data)
}

func parseWAL(data []byte) (*Log, error) {
	log := &Log{}
	for line := 1; len(data) > 0; line++ {
		text, rest, whole := bytes.Cut(data, []byte("\n"))
		r, err := decodeRecord(text)
		if !whole || err != nil && len(rest) == 0 {
			log.Torn = int64(len(data))
			return log, nil
		}
		if err == nil {
			err = log.follows(r)
		}
		if err != nil {
			return log, &WALError{line, err.Error()}
		}
		sum := sha256.Sum256(text)
		log.last = hex.EncodeToString(sum[:])
		log.Records = append(log.Records, r)
		log.Size += int64(len(text)) + 1
		data = rest
	}
	return log, nil
}

func (l *Log) follows(r Record) error {
	if want := uint64(len(l.Records)) + 1; r.LSN != want {
		return fmt.Errorf("lsn %d where %d was expected", r.LSN, want)
	}
	if r.Prev != l.last {
		return errors.New("prev is not the hash of the line before: a line was changed or removed")
	}
	if n := len(l.Records); n > 0 && r.Epoch < l.Records[n-1].Epoch {
		return errors.New("an epoch that was over writes again")
	}
	return nil
}

// decodeRecord is the inverse of encodeRecord.
func decodeRecord(line []byte) (Record, error) {
	var r Record
	tail := len(`,"sum":"`) + sumDigits + len(`"}`)
	if len(line) < tail+1 || !bytes.HasPrefix(line[len(line)-tail:], []byte(`,"sum":"`)) {
		return r, errors.New("no sum at the end of the line")
	}
	body := append(bytes.Clone(line[:len(line)-tail]), '}')
	if err := json.Unmarshal(line, &r); err != nil {
		return r, err
	}
	if r.Sum != lineSum(body) {
		return r, errors.New("the line does not have the sum it states")
	}
	if len(r.PathBase64) > 0 {
		r.Path, r.PathBase64 = string(r.PathBase64), nil
	}
	return r, nil
}

// state is what a log adds up to.
type state struct {
	head    *tree.Tree
	rev     int
	seeded  bool
	epoch   uint64
	boot    string
	journal string
	open    []Record // decided and intents of a transaction without an end
	pending []tree.Change
}

// replay folds the records of committed transactions into the head.
func (l *Log) replay() (*state, error) {
	s := &state{}
	for _, r := range l.Records {
		s.epoch = max(s.epoch, r.Epoch)
		switch r.Type {
		case RecEpoch:
			s.boot, s.journal = r.Boot, r.Journal
		case RecDecided, RecIntent:
			if r.Tx != 0 {
				s.open = append(s.open, r)
			}
			s.settle(r)
		case RecForeign:
			if r.Via == viaDisplaced {
				s.pending = addPending(s.pending, tree.Change{Path: r.Path, Base: r.Pre, New: r.Post})
			}
		case RecAbort:
			s.open = nil
		case RecCommit:
			if err := s.commit(r); err != nil {
				return nil, &WALError{int(r.LSN), err.Error()}
			}
		}
	}
	return s, nil
}

// settle takes a displaced foreign change off the list once it has been decided.
func (s *state) settle(r Record) {
	if r.Agent != foreignAuthor {
		return
	}
	for i, c := range s.pending {
		if c.Path == r.Path && c.Base == r.Basis {
			s.pending = append(s.pending[:i:i], s.pending[i+1:]...)
			return
		}
	}
}

func (s *state) commit(r Record) error {
	next, err := s.head.With(edges(s.open))
	if err != nil {
		return err
	}
	if r.Root != nil && next.Root() != *r.Root {
		return errors.New("the decided changes do not lead to the root of the commit")
	}
	s.head, s.rev, s.seeded, s.open = next, r.Rev, true, nil
	return nil
}

// edges is what decided records make of the paths they name.
func edges(recs []Record) map[string]tree.Entry {
	out := map[string]tree.Entry{}
	for _, r := range recs {
		if r.Type == RecDecided && r.Op != OpRejected && r.Op != OpSame {
			out[r.Path] = r.Post
		}
	}
	return out
}
