package claude

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode"
)

const (
	maxTail   = 2 << 10  // of stderr's end that is kept for a message, in bytes
	maxStderr = 16 << 20 // of stderr that is copied; the rest is dropped, and that is said
)

// tail keeps the end of a process's stderr, and copies the beginning to a writer.
type tail struct {
	to     io.Writer // nil: nowhere
	copied int
	secret string // never shown
	clean  func(string) string

	mu  sync.Mutex
	end []byte
}

func (t *tail) drain(r io.Reader) {
	buf := make([]byte, 8<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			t.add(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

func (t *tail) add(p []byte) {
	t.copy(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p...)
	if n := len(t.end) - maxTail; n > 0 {
		t.end = append(t.end[:0], t.end[n:]...)
	}
}

func (t *tail) copy(p []byte) {
	if t.to == nil {
		return
	}
	p = p[:min(len(p), maxStderr-t.copied)]
	t.copied += len(p)
	if t.copied == maxStderr {
		p = fmt.Appendf(slices.Clone(p), "\n[stderr is cut here, at %d bytes]\n", maxStderr)
	}
	if _, err := t.to.Write(p); err != nil || t.copied == maxStderr {
		t.to = nil // a full disk must not stop the drain
	}
}

// said is the end of stderr for a message, with a separator in front; "" if nothing
// was said. It has nothing that does not print, no key and no path of the agent's.
func (t *tail) said() string {
	t.mu.Lock()
	text := string(t.end)
	t.mu.Unlock()
	text = strings.ToValidUTF8(text, "")
	if t.secret != "" {
		text = strings.ReplaceAll(text, t.secret, "***")
	}
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text))
	if text == "" {
		return ""
	}
	return ": " + t.clean(text)
}
