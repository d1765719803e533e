package workspace

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestEscapes lets an agent do its worst in its view. Whatever it is, the file outside
// stays as it was, byte and mtime, and the view is right again afterwards.
func TestEscapes(t *testing.T) {
	root := os.Getuid() == 0
	cases := []struct {
		name    string
		do      func(b *bench, dir string) error
		paths   string // of the write set
		refused string // paths refused
		skip    string
	}{
		{name: "absolute link outside", refused: "out", do: func(b *bench, d string) error { return os.Symlink(b.canary, d+"/out") }},
		{name: "relative link outside", refused: "out", do: func(b *bench, d string) error { return os.Symlink("../../../canary", d+"/out") }},
		{name: "link to a folder outside", refused: "out", do: func(b *bench, d string) error { return os.Symlink("../../..", d+"/out") }},
		{name: "link with dots behind a name", refused: "in", do: func(b *bench, d string) error { return os.Symlink("sub/../f", d+"/in") }},
		{name: "link inside", paths: "in", do: func(b *bench, d string) error { return os.Symlink("sub/g", d+"/in") }},
		{name: "dangling link inside", paths: "in", do: func(b *bench, d string) error { return os.Symlink("nowhere", d+"/in") }},
		{name: "proc link", refused: "p", do: func(b *bench, d string) error { return os.Symlink("/proc/self/root"+b.canary, d+"/p") }},
		{name: "file replaced by link outside", refused: "f", do: func(b *bench, d string) error {
			return first(os.Remove(d+"/f"), os.Symlink(b.canary, d+"/f"))
		}},
		{name: "folder replaced by link outside", refused: "sub", paths: "sub/g", do: func(b *bench, d string) error {
			return first(os.RemoveAll(d+"/sub"), os.Symlink(filepath.Dir(b.canary), d+"/sub"))
		}},
		{name: "hard link to a file outside", paths: "f", do: func(b *bench, d string) error {
			return first(os.Remove(d+"/f"), os.Link(b.canary, d+"/f"))
		}},
		{name: "fifo", refused: "pipe", do: func(b *bench, d string) error { return syscall.Mkfifo(d+"/pipe", 0o600) }},
		{name: "file replaced by fifo", refused: "f", do: func(b *bench, d string) error {
			return first(os.Remove(d+"/f"), syscall.Mkfifo(d+"/f", 0o600))
		}},
		{name: "socket", refused: "s", do: func(b *bench, d string) error {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Bind(fd, &unix.SockaddrUnix{Name: d + "/s"})
		}},
		{name: "device", refused: "zero", skip: needRoot(root), do: func(b *bench, d string) error {
			return unix.Mknod(d+"/zero", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5)))
		}},
		{name: "setuid", refused: "suid", do: func(b *bench, d string) error {
			return first(os.WriteFile(d+"/suid", []byte("x"), 0o755), unix.Chmod(d+"/suid", 0o4755))
		}},
		{name: "name of 255 bytes", paths: strings.Repeat("n", 255), do: func(b *bench, d string) error {
			return os.WriteFile(d+"/"+strings.Repeat("n", 255), nil, 0o644)
		}},
		{name: "newline in a name", paths: "a\nb", do: func(b *bench, d string) error { return os.WriteFile(d+"/a\nb", nil, 0o644) }},
		{name: "name that is not UTF-8", paths: "a\xff", do: func(b *bench, d string) error { return os.WriteFile(d+"/a\xff", nil, 0o644) }},
		{name: "CRLF and no text", paths: "bin crlf", do: func(b *bench, d string) error {
			return first(os.WriteFile(d+"/crlf", []byte("a\r\n"), 0o644), os.WriteFile(d+"/bin", []byte{0, 255, 254}, 0o644))
		}},
		{name: "empty", paths: "e", do: func(b *bench, d string) error { return os.WriteFile(d+"/e", nil, 0o644) }},
		{name: "sparse and small", paths: "sp", do: func(b *bench, d string) error {
			return first(os.WriteFile(d+"/sp", nil, 0o644), os.Truncate(d+"/sp", 1<<16))
		}},
		{name: "sparse and huge", refused: "sp", do: func(b *bench, d string) error {
			return first(os.WriteFile(d+"/sp", nil, 0o644), os.Truncate(d+"/sp", 1<<40))
		}},
		{name: "no permissions", paths: "sub/new", do: func(b *bench, d string) error {
			return first(os.WriteFile(d+"/sub/new", []byte("n"), 0), os.Chmod(d+"/sub", 0))
		}},
		{name: "own folder closed", paths: "new", do: func(b *bench, d string) error {
			return first(os.WriteFile(d+"/new", []byte("n"), 0o644), os.Chmod(d, 0))
		}},
		{name: "view replaced by a closed folder", do: func(b *bench, d string) error {
			return first(os.Rename(d, d+".away"), os.Mkdir(d, 0o555))
		}},
		{name: "too deep", refused: strings.Repeat("d/", maxDepth) + "d", do: func(b *bench, d string) error {
			return os.MkdirAll(d+"/"+strings.Repeat("d/", maxDepth+3), 0o755)
		}},
		{name: "view replaced by link outside", refused: "", do: func(b *bench, d string) error {
			return first(os.Rename(d, d+".away"), os.Symlink(filepath.Dir(b.canary), d))
		}},
		{name: "view removed", do: func(b *bench, d string) error { return os.RemoveAll(d) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.skip != "" {
				t.Skip(c.skip)
			}
			b := newBench(t)
			r0 := b.seed(map[string]string{"f": "f", "sub/g": "g"})
			v := b.view("ann", r0)
			before, err := os.Stat(b.canary)
			must(t, err)
			must(t, c.do(b, v.Dir()))
			ws, refused, err := v.Scan(context.Background())
			must(t, err)
			var got []string
			for _, r := range refused {
				if r.Path != "" {
					got = append(got, r.Path)
				}
				if strings.Contains(r.String(), b.dir) || strings.Contains(r.String(), "\n") {
					t.Errorf("refusal is not fit for a prompt: %q", r)
				}
			}
			if paths(ws) != c.paths || strings.Join(got, " ") != c.refused {
				t.Errorf("write set %q, refused %q (%v); want %q and %q", paths(ws), got, refused, c.paths, c.refused)
			}
			head, _ := b.commit("ann", ws)
			must(t, v.Refresh(head))
			shown := readDir(t, v.Dir())
			for p, e := range head.All() {
				if text := b.text(e); shown[p] != text && shown[p] != "-> "+text {
					t.Errorf("%s shows %q, want %q", p, shown[p], text)
				}
			}
			if c.name == "hard link to a file outside" { // in place, as the agent would next
				must(t, os.WriteFile(filepath.Join(v.Dir(), "f"), []byte("overwritten"), 0o644))
			}
			after, err := os.Stat(b.canary)
			must(t, err)
			data, _ := os.ReadFile(b.canary)
			if string(data) != "canary" || !after.ModTime().Equal(before.ModTime()) {
				t.Errorf("the file outside was changed: %q, %v", data, after.ModTime())
			}
		})
	}
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func needRoot(root bool) string {
	if root {
		return ""
	}
	return "SKIPPED: making a device needs CAP_MKNOD"
}

// TestTooManyNames: nothing is taken, the working directory stays the same folder, and
// the next scan is clean.
func TestTooManyNames(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxFiles = 10 })
	r0 := b.seed(map[string]string{"f": "f"})
	v := b.view("ann", r0)
	id := inode(t, v.Dir())
	for i := range 20 {
		b.put(filepath.Join(v.Dir(), "x", string(rune('a'+i))), "x")
	}
	must(t, os.Chmod(filepath.Join(v.Dir(), "x"), 0o555))
	must(t, os.Chmod(v.Dir(), 0o555))
	ws, refused := b.scan(v)
	if len(ws) != 0 || len(refused) != 1 || refused[0].Path != "" {
		t.Fatalf("%v %v", ws, refused)
	}
	must(t, v.Refresh(r0))
	b.want(v.Dir(), map[string]string{"f": "f"})
	if inode(t, v.Dir()) != id {
		t.Error("the view's folder was replaced under its processes")
	}
	if ws, refused := b.scan(v); len(ws)+len(refused) != 0 {
		t.Errorf("%v %v", ws, refused)
	}
}

// TestClosedFolderGivesWay: a rejected folder without permissions stands where the tree
// holds a file, or a notice lays one out.
func TestClosedFolderGivesWay(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"f": "f"})
	v := b.view("ann", r0)
	must(t, first(os.Remove(v.Dir()+"/f"), os.Mkdir(v.Dir()+"/f", 0o555)))
	must(t, first(os.MkdirAll(v.Dir()+"/.sandtable/conflicts/1", 0o755), os.Mkdir(v.Dir()+"/.sandtable/conflicts/1/f.base", 0o500)))
	ws, _ := b.scan(v)
	must(t, v.Refresh(r0))
	b.want(v.Dir(), map[string]string{"f": "f"})
	_, err := v.Uncommitted(1, "your move was illegal", ws)
	must(t, err)
	b.want(v.Dir()+"/.sandtable/conflicts/1", map[string]string{"f.base": "f"})
}

// TestDeepFolderGivesWay replaces a file by a chain of folders that is deeper than a process
// may have descriptors.
func TestDeepFolderGivesWay(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"f": "f"})
	v := b.view("ann", r0)
	must(t, os.Remove(v.Dir()+"/f"))
	deepen(t, v.Dir(), 700)
	b.scan(v)
	var limit unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	low := unix.Rlimit{Cur: 256, Max: limit.Max}
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &low))
	err := v.Refresh(r0)
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	must(t, err)
	b.want(v.Dir(), map[string]string{"f": "f"})
	if names, _ := os.ReadDir(filepath.Join(b.dir, "stage")); len(names) != 0 {
		t.Errorf("stage holds %v", names)
	}
}

// deepen makes a chain of folders, each with a file, that starts with f.
func deepen(t *testing.T, dir string, depth int) {
	t.Helper()
	fd, err := unix.Open(dir, openDirFlags, 0)
	must(t, err)
	name := "f"
	for range depth {
		must(t, unix.Mkdirat(fd, name, 0o755))
		next, err := openAt(fd, name, openDirFlags)
		must(t, err)
		must(t, writeAt(next, "file", nil, 0o644))
		unix.Close(fd)
		fd, name = next, "f"
	}
	unix.Close(fd)
}

// TestManyNamesFromManyAgents: what agents handed in within the limit does not count again,
// in the head, in views, or after a restart.
func TestManyNamesFromManyAgents(t *testing.T) {
	few := func(o *Options) { o.MaxFiles = 10 }
	b := newBench(t, few)
	head := b.seed(map[string]string{"f": "f"})
	for _, name := range []string{"ann", "bob", "cat"} {
		v := b.view(name, head)
		for _, letter := range "abcd" {
			b.put(filepath.Join(v.Dir(), name, string(letter), "x"), "x") // with its folder: two names
		}
		ws, refused := b.scan(v)
		if len(ws) != 4 || len(refused) != 0 {
			t.Fatalf("%s: %v %v", name, ws, refused)
		}
		head, _ = b.commit(name, ws)
		if ws := b.foreign(); len(ws) != 0 {
			t.Fatalf("foreign: %v", ws)
		}
	}
	must(t, b.w.Close())
	b.open(few)
	b.put(b.head()+"/f", "foreign")
	if ws := b.foreign(); paths(ws) != "f" {
		t.Errorf("after a restart: %v", ws)
	}
	src := filepath.Join(filepath.Dir(b.canary), "src")
	for _, letter := range "abcdefghijk" {
		b.put(filepath.Join(src, string(letter)), "x")
	}
	other := newBench(t, few)
	if _, err := other.w.Seed(context.Background(), Seed{From: src}); err == nil || !strings.Contains(err.Error(), "more than 10 names: list") {
		t.Errorf("a seed of too many: %v", err)
	}
}

// TestSwappingDuringScan runs scans and refreshes against a process that keeps
// exchanging a folder with a link outside and a file with a fifo. The state at each scan
// is chance; what must hold is that nothing hangs, fails or leaves the view.
func TestSwappingDuringScan(t *testing.T) {
	b := newBench(t)
	outside := filepath.Join(filepath.Dir(b.canary), "outside")
	must(t, os.MkdirAll(outside, 0o755))
	must(t, os.WriteFile(outside+"/g", []byte("secret"), 0o644))
	r0 := b.seed(map[string]string{"f": "f", "sub/g": "g"})
	v := b.view("ann", r0)
	must(t, os.Symlink(outside, v.Dir()+"/.sandtable-link"))
	must(t, syscall.Mkfifo(v.Dir()+"/pipe", 0o600))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				_ = renameExchange(unix.AT_FDCWD, v.Dir()+"/sub", unix.AT_FDCWD, v.Dir()+"/.sandtable-link")
				_ = renameExchange(unix.AT_FDCWD, v.Dir()+"/f", unix.AT_FDCWD, v.Dir()+"/pipe")
			}
		}
	}()
	for end := time.Now().Add(700 * time.Millisecond); time.Now().Before(end); {
		ws, _, err := v.Scan(context.Background())
		must(t, err)
		for _, c := range ws {
			if b.text(c.New) == "secret" {
				t.Fatalf("%s brought in a file from outside", c.Path)
			}
		}
		must(t, v.Refresh(r0))
		_ = os.Symlink(outside, v.Dir()+"/.sandtable-link")
		_ = syscall.Mkfifo(v.Dir()+"/pipe", 0o600)
	}
	close(stop)
	<-done
	data, err := os.ReadFile(outside + "/g")
	must(t, err)
	if names, _ := os.ReadDir(outside); string(data) != "secret" || len(names) != 1 {
		t.Errorf("outside: %q, %v", data, names)
	}
}

// TestNamesThatGoDuringScan scans while a process makes and removes a file and folders:
// each path comes once, and a name that is gone is no failure.
func TestNamesThatGoDuringScan(t *testing.T) {
	b := newBench(t)
	v := b.view("ann", b.seed(map[string]string{"f": "f"}))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				_ = os.WriteFile(v.Dir()+"/f", make([]byte, n%50), 0o644)
				_ = os.Remove(v.Dir() + "/f")
				_ = os.MkdirAll(v.Dir()+"/d/e", 0o755)
				_ = os.RemoveAll(v.Dir() + "/d")
			}
		}
	}()
	for end := time.Now().Add(time.Second); time.Now().Before(end) && !t.Failed(); {
		ws, _, err := v.Scan(context.Background())
		if err == nil {
			err = ws.Validate()
		}
		if err != nil {
			t.Error(err)
		}
	}
	close(stop)
	<-done
}
