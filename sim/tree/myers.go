package tree

// maxDiffSteps bounds the work of one line diff: diagonals visited, lines compared and
// table cells reset. 1<<25 steps take a few tenths of a second. It is a count, not a
// time, so that the same texts get the same answer on every machine. Lines that only
// one of the texts holds cost nothing here, so only texts with thousands of moved or
// repeated lines come near it.
const maxDiffSteps = 1 << 25

// differ finds a shortest line edit from a to b by Myers' O(ND) algorithm with the
// middle of the path searched from both ends, so that it needs linear space.
type differ struct {
	a, b     []int32
	del, ins []bool // by line of a and of b: not in the common subsequence
	// tables of furthest x by diagonal, reused by every search
	fwd, bwd []int
	steps    int // left of maxDiffSteps
}

// diffLines marks the lines of a that are deleted and of b that are inserted; false if
// that takes more than steps.
func diffLines(a, b []int32, steps int) (del, ins []bool, ok bool) {
	d := differ{del: make([]bool, len(a)), ins: make([]bool, len(b)), steps: steps}
	// Lines of one text that the other does not hold are in no common subsequence.
	a2, ai := keepCommon(a, b, d.del)
	b2, bi := keepCommon(b, a, d.ins)
	del, ins = d.del, d.ins
	d.a, d.b, d.del, d.ins = a2, b2, make([]bool, len(a2)), make([]bool, len(b2))
	size := len(a2) + len(b2) + 4
	d.fwd, d.bwd = make([]int, size), make([]int, size)
	if !d.compare(0, len(a2), 0, len(b2)) {
		return nil, nil, false
	}
	for i, at := range ai {
		del[at] = d.del[i]
	}
	for i, at := range bi {
		ins[at] = d.ins[i]
	}
	return del, ins, true
}

// keepCommon returns the lines of a that b holds too, with their places, and marks
// the others in gone.
func keepCommon(a, b []int32, gone []bool) (kept []int32, at []int) {
	has := make(map[int32]bool, len(b))
	for _, line := range b {
		has[line] = true
	}
	for i, line := range a {
		if has[line] {
			kept, at = append(kept, line), append(at, i)
		} else {
			gone[i] = true
		}
	}
	return kept, at
}

// compare handles a[alo:ahi] against b[blo:bhi].
func (d *differ) compare(alo, ahi, blo, bhi int) bool {
	for alo < ahi && blo < bhi && d.a[alo] == d.b[blo] {
		alo, blo = alo+1, blo+1
	}
	for alo < ahi && blo < bhi && d.a[ahi-1] == d.b[bhi-1] {
		ahi, bhi = ahi-1, bhi-1
	}
	if alo < ahi && blo < bhi {
		x, y, ok := d.middle(alo, ahi, blo, bhi)
		if !ok {
			return false
		}
		if x >= 0 {
			return d.compare(alo, alo+x, blo, blo+y) && d.compare(alo+x, ahi, blo+y, bhi)
		}
	}
	for i := alo; i < ahi; i++ {
		d.del[i] = true
	}
	for i := blo; i < bhi; i++ {
		d.ins[i] = true
	}
	return true
}

// middle returns a point in the middle of a shortest edit path, relative to alo and
// blo; x is -1 if the ranges have nothing in common, ok false if the steps are used up.
// Neither range is empty, and first and last lines differ, so the point is no corner.
func (d *differ) middle(alo, ahi, blo, bhi int) (x, y int, ok bool) {
	s := search{a: d.a[alo:ahi], b: d.b[blo:bhi]}
	half := (len(s.a) + len(s.b) + 1) / 2
	s.off, s.delta = half, len(s.a)-len(s.b)
	s.fwd, s.bwd = d.fwd[:2*half+2], d.bwd[:2*half+2]
	for i := range s.fwd {
		s.fwd[i], s.bwd[i] = -1, -1
	}
	s.fwd[s.off+1], s.bwd[s.off+1] = 0, 0
	d.steps -= len(s.fwd)
	for e := 0; e < half; e++ {
		if x, y, found := s.forward(e); found {
			return x, y, true
		}
		if x, y, found := s.backward(e); found {
			return x, y, true
		}
		if d.steps -= s.steps; d.steps < 0 {
			return 0, 0, false
		}
		s.steps = 0
	}
	return -1, -1, d.steps >= 0
}

// search is one search for a middle point. Tables are indexed by diagonal + off.
type search struct {
	a, b       []int32
	fwd, bwd   []int
	off, delta int
	// diagonals that have left the rectangle, on either side of either search
	fLow, fHigh, bLow, bHigh int
	steps                    int
}

// next returns the furthest x on a diagonal after e edits, from its neighbours.
func next(table []int, at, k, e int) int {
	if k == -e || k != e && table[at-1] < table[at+1] {
		return table[at+1]
	}
	return table[at-1] + 1
}

// forward extends all paths from the start by one edit.
func (s *search) forward(e int) (x, y int, found bool) {
	for k := -e + s.fLow; k <= e-s.fHigh; k += 2 {
		x := next(s.fwd, s.off+k, k, e)
		y := x - k
		from := x
		for x < len(s.a) && y < len(s.b) && s.a[x] == s.b[y] {
			x, y = x+1, y+1
		}
		s.steps += x - from + 1
		s.fwd[s.off+k] = x
		switch other := s.off + s.delta - k; {
		case x > len(s.a):
			s.fHigh += 2
		case y > len(s.b):
			s.fLow += 2
		case s.delta%2 == 0 || other < 0 || other >= len(s.bwd) || s.bwd[other] < 0:
		case x >= len(s.a)-s.bwd[other]:
			return x, y, true
		}
	}
	return 0, 0, false
}

// backward extends all paths from the end by one edit; x and y count from there.
func (s *search) backward(e int) (x, y int, found bool) {
	for k := -e + s.bLow; k <= e-s.bHigh; k += 2 {
		x := next(s.bwd, s.off+k, k, e)
		y := x - k
		from := x
		for x < len(s.a) && y < len(s.b) && s.a[len(s.a)-1-x] == s.b[len(s.b)-1-y] {
			x, y = x+1, y+1
		}
		s.steps += x - from + 1
		s.bwd[s.off+k] = x
		switch other := s.off + s.delta - k; {
		case x > len(s.a):
			s.bHigh += 2
		case y > len(s.b):
			s.bLow += 2
		case s.delta%2 != 0 || other < 0 || other >= len(s.fwd) || s.fwd[other] < 0:
		case s.fwd[other] >= len(s.a)-x:
			x = s.fwd[other]
			return x, x - (other - s.off), true
		}
	}
	return 0, 0, false
}
