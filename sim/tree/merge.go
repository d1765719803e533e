package tree

import (
	"bytes"
	"slices"
)

// Hunk is a place where two edits of one text do not merge: the lines of the base
// and what either side has made of them.
type Hunk struct{ Base, Ours, Theirs Span }

// MergeText merges two edits of base by lines (diff3). ok is true if they merge;
// else merged is nil and conflicts, which is not empty, says where they do not. ours
// and theirs are treated alike.
//
// What both sides changed alike merges, and what one side left alone. Edits of
// overlapping lines conflict, and so do edits of adjacent ones and insertions at the
// same place, as with git merge-file: nothing says in which order they should stand.
// Stricter than git, an insertion or deletion of repeated lines counts for every place
// where it could be meant.
//
// Lines are bytes up to a newline, ends included: CRLF, a missing final newline and
// invalid UTF-8 stay as they are. Work is bounded: texts too different from the base,
// or of more than 262,144 lines, conflict as a whole unless one side did nothing.
func MergeText(base, ours, theirs []byte) (merged []byte, conflicts []Hunk, ok bool) {
	return mergeText(base, ours, theirs, maxDiffSteps)
}

func mergeText(base, ours, theirs []byte, steps int) (merged []byte, conflicts []Hunk, ok bool) {
	switch {
	case bytes.Equal(ours, theirs) || bytes.Equal(base, theirs):
		return ours, nil, true
	case bytes.Equal(base, ours):
		return theirs, nil, true
	}
	if tooManyLines(base, ours, theirs) {
		return nil, wholeTexts(base, ours, theirs), false
	}
	m := newMerger(base, ours, theirs, steps)
	if m == nil {
		return nil, wholeTexts(base, ours, theirs), false
	}
	m.run()
	if len(m.conflicts) > 0 {
		return nil, m.conflicts, false
	}
	return joinLines(m.out), nil, true
}

func wholeTexts(base, ours, theirs []byte) []Hunk {
	whole := func(text []byte) Span {
		n := bytes.Count(text, []byte("\n"))
		if len(text) > 0 && text[len(text)-1] != '\n' {
			n++
		}
		return Span{0, n}
	}
	return []Hunk{{whole(base), whole(ours), whole(theirs)}}
}

// side is one edit of the base on its way through the merge.
type side struct {
	lines [][]byte
	hunks []edited // those not taken yet
	shift int      // line number here minus line number in the base, before hunks
}

type merger struct {
	base         [][]byte
	ours, theirs side
	done         int // lines of the base that are dealt with
	out          [][]byte
	conflicts    []Hunk
}

// newMerger returns nil if a text is too different from the base.
func newMerger(base, ours, theirs []byte, steps int) *merger {
	m := &merger{base: splitLines(base)}
	m.ours.lines, m.theirs.lines = splitLines(ours), splitLines(theirs)
	in := intern{}
	b, o, t := in.lines(m.base), in.lines(m.ours.lines), in.lines(m.theirs.lines)
	var ok bool
	if m.ours.hunks, ok = surely(b, o, steps); !ok {
		return nil
	}
	if m.theirs.hunks, ok = surely(b, t, steps); !ok {
		return nil
	}
	return m
}

// run goes through the base from edit to edit.
func (m *merger) run() {
	for len(m.ours.hunks)+len(m.theirs.hunks) > 0 {
		region := m.region()
		m.copy(m.base[m.done:region.From])
		m.done = region.To
		both := m.ours.within(region) && m.theirs.within(region)
		wasOurs := m.ours.hunks
		o, t := m.ours.take(region), m.theirs.take(region)
		switch ours, theirs := m.ours.lines[o.From:o.To], m.theirs.lines[t.From:t.To]; {
		case !both && len(wasOurs) > len(m.ours.hunks), both && equalLines(ours, theirs):
			m.copy(ours)
		case !both:
			m.copy(theirs)
		default:
			m.conflicts = append(m.conflicts, Hunk{region, o, t})
		}
	}
	m.copy(m.base[m.done:])
}

func (m *merger) copy(lines [][]byte) { m.out = append(m.out, lines...) }

// region returns the base range of the next edit together with all edits of the other
// side that it meets, directly or through others.
func (m *merger) region() Span {
	o, t := m.ours.claim(0), m.theirs.claim(0)
	first := o
	if o == nil || t != nil && t.From < o.From {
		first = t
	}
	r := *first
	for i, j := 0, 0; ; {
		if c := m.ours.claim(i); c != nil && c.From <= r.To {
			r.To, i = max(r.To, c.To), i+1
		} else if c := m.theirs.claim(j); c != nil && c.From <= r.To {
			r.To, j = max(r.To, c.To), j+1
		} else {
			return r
		}
	}
}

func (s *side) claim(i int) *Span {
	if i >= len(s.hunks) {
		return nil
	}
	return &s.hunks[i].claim
}

func (s *side) within(r Span) bool { c := s.claim(0); return c != nil && c.From <= r.To }

// take removes the hunks of a region and returns its lines on this side.
func (s *side) take(r Span) Span {
	from := r.From + s.shift
	for s.within(r) {
		s.shift += s.hunks[0].b.Len() - s.hunks[0].a.Len()
		s.hunks = s.hunks[1:]
	}
	return Span{from, r.To + s.shift}
}

func equalLines(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }
