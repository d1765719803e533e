package agent

import (
	"fmt"
	"io"
	"sync"
)

const (
	// StderrEnd is how much of the end of a process's stderr is kept for the text of a
	// failure, in bytes.
	StderrEnd = 2 << 10
	// MaxStderr is how much of it is copied, in bytes: an agent may print for days. The rest
	// is dropped, and that is said.
	MaxStderr = 16 << 20
)

// Stderr keeps the end of what a process prints there and passes the beginning on. It may
// be used by several goroutines at a time.
type Stderr struct {
	sink io.Writer // nil: nowhere

	mu   sync.Mutex
	end  []byte
	sunk int
}

// NewStderr passes the first [MaxStderr] bytes to sink; nil: nowhere.
func NewStderr(sink io.Writer) *Stderr { return &Stderr{sink: sink} }

// Write never fails: a full disk is the log's trouble and must not stop the process.
func (s *Stderr) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pass(b)
	last := b[max(0, len(b)-StderrEnd):]
	s.end = append(s.end[max(0, len(s.end)+len(last)-StderrEnd):], last...)
	return len(b), nil
}

func (s *Stderr) pass(b []byte) {
	if s.sink == nil {
		return
	}
	b = b[:min(len(b), MaxStderr-s.sunk)]
	s.sunk += len(b)
	_, err := s.sink.Write(b)
	if err == nil && s.sunk < MaxStderr {
		return
	}
	if err == nil {
		fmt.Fprintf(s.sink, "\n[stderr is cut here, at %d bytes]\n", MaxStderr)
	}
	s.sink = nil
}

// End is a copy of the last [StderrEnd] bytes.
func (s *Stderr) End() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]byte(nil), s.end...)
}
