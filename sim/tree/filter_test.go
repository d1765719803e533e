package tree_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sandtable/sandtable/sim/tree"
)

// FilterAgain is Filter, and asks about no path that both trees share.
func TestFilterAgain(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	globs := tree.Globs{"!a/b/**", "!c", "a/**", "!b/c/**", "**"}
	for range 300 {
		var head, view *tree.Tree
		for range 12 {
			changes := map[string]tree.Entry{}
			for range rng.IntN(4) {
				path := ""
				for range 1 + rng.IntN(4) {
					path += "/" + string(rune('a'+rng.IntN(3)))
				}
				e := tree.Entry{}
				if rng.IntN(3) > 0 {
					e = tree.Entry{Kind: tree.File, Hash: tree.HashOf(fmt.Append(nil, rng.IntN(3))), Size: 1}
				}
				changes[path[1:]] = e
			}
			next, err := head.With(changes)
			if err != nil {
				continue // a path cannot be a file and a folder
			}
			asked := 0
			again := next.FilterAgain(head, view, func(path string) bool {
				if _, ok := head.Get(path); ok {
					t.Fatalf("%s was known", path)
				}
				asked++
				return globs.Match(path)
			})
			if want := next.Filter(globs.Match); again.Root() != want.Root() || again.Len() != want.Len() {
				t.Fatalf("after %v: %d paths, want %d", changes, again.Len(), want.Len())
			}
			if asked > len(changes) {
				t.Fatalf("asked about %d paths after %d changes", asked, len(changes))
			}
			head, view = next, again
		}
	}
}

// BenchmarkFilter compares both on 1,000 files in 20 folders, one of which changes.
func BenchmarkFilter(b *testing.B) {
	files := map[string]tree.Entry{}
	for i := range 1000 {
		files[fmt.Sprintf("d%02d/f%03d", i%20, i)] = tree.Entry{Kind: tree.File, Size: 1}
	}
	head, err := (*tree.Tree)(nil).With(files)
	if err != nil {
		b.Fatal(err)
	}
	globs := tree.Globs{"private/a/**", "!private/**", "!hidden/**", "**"}
	next, err := head.With(map[string]tree.Entry{"d03/f003": {Kind: tree.File, Size: 2}})
	if err != nil {
		b.Fatal(err)
	}
	view := head.Filter(globs.Match)
	b.Run("anew", func(b *testing.B) {
		for b.Loop() {
			next.Filter(globs.Match)
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			next.FilterAgain(head, view, globs.Match)
		}
	})
}
