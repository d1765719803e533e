package claude

import (
	"io"
	"strings"
	"unicode"

	"github.com/sandtable/sandtable/coordinator/agent"
)

// tail is a process's stderr as it may be told.
type tail struct {
	*agent.Stderr
	secret string // never shown
	clean  func(string) string
}

func newTail(to io.Writer, secret string, clean func(string) string) *tail {
	return &tail{agent.NewStderr(to), secret, clean}
}

// said is the end of stderr for a message, with a separator in front; "" if nothing
// was said. It has nothing that does not print, no key and no path of the agent's.
func (t *tail) said() string {
	text := strings.ToValidUTF8(string(t.End()), "")
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
