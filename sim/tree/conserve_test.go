package tree

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// game plays random stages on a few files: every author edits the same base, the sets
// are taken in order. It returns how many added lines are gone without a decision that
// says so, and how many decisions said so.
//
// Every line an author adds is unique, so it can be looked for. No author ever removes
// a line in the checked games, so a line may only leave by lww.
func game(t *testing.T, seed uint64, policy Policy, believe bool) (vanished, told int) {
	r := rand.New(rand.NewPCG(seed, 7))
	blobs := NewMemory()
	var head *Tree
	for _, p := range []string{"a", "b/c", "b/d"} {
		head = must(head.With(map[string]Entry{p: file("1\n2\n3\n4\n5\n").entry(t, blobs)}))
	}
	owed := map[string]bool{} // lines that ought to be in the head
	for stage := range 12 {
		base := head
		for author := range 3 {
			ws, added := randomEdits(t, r, base, blobs, fmt.Sprintf("s%d a%d", stage, author))
			pol := Policies{Default: policy, PathByPath: r.IntN(2) == 0}
			next, ds, _, err := Commit(head, "x", ws, pol, blobs, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range ds {
				if d.Lost() {
					told++
					continue
				}
				if d.Outcome == Superseded && believe {
					told++
					forget(owed, show(blobs, d.Head).text)
				}
				for _, line := range added[d.Path] {
					owed[line] = true
				}
				if d.Outcome == Superseded && believe { // what stands in both is kept
					for _, line := range strings.Split(show(blobs, d.Result).text, "\n") {
						if strings.HasPrefix(line, "s") {
							owed[line] = true
						}
					}
				}
			}
			checkDecisions(t, head, next, ds)
			head = next
		}
	}
	all := ""
	for _, e := range head.All() {
		all += "\n" + show(blobs, e).text
	}
	for line := range owed {
		if !strings.Contains(all, "\n"+line+"\n") {
			vanished++
		}
	}
	return vanished, told
}

func forget(owed map[string]bool, text string) {
	for _, line := range strings.Split(text, "\n") {
		delete(owed, line)
	}
}

// randomEdits adds a line of its own somewhere in some files, and a file now and then.
func randomEdits(t *testing.T, r *rand.Rand, base *Tree, blobs Blobs, id string) (WriteSet, map[string][]string) {
	changes, added := map[string]Entry{}, map[string][]string{}
	paths := slices.Collect(maps.Keys(contents(base)))
	slices.Sort(paths)
	for i, p := range append(paths, fmt.Sprintf("new%d", r.IntN(9))) {
		if r.IntN(2) == 0 {
			continue
		}
		e, _ := base.Get(p)
		lines := strings.SplitAfter(show(blobs, e).text, "\n")
		line := fmt.Sprintf("%s %d", id, i)
		lines = slices.Insert(lines, r.IntN(len(lines)), line+"\n")
		changes[p] = file(strings.Join(lines, "")).entry(t, blobs)
		added[p] = []string{line}
	}
	return FromDiff(base, must(base.With(changes))), added
}

// checkDecisions: heads and results are what the trees hold, nothing else changed.
func checkDecisions(t *testing.T, before, after *Tree, ds []Decision) {
	t.Helper()
	want := map[string]Entry{}
	for _, d := range ds {
		if e, _ := before.Get(d.Path); e != d.Head {
			t.Fatalf("%s: head %v, the tree held %v", d.Path, d.Head, e)
		}
		want[d.Path] = d.Result
	}
	if must(before.With(want)).Root() != after.Root() {
		t.Fatal("the new head is not the old one with the decisions' results")
	}
}

// Conservation: what an author added is in the head, or a decision says that it is not.
func TestNothingIsLostUntold(t *testing.T) {
	for _, policy := range columns {
		sum := 0
		for seed := range uint64(20) {
			vanished, told := game(t, seed, policy, true)
			if vanished > 0 {
				t.Fatalf("%s, seed %d: %d lines are gone and nobody was told", policy, seed, vanished)
			}
			sum += told
		}
		if sum == 0 {
			t.Errorf("%s: nothing ever clashed, so nothing was tested", policy)
		}
	}
}

// The negative control: whoever ignores Superseded finds that lww loses updates, with
// the same games in which merge3 loses none. If this fails, the check above is blind.
func TestLastWriterWinsLosesUpdates(t *testing.T) {
	lost := map[Policy]int{}
	for _, policy := range []Policy{Merge3, LWW} {
		for seed := range uint64(20) {
			vanished, _ := game(t, seed, policy, false)
			lost[policy] += vanished
		}
	}
	if lost[Merge3] != 0 || lost[LWW] == 0 {
		t.Errorf("updates lost: %v, want none with merge3 and some with lww", lost)
	}
}
