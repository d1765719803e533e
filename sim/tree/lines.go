package tree

import "bytes"

// splitLines cuts text behind every newline. Lines keep their ends, so that CRLF and a
// missing final newline are part of what is compared and copied.
func splitLines(text []byte) [][]byte {
	if len(text) == 0 {
		return nil
	}
	lines := make([][]byte, 0, bytes.Count(text, []byte("\n"))+1)
	for len(text) > 0 {
		n := bytes.IndexByte(text, '\n') + 1
		if n == 0 {
			n = len(text)
		}
		lines = append(lines, text[:n])
		text = text[n:]
	}
	return lines
}

// joinLines is the inverse of splitLines.
func joinLines(lines [][]byte) []byte { return bytes.Join(lines, nil) }

// intern numbers lines so that equal lines of any of the texts have equal numbers.
type intern map[string]int32

func (in intern) lines(lines [][]byte) []int32 {
	out := make([]int32, len(lines))
	for i, line := range lines {
		id, ok := in[string(line)]
		if !ok {
			id = int32(len(in))
			in[string(line)] = id
		}
		out[i] = id
	}
	return out
}

// isText reports whether data may be merged by lines: it holds no NUL.
func isText(data []byte) bool { return bytes.IndexByte(data, 0) < 0 }

// maxLines bounds the memory of a line diff, which is many times a short line.
const maxLines = 1 << 18

func tooManyLines(texts ...[]byte) bool {
	for _, text := range texts {
		if bytes.Count(text, []byte("\n")) > maxLines {
			return true
		}
	}
	return false
}
