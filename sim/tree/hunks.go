package tree

import "slices"

// Span is a range of lines, counted from 0, To excluded.
type Span struct{ From, To int }

// Len returns the number of lines.
func (s Span) Len() int { return s.To - s.From }

// edited is one hunk of a line diff: lines a of the base became lines b. claim is the
// base range that the edit may be meant for: a run of equal lines can be inserted or
// deleted at several places with the same effect.
type edited struct{ a, b, claim Span }

// diffHunks returns the hunks from a to b in order, with at least one common line
// between them; false if that takes more than steps (see [maxDiffSteps]).
func diffHunks(a, b []int32, steps int) ([]edited, bool) {
	del, ins, ok := diffLines(a, b, steps)
	if !ok {
		return nil, false
	}
	return slide(collect(del, ins), a, b), true
}

// surely returns hunks as diffHunks does, but between them only lines that are paired
// whether the texts are read from the front or from the back. Among repeated lines
// there may be many shortest edits, and a merge must not depend on which was found.
func surely(a, b []int32, steps int) ([]edited, bool) {
	front, ok := diffHunks(a, b, steps)
	if !ok {
		return nil, false
	}
	del, ins, ok := diffLines(reversed(a), reversed(b), steps)
	if !ok {
		return nil, false
	}
	slices.Reverse(del)
	slices.Reverse(ins)
	back := slide(collect(del, ins), a, b)
	if slices.Equal(front, back) {
		return front, true
	}
	return slide(agreed(pairs(front, len(a)), pairs(back, len(a)), len(b)), a, b), true
}

func reversed(lines []int32) []int32 {
	out := slices.Clone(lines)
	slices.Reverse(out)
	return out
}

// pairs returns for every line of a its line in b, or -1.
func pairs(hunks []edited, n int) []int {
	out := make([]int, n)
	i, shift := 0, 0
	for _, h := range hunks {
		for ; i < h.a.From; i++ {
			out[i] = i + shift
		}
		for ; i < h.a.To; i++ {
			out[i] = -1
		}
		shift = h.b.To - h.a.To
	}
	for ; i < n; i++ {
		out[i] = i + shift
	}
	return out
}

// agreed returns the hunks around the pairs that two pairings share; n is the number
// of lines of b.
func agreed(p, q []int, n int) []edited {
	del, ins := make([]bool, len(p)), make([]bool, n)
	for j := range ins {
		ins[j] = true
	}
	for i := range p {
		del[i] = p[i] != q[i] || p[i] < 0
		if !del[i] {
			ins[p[i]] = false
		}
	}
	return collect(del, ins)
}

// collect groups neighbouring marks.
func collect(del, ins []bool) []edited {
	var out []edited
	for i, j := 0, 0; i < len(del) || j < len(ins); {
		h := edited{a: Span{i, i}, b: Span{j, j}}
		for i < len(del) && del[i] {
			i++
		}
		for j < len(ins) && ins[j] {
			j++
		}
		h.a.To, h.b.To = i, j
		if h.a.Len()+h.b.Len() > 0 {
			out = append(out, h)
		} else {
			i, j = i+1, j+1
		}
	}
	return out
}

// slide moves every pure insertion and deletion down as far as it goes, as git does,
// so that equal edits get equal places whatever path the diff took, and joins those
// that meet. Then it notes how far up each could have gone.
func slide(hunks []edited, a, b []int32) []edited {
	out := make([]edited, 0, len(hunks))
	for i := len(hunks) - 1; i >= 0; i-- {
		h := hunks[i]
		room := len(a) - h.a.To
		if n := len(out); n > 0 {
			room = out[n-1].a.From - h.a.To
		}
		down := h.slack(a, b, room, 1)
		h.a, h.b = h.a.moved(down), h.b.moved(down)
		if n := len(out); n > 0 && down == room {
			out[n-1].a.From, out[n-1].b.From = h.a.From, h.b.From
		} else {
			out = append(out, h)
		}
	}
	slices.Reverse(out)
	for i := range out {
		room := out[i].a.From
		if i > 0 {
			room -= out[i-1].a.To
		}
		out[i].claim = out[i].a
		out[i].claim.From -= out[i].slack(a, b, room, -1)
	}
	return out
}

func (s Span) moved(by int) Span { return Span{s.From + by, s.To + by} }

// slack returns by how many lines, at most room, a pure insertion or deletion could be
// moved down (dir 1) or up (dir -1) with the same effect. Moving one line down needs
// its first line to equal the line behind it.
func (h edited) slack(a, b []int32, room, dir int) int {
	text, span := a, h.a
	switch {
	case h.a.Len() > 0 && h.b.Len() > 0:
		return 0
	case h.a.Len() == 0:
		text, span = b, h.b
	}
	n := 0
	for n < room {
		first, behind := span.From+n, span.To+n
		if dir < 0 {
			first, behind = span.From-n-1, span.To-n-1
		}
		if text[first] != text[behind] {
			break
		}
		n++
	}
	return n
}
