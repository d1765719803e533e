package scenarios

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Bounds on a scenario file. They are far above what a person writes.
const (
	maxFileBytes = 1 << 20
	maxNodes     = 100_000 // aliases written out
	maxNesting   = 64
)

// node is a YAML value that knows where it stands. Exactly one of scalar, list and
// dict is meant, by kind.
type node struct {
	kind   nodeKind
	scalar any // nil, bool, int64, float64 or string
	list   []*node
	dict   []entry
	pos    Pos
	// at places the bytes of a text scalar in the file.
	at func(offset int) (line, col int)
	// cut says that a comment follows a text without quotes: it may have been part of it.
	cut bool
}

type entry struct {
	key   string
	pos   Pos
	value *node
}

type nodeKind int

const (
	scalarNode nodeKind = iota + 1
	listNode
	dictNode
)

// what names a node's kind in messages.
func (n *node) what() string {
	switch {
	case n.kind == listNode:
		return "a list"
	case n.kind == dictNode:
		return "a mapping"
	case n.scalar == nil:
		return "nothing"
	}
	return show(n.scalar)
}

// get returns the value of a key.
func (n *node) get(key string) *node {
	for _, e := range n.dict {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// parseYAML reads one document. Faults go to c; the node is nil if there is none.
func parseYAML(name string, data []byte, c *collector) *node {
	if !readable(name, data, c) {
		return nil
	}
	if i := bytes.IndexAny(data, separators); i >= 0 {
		c.add(posOf(name, data, i), "a line separator other than a line feed; write it as an escape in double quotes")
		return nil
	}
	dec := yaml.NewDecoder(strings.NewReader(version11(string(data))))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		syntaxError(name, data, err, c)
		return nil
	}
	r := reader{file: name, lines: strings.Split(string(data), "\n"), faults: c}
	n := r.node(&doc, 0)
	if r.count > maxNodes {
		return nil // what was read of it would only mislead
	}
	if err := dec.Decode(&second); err == nil {
		c.add(Pos{name, second.Line, second.Column}, "a second document: a file holds one; remove the --- line")
	} else if !errors.Is(err, io.EOF) {
		syntaxError(name, data, err, c)
	}
	return n
}

// separators end a line for the parser, as in YAML 1.1; in 1.2 they are text.
const separators = "\u0085\u2028\u2029"

// version11 makes the parser take a file that says it is YAML 1.2: by what is resolved
// here it may.
func version11(text string) string {
	if rest, ok := strings.CutPrefix(text, "%YAML 1.2"); ok {
		return "%YAML 1.1" + rest
	}
	return text
}

// readable refuses bytes before the parser sees them, where it would guess.
func readable(name string, data []byte, c *collector) bool {
	at := func(offset int) Pos { return posOf(name, data, offset) }
	switch {
	case len(data) > maxFileBytes:
		c.add(Pos{File: name}, "%d bytes; the most is %d", len(data), maxFileBytes)
	case strings.HasPrefix(string(data), "\ufeff"):
		c.add(at(0), "begins with a byte order mark; save the file as UTF-8 without one")
	case strings.HasPrefix(string(data), "\xff\xfe"), strings.HasPrefix(string(data), "\xfe\xff"):
		c.add(at(0), "is UTF-16; save the file as UTF-8")
	case !utf8.Valid(data):
		c.add(at(invalidAt(data)), "bytes that are not UTF-8")
	case bytes.IndexFunc(data, control) >= 0:
		c.add(at(bytes.IndexFunc(data, control)), "a control character; write it as an escape in double quotes")
	default:
		return true
	}
	return false
}

// control reports characters that YAML does not allow to stand in a file.
func control(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85
}

func invalidAt(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}

func posOf(name string, data []byte, offset int) Pos {
	before := string(data[:offset])
	line := strings.Count(before, "\n")
	return Pos{name, line + 1, utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:]) + 1}
}

func (r *reader) node(n *yaml.Node, depth int) *node {
	if r.count++; r.count > maxNodes {
		if r.count == maxNodes+1 {
			r.faults.add(r.pos(n), "more than %d values, aliases written out", maxNodes)
		}
		return nil
	}
	if depth > maxNesting {
		r.faults.add(r.pos(n), "nested deeper than %d", maxNesting)
		return nil
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return r.node(n.Content[0], depth)
	case yaml.AliasNode:
		return r.alias(n, depth)
	case yaml.MappingNode:
		return r.mapping(n, depth)
	case yaml.SequenceNode:
		return r.sequence(n, depth)
	}
	return r.scalar(n)
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
