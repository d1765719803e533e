package workspace

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sandtable/sandtable/sim/tree"
)

// TestHeadReplaced puts another folder in the place of the head's, and removes it: the
// published head is what it was, and what the other folder holds is foreign.
func TestHeadReplaced(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"f": "f", "sub/g": "g", "sub/h": "h"})
	must(t, os.Rename(b.head(), b.head()+".away"))
	b.put(b.head()+"/f", "foreign")
	b.put(b.head()+"/sub/g", "g")
	ws := b.foreign()
	if paths(ws) != "f sub/h" || b.text(ws[0].New) != "foreign" || !ws[1].New.Absent() {
		t.Fatalf("foreign: %v", ws)
	}
	b.stands(r0, 0)
	next, _ := b.commit("@foreign", ws)
	b.want(b.head(), map[string]string{"f": "foreign", "sub/g": "g"})
	must(t, os.RemoveAll(b.head()))
	if ws := b.foreign(); len(ws) != 0 {
		t.Errorf("a head that is gone is taken for %v", ws)
	}
	b.stands(next, 1)
	head := b.change(next, map[string]string{"new": "n"})
	must(t, b.publish(head))
	b.want(b.head(), map[string]string{"f": "foreign", "sub/g": "g", "new": "n"})
	at := map[string]string{}
	for _, r := range b.records(RecDecided) {
		if b.text(r.Pre) != at[r.Path] && at[r.Path] != "" {
			t.Errorf("lsn %d: %s starts from %q, and was %q", r.LSN, r.Path, b.text(r.Pre), at[r.Path])
		}
		at[r.Path] = b.text(r.Post)
	}
}

// stands checks the published head, and its copy.
func (b *bench) stands(t *tree.Tree, revision int) {
	b.Helper()
	head, rev, ok := b.w.Head()
	if !ok || rev != revision || head.Len() != t.Len() {
		b.Errorf("the head has %d paths at revision %d, want %d at %d", head.Len(), rev, t.Len(), revision)
	}
	dst := filepath.Join(filepath.Dir(b.canary), "final")
	must(b, b.w.Final(dst))
	if n := len(readDir(b, dst)); n != t.Len() {
		b.Errorf("%d files were copied, want %d", n, t.Len())
	}
}

// TestReplacedHeadIsWatched: events come from the folder that is the head now.
func TestReplacedHeadIsWatched(t *testing.T) {
	b := newBench(t, watched)
	b.seed(map[string]string{"d/a": "a"})
	b.settleEvents()
	must(t, os.Rename(b.head(), b.head()+".away"))
	b.put(b.head()+"/d/a", "a")
	for range 3 {
		b.settleEvents()
		if ws := b.foreign(); len(ws) != 0 {
			t.Fatalf("%v", ws)
		}
	}
	if b.w.Stats().Skipped == 0 {
		t.Fatal("quiet boundaries are scanned: this shows nothing")
	}
	b.put(b.head()+"/d/a", "b")
	if ws := b.foreign(); paths(ws) != "d/a" {
		t.Errorf("foreign: %v", ws)
	}
}
