package workspace

import (
	"bytes"
	"encoding/json"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sandtable/sandtable/sim/tree"
)

// opsLog writes ops.jsonl: every call with the monotonic times of call and return, from
// which a checker reconstructs what may have happened before what. A line is written
// when a call returns; a call without a line may or may not have taken effect.
type opsLog struct {
	f     *os.File
	epoch uint64
	start time.Time

	mu   sync.Mutex // guards what follows
	n    uint64
	torn bool // the file ends in half a line
	line bytes.Buffer
	enc  *json.Encoder // into line
}

// Op records in ops.jsonl.
type opLine struct {
	N      uint64 `json:"n"`
	Epoch  uint64 `json:"epoch"` // times of different epochs do not compare
	Op     string `json:"op"`
	Agent  string `json:"agent,omitempty"`
	Call   int64  `json:"call"`   // ns since the journal was opened, monotonic
	Return int64  `json:"return"` // likewise
	In     opIn   `json:"in"`
	Out    opOut  `json:"out"`
	Err    string `json:"err,omitempty"`
}

type opIn struct {
	Rev  int    `json:"rev,omitempty"`
	Root string `json:"root,omitempty"` // of the tree a view or the head is brought to
}

type opOut struct {
	Root    string     `json:"root,omitempty"`
	Changes []opChange `json:"changes,omitempty"`
	Refused []Refusal  `json:"refused,omitempty"`
}

type opChange struct {
	Path string `json:"path,omitempty"`
	// PathBase64 is the path where it is not UTF-8, as in [Record].
	PathBase64 []byte `json:"path_base64,omitempty"`

	Base string `json:"base"` // hash; "" is absent
	New  string `json:"new"`
}

func compact(ws tree.WriteSet) []opChange {
	out := make([]opChange, len(ws))
	for i, c := range ws {
		out[i] = opChange{Path: c.Path, Base: hashOrNone(c.Base), New: hashOrNone(c.New)}
		if !utf8.ValidString(c.Path) {
			out[i].Path, out[i].PathBase64 = "", []byte(c.Path)
		}
	}
	return out
}

func hashOrNone(e tree.Entry) string {
	if e.Absent() {
		return ""
	}
	return e.Hash.String()
}

// openOps opens the log for appending; half a line of a killed coordinator gets its
// newline, and readers skip it.
func openOps(name string, epoch uint64) (*opsLog, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, &StorageError{"open", name, err}
	}
	if st, err := f.Stat(); err == nil && st.Size() > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, st.Size()-1); err == nil && last[0] != '\n' {
			_, _ = f.WriteString("\n")
		}
	}
	l := &opsLog{f: f, epoch: epoch, start: time.Now()}
	l.enc = json.NewEncoder(&l.line)
	l.enc.SetEscapeHTML(false)
	return l, nil
}

// opCall is one call under way.
type opCall struct {
	log  *opsLog
	line opLine
}

func (l *opsLog) begin(op, agent string, in opIn) *opCall {
	return &opCall{l, opLine{Epoch: l.epoch, Op: op, Agent: agent, In: in, Call: time.Since(l.start).Nanoseconds()}}
}

// end writes the line. A failure to write it is no failure of the call: the WAL, not
// this log, keeps the promises; a checker sees the gap in the numbers.
func (c *opCall) end(out opOut, err error) {
	c.line.Return, c.line.Out = time.Since(c.log.start).Nanoseconds(), out
	if err != nil {
		c.line.Err = err.Error()
	}
	c.log.write(&c.line)
}

func (l *opsLog) write(line *opLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	line.N = l.n
	l.line.Reset()
	if l.torn { // by a disk that was full: readers skip that line, and not this one with it
		l.line.WriteByte('\n')
	}
	if l.enc.Encode(line) != nil {
		return
	}
	if n, err := l.f.Write(l.line.Bytes()); n > 0 {
		l.torn = err != nil
	}
}
