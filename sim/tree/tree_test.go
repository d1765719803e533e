package tree

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func entry(text string) Entry {
	return Entry{Kind: File, Hash: HashOf([]byte(text)), Size: int64(len(text))}
}

func build(t testing.TB, files map[string]Entry) *Tree {
	t.Helper()
	tr, err := (*Tree)(nil).With(files)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func contents(t *Tree) map[string]Entry { return maps.Collect(t.All()) }

// names make many clashes and sort around the slash: '-' and '.' are below it, '0'
// and letters above.
var names = []string{"a", "a-", "a.", "a0", "b", "\n", "\xff", "é"}

func randomPath(r *rand.Rand) string {
	elems := make([]string, 1+r.IntN(3))
	for i := range elems {
		elems[i] = names[r.IntN(len(names))]
	}
	return strings.Join(elems, "/")
}

// clashes reports whether a set of paths holds a file above another.
func clashes(files map[string]Entry) bool {
	for p := range files {
		for q := range files {
			if strings.HasPrefix(q, p+"/") {
				return true
			}
		}
	}
	return false
}

// The model is a map. Every step sets and deletes some paths at once.
func TestTreeAgainstModel(t *testing.T) {
	refused := 0
	for seed := range uint64(15) {
		r := rand.New(rand.NewPCG(seed, 2))
		var tr *Tree
		model := map[string]Entry{}
		for range 60 {
			changes, next := map[string]Entry{}, maps.Clone(model)
			for range 1 + r.IntN(4) {
				p, e := randomPath(r), entry(fmt.Sprint(r.IntN(3)))
				if r.IntN(3) == 0 {
					e = Entry{}
				}
				changes[p] = e
			}
			for p, e := range changes {
				if next[p] = e; e.Absent() {
					delete(next, p)
				}
			}
			got, err := tr.With(changes)
			if clashes(next) {
				var clash *ClashError
				if !errors.As(err, &clash) {
					t.Fatalf("seed %d: %v with %v: error %v, want a clash", seed, model, changes, err)
				}
				refused++
				continue
			}
			if err != nil {
				t.Fatalf("seed %d: %v with %v: %v", seed, model, changes, err)
			}
			compareModel(t, got, next)
			if maps.Equal(model, next) && got != tr {
				t.Fatalf("seed %d: nothing changed, and the tree is another", seed)
			}
			if back := must(tr.With(asChanges(Diff(tr, got)))); back.Root() != got.Root() {
				t.Fatalf("seed %d: diff and With do not lead back", seed)
			}
			tr, model = got, next
		}
	}
	if refused == 0 {
		t.Error("no clash was ever tried")
	}
}

func compareModel(t *testing.T, tr *Tree, model map[string]Entry) {
	t.Helper()
	if d := cmp.Diff(model, contents(tr)); d != "" {
		t.Fatalf("content (-model +tree):\n%s", d)
	}
	var paths []string
	for p := range tr.All() {
		paths = append(paths, p)
		if e, ok := tr.Get(p); !ok || e != model[p] {
			t.Fatalf("Get(%q) = %v, %v", p, e, ok)
		}
	}
	if !slices.IsSorted(paths) || tr.Len() != len(model) {
		t.Fatalf("paths %q of %d: unsorted or miscounted (%d)", paths, len(model), tr.Len())
	}
	// Built at once or path by path in any order: one root. Map order is the shuffle.
	var again *Tree
	for p, e := range model {
		again = must(again.With(map[string]Entry{p: e}))
	}
	if again.Root() != tr.Root() {
		t.Fatal("the root depends on the order of building")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func asChanges(diff []Change) map[string]Entry {
	out := map[string]Entry{}
	for _, c := range diff {
		out[c.Path] = c.New
	}
	return out
}

func TestRootTellsApart(t *testing.T) {
	x := entry("x")
	exec := x
	exec.Kind = Exec
	link := x
	link.Kind = Link
	roots := map[Hash]string{}
	for name, files := range map[string]map[string]Entry{
		"empty": {}, "a": {"a": x}, "a exec": {"a": exec}, "a link": {"a": link}, "ab": {"ab": x},
		"a/b": {"a/b": x}, "a and b": {"a": x, "b": x}, "a other": {"a": entry("y")}, "b": {"b": x},
		"a/b/c": {"a/b/c": x}, "a, a/": {"a": x, "b/a": x},
	} {
		h := build(t, files).Root()
		if other, ok := roots[h]; ok {
			t.Errorf("%s and %s have one root", name, other)
		}
		roots[h] = name
	}
}

// The expected root was computed from the format's description with another program:
//
//	python3 -c 'from hashlib import sha256 as s
//	def l(*n): return s(b"sandtable tree 1\n"+b"".join(t+len(m).to_bytes(8,"big")+m+h+z.to_bytes(8,"big") for t,m,h,z in n)).digest()
//	print(l((b"x",b"a.sh",s(b"hi\n").digest(),3),(b"d",b"a",l((b"f",b"b",s(b"").digest(),0)),0)).hex(), l().hex())'
func TestRootFormat(t *testing.T) {
	sh := entry("hi\n")
	sh.Kind = Exec
	got := build(t, map[string]Entry{"a/b": entry(""), "a.sh": sh}).Root()
	if got.String() != rootGolden {
		t.Errorf("root %s, want %s", got, rootGolden)
	}
	if empty := (*Tree)(nil).Root().String(); empty != emptyGolden {
		t.Errorf("empty root %s, want %s", empty, emptyGolden)
	}
}

const (
	rootGolden  = "5d350e6663f7388421ba043fc071dcf416a666571282bab6754541fe514aaafc"
	emptyGolden = "264abf20e3966978fc3235a9cca7b83f1bbbac2cb3c64abef6364348293d5803"
)

func TestNilTree(t *testing.T) {
	var tr *Tree
	_, ok := tr.Get("a")
	same, err := tr.With(map[string]Entry{"a": {}})
	if ok || tr.Len() != 0 || tr.HasDir("") || same != nil || err != nil || tr.Filter(func(string) bool { return true }) != nil {
		t.Error("the empty tree holds something")
	}
	full := build(t, map[string]Entry{"a/b": entry("x")})
	gone := must(full.With(map[string]Entry{"a/b": {}}))
	if gone != nil || gone.Root() != tr.Root() {
		t.Error("a tree without paths is not the empty tree")
	}
	if !full.HasDir("a") || full.HasDir("a/b") || full.HasDir("b") || !full.HasDir("") {
		t.Error("HasDir is wrong")
	}
}

func TestFilterShares(t *testing.T) {
	tr := build(t, map[string]Entry{"a/b": entry("1"), "a/c": entry("2"), "d/e": entry("3"), "f": entry("4")})
	if tr.Filter(func(string) bool { return true }) != tr {
		t.Error("nothing removed, and the tree is another")
	}
	got := tr.Filter(func(p string) bool { return p != "a/b" })
	want := must(tr.With(map[string]Entry{"a/b": {}}))
	if got.Root() != want.Root() || got.sub("d") != tr.sub("d") {
		t.Error("Filter is not deletion, or does not share")
	}
	if tr.Filter(func(string) bool { return false }) != nil {
		t.Error("all removed, and something is left")
	}
}

func TestValidPath(t *testing.T) {
	long := strings.Repeat("x", 255)
	for path, ok := range map[string]bool{
		"a": true, "a/b.c": true, "...": true, "a\nb": true, "\xff/\xfe": true, " ": true, "a/.sandtable": true,
		".sandtables": true, long: true, "!a": true, "a\\b": true,
		"": false, "/": false, "/a": false, "a/": false, "a//b": false, ".": false, "..": false, "a/../b": false,
		"./a": false, "a/.": false, "a\x00": false, ".sandtable": false, ".sandtable/x": false, long + "x": false,
		strings.Repeat("a/", MaxPath/2) + "a": false,
	} {
		if err := ValidPath(path); (err == nil) != ok {
			t.Errorf("ValidPath(%.40q) = %v, want ok %v", path, err, ok)
		}
	}
}

func TestWithRefuses(t *testing.T) {
	for name, changes := range map[string]map[string]Entry{
		"bad path":      {"../x": entry("x")},
		"unknown kind":  {"x": {Kind: 9}},
		"negative size": {"x": {Kind: File, Size: -1}},
		"half absent":   {"x": {Size: 1}},
	} {
		if _, err := (*Tree)(nil).With(changes); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTreeConcurrentUse(t *testing.T) {
	tr := bigTree(t, 1000)
	var wg sync.WaitGroup
	roots := make([]Hash, 8)
	for i := range roots {
		wg.Go(func() {
			next := must(tr.With(map[string]Entry{"new": entry("x")}))
			roots[i] = next.Root()
			Diff(tr, next)
		})
	}
	wg.Wait()
	if len(slices.Compact(roots)) != 1 {
		t.Error("roots differ")
	}
}

func bigTree(t testing.TB, n int) *Tree {
	files := make(map[string]Entry, n)
	for i := range n {
		files[fmt.Sprintf("d%02d/e%02d/f%d", i%100, i/100%100, i)] = entry(fmt.Sprint(i))
	}
	return build(t, files)
}

func BenchmarkTree100k(b *testing.B) {
	tr := bigTree(b, 100_000)
	tr.Root()
	i := 0
	b.Run("With", func(b *testing.B) {
		for b.Loop() {
			i++
			must(tr.With(map[string]Entry{"d07/e11/f1107": {Kind: File, Size: int64(i)}}))
		}
	})
	b.Run("WithRoot", func(b *testing.B) {
		for b.Loop() {
			i++
			must(tr.With(map[string]Entry{"d07/e11/f1107": {Kind: File, Size: int64(i)}})).Root()
		}
	})
	next := must(tr.With(map[string]Entry{"d07/e11/f1107": {}}))
	b.Run("Diff", func(b *testing.B) {
		for b.Loop() {
			Diff(tr, next)
		}
	})
	other := bigTree(b, 100_000)
	b.Run("DiffUnshared", func(b *testing.B) {
		for b.Loop() {
			Diff(tr, other)
		}
	})
}
