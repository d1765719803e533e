package agent

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// maxReply bounds how much of a reply's end is searched, scanBudget what the search may
// cost, both in bytes: a text of brackets would otherwise cost time that grows with its
// square.
const (
	maxReply   = 1 << 20
	scanBudget = 32 << 20
	scanCost   = 512 // of beginning to read at a bracket
)

// LastObject returns the last complete JSON object of a text, whether it stands in the
// open or in a fenced block. An object inside another one is not an object of the
// text, and prose is not read at all: what only looks like a move is no move (rule F3
// of the turn reference). An object that is cut off by the text's end is not there, nor
// is anything inside it. After one that is whole and cannot be used, for a number out of
// range or its depth, there is none: neither what is inside it nor what was said before
// it was meant. A text that is too costly to search holds nothing.
func LastObject(text string) (map[string]any, bool) {
	if len(text) > maxReply {
		text = text[len(text)-maxReply:]
	}
	var last map[string]any
	for budget := scanBudget; ; {
		i := strings.IndexByte(text, '{')
		if i < 0 {
			return last, last != nil
		}
		text = text[i:]
		object, read, err := leading(text)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return last, last != nil
		}
		if budget -= scanCost + read; budget < 0 {
			return nil, false
		}
		if errors.As(err, new(*json.SyntaxError)) {
			text = text[1:] // a bracket of prose
			continue
		}
		text, last = text[read:], object // nil: a whole one that nobody can use
	}
}

// leading reads the object that text begins with, and says how many bytes it read.
func leading(text string) (map[string]any, int, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	v, err := decodeValue(dec)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return nil, int(syntax.Offset), err
	}
	if err != nil {
		return nil, int(dec.InputOffset()), err
	}
	return v.(map[string]any), int(dec.InputOffset()), nil
}
