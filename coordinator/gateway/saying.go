package gateway

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"unicode/utf8"

	"github.com/sandtable/sandtable/scenarios/expr"
	"go.starlark.net/starlark"
)

// saying is what a message adds to the [conversation]. It depends on the message and on
// the names of the tools whose results it has, and never changes.
type saying struct {
	role   string // "user", "assistant", or "": left out
	blocks []Block

	opens   bool   // it has the turn's user message: what came before it is another turn's
	last    string // that message's text
	results []toolResult

	wants, gives []toolID // the names that it took, and that others may take from it

	size  int      // in characters, by the rule of usage
	print [32]byte // tells it from others

	value func() (starlark.Value, error) // as a script sees it, frozen
}

type toolID struct{ id, name string }

func newSaying(m Message, n *neutral, tools map[string]string) *saying {
	s := &saying{}
	switch m.Role {
	case "user":
		s.role = m.Role
		fresh := true // the next text opens a turn; else it is part of the same prompt
		for _, b := range m.Blocks {
			fresh = s.user(b, n, tools, fresh)
		}
	case "assistant":
		s.role = m.Role
		for _, b := range m.Blocks {
			s.assistant(b, n)
		}
	}
	s.measure()
	s.value = sync.OnceValues(s.starlark)
	return s
}

// user takes in a block of a user message. It returns whether a text after it would open
// a turn: texts side by side are one prompt.
func (s *saying) user(b Block, n *neutral, tools map[string]string, fresh bool) bool {
	switch b.Type {
	case "text":
		text := n.clean(ownText(b.Text))
		if text == "" {
			return fresh || !reminder.MatchString(b.Text)
		}
		s.prompt(text, fresh)
		s.blocks = append(s.blocks, Block{Type: "text", Text: text})
		return false
	case "tool_result":
		res := toolResult{tools[b.ID], n.clean(withoutReminders(b.Text)), b.IsError}
		s.wants = append(s.wants, toolID{b.ID, res.tool})
		s.results = append(s.results, res)
		s.blocks = append(s.blocks, Block{Type: b.Type, Name: res.tool, Text: res.text, IsError: b.IsError})
	default:
		s.blocks = append(s.blocks, Block{Type: b.Type})
	}
	return true
}

func (s *saying) prompt(text string, fresh bool) {
	if !fresh {
		s.last += "\n" + text
		return
	}
	s.opens, s.last, s.results = true, text, nil
}

func (s *saying) assistant(b Block, n *neutral) {
	switch b.Type {
	case "text":
		s.blocks = append(s.blocks, Block{Type: "text", Text: n.clean(b.Text)})
	case "tool_use":
		s.gives = append(s.gives, toolID{b.ID, b.Name})
		s.blocks = append(s.blocks, Block{Type: b.Type, Name: b.Name, Input: n.cleanValue(b.Input)})
	}
}

// fits reports whether the message would say the same after messages that gave tools.
func (s *saying) fits(tools map[string]string) bool {
	for _, t := range s.wants {
		if tools[t.id] != t.name {
			return false
		}
	}
	return true
}

func (s *saying) name(tools map[string]string) {
	for _, t := range s.gives {
		tools[t.id] = t.name
	}
}

// measure counts the characters and makes the print, of all that a script can see.
func (s *saying) measure() {
	text := sized(nil, s.role)
	for _, b := range s.blocks {
		text = sized(sized(sized(text, b.Type), b.Text), b.Name)
		s.size += utf8.RuneCountInString(b.Text)
		switch b.Type {
		case "tool_use":
			input := canonical(b.Input)
			s.size += utf8.RuneCountInString(b.Name) + utf8.RuneCount(input)
			text = sized(text, string(input))
		case "tool_result":
			if b.IsError {
				text = sized(text, "error")
			} else {
				text = sized(text, "")
			}
		}
	}
	s.print = sha256.Sum256(text)
}

// sized appends a text, so that texts with other bounds give other bytes.
func sized(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

func (s *saying) starlark() (starlark.Value, error) {
	v, err := expr.ToStarlark(map[string]any{"role": s.role, "content": blockValues(s.blocks)})
	if err == nil {
		v.Freeze()
	}
	return v, err
}
