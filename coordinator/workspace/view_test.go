package workspace

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/sim/tree"
)

func inode(t testing.TB, path string) uint64 {
	t.Helper()
	st, err := os.Lstat(path)
	must(t, err)
	return st.Sys().(*syscall.Stat_t).Ino
}

func TestRefreshTouchesOnlyWhatChanged(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"a": "a", "d/b": "b", "d/c": "c", "gone/x": "x"})
	v := b.view("ann", r0)
	at := func(p string) string { return filepath.Join(v.Dir(), p) }
	before, stBefore := inode(t, at("d/b")), inode(t, at("d/c"))
	mtime, err := os.Stat(at("a"))
	must(t, err)
	h, err := b.w.Blobs().Put([]byte("C2"))
	must(t, err)
	r1, err := r0.With(map[string]tree.Entry{"d/c": {Kind: tree.Exec, Hash: h, Size: 2}, "gone/x": {}})
	must(t, err)
	must(t, v.Refresh(r1))
	b.want(v.Dir(), map[string]string{"a": "a", "d/b": "b", "d/c": "C2"})
	if inode(t, at("d/b")) != before {
		t.Error("an unchanged file got a new inode")
	}
	if inode(t, at("d/c")) == stBefore {
		t.Error("a changed file kept its inode: an open descriptor would write into the new version")
	}
	after, err := os.Stat(at("a"))
	must(t, err)
	if !after.ModTime().Equal(mtime.ModTime()) {
		t.Error("an unchanged file got a new mtime")
	}
	if st, _ := os.Stat(at("d/c")); st.Mode().Perm() != 0o755 {
		t.Errorf("mode %v, want 0755", st.Mode())
	}
	if _, err := os.Stat(at("gone")); !os.IsNotExist(err) {
		t.Error("a folder without files is still there")
	}
	if ws, ref := b.scan(v); len(ws)+len(ref) != 0 {
		t.Errorf("scan after refresh: %v %v", ws, ref)
	}
}

func TestScanFindsEveryKindOfChange(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"edit": "old", "same": "same", "mode": "m", "del": "d", "dir/f": "f", "file": "x", "swap": "1"})
	v := b.view("ann", r0)
	at := func(p string) string { return filepath.Join(v.Dir(), p) }
	must(t, os.WriteFile(at("edit"), []byte("new"), 0o644))
	must(t, os.WriteFile(at("same"), []byte("same"), 0o644)) // touched, not changed
	must(t, os.Chmod(at("mode"), 0o755))
	must(t, os.Remove(at("del")))
	must(t, os.RemoveAll(at("dir")))
	must(t, os.WriteFile(at("dir"), []byte("now a file"), 0o644))
	must(t, os.Remove(at("file")))
	b.put(at("file/inside"), "now a folder")
	must(t, os.WriteFile(at("tmp"), []byte("2"), 0o644))
	must(t, os.Rename(at("tmp"), at("swap"))) // an editor's save, same size
	must(t, os.Symlink("dir", at("link")))
	b.put(at(".sandtable/note"), "not versioned")
	ws, refused := b.scan(v)
	if len(refused) > 0 {
		t.Errorf("refused: %v", refused)
	}
	if got, want := paths(ws), "del dir dir/f edit file file/inside link mode swap"; got != want {
		t.Errorf("paths %q, want %q", got, want)
	}
	must(t, ws.Validate())
	next, ds := b.commit("ann", ws)
	for _, d := range ds {
		if d.Lost() {
			t.Errorf("lost: %+v", d)
		}
	}
	want := map[string]string{"dir": "now a file", "edit": "new", "file/inside": "now a folder", "link": "-> dir", "mode": "m", "same": "same", "swap": "2"}
	b.want(b.head(), want)
	must(t, v.Refresh(next))
	b.want(v.Dir(), want)
	other := b.view("bob", next)
	b.want(other.Dir(), want)
	if ws, _ := b.scan(v); len(ws) != 0 {
		t.Errorf("changes after commit: %v", ws)
	}
}

func TestSameSizeSameMtimeIsFound(t *testing.T) {
	b := newBench(t)
	v := b.view("ann", b.seed(map[string]string{"f": "one"}))
	name := filepath.Join(v.Dir(), "f")
	st, err := os.Stat(name)
	must(t, err)
	must(t, os.WriteFile(name, []byte("two"), 0o644))
	must(t, os.Chtimes(name, st.ModTime(), st.ModTime()))
	if ws, _ := b.scan(v); paths(ws) != "f" {
		t.Error("a change under a forged mtime was not found")
	}
}

func TestMappedStoreIsFound(t *testing.T) {
	b := newBench(t)
	v := b.view("ann", b.seed(map[string]string{"f": strings.Repeat("x", 4096)}))
	f, err := os.OpenFile(filepath.Join(v.Dir(), "f"), os.O_RDWR, 0)
	must(t, err)
	mem, err := syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	must(t, err)
	must(t, f.Close())
	defer syscall.Munmap(mem)
	for i := range byte(3) { // the page stays dirty, so ctime moves for the first store only
		mem[0] = 'a' + i
		ws, _ := b.scan(v)
		if len(ws) != 1 || b.text(ws[0].New)[0] != 'a'+i {
			t.Fatalf("store %d was not found: %v", i, ws)
		}
	}
}

func TestIgnored(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Ignore = tree.Globs{"build/**", "**/*.pyc"} })
	r0 := b.seed(map[string]string{"a": "a"})
	v := b.view("ann", r0)
	b.put(filepath.Join(v.Dir(), "build/out"), "o")
	b.put(filepath.Join(v.Dir(), "x.pyc"), "p")
	b.put(filepath.Join(v.Dir(), "kept"), "k")
	if ws, ref := b.scan(v); paths(ws) != "kept" || len(ref) != 0 {
		t.Errorf("%v %v", ws, ref)
	}
	must(t, v.Refresh(r0))
	b.want(v.Dir(), map[string]string{"a": "a", "build/out": "o", "x.pyc": "p"})
}

func TestDiscardAndKeep(t *testing.T) {
	b := newBench(t)
	v := b.view("ann", b.seed(map[string]string{"a": "a", "b": "b"}))
	b.put(filepath.Join(v.Dir(), "a"), "mine")
	b.put(filepath.Join(v.Dir(), "new/c"), "c")
	must(t, os.Remove(filepath.Join(v.Dir(), "b")))
	first, _ := b.scan(v)
	again, _ := b.scan(v) // a retry after an illegal move: everything is still there
	if paths(first) != "a b new/c" || paths(again) != paths(first) {
		t.Fatalf("%v, then %v", first, again)
	}
	ws, err := v.Discard(context.Background())
	must(t, err)
	b.want(v.Dir(), map[string]string{"a": "a", "b": "b"})
	if got := b.text(ws[0].New); got != "mine" {
		t.Errorf("discarded bytes are %q", got)
	}
	if n := len(b.records(RecDecided)); n != 2+3 { // seed, discard
		t.Errorf("%d decided records, want 5", n)
	}
}

func TestLateWriteBetweenScanAndRefresh(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"f": "0"})
	v := b.view("ann", r0)
	name := filepath.Join(v.Dir(), "f")
	b.scan(v)
	must(t, os.WriteFile(name, []byte("left-over child"), 0o644)) // not frozen after all
	h, _ := b.w.Blobs().Put([]byte("new head"))
	r1, err := r0.With(map[string]tree.Entry{"f": {Kind: tree.File, Hash: h, Size: 8}})
	must(t, err)
	must(t, v.Refresh(r1))
	b.want(v.Dir(), map[string]string{"f": "new head"})
	_, refused := b.scan(v)
	late := b.records(RecLate)
	if len(refused) != 1 || len(late) != 1 || b.text(late[0].Post) != "left-over child" {
		t.Fatalf("refused %v, late %+v", refused, late)
	}
}

func TestOpenDescriptorAcrossRefresh(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"log": "0"})
	v := b.view("ann", r0)
	f, err := os.OpenFile(filepath.Join(v.Dir(), "log"), os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	defer f.Close()
	h, _ := b.w.Blobs().Put([]byte("1"))
	r1, err := r0.With(map[string]tree.Entry{"log": {Kind: tree.File, Hash: h, Size: 1}})
	must(t, err)
	must(t, v.Refresh(r1))
	_, err = f.WriteString("late")
	must(t, err)
	_, refused := b.scan(v)
	b.want(v.Dir(), map[string]string{"log": "1"})
	late := b.records(RecLate)
	if len(refused) != 1 || len(late) != 1 || b.text(late[0].Post) != "0late" {
		t.Fatalf("refused %v, late %+v", refused, late)
	}
}

// TestWhyLost: every way to lose a write has its own words.
func TestWhyLost(t *testing.T) {
	one, two, three := tree.Entry{Kind: tree.File, Size: 1}, tree.Entry{Kind: tree.File, Size: 2}, tree.Entry{Kind: tree.File, Size: 3}
	none := tree.Entry{}
	cases := []struct {
		d    tree.Decision
		want string
	}{
		{tree.Decision{Outcome: tree.Conflict, Base: one, Head: none, New: two, Winner: "bob"}, "bob deleted the file first"},
		{tree.Decision{Outcome: tree.Conflict, Base: none, Head: one, New: two, Winner: "bob"}, "bob created a file of that name first"},
		{tree.Decision{Outcome: tree.Conflict, Base: one, Head: two, New: none, Winner: "bob"}, "bob changed the file that you deleted"},
		{tree.Decision{Outcome: tree.Conflict, Base: one, Head: two, New: three, Winner: "@foreign"}, "someone outside the run changed the same part"},
		{tree.Decision{Outcome: tree.Stale, Base: one, Head: two, New: three, Winner: "@world"}, "the world changed the file first"},
		{tree.Decision{Outcome: tree.Kept, Base: one, Head: two, New: three}, "someone else changed the file first"},
		{tree.Decision{Outcome: tree.Withheld, Base: one, Head: one, New: three}, "taken together or not at all"},
		{tree.Decision{Outcome: tree.Conflict, Base: one, Head: one, New: three, Reason: "you may not write it"}, "you may not write it"},
	}
	for _, c := range cases {
		if got := whyLost(c.d); !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.d, got, c.want)
		}
	}
}

func TestConflictIsLaidOutAndTold(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"notes.md": "1\n2\n3\n"})
	ann, bob := b.view("ann", r0), b.view("bob", r0)
	b.put(filepath.Join(ann.Dir(), "notes.md"), "1\nann\n3\n")
	b.put(filepath.Join(bob.Dir(), "notes.md"), "1\nbob\n3\n")
	wsA, _ := b.scan(ann)
	wsB, _ := b.scan(bob)
	b.commit("ann", wsA)
	head, ds := b.commit("bob", wsB)
	must(t, bob.Refresh(head))
	must(t, os.Symlink("/", filepath.Join(bob.Dir(), ".sandtable"))) // bob does not want to be told
	notices, err := bob.Conflict(1, tree.Globs{"**"}, ds)
	must(t, err)
	b.want(bob.Dir(), map[string]string{"notes.md": "1\nann\n3\n"})
	b.want(filepath.Join(bob.Dir(), ".sandtable/conflicts/1"), map[string]string{
		"notes.md.base": "1\n2\n3\n", "notes.md.theirs": "1\nann\n3\n", "notes.md.yours": "1\nbob\n3\n",
		"notes.md.diff": "--- theirs\n+++ yours\n@@ -1,3 +1,3 @@\n 1\n-ann\n+bob\n 3\n",
	})
	if len(notices) != 1 || strings.Contains(notices[0], b.dir) {
		t.Fatalf("notices %q", notices)
	}
	want := "Your change to notes.md was not taken: other changed the same part of the file first. " +
		"In your folder it now is as the workspace has it. Your version: .sandtable/conflicts/1/notes.md.yours. " +
		"The workspace's version when yours was refused: .sandtable/conflicts/1/notes.md.theirs. " +
		"What you started from: .sandtable/conflicts/1/notes.md.base. " +
		"The difference from the workspace's version to yours: .sandtable/conflicts/1/notes.md.diff. " +
		"If your change is still wanted, make it again in notes.md."
	if notices[0] != want {
		t.Errorf("notice\n%s\nwant\n%s", notices[0], want)
	}
	if ws, ref := b.scan(bob); len(ws)+len(ref) != 0 {
		t.Errorf("the layout is versioned: %v %v", ws, ref)
	}
	hidden, err := bob.Conflict(2, tree.Globs{"!notes.md", "**"}, ds)
	must(t, err)
	b.want(filepath.Join(bob.Dir(), ".sandtable/conflicts/2"), map[string]string{"notes.md.yours": "1\nbob\n3\n"})
	if strings.Contains(hidden[0], "theirs") {
		t.Errorf("names what the agent may not read: %s", hidden[0])
	}
}

// TestEveryVersionHasItsPlace: names that are made to meet where versions are laid out.
func TestEveryVersionHasItsPlace(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(nil)
	v := b.view("ann", r0)
	clash := plainPath("a.yours/x") // an agent can compute that
	names := []string{"a", "a.yours/x", "a.base/x", "a.diff", clash, "odd\n", plainPath("odd\n"), strings.Repeat("d/", 90) + strings.Repeat("l", 900)[:255]}
	for _, name := range names {
		b.put(filepath.Join(v.Dir(), name), "text of "+name)
	}
	ws, refused := b.scan(v)
	if len(ws) != len(names) || len(refused) > 0 {
		t.Fatalf("%v %v", paths(ws), refused)
	}
	must(t, v.Refresh(r0))
	_, err := v.Uncommitted(1, "your move was illegal", ws)
	must(t, err)
	laid := map[string]bool{}
	for _, text := range readDir(t, filepath.Join(v.Dir(), ".sandtable/conflicts/1")) {
		laid[text] = true
	}
	for _, name := range names {
		if !laid["text of "+name] {
			t.Errorf("%.40q is not laid out", name)
		}
	}
}

func TestUncommittedIsToldAndJournaled(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"a": "a"})
	v := b.view("ann", r0)
	odd := strings.Repeat("n", 255)
	b.put(filepath.Join(v.Dir(), odd), "long")
	b.put(filepath.Join(v.Dir(), "two\nlines"), "odd")
	b.put(filepath.Join(v.Dir(), "a"), "b")
	ws, _ := b.scan(v)
	must(t, v.Refresh(r0))
	notices, err := v.Uncommitted(3, "your move was illegal", ws)
	must(t, err)
	if len(notices) != 3 {
		t.Fatalf("%q", notices)
	}
	want := "Your change to a was not taken: your move was illegal. In your folder it now is as the workspace has it. " +
		"Your version: .sandtable/conflicts/3/a.yours. What you started from: .sandtable/conflicts/3/a.base. " +
		"What you changed: .sandtable/conflicts/3/a.diff. If your change is still wanted, make it again in a."
	if notices[0] != want {
		t.Errorf("notice\n%s\nwant\n%s", notices[0], want)
	}
	for _, n := range notices {
		if strings.Contains(n, "\n") {
			t.Errorf("a name broke the notice's line: %q", n)
		}
	}
	if got := len(readDir(t, filepath.Join(v.Dir(), ".sandtable/conflicts/3"))); got != 3+1+1 {
		t.Errorf("%d files laid out, want 5", got)
	}
	for _, r := range b.records(RecDecided) {
		if r.Agent == "ann" && (r.Op != OpRejected || r.Reason != "your move was illegal" || b.text(r.Post) == "") {
			t.Errorf("%+v", r)
		}
	}
}

// TestCoarseClock: where ctime moves with the timer tick only, files that were just
// written are read again until the tick is over.
func TestCoarseClock(t *testing.T) {
	b := newBench(t)
	b.w.clock.coarse = true
	v := b.view("ann", b.seed(map[string]string{"f": "f"}))
	for _, m := range []*mirror{v.m, b.w.head} {
		_, _, err := m.scan(context.Background())
		must(t, err)
		r := m.rec("f")
		m.tick = r.st.ctime
		if !m.fresh(r.st) {
			t.Errorf("%s: a stamp of the tick in which the scan began is trusted", m.name)
		}
		m.tick++
		if m.fresh(r.st) {
			t.Errorf("%s: a stamp of an old tick is not trusted", m.name)
		}
	}
	must(t, os.WriteFile(filepath.Join(v.Dir(), "f"), []byte("g"), 0o644))
	if ws, _ := b.scan(v); paths(ws) != "f" {
		t.Errorf("%v", ws)
	}
}

func TestLeftoversTooLargeStay(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxFile = 100 })
	r0 := b.seed(map[string]string{"f": "f"})
	v := b.view("ann", r0)
	large := strings.Repeat("x", 101)
	b.put(filepath.Join(v.Dir(), "large"), large)
	b.put(filepath.Join(v.Dir(), "f"), large)
	for range 2 {
		ws, refused := b.scan(v)
		if len(ws) != 0 || len(refused) == 0 || !strings.Contains(refused[len(refused)-1].Reason, "limit of 100") {
			t.Fatalf("%v %v", ws, refused)
		}
		must(t, v.Refresh(r0))
		b.want(v.Dir(), map[string]string{"f": "f", "large": large}) // its own file stays, ours is put right
	}
}

func TestSandboxModes(t *testing.T) {
	b := newBench(t)
	b.view("ann", b.seed(nil))
	home, err := b.w.HomeDir("ann")
	must(t, err)
	tmp, err := b.w.TmpDir("ann")
	must(t, err)
	for dir, want := range map[string]os.FileMode{
		b.dir: 0o711, b.dir + "/views": 0o711, b.dir + "/stage": 0o700, b.dir + "/locks": 0o700, home: 0o700, tmp: 0o700,
	} {
		if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", dir, st.Mode(), err, want)
		}
	}
}

// A look at a view whose agent goes on writing proves nothing of a file whose stamp may fail
// to move with the next change; that is played here by a stamp that is taken over.
func TestPeekProvesNothingYet(t *testing.T) {
	b := newBench(t)
	v := b.view("ann", b.seed(map[string]string{"a.txt": "zero"}))
	file := filepath.Join(v.Dir(), "n.md")
	look := func() bool { // true: the file was written a moment ago, as seen after the look
		must(t, os.WriteFile(file, []byte("one"), 0o644))
		ws, _, err := v.Peek(context.Background())
		must(t, err)
		if paths(ws) != "n.md" || b.text(ws[0].New) != "one" {
			t.Fatalf("the agent is told %v", ws)
		}
		return young(v.m.rec("n.md").st)
	}
	for !look() { // the machine is busy
	}
	must(t, os.WriteFile(file, []byte("two"), 0o644))
	var st unix.Stat_t
	must(t, unix.Lstat(file, &st))
	v.m.rec("n.md").st = stampOf(&st)
	if ws, _ := b.scan(v); len(ws) != 1 || b.text(ws[0].New) != "two" {
		t.Errorf("at the boundary %v", ws)
	}
}

// What came too late is told at the boundary, whoever has asked before.
func TestPeekTakesNothingAway(t *testing.T) {
	b := newBench(t)
	v := b.view("ann", b.seed(map[string]string{"a.txt": "zero"}))
	v.late = []Refusal{{"a.txt", "changed after the turn had ended"}}
	for i, look := range []func(context.Context) (tree.WriteSet, []Refusal, error){v.Peek, v.Peek, v.Scan, v.Scan} {
		_, refused, err := look(context.Background())
		must(t, err)
		if told := len(refused) == 1; told != (i < 3) {
			t.Errorf("look %d tells %v", i, refused)
		}
	}
	if n := b.w.Stats().Refusals; n != 1 {
		t.Errorf("%d refusals counted", n)
	}
}
