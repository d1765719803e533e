package program

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	tailSize = 2 << 10  // of stderr, in the text of a crash
	sinkSize = 16 << 20 // of stderr, in its file; the rest is dropped, and that is said
)

// tail keeps the end of what is written to it and passes the beginning on.
type tail struct {
	sink io.Writer // nil: none

	mu   sync.Mutex
	last []byte
	sunk int
}

// Write never fails: a full disk is the log's trouble and not the program's.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pass(b)
	if len(b) >= tailSize {
		t.last = append(t.last[:0], b[len(b)-tailSize:]...)
	} else {
		t.last = append(t.last[max(0, len(t.last)+len(b)-tailSize):], b...)
	}
	return len(b), nil
}

func (t *tail) pass(b []byte) {
	if t.sink == nil || t.sunk >= sinkSize {
		return
	}
	b = b[:min(len(b), sinkSize-t.sunk)]
	t.sink.Write(b)
	if t.sunk += len(b); t.sunk >= sinkSize {
		fmt.Fprintf(t.sink, "\n[stderr is cut here, at %d bytes]\n", sinkSize)
	}
}

// String is the end of stderr, made harmless.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return clean(t.last)
}

// clean escapes what is not a printable character, a newline or a tab: what a program
// prints may end up on somebody's terminal. A character cut off at the front is dropped.
func clean(b []byte) string {
	for len(b) > 0 && !utf8.RuneStart(b[0]) {
		b = b[1:]
	}
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&out, `\x%02x`, b[0])
		case r == '\n' || r == '\t' || unicode.IsPrint(r):
			out.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&out, `\x%02x`, r)
		default:
			fmt.Fprintf(&out, `\u{%x}`, r)
		}
		b = b[n:]
	}
	return strings.TrimSpace(out.String())
}
