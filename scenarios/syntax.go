package scenarios

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
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
	line = firstFailing(lines, min(line, len(lines)), err.Error())
	if pos, ok := bareCode(name, lines, line); ok {
		c.add(pos, "not YAML: %s; an expression in {} or [], or with `: `, ` #` or a comma, needs quotes: \"${…}\"", msg)
		return
	}
	if msg == "found character that cannot start any token" && tabbed(lines, line) {
		msg = "a tab; indent with spaces"
	}
	c.add(Pos{name, line, firstCol(lines[line-1])}, "not YAML: %s%s", msg, remedy(msg))
}

// mostRetried is how many bytes are parsed once more to find the line of a fault.
const mostRetried = 8 << 20

// firstFailing returns the line with which the file begins to fail as it does. What the
// parser names is where the mapping or list around the fault begins, now and then one
// less, or nothing; it is never behind the fault.
func firstFailing(lines []string, from int, failure string) int {
	size, retried := len(strings.Join(lines[:from-1], "\n")), 0
	for line := from; line <= len(lines); line++ {
		size += len(lines[line-1]) + 1
		if retried += size; retried > mostRetried {
			break
		}
		if parseFailure(strings.Join(lines[:line], "\n")) == failure {
			return line
		}
	}
	return from
}

func parseFailure(text string) string {
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); err != nil {
			return err.Error()
		}
	}
}

// remedy says what helps against faults whose words tell it only to who knows YAML.
func remedy(msg string) string {
	switch {
	case strings.HasSuffix(msg, "alphabetic or numeric character"), strings.HasPrefix(msg, "unknown anchor"):
		return "; a text that begins with * or &, like **/*.md, needs quotes"
	case strings.HasSuffix(msg, "cannot start any token"):
		return "; a text that begins with @, % or ` needs quotes"
	case strings.HasSuffix(msg, "hexdecimal number"), strings.HasSuffix(msg, "escape character"):
		return "; in single quotes a backslash is nothing special"
	case strings.HasPrefix(msg, "mapping values are not allowed"):
		return "; a text with `: ` in it needs quotes"
	case strings.HasPrefix(msg, "found incompatible"):
		return "; remove the %YAML line"
	}
	return ""
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
