package tree

import (
	"bytes"
	"fmt"
	"strconv"
)

// MaxDiffBytes bounds what [UnifiedDiff] returns, apart from its last line.
const MaxDiffBytes = 64 << 10

// diffContext is the number of unchanged lines around a hunk.
const diffContext = 3

// UnifiedDiff returns what changes from a to b in the unified format that patch and
// git apply read, with three lines of context; nothing if a equals b. It is for
// showing, so it is bounded: content with NUL bytes, above [MaxMergeSize] or of too many lines
// gets one line, texts too different for the line diff are replaced as a whole, and behind
// [MaxDiffBytes] a line starting with "[" says how much is missing.
func UnifiedDiff(a, b []byte, nameA, nameB string) []byte {
	switch {
	case bytes.Equal(a, b):
		return nil
	case !isText(a) || !isText(b) || len(a) > MaxMergeSize || len(b) > MaxMergeSize || tooManyLines(a, b):
		return fmt.Appendf(nil, "Binary or large files %s and %s differ\n", diffName(nameA), diffName(nameB))
	}
	linesA, linesB := splitLines(a), splitLines(b)
	in := intern{}
	idsA, idsB := in.lines(linesA), in.lines(linesB)
	hunks, ok := diffHunks(idsA, idsB, maxDiffSteps)
	if !ok {
		hunks = []edited{{a: Span{0, len(linesA)}, b: Span{0, len(linesB)}}}
	}
	w := &diffWriter{a: linesA, b: linesB}
	w.add(fmt.Appendf(nil, "--- %s\n+++ %s\n", diffName(nameA), diffName(nameB)))
	for len(hunks) > 0 {
		n := 1
		for n < len(hunks) && hunks[n].a.From-hunks[n-1].a.To <= 2*diffContext {
			n++
		}
		w.hunk(hunks[:n])
		hunks = hunks[n:]
	}
	if w.left > 0 {
		w.out = fmt.Appendf(w.out, "[%d more bytes of this diff are not shown]\n", w.left)
	}
	return w.out
}

// diffName quotes a name that would break its line.
func diffName(name string) string {
	if q := strconv.Quote(name); q != `"`+name+`"` {
		return q
	}
	return name
}

// diffWriter collects whole lines up to the limit and counts the rest.
type diffWriter struct {
	a, b [][]byte
	out  []byte
	left int
}

func (w *diffWriter) add(piece []byte) {
	if w.left > 0 || len(w.out)+len(piece) > MaxDiffBytes {
		w.left += len(piece)
		return
	}
	w.out = append(w.out, piece...)
}

// hunk writes edits that are close to each other, with their context.
func (w *diffWriter) hunk(edits []edited) {
	first, last := edits[0], edits[len(edits)-1]
	lead := min(diffContext, first.a.From)
	trail := min(diffContext, len(w.a)-last.a.To)
	w.add(fmt.Appendf(nil, "@@ -%s +%s @@\n",
		rangeOf(Span{first.a.From - lead, last.a.To + trail}), rangeOf(Span{first.b.From - lead, last.b.To + trail})))
	at := first.a.From - lead
	for _, e := range edits {
		w.lines(' ', w.a[at:e.a.From])
		w.lines('-', w.a[e.a.From:e.a.To])
		w.lines('+', w.b[e.b.From:e.b.To])
		at = e.a.To
	}
	w.lines(' ', w.a[at:at+trail])
}

// rangeOf writes a range as hunk headers have it: an empty one names the line before.
func rangeOf(s Span) string {
	from := s.From + 1
	if s.Len() == 0 {
		from = s.From
	}
	return fmt.Sprintf("%d,%d", from, s.Len())
}

func (w *diffWriter) lines(mark byte, lines [][]byte) {
	for _, line := range lines {
		piece := append([]byte{mark}, line...)
		if !bytes.HasSuffix(line, []byte("\n")) {
			piece = append(piece, "\n\\ No newline at end of file\n"...)
		}
		w.add(piece)
	}
}
