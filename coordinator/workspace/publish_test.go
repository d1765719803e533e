package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/sim/tree"
)

// change returns a tree in which paths hold new texts; "" deletes.
func (b *bench) change(t *tree.Tree, texts map[string]string) *tree.Tree {
	b.Helper()
	set := map[string]tree.Entry{}
	for p, text := range texts {
		if text == "" {
			set[p] = tree.Entry{}
			continue
		}
		h, err := b.w.Blobs().Put([]byte(text))
		must(b, err)
		set[p] = tree.Entry{Kind: tree.File, Hash: h, Size: int64(len(text))}
	}
	next, err := t.With(set)
	must(b, err)
	return next
}

func (b *bench) publish(t *tree.Tree) error {
	b.rev++
	return b.w.Publish(context.Background(), Publication{Revision: b.rev, Tree: t, Author: "@test"})
}

func TestForeignEdits(t *testing.T) {
	cases := map[string]func(b *bench, f string){
		"editor saves by rename": func(b *bench, f string) {
			must(b, os.WriteFile(f+"~", []byte("1\nforeign\n"), 0o644))
			must(b, os.Rename(f+"~", f))
		},
		"in place append": func(b *bench, f string) {
			h, err := os.OpenFile(f, os.O_APPEND|os.O_WRONLY, 0)
			must(b, err)
			_, err = h.WriteString("foreign\n")
			must(b, errors.Join(err, h.Close()))
		},
	}
	for name, edit := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			r0 := b.seed(map[string]string{"f": "1\n", "g": "g"})
			v := b.view("ann", r0)
			b.put(filepath.Join(v.Dir(), "g"), "by ann")
			edit(b, filepath.Join(b.head(), "f"))
			b.put(filepath.Join(b.head(), "new/file"), "n")
			ws := b.foreign()
			if paths(ws) != "f new/file" || b.text(ws[0].New) != "1\nforeign\n" {
				t.Fatalf("foreign %v", ws)
			}
			b.commit("@foreign", ws)
			mine, _ := b.scan(v)
			b.commit("ann", mine)
			b.want(b.head(), map[string]string{"f": "1\nforeign\n", "g": "by ann", "new/file": "n"})
			if ws := b.foreign(); len(ws) != 0 {
				t.Errorf("our own publish is taken for foreign: %v", ws)
			}
			if got := len(b.records(RecForeign)); got != 2 {
				t.Errorf("%d foreign records, want 2", got)
			}
		})
	}
}

// race publishes over a foreign write that comes after the boundary scan, and returns
// what the journal knows of it.
func race(t *testing.T, swap func(sd int, sn string, dd int, dn string) (bool, bool, error)) (b *bench, ws tree.WriteSet) {
	b = newBench(t, func(o *Options) { o.swap = swap })
	r0 := b.seed(map[string]string{"f": "1\n2\n3\n4\n5\n", "del": "d"})
	if ws := b.foreign(); len(ws) != 0 {
		t.Fatalf("%v", ws)
	}
	next := b.change(r0, map[string]string{"f": "1\n2\n3\n4\nFIVE\n", "del": "", "born": "ours"})
	b.put(filepath.Join(b.head(), "f"), "ONE\n2\n3\n4\n5\n") // between scan and publish
	b.put(filepath.Join(b.head(), "del"), "wait!")
	b.put(filepath.Join(b.head(), "born"), "theirs")
	must(t, b.publish(next))
	return b, b.foreign()
}

func TestPublishKeepsWhatItDisplaces(t *testing.T) {
	b, ws := race(t, nil)
	b.want(b.head(), map[string]string{"f": "1\n2\n3\n4\nFIVE\n", "born": "ours"})
	if paths(ws) != "born del f" {
		t.Fatalf("displaced %v", ws)
	}
	if b.text(ws[0].New) != "theirs" || b.text(ws[1].New) != "wait!" || b.text(ws[2].Base) != "1\n2\n3\n4\n5\n" {
		t.Errorf("%q %q from %q", b.text(ws[0].New), b.text(ws[1].New), b.text(ws[2].Base))
	}
	only := tree.WriteSet{ws[2]}
	_, ds := b.commit("@foreign", only)
	if ds[0].Outcome != tree.Merged {
		t.Errorf("decision %+v", ds[0])
	}
	b.want(b.head(), map[string]string{"f": "ONE\n2\n3\n4\nFIVE\n", "born": "ours"})
	if st := b.w.Stats(); st.Displaced != 3 {
		t.Errorf("stats %+v", st)
	}
}

// TestPlainRenameLosesForeignWrites is the negative control: the same race with the
// replacement that everybody writes first.
func TestPlainRenameLosesForeignWrites(t *testing.T) {
	b, ws := race(t, func(sd int, sn string, dd int, dn string) (bool, bool, error) {
		return false, true, unix.Renameat(sd, sn, dd, dn)
	})
	for _, c := range ws {
		if c.Path == "f" && !c.New.Absent() {
			t.Fatalf("a plain rename kept the foreign write: the test shows nothing")
		}
	}
	if _, err := b.w.Blobs().Get(tree.HashOf([]byte("ONE\n2\n3\n4\n5\n"))); err == nil {
		t.Error("the bytes are in the journal: the test shows nothing")
	}
}

// TestFullDiskHalfWay: a disk that fills up while files are being placed. The error says
// so, and opening the journal again finishes the revision.
func TestFullDiskHalfWay(t *testing.T) {
	swaps := 0
	b := newBench(t, func(o *Options) {
		o.swap = func(sd int, sn string, dd int, dn string) (bool, bool, error) {
			if swaps++; swaps == 4 { // two of the seed, one of this revision
				return false, true, unix.ENOSPC
			}
			return swap(sd, sn, dd, dn)
		}
	})
	r0 := b.seed(map[string]string{"a": "a", "b": "b"})
	next := b.change(r0, map[string]string{"a": "A", "b": "B"})
	err := b.publish(next)
	if !IsFull(err) || strings.Contains(err.Error(), "nothing was displaced") || !strings.Contains(err.Error(), "half done") {
		t.Errorf("publish: %v", err)
	}
	b.want(b.head(), map[string]string{"a": "A", "b": "b"})
	if err := b.publish(next); !errors.Is(err, ErrBroken) {
		t.Errorf("publish goes on: %v", err)
	}
	must(t, b.w.Close())
	b.open()
	b.want(b.head(), map[string]string{"a": "A", "b": "B"})
	if ws := b.foreign(); len(ws) != 0 {
		t.Errorf("foreign: %v", ws)
	}
}

func TestLateWriteIntoDisplacedInode(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"f": "1\n"})
	h, err := os.OpenFile(filepath.Join(b.head(), "f"), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	must(t, b.publish(b.change(r0, map[string]string{"f": "ours\n"})))
	_, err = h.WriteString("late\n")
	must(t, errors.Join(err, h.Close()))
	ws := b.foreign()
	if len(ws) != 1 || b.text(ws[0].New) != "1\nlate\n" || b.text(ws[0].Base) != "1\n" {
		t.Fatalf("late write: %v", ws)
	}
	if names, _ := os.ReadDir(filepath.Join(b.dir, "quarantine")); len(names) != 0 {
		t.Errorf("quarantine still holds %v", names)
	}
}

// TestWriterBetweenLookAndTest writes and closes after the displaced inode was read and
// before it is tested for writers: a single look would lose that.
func TestWriterBetweenLookAndTest(t *testing.T) {
	var h *os.File
	b := newBench(t, func(o *Options) {
		o.fail = func(step string) error {
			if step != "judged" || h == nil {
				return nil
			}
			_, err := h.WriteString("late\n")
			err = errors.Join(err, h.Close())
			h = nil
			return err
		}
	})
	r0 := b.seed(map[string]string{"f": "1\n"})
	var err error
	h, err = os.OpenFile(filepath.Join(b.head(), "f"), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	must(t, b.publish(b.change(r0, map[string]string{"f": "ours\n"})))
	ws := b.foreign()
	if len(ws) != 1 || b.text(ws[0].New) != "1\nlate\n" || b.text(ws[0].Base) != "1\n" {
		t.Fatalf("late write: %v", ws)
	}
}

func TestForeignObjectsInTheHead(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"f": "f", "d/g": "g"})
	must(t, os.Remove(filepath.Join(b.head(), "f")))
	must(t, os.Symlink(b.canary, filepath.Join(b.head(), "f")))
	must(t, unix.Mkfifo(filepath.Join(b.head(), "pipe"), 0o600))
	if ws := b.foreign(); len(ws) != 0 {
		t.Errorf("%v", ws)
	}
	must(t, b.publish(b.change(r0, map[string]string{"d/g": "g2"})))
	b.want(b.head(), map[string]string{"f": "f", "d/g": "g2"})
	data, _ := os.ReadFile(b.canary)
	if string(data) != "canary" {
		t.Errorf("canary is %q", data)
	}
}

// TestCrashAtEveryStep kills a publish at every failpoint in turn, opens the journal
// again (once cleanly, once killed during recovery too), and expects the old revision
// or the new one, whole, with every foreign byte kept.
func TestCrashAtEveryStep(t *testing.T) {
	old := map[string]string{"keep": "k", "edit": "old", "del": "d", "dir/x": "x"}
	neu := map[string]string{"keep": "k", "edit": "new", "dir": "file now", "born/here": "b"}
	for n := 1; ; n++ {
		var step string
		count, armed, fired := 0, false, false
		kill := func(o *Options) {
			o.fail = func(s string) error {
				if !armed {
					return nil
				}
				if count++; count == n {
					step, fired = s, true
					return errKilled
				}
				return nil
			}
		}
		b := newBench(t)
		r0 := b.seed(old)
		b.crash()
		b.open(kill)
		armed = true
		next := b.change(r0, map[string]string{"edit": "new", "del": "", "dir/x": "", "dir": "file now", "born/here": "b"})
		b.put(filepath.Join(b.head(), "edit"), "foreign") // after the last scan
		err := b.publish(next)
		if !fired {
			must(t, err)
			if n < 10 {
				t.Fatalf("only %d steps", n-1)
			}
			return
		}
		if !errors.Is(err, errKilled) {
			t.Fatalf("step %d %s: %v", n, step, err)
		}
		if step != "blobs" {
			if err := b.publish(next); !errors.Is(err, ErrBroken) {
				t.Errorf("step %d %s: publish goes on: %v", n, step, err)
			}
		}
		b.crash()
		opt := Options{Dir: b.dir, Journal: b.journal, NoWatch: true, fail: func(s string) error {
			if s == "placed" {
				return errKilled
			}
			return nil
		}}
		if w, err := Open(opt); err == nil {
			b.w = w
			b.crash()
		}
		b.open()
		where := fmt.Sprintf("step %d %s", n, step)
		b.judge(where, old, neu)
	}
}

// TestCrashWithAFolderInHand kills publishes that replace a folder, into which someone has
// just put a file: its bytes come into the journal whatever the step is, and are handed out.
func TestCrashWithAFolderInHand(t *testing.T) {
	for n := 1; ; n++ {
		count, armed := 0, false
		b := newBench(t, func(o *Options) {
			o.fail = func(string) error {
				if count++; armed && count == n {
					return errKilled
				}
				return nil
			}
		})
		r0 := b.seed(map[string]string{"dir/x": "x"})
		next := b.change(r0, map[string]string{"dir/x": "", "dir": "file now"})
		b.put(filepath.Join(b.head(), "dir/sub/extra"), "extra")
		count, armed = 0, true
		err := b.publish(next)
		b.crash()
		b.open()
		if ws := b.foreign(); paths(ws) != "dir/sub/extra" || b.text(ws[0].New) != "extra" {
			t.Errorf("step %d: foreign %v", n, ws)
		}
		must(t, b.w.Close())
		if err == nil {
			return
		}
	}
}

func (b *bench) judge(where string, old, neu map[string]string) {
	b.Helper()
	head, rev, ok := b.w.Head()
	want := neu
	if where == "step 1 blobs" {
		want = old
	}
	if !ok || head.Len() != len(want) {
		b.Fatalf("%s: head has %d paths at revision %d", where, head.Len(), rev)
	}
	for p, text := range want {
		if e, _ := head.Get(p); b.text(e) != text {
			b.Errorf("%s: head has %q at %s, want %q", where, b.text(e), p, text)
		}
	}
	ws := b.foreign()
	if len(ws) != 1 || ws[0].Path != "edit" || b.text(ws[0].New) != "foreign" || b.text(ws[0].Base) != "old" {
		b.Errorf("%s: foreign write is %v", where, ws)
	}
	if want["dir"] != "" {
		b.want(b.head(), neu)
	}
	if names, _ := os.ReadDir(filepath.Join(b.dir, "stage")); len(names) != 0 {
		b.Errorf("%s: stage holds %v", where, names)
	}
	b.rev = rev
	b.commit("@foreign", ws)
	must(b, b.w.Close())
	b.open()
	if ws := b.foreign(); len(ws) != 0 {
		b.Errorf("%s: the foreign write comes again: %v", where, ws)
	}
	must(b, b.w.Close())
}

func TestResumeInAFreshSandbox(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"a": "a"})
	next := b.change(r0, map[string]string{"b/c": "c"})
	must(t, b.publish(next))
	v := b.view("ann", next)
	b.put(filepath.Join(v.Dir(), "mine"), "unsaved")
	must(t, b.w.Close())
	b.open() // same sandbox: the view's leftovers are kept and cleared
	v = b.view("ann", next)
	b.want(v.Dir(), map[string]string{"a": "a", "b/c": "c"})
	if _, err := b.w.Blobs().Get(tree.HashOf([]byte("unsaved"))); err != nil {
		t.Error(err)
	}
	must(t, b.w.Close())
	must(t, os.RemoveAll(b.dir))
	b.open()
	head, rev, ok := b.w.Head()
	if !ok || rev != 1 || head.Root() != next.Root() {
		t.Fatalf("revision %d %v", rev, ok)
	}
	b.want(b.head(), map[string]string{"a": "a", "b/c": "c"})
	must(t, b.w.Close())
	other := newBench(t)
	other.seed(map[string]string{"z": "z"})
	must(t, other.w.Close())
	if _, err := Open(Options{Dir: other.dir, Journal: b.journal, NoWatch: true}); err == nil || !strings.Contains(err.Error(), "another run") {
		t.Errorf("a foreign sandbox was taken over: %v", err)
	}
}

func TestSecondCoordinator(t *testing.T) {
	b := newBench(t)
	_, err := Open(Options{Dir: b.dir, Journal: b.journal + "2", NoWatch: true})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.What != "sandbox" || locked.PID != os.Getpid() || locked.Started.IsZero() {
		t.Fatalf("second coordinator: %v", err)
	}
	_, err = Open(Options{Dir: b.dir + "2", Journal: b.journal, NoWatch: true}) // as a second resume does
	if !errors.As(err, &locked) || locked.What != "journal" || !strings.Contains(err.Error(), b.journal) {
		t.Fatalf("second coordinator of the same journal: %v", err)
	}
	must(t, b.w.Close())
	must(t, b.w.Close())
	b.open()
	if log := b.records(RecEpoch); len(log) != 2 || log[1].Epoch != 2 {
		t.Errorf("epochs %+v", log)
	}
	if err := func() error { must(t, b.w.Close()); return b.publish(nil) }(); !errors.Is(err, ErrClosed) {
		t.Errorf("publish on a closed workspace: %v", err)
	}
}

func TestRejectedBytesAreJournaled(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"f": "0"})
	ann, bob := b.view("ann", r0), b.view("bob", r0)
	b.put(filepath.Join(ann.Dir(), "f"), "A")
	b.put(filepath.Join(bob.Dir(), "f"), "B")
	wsA, _ := b.scan(ann)
	wsB, _ := b.scan(bob)
	b.commit("ann", wsA)
	b.commit("bob", wsB)
	var got []string
	for _, r := range b.records(RecDecided) {
		got = append(got, fmt.Sprintf("%s %s %s>%s", r.Agent, r.Op, b.text(r.Pre), b.text(r.Post)))
	}
	want := "@setup create <absent>>0, ann replace 0>A, bob rejected A>B"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("chain %q, want %q", s, want)
	}
}
