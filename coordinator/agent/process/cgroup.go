package process

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cgroup is one directory of a cgroup2 hierarchy; the zero value is none.
type cgroup struct{ dir string }

func (c cgroup) none() bool               { return c.dir == "" }
func (c cgroup) child(name string) cgroup { return cgroup{filepath.Join(c.dir, name)} }
func (c cgroup) make() error              { return os.Mkdir(c.dir, 0o755) }

// inner is the part of a ward's cgroup that is frozen: all but the init. An init is a
// program of several threads; to stop and wake them in every turn would cost more than
// the agent does.
func (c cgroup) inner() cgroup { return c.child("a") }

// makeWard makes a ward's cgroup and its inner one.
func (c cgroup) makeWard() error {
	if err := c.make(); err != nil {
		return err
	}
	return c.inner().make()
}

// write writes one control file. It never creates one.
func (c cgroup) write(file, value string) error {
	f, err := os.OpenFile(filepath.Join(c.dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

func (c cgroup) kill() error { return c.write("cgroup.kill", "1") }

func (c cgroup) freeze(on bool) error {
	if on {
		return c.write("cgroup.freeze", "1")
	}
	return c.write("cgroup.freeze", "0")
}

// event reads one key of cgroup.events: "populated" or "frozen".
func (c cgroup) event(key string) (bool, error) {
	b, err := os.ReadFile(filepath.Join(c.dir, "cgroup.events"))
	return holds(b, key), err
}

// holds tells whether a key of a file of keys and numbers is 1.
func holds(events []byte, key string) bool {
	for line := range bytes.Lines(events) {
		if string(bytes.TrimSpace(line)) == key+" 1" {
			return true
		}
	}
	return false
}

// await waits until an event has a value. The kernel tells of changes at most every
// 10 ms, a freeze takes a tenth of one, so the file is read again and again.
func (c cgroup) await(ctx context.Context, key string, want bool) error {
	for wait := 50 * time.Microsecond; ; wait = min(2*wait, 10*time.Millisecond) {
		got, err := c.event(key)
		if err != nil || got == want {
			return err
		}
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("cgroup %s is not %s=%t: %w", c.dir, key, want, err)
		}
	}
}

// clear kills all members, also those of whom nobody was told yet, and waits for their
// end: the kernel takes a while for a PID namespace, and nobody can remove a cgroup before.
func (c cgroup) clear() error {
	ctx, cancel := context.WithTimeout(context.Background(), endLimit)
	defer cancel()
	err := c.kill()
	if err == nil {
		err = c.await(ctx, "populated", false)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the guard has removed it
	}
	return err
}

// pids lists the members, not those of children.
func (c cgroup) pids() ([]int, error) {
	b, err := os.ReadFile(filepath.Join(c.dir, "cgroup.procs"))
	if err != nil {
		return nil, err
	}
	return parsePids(b), nil
}

// remove deletes the directory and its empty children; missing is fine.
func (c cgroup) remove() error {
	if c.none() {
		return nil
	}
	kids, _ := os.ReadDir(c.dir)
	var errs []error
	for _, k := range kids {
		if k.IsDir() {
			errs = append(errs, c.child(k.Name()).remove())
		}
	}
	if err := os.Remove(c.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// exercise does with a ward's cgroup, which has the one process pid in its inner one,
// what is done with it later: it freezes and thaws the inner one and kills all.
func (c cgroup) exercise(pid int) error {
	ctx, cancel := context.WithTimeout(context.Background(), probeLimit)
	defer cancel()
	in := c.inner()
	if pids, err := in.pids(); err != nil || !slices.Equal(pids, []int{pid}) {
		return fmt.Errorf("%s holds %v, not its process %d (%v)", in.dir, pids, pid, err)
	}
	for _, on := range []bool{true, false} {
		if err := in.freeze(on); err != nil {
			return err
		}
		if err := in.await(ctx, "frozen", on); err != nil {
			return err
		}
	}
	if err := c.kill(); err != nil {
		return err
	}
	return c.await(ctx, "populated", false)
}

// makeCgroupRoot makes a fresh cgroup below the one this process is in, on the first
// cgroup2 mount that shows it, else below the mount itself.
func makeCgroupRoot() (cgroup, error) {
	mounts, err := cgroupMounts()
	if err != nil {
		return cgroup{}, err
	}
	errs := []error{errors.New("no cgroup2 mount lets this process make a cgroup")}
	name := fmt.Sprintf("sandtable-%d-%s", os.Getpid(), strings.ToLower(rand.Text()[:8]))
	for _, m := range mounts {
		for _, dir := range slices.Compact([]string{filepath.Join(m, ownCgroup()), m}) {
			c := cgroup{filepath.Join(dir, name)}
			if err := c.make(); err != nil {
				errs = append(errs, err)
				continue
			}
			return c, nil
		}
	}
	return cgroup{}, errors.Join(errs...)
}

// cgroupMounts lists the mount points of cgroup2. Its path is not assumed: hybrid
// layouts have it below the first version's directories.
func cgroupMounts() ([]string, error) {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var dirs []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if w := strings.Fields(sc.Text()); len(w) > 2 && w[2] == "cgroup2" {
			dirs = append(dirs, strings.ReplaceAll(w[1], `\040`, " "))
		}
	}
	return dirs, nil
}

// ownCgroup is this process's path below a cgroup2 mount; "/" if it is unknown or lies
// outside of what a cgroup namespace shows.
func ownCgroup() string {
	b, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(b)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok && !strings.HasPrefix(path, "/..") {
			return path
		}
	}
	return "/"
}

func parsePids(b []byte) []int {
	var pids []int
	for w := range strings.FieldsSeq(string(b)) {
		if n, err := strconv.Atoi(w); err == nil {
			pids = append(pids, n)
		}
	}
	return pids
}
