package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// control holds what a freeze reads and writes open for an agent's whole life: the files
// of its cgroup and, where it has one, the /proc of its PID namespace.
type control struct {
	cg    cgroup
	procs *os.File // /proc of the namespace; nil: none

	mu   sync.Mutex // no descriptor is closed, and its number used again, while it is in use
	err  error      // why it cannot be used
	fds  [3]int     // by constants below; -1: not open
	list []byte     // reused by members
	// calm is what the cgroup listed when a walk found the whole tree in it and nobody
	// else; empty: none such yet
	calm  []byte
	first int64 // where processes begin in procs; 0: not known
}

// The open files of a cgroup.
const (
	freezeFile = iota
	eventsFile
	procsFile
)

// openControl opens the files; if that fails, every use says why. It takes over proc, of
// which there is at most one.
func openControl(cg cgroup, proc []*os.File) *control {
	c := &control{cg: cg, fds: [3]int{-1, -1, -1}}
	if len(proc) > 0 {
		c.procs, proc[0] = proc[0], nil
	}
	for i, name := range []string{"cgroup.freeze", "cgroup.events", "cgroup.procs"} {
		mode := unix.O_RDWR
		if i == eventsFile {
			mode = unix.O_RDONLY
		}
		name = filepath.Join(cg.dir, name)
		if fd, err := unix.Open(name, mode|unix.O_CLOEXEC, 0); err == nil {
			c.fds[i] = fd
		} else if c.err == nil {
			c.err = &os.PathError{Op: "open", Path: name, Err: err}
		}
	}
	return c
}

// close closes everything; afterwards every use is an error.
func (c *control) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, fd := range c.fds {
		if fd >= 0 {
			unix.Close(fd)
		}
		c.fds[i] = -1
	}
	if c.procs != nil {
		c.procs.Close()
		c.procs = nil
	}
	c.err = fmt.Errorf("cgroup %s: %w", c.cg.dir, os.ErrClosed)
}

func (c *control) write(file int, value string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	if _, err := unix.Pwrite(c.fds[file], []byte(value), 0); err != nil {
		return fmt.Errorf("writing %s to cgroup %s: %w", value, c.cg.dir, err)
	}
	return nil
}

// freeze starts freezing, or thaws.
func (c *control) freeze(on bool) error {
	if on {
		return c.write(freezeFile, "1")
	}
	return c.write(freezeFile, "0")
}

// adopt moves a process into the cgroup.
func (c *control) adopt(pid int) error { return c.write(procsFile, strconv.Itoa(pid)) }

// frozen tells whether all in the cgroup are at rest.
func (c *control) frozen() (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false, c.err
	}
	var b [256]byte
	n, err := unix.Pread(c.fds[eventsFile], b[:], 0)
	return holds(b[:max(n, 0)], "frozen"), err
}

// awaitFrozen waits until all in the cgroup are at rest. An idle agent is after some
// microseconds, less than a timer takes; so the first looks only let others run between.
func (c *control) awaitFrozen(ctx context.Context) error {
	wait := 50 * time.Microsecond
	for look := 0; ; look++ {
		if is, err := c.frozen(); err != nil || is {
			return err
		}
		if look < 3 {
			unix.Nanosleep(&unix.Timespec{Nsec: 5000}, nil)
			continue
		}
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("cgroup %s is not frozen: %w", c.cg.dir, err)
		}
		wait = min(2*wait, 10*time.Millisecond)
	}
}

// members returns what the cgroup lists, and whether a look is enough to know that the
// whole tree is in it: it lists the processes that it listed after the last walk, and the
// PID namespace has these, the init and no other. (With zombies the number is larger, and
// there is no such short way; a process can neither leave its namespace nor come into it
// from outside.) The list is good until the next call.
func (c *control) members() (list []byte, same bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, false, c.err
	}
	if c.isCalm() {
		return c.calm, true, nil
	}
	if c.list, err = readAt(c.fds[procsFile], c.list); err != nil {
		return nil, false, fmt.Errorf("the members of cgroup %s: %w", c.cg.dir, err)
	}
	return c.list, false, nil
}

// isCalm is the short way. One read is enough for it: should the list go on after what was
// read, then the namespace has more processes than calm names.
func (c *control) isCalm() bool {
	if c.procs == nil || len(c.calm) == 0 {
		return false
	}
	c.list = slices.Grow(c.list[:0], len(c.calm)+1)
	n, err := unix.Pread(c.fds[procsFile], c.list[:len(c.calm)+1], 0)
	if err != nil || !bytes.Equal(c.list[:n], c.calm) {
		return false
	}
	found, first, err := countProcesses(int(c.procs.Fd()), c.first)
	c.first = first
	return err == nil && found == bytes.Count(c.calm, []byte("\n"))+1
}

// remember says that a walk found exactly the tree in list.
func (c *control) remember(list []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calm = append(c.calm[:0], list...)
}
