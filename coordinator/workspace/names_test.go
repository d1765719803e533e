package workspace

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A name that comes, goes or changes hands right after a scan is found by the next one,
// however soon: the folder's stamp has moved.
func TestNamesOfAFolderAreNeverOld(t *testing.T) {
	b := newBench(t)
	v := b.view("ann", b.seed(map[string]string{"d/e/kept": "1", "d/e/other": "2"}))
	at := func(name string) string { return filepath.Join(v.Dir(), "d/e", name) }
	step := func(want string, change func() error) {
		t.Helper()
		must(t, change())
		if ws, refused := b.scan(v); paths(ws) != want || len(refused) > 0 {
			t.Fatalf("changed: %q, refused: %v; want %q", paths(ws), refused, want)
		}
	}
	for i := range 300 {
		name := fmt.Sprint("n", i)
		step("d/e/"+name, func() error { return os.WriteFile(at(name), []byte("x"), 0o644) })
		step("d/e/m", func() error { return os.Rename(at(name), at("m")) })
		step("", func() error { return os.Remove(at("m")) })
		step("d/e/kept d/e/other", func() error { return exchange(at("kept"), at("other")) })
		step("", func() error { return exchange(at("kept"), at("other")) })
		away := filepath.Join(v.Dir(), "d/x")
		step("d/e/kept d/e/other d/x/kept d/x/other", func() error { return os.Rename(at("."), away) })
		step("", func() error { return os.Rename(away, at(".")) })
	}
}

// exchange gives each of two files the other's name.
func exchange(a, b string) error {
	for _, move := range [][2]string{{a, a + "~"}, {b, a}, {a + "~", b}} {
		if err := os.Rename(move[0], move[1]); err != nil {
			return err
		}
	}
	return nil
}

// A folder that has not changed is not listed again, and one whose stamp may be shared by
// a later change is.
func TestFolderIsListedOnce(t *testing.T) {
	b := newBench(t)
	v := b.view("ann", b.seed(map[string]string{"d/f": "1"}))
	d := v.m.top.dirs["d"]
	if d.listed != (stamp{}) && d.listed.ctime > time.Now().Add(-settling/2).UnixNano() {
		t.Error("the names are held to be known for good at once")
	}
	if b.w.clock.coarse || b.w.clock.blind {
		t.Skip("NOT TESTED on this file system: its stamps are coarse or prove nothing, so folders are listed again")
	}
	for end := time.Now().Add(10 * time.Second); d.listed == (stamp{}); b.scan(v) { // until the stamp has rested
		if time.Now().After(end) {
			t.Fatal("the folder rests, and its names are never held to be known")
		}
	}
	d.names[0] = "planted" // which a listing would correct
	if ws, _ := b.scan(v); paths(ws) != "d/f" {
		t.Errorf("changed: %q; it was listed again", paths(ws))
	}
	b.w.clock.coarse = true
	must(t, os.WriteFile(filepath.Join(v.Dir(), "d/g"), nil, 0o644))
	b.scan(v)
	if d.listed != (stamp{}) && d.listed.ctime >= v.m.tick {
		t.Error("the names are held to be known for good in the tick of the folder's last change")
	}
}
