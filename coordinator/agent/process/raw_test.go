package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// More names than one system call returns, short and long ones, again and again.
func TestEachNumber(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := range 200 {
		number := fmt.Sprint(i) + strings.Repeat("-", i)
		want = append(want, number)
		for _, name := range []string{number, "x" + number} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	slices.Sort(want)
	fd, err := open(unix.AT_FDCWD, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for range 2 {
		var got []string
		if err := eachNumber(fd, func(name []byte) { got = append(got, string(name)) }); err != nil {
			t.Fatal(err)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%d names, want %d", len(got), len(want))
		}
	}
}

// From any position on there are the same names as in a listing from the beginning.
func TestEachEntryFromAnywhere(t *testing.T) {
	dir := t.TempDir()
	for i := range 50 {
		if err := os.WriteFile(filepath.Join(dir, strings.Repeat("n", 1+i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fd, err := open(unix.AT_FDCWD, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	list := func(from int64) (at []int64, names []string) {
		err := eachEntry(fd, from, make([]byte, 300), func(pos int64, name []byte) {
			at, names = append(at, pos), append(names, string(name))
		})
		if err != nil {
			t.Fatal(err)
		}
		return at, names
	}
	at, names := list(0)
	if len(names) != 52 { // with . and ..
		t.Fatalf("%d names", len(names))
	}
	for i, from := range at {
		if _, rest := list(from); !slices.Equal(rest, names[i:]) {
			t.Errorf("from name %d on: %q, want %q", i, rest, names[i:])
		}
	}
}

// Where process 1 is not the first, nobody knows where processes begin.
func TestCountProcesses(t *testing.T) {
	for name, processes := range map[string][]string{"with": {"1"}, "without": {"23"}, "none": nil} {
		dir := t.TempDir()
		for _, file := range append(processes, "stat", "self") {
			if err := os.WriteFile(filepath.Join(dir, file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		fd, err := open(unix.AT_FDCWD, dir)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		n, first, err := countProcesses(fd, 0)
		if n != len(processes) || err != nil || name != "with" && first != 0 {
			t.Errorf("%s: %d processes from %d on, %v", name, n, first, err)
		}
		if again, _, err := countProcesses(fd, first); again != n || err != nil {
			t.Errorf("%s: %d, then %d, %v", name, n, again, err)
		}
	}
}

func TestReadFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	for _, size := range []int{0, 1, 63, 64, 4095, 4096, 100000} {
		want := bytes.Repeat([]byte("ab\n"), size)[:size]
		if err := os.WriteFile(name, want, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, buf := range [][]byte{nil, make([]byte, 64), make([]byte, 5000)} {
			if got, err := readFile(unix.AT_FDCWD, name, buf); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes into %d: %d, %v", size, len(buf), len(got), err)
			}
		}
	}
	if _, err := readFile(unix.AT_FDCWD, name+"x", nil); err != unix.ENOENT {
		t.Errorf("a missing file: %v", err)
	}
}

// The table itself is the reference: this process has as many threads as it says.
func TestStatOfSelf(t *testing.T) {
	s, ok := readStat(os.Getpid())
	if !ok || s.pid != os.Getpid() || s.ppid != os.Getppid() || s.threads < 2 || s.dead() || s.stopped() {
		t.Errorf("%+v, %t", s, ok)
	}
	if _, ok := readStat(1 << 30); ok {
		t.Error("no process has that number")
	}
}
