package scenarios

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// The scalars of the YAML 1.2 core schema (chapter 10.3.2 of its specification).
// The library resolves by a mixture with YAML 1.1, in which `0777` is octal and a
// date is a time, so its resolution is not used.
var (
	coreInt   = regexp.MustCompile(`^[-+]?[0-9]+$`)
	coreOctal = regexp.MustCompile(`^0o[0-7]+$`)
	coreHex   = regexp.MustCompile(`^0x[0-9a-fA-F]+$`)
	coreFloat = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	coreOdd   = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

// resolveScalar returns nil, bool, int64, float64 or string.
func resolveScalar(n *yaml.Node) (any, error) {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	if n.Style&(quoted|yaml.TaggedStyle) != 0 {
		return n.Value, nil
	}
	switch s := n.Value; {
	case slices.Contains([]string{"", "~", "null", "Null", "NULL"}, s):
		return nil, nil
	case slices.Contains([]string{"true", "True", "TRUE"}, s):
		return true, nil
	case slices.Contains([]string{"false", "False", "FALSE"}, s):
		return false, nil
	case coreInt.MatchString(s):
		return integer(s, s, 10)
	case coreOctal.MatchString(s):
		return integer(s, s[2:], 8)
	case coreHex.MatchString(s):
		return integer(s, s[2:], 16)
	case coreFloat.MatchString(s):
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsInf(f, 0) {
			return nil, fmt.Errorf("number %s is too large; quote it if it is text", s)
		}
		return f, nil
	case coreOdd.MatchString(s):
		return nil, fmt.Errorf("%s: values here are finite; quote it if it is text", s)
	}
	return n.Value, nil
}

func integer(whole, digits string, base int) (any, error) {
	v, err := strconv.ParseInt(strings.TrimPrefix(digits, "+"), base, 64)
	if err != nil {
		return nil, fmt.Errorf("integer %s does not fit in 64 bits; quote it if it is text", whole)
	}
	return v, nil
}

// locate returns a function that finds the bytes of a scalar's text in the file. The
// text is walked beside the file: indentation, folded lines and escapes are what the
// file has more.
func (r *reader) locate(n *yaml.Node, text string) func(int) (int, int) {
	begin := func() walker {
		w := walker{lines: r.lines, line: n.Line - 1, style: n.Style}
		w.lost = !w.open(n)
		return w
	}
	return inOrder(begin, func(w *walker, from, to int) {
		for _, c := range text[min(from, len(text)):min(to, len(text))] {
			w.step(c)
		}
	}, func(w walker, offset int) (int, int) {
		if w.lost {
			return n.Line, n.Column
		}
		if offset < len(text) {
			w.settle(rune(text[offset]))
		}
		return w.line + 1, w.col + 1
	})
}

// inOrder makes a function from offsets to places that remembers how far it has come:
// offsets mostly rise, and a long text may hold thousands of expressions.
func inOrder[W any](begin func() W, walk func(w *W, from, to int), place func(w W, offset int) (int, int)) func(int) (int, int) {
	var mu sync.Mutex
	var w W
	at := math.MaxInt // most texts are never asked for a place
	return func(offset int) (int, int) {
		mu.Lock()
		defer mu.Unlock()
		offset = max(offset, 0)
		if offset < at {
			w, at = begin(), 0
		}
		walk(&w, at, offset)
		at = offset
		return place(w, offset)
	}
}

// placesIn is for a text that is a file byte for byte.
func placesIn(data []byte) func(int) (int, int) {
	type point struct{ line, col int }
	return inOrder(func() point { return point{1, 1} }, func(p *point, from, to int) {
		for _, c := range string(data[min(from, len(data)):min(to, len(data))]) {
			if p.col++; c == '\n' {
				p.line, p.col = p.line+1, 1
			}
		}
	}, func(p point, _ int) (int, int) { return p.line, p.col })
}

// walker is a place in the file: line and column from 0, columns in characters.
type walker struct {
	lines     []string
	line, col int
	style     yaml.Style
	current   []rune
	lost      bool // the scalar is not where the parser says
}

// open goes to the first character of the scalar.
func (w *walker) open(n *yaml.Node) bool {
	if w.line < 0 || w.line >= len(w.lines) {
		return false
	}
	w.current, w.col = []rune(w.lines[w.line]), n.Column-1
	for strings.ContainsRune("&!", w.peek()) { // an anchor or a tag stands before it
		for w.peek() != '\n' && w.peek() != ' ' {
			w.col++
		}
		w.space()
	}
	switch {
	case w.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		w.newline()
	case w.style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		w.col++
	}
	return true
}

// peek returns the character here; the end of a line is a newline, that of the file 0.
func (w *walker) peek() rune {
	switch {
	case w.col < len(w.current):
		return w.current[w.col]
	case w.line < len(w.lines)-1:
		return '\n'
	}
	return 0
}

func (w *walker) newline() {
	if w.line < len(w.lines)-1 {
		w.line, w.col = w.line+1, 0
		w.current = []rune(w.lines[w.line])
	} else {
		w.col = len(w.current)
	}
}

func (w *walker) next() {
	if w.col < len(w.current) {
		w.col++
	} else {
		w.newline()
	}
}

func isSpace(c rune) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (w *walker) space() {
	for isSpace(w.peek()) {
		w.next()
	}
}

// settle passes over white space in the file that stands for nothing in the text.
func (w *walker) settle(c rune) {
	for w.peek() != c && isSpace(w.peek()) && !isSpace(c) {
		w.next()
	}
}

// step passes over the one character c of the text.
func (w *walker) step(c rune) {
	w.settle(c)
	switch here := w.peek(); {
	case here == c:
		w.next()
		if c == '\'' && w.style&yaml.SingleQuotedStyle != 0 {
			w.next() // '' stands for one
		}
	case here == '\\' && w.style&yaml.DoubleQuotedStyle != 0:
		w.escape()
	case isSpace(here):
		w.space()
	}
}

// escape passes over an escape of a double-quoted scalar.
func (w *walker) escape() {
	w.next()
	width := map[rune]int{'x': 3, 'u': 5, 'U': 9}[w.peek()]
	for range max(1, width) {
		w.next()
	}
}
