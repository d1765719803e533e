package scenarios

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// syntaxError words what the YAML parser refused, and finds the usual cause: an
// expression that needed quotes.
func syntaxError(name string, data []byte, err error, c *collector) {
	if errors.Is(err, io.EOF) {
		c.add(Pos{name, 1, 1}, "the file is empty; it begins with `sandtable: 1`")
		return
	}
	line, msg := 1, err.Error()
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		msg = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
	}
	lines := strings.Split(string(data), "\n")
	if pos, ok := bareCode(name, lines, line); ok {
		c.add(pos, "not YAML: %s; an expression in {} or [], or with `: `, ` #` or a comma, needs quotes: \"${…}\"", msg)
		return
	}
	if strings.HasPrefix(msg, "did not find expected") {
		line++ // the parser counts the line of these from 0
	}
	if msg == "found character that cannot start any token" && tabbed(lines, line) {
		msg = "a tab; indent with spaces"
	}
	line = min(line, len(lines))
	c.add(Pos{name, line, firstCol(lines[line-1])}, "not YAML: %s", msg)
}

func firstCol(line string) int {
	indent := len(line) - len(strings.TrimLeft(line, " \t"))
	return indent + 1
}

func tabbed(lines []string, line int) bool {
	return line <= len(lines) && strings.Contains(lines[line-1], "\t")
}

// bareCode looks for a `${` outside quotes near a line that the parser named; it is
// off by one now and then.
func bareCode(name string, lines []string, line int) (Pos, bool) {
	for _, i := range []int{line, line + 1, line - 1} {
		if i < 1 || i > len(lines) {
			continue
		}
		if col := bareIn(lines[i-1]); col >= 0 {
			return Pos{name, i, utf8.RuneCountInString(lines[i-1][:col]) + 1}, true
		}
	}
	return Pos{}, false
}

// bareIn returns the offset of the first `${` of a line that stands outside quotes,
// or -1. An apostrophe inside a word opens no quotes.
func bareIn(line string) int {
	var quote byte
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '#' && (i == 0 || line[i-1] == ' '):
			return -1
		case (c == '"' || c == '\'') && (i == 0 || strings.IndexByte(" [{,", line[i-1]) >= 0):
			quote = c
		case strings.HasPrefix(line[i:], "${"):
			return i
		}
	}
	return -1
}
