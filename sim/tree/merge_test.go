package tree

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Expected results written by hand.
func TestMergeText(t *testing.T) {
	const base = "1\n2\n3\n4\n5\n"
	for name, c := range map[string]struct{ base, ours, theirs, want string }{
		"apart":               {base, "1x\n2\n3\n4\n5\n", "1\n2\n3\n4\n5x\n", "1x\n2\n3\n4\n5x\n"},
		"one line between":    {base, "1\n2x\n3\n4\n5\n", "1\n2\n3\n4x\n5\n", "1\n2x\n3\n4x\n5\n"},
		"adjacent lines":      {base, "1\n2x\n3\n4\n5\n", "1\n2\n3x\n4\n5\n", conflicting},
		"same line":           {base, "1\n2\nx\n4\n5\n", "1\n2\ny\n4\n5\n", conflicting},
		"same change":         {base, "1\n2\nx\n4\n5\n", "0\n1\n2\nx\n4\n5\n", "0\n1\n2\nx\n4\n5\n"},
		"two appends":         {base, base + "x\n", base + "y\n", conflicting},
		"insert and delete":   {base, "0\n" + base, "1\n2\n3\n4\n", "0\n1\n2\n3\n4\n"},
		"delete and change":   {base, "1\n2\n4\n5\n", "1\n2\n3x\n4\n5\n", conflicting},
		"no final newline":    {"1\n2\n3", "0\n1\n2\n3", "1\n2\n3x", "0\n1\n2\n3x"},
		"newline added":       {"1\n2\n3", "0\n2\n3", "1\n2\n3\n", "0\n2\n3\n"},
		"CRLF":                {"1\r\n2\r\n3\r\n", "x\r\n2\r\n3\r\n", "1\r\n2\r\ny\r\n", "x\r\n2\r\ny\r\n"},
		"line ends differ":    {"1\n2\n3\n", "1\r\n2\r\n3\r\n", "1\n2\n3x\n", conflicting},
		"not UTF-8":           {"\xff\n2\n\xfe\n", "\xff1\n2\n\xfe\n", "\xff\n2\n\xfe1\n", "\xff1\n2\n\xfe1\n"},
		"add, add":            {"", "x\n", "y\n", conflicting},
		"all deleted":         {base, "", "1\n2\n3\n4\n5x\n", conflicting},
		"repeated, ambiguous": {"x\nx\nx\n", "x\nx\nx\nx\n", "x\nx\n", conflicting},
		"moved, or repeated":  {"a\nb\n", "b\na\na\n", "a\n", conflicting},
	} {
		merged, conflicts, ok := MergeText([]byte(c.base), []byte(c.ours), []byte(c.theirs))
		if ok != (c.want != conflicting) || ok && string(merged) != c.want || ok != (len(conflicts) == 0) {
			t.Errorf("%s: %q, %v, %v, want %q", name, merged, conflicts, ok, c.want)
		}
	}
}

const conflicting = "(conflict)"

func TestMergeTextPlaces(t *testing.T) {
	_, got, _ := MergeText([]byte("1\n2\n3\n4\n5\n6\n7\n"), []byte("0\n1\nx\n3\n4\n5\nu\n7\n"), []byte("1\ny\ny\n3\n4\n5\n7\n"))
	want := "[{{1 2} {2 3} {1 3}} {{5 6} {6 7} {6 6}}]"
	if s := fmt.Sprint(got); s != want {
		t.Errorf("conflicts %s, want %s", s, want)
	}
}

// Laws of any three-way merge.
func mergeLaws(t *testing.T, base, ours, theirs []byte) {
	t.Helper()
	for _, x := range [][]byte{ours, theirs} {
		for _, in := range [][3][]byte{{base, base, x}, {base, x, base}, {base, x, x}} {
			if got, _, ok := MergeText(in[0], in[1], in[2]); !ok || !bytes.Equal(got, x) {
				t.Fatalf("MergeText(%q) = %q, %v, want %q", in, got, ok, x)
			}
		}
	}
	one, places, ok := MergeText(base, ours, theirs)
	two, mirrored, ok2 := MergeText(base, theirs, ours)
	if ok != ok2 || !bytes.Equal(one, two) || len(places) != len(mirrored) || ok != (len(places) == 0) {
		t.Fatalf("not symmetric for %q, %q, %q: %q and %q", base, ours, theirs, one, two)
	}
	if ok {
		lineConservation(t, base, ours, theirs, one)
	}
	for _, h := range places {
		for _, s := range []struct {
			span Span
			text []byte
		}{{h.Base, base}, {h.Ours, ours}, {h.Theirs, theirs}} {
			if s.span.From < 0 || s.span.From > s.span.To || s.span.To > len(splitLines(s.text)) {
				t.Fatalf("hunk %v is outside of its text", h)
			}
		}
	}
}

// lineConservation: a line that a side added, and the other did not delete as well, is
// in the merge at least as often as on that side, less what the other side removed.
func lineConservation(t *testing.T, base, ours, theirs, merged []byte) {
	t.Helper()
	b, o, th, m := countLines(base), countLines(ours), countLines(theirs), countLines(merged)
	for line := range m {
		if o[line]+th[line]+b[line] == 0 {
			t.Fatalf("the merge of %q, %q, %q made up the line %q", base, ours, theirs, line)
		}
	}
	for _, side := range []map[string]int{o, th} {
		for line, n := range side {
			if b[line] == 0 && m[line] < n {
				t.Fatalf("the merge of %q, %q, %q lost the new line %q", base, ours, theirs, line)
			}
		}
	}
}

func countLines(text []byte) map[string]int {
	out := map[string]int{}
	for _, line := range splitLines(text) {
		out[string(line)]++
	}
	return out
}

func TestMergeTextLaws(t *testing.T) {
	for seed := range uint64(3000) {
		base, ours, theirs := triple(rand.New(rand.NewPCG(seed, 3)))
		mergeLaws(t, base, ours, theirs)
	}
}

func FuzzMerge3(f *testing.F) {
	f.Add([]byte("a\nb\nc\n"), []byte("a\nx\nc\n"), []byte("a\nb\nc\nd\n"))
	f.Add([]byte("a\na\n"), []byte("a\na\na\n"), []byte("a"))
	f.Add([]byte(""), []byte("\n\n"), []byte("\r\n"))
	f.Add([]byte("\xff\x00"), []byte("\x00"), []byte("\xff\n\x00"))
	f.Fuzz(func(t *testing.T, base, ours, theirs []byte) {
		mergeLaws(t, base, ours, theirs)
		for _, x := range [][]byte{ours, theirs} {
			if d := UnifiedDiff(base, x, "a", "b"); isText(base) && isText(x) && len(d) < MaxDiffBytes {
				if got, err := patch(base, d); err != nil || !bytes.Equal(got, x) {
					t.Fatalf("patching %q with %q gives %q (%v), want %q", base, d, got, err, x)
				}
			}
		}
	})
}

// The diff is a shortest edit: compared with the textbook table on small texts.
func TestDiffIsShortest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	for range 2000 {
		a, b := randomIDs(r), randomIDs(r)
		del, ins, ok := diffLines(a, b, maxDiffSteps)
		var left, right []int32
		for i, gone := range del {
			if !gone {
				left = append(left, a[i])
			}
		}
		for i, gone := range ins {
			if !gone {
				right = append(right, b[i])
			}
		}
		if !ok || fmt.Sprint(left) != fmt.Sprint(right) || len(left) != lcs(a, b) {
			t.Fatalf("%v, %v: common %v and %v, want %d lines", a, b, left, right, lcs(a, b))
		}
	}
}

func randomIDs(r *rand.Rand) []int32 {
	out := make([]int32, r.IntN(25))
	for i := range out {
		out[i] = int32(r.IntN(4))
	}
	return out
}

func lcs(a, b []int32) int {
	row := make([]int, len(b)+1)
	for i := range a {
		diag := 0
		for j := range b {
			up := row[j+1]
			if a[i] == b[j] {
				row[j+1] = diag + 1
			} else {
				row[j+1] = max(up, row[j])
			}
			diag = up
		}
	}
	return row[len(b)]
}

// shuffled returns n lines in random order: what costs a line diff most.
func shuffled(r *rand.Rand, n int) []byte {
	var out bytes.Buffer
	for _, i := range r.Perm(n) {
		fmt.Fprintf(&out, "%d\n", i)
	}
	return out.Bytes()
}

// A million lines in another order would take hours; the bound makes it a conflict.
func TestMergeTextIsBounded(t *testing.T) {
	const n, steps = 20_000, 1 << 20
	r := rand.New(rand.NewPCG(1, 5))
	base, ours, theirs := shuffled(r, n), shuffled(r, n), shuffled(r, n)
	merged, conflicts, ok := mergeText(base, ours, theirs, steps)
	if ok || merged != nil || len(conflicts) != 1 || conflicts[0].Base.Len() != n {
		t.Errorf("%v with %d conflicts, want one for the whole text", ok, len(conflicts))
	}
	if _, _, ok := mergeText(base, base, theirs, 0); !ok {
		t.Error("one side did nothing, and it conflicts")
	}
	many := bytes.Repeat([]byte("\n"), maxLines)
	if _, c, ok := MergeText(many, append(many, "\n"...), []byte("x")); ok || fmt.Sprint(c) != "[{{0 262144} {0 262145} {0 1}}]" {
		t.Errorf("too many lines: %v, %v", ok, c)
	}
	if _, _, ok := diffLines([]int32{1, 2}, []int32{2, 1}, 0); ok {
		t.Error("a bound of 0 is not kept")
	}
}

func TestUnifiedDiffIsBounded(t *testing.T) {
	a, b := strings.Repeat("a\n", 50_000), strings.Repeat("b\n", 50_000)
	d := UnifiedDiff([]byte(a), []byte(b), "a", "b")
	if len(d) > MaxDiffBytes+100 || !bytes.Contains(d, []byte("\n[")) || !bytes.HasSuffix(d, []byte("not shown]\n")) {
		t.Errorf("%d bytes, ending in %q", len(d), d[len(d)-60:])
	}
}

// BenchmarkMergeHostile is the worst that an agent can bring about: files of the
// most lines, shuffled.
func BenchmarkMergeHostile(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 5))
	base, ours, theirs := shuffled(r, maxLines), shuffled(r, maxLines), shuffled(r, maxLines)
	for b.Loop() {
		MergeText(base, ours, theirs)
	}
}

// BenchmarkMergeHostileSmall has nothing but repeated lines.
func BenchmarkMergeHostileSmall(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 5))
	random := func() []byte {
		out := make([]byte, 0, 2*maxLines)
		for len(out) < 2*maxLines {
			out = append(out, byte('a'+r.IntN(2)), '\n')
		}
		return out
	}
	base, ours, theirs := random(), random(), random()
	for b.Loop() {
		MergeText(base, ours, theirs)
	}
}

// Many lines that differ, and few that moved, are no reason to give up.
func TestMergeTextOfLargeFiles(t *testing.T) {
	var lines []string
	for i := range 100_000 {
		lines = append(lines, fmt.Sprintf("line %d\n", i))
	}
	base := strings.Join(lines, "")
	ours := strings.Join(lines[:50_000], "") + strings.Join(lines[60_000:], "")
	theirs := strings.ReplaceAll(strings.Join(lines[:40_000], ""), "line", "row") + strings.Join(lines[40_000:], "")
	want := strings.ReplaceAll(strings.Join(lines[:40_000], ""), "line", "row") + strings.Join(lines[40_000:50_000], "") + strings.Join(lines[60_000:], "")
	if merged, _, ok := MergeText([]byte(base), []byte(ours), []byte(theirs)); !ok || string(merged) != want {
		t.Error("not merged")
	}
}
