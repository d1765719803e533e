package workspace

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/fsnotify/fsnotify"
)

func watched(o *Options) { o.NoWatch, o.TrustEvents = false, true }

// settleEvents drains the events of our own writes.
func (b *bench) settleEvents() {
	b.Helper()
	if !b.w.watch.barrier(context.Background()) {
		b.Fatal("the barrier's event did not come")
	}
}

func TestTrustedEvents(t *testing.T) {
	b := newBench(t, watched)
	b.seed(map[string]string{"a": "a"})
	b.settleEvents()
	b.foreign() // events of the seed: scans
	if st := b.w.Stats(); st.Scans != 1 || st.Watching != "" {
		t.Fatalf("%+v", st)
	}
	b.foreign()
	if st := b.w.Stats(); st.Scans != 1 || st.Skipped != 1 || st.Missed != 0 {
		t.Fatalf("a quiet boundary was scanned: %+v", st)
	}
	// New folders, faster than a watch on them can be set: add, then scan.
	deep := filepath.Join(b.head(), "x/y/z")
	must(t, os.MkdirAll(deep, 0o755))
	must(t, os.WriteFile(filepath.Join(deep, "f"), []byte("f"), 0o644))
	if ws := b.foreign(); paths(ws) != "x/y/z/f" {
		t.Fatalf("foreign %v", ws)
	} else {
		b.commit("@foreign", ws)
	}
	b.settleEvents()
	b.foreign()
	must(t, os.WriteFile(filepath.Join(deep, "f"), []byte("g"), 0o644)) // in a folder that was not there at first
	if ws := b.foreign(); paths(ws) != "x/y/z/f" {
		t.Fatalf("a write in a new folder was not found: %v", ws)
	}
}

func TestOverflowMakesTheNextBoundaryScan(t *testing.T) {
	b := newBench(t, watched)
	b.seed(map[string]string{"a": "a"})
	b.settleEvents()
	b.foreign()
	b.foreign()
	before := b.w.Stats()
	b.w.watch.fs.Errors <- fsnotify.ErrEventOverflow
	b.settleEvents()
	b.foreign()
	after := b.w.Stats()
	if after.Overflows != 1 || after.Scans != before.Scans+1 {
		t.Errorf("%+v, then %+v", before, after)
	}
}

// TestNameLikeTheReservedOne: only .sandtable itself is left out, as in a scan.
func TestNameLikeTheReservedOne(t *testing.T) {
	b := newBench(t, watched)
	b.seed(map[string]string{"a": "a"})
	b.settleEvents()
	b.foreign()
	b.foreign()
	b.put(filepath.Join(b.head(), ".sandtable-notes"), "n")
	if ws := b.foreign(); paths(ws) != ".sandtable-notes" {
		t.Errorf("foreign %v, %+v", ws, b.w.Stats())
	}
}

func TestNoWatcherScansAlways(t *testing.T) {
	b := newBench(t, func(o *Options) { o.TrustEvents = true })
	b.seed(map[string]string{"a": "a"})
	for range 3 {
		b.foreign()
	}
	b.put(filepath.Join(b.head(), "a"), "b")
	if ws := b.foreign(); paths(ws) != "a" {
		t.Errorf("%v", ws)
	}
	if st := b.w.Stats(); st.Scans != 4 || st.Skipped != 0 || st.Watching != "switched off" {
		t.Errorf("%+v", st)
	}
}

func TestDegradedWatcherScansAlways(t *testing.T) {
	b := newBench(t, watched)
	b.seed(map[string]string{"a": "a"})
	b.settleEvents()
	b.w.watch.degrade(os.ErrPermission) // as ENOSPC of max_user_watches does
	b.foreign()
	b.foreign()
	if st := b.w.Stats(); st.Scans != 2 || st.Watching == "" {
		t.Errorf("%+v", st)
	}
}
