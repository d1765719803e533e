package process

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// stat is what the process table says of one process. pid and start together name it
// for ever: a pid is reused, a start time (clock ticks since boot) is not.
type stat struct {
	pid, ppid int
	state     byte // R S D T t Z X I
	threads   int
	start     uint64
}

func (s stat) dead() bool    { return s.state == 'Z' || s.state == 'X' }
func (s stat) stopped() bool { return s.state == 'T' || s.state == 't' }

// readStat reads one process; ok is false if it is gone.
func readStat(pid int) (s stat, ok bool) {
	var buf [1024]byte
	b, err := readFile(unix.AT_FDCWD, "/proc/"+strconv.Itoa(pid)+"/stat", buf[:])
	if err != nil {
		return stat{}, false
	}
	if s, ok = parseStat(b); ok && s.dead() && s.threads > 1 {
		s.state = othersState(pid, s.state)
	}
	return s, ok
}

// othersState is the state of a process whose first thread has ended, which the table
// shows as a zombie although other threads may go on: that of one that is not stopped, if
// there is one, else stopped; dead if all have ended.
func othersState(pid int, dead byte) byte {
	dir, err := open(unix.AT_FDCWD, "/proc/"+strconv.Itoa(pid)+"/task")
	if err != nil {
		return dead
	}
	defer unix.Close(dir)
	all := stat{state: dead}
	eachNumber(dir, func(thread []byte) {
		var buf [1024]byte
		b, _ := readFile(dir, string(thread)+"/stat", buf[:])
		if s, ok := parseStat(b); ok && !s.dead() && (all.dead() || all.stopped()) {
			all = s
		}
	})
	return all.state
}

// parseStat reads the fields after the last parenthesis: the name before it is the
// process's own choice and may hold anything.
func parseStat(b []byte) (s stat, ok bool) {
	open, end := bytes.IndexByte(b, ' '), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return stat{}, false
	}
	w := strings.Fields(string(b[end+1:]))
	if len(w) < 20 || len(w[0]) != 1 {
		return stat{}, false
	}
	pid, err1 := strconv.Atoi(string(b[:open]))
	ppid, err2 := strconv.Atoi(w[1])
	threads, err3 := strconv.Atoi(w[17])
	start, err4 := strconv.ParseUint(w[19], 10, 64)
	return stat{pid, ppid, w[0][0], threads, start}, errors.Join(err1, err2, err3, err4) == nil
}

// same tells whether the process that s was is still there and not dead.
func (s stat) same() bool {
	now, ok := readStat(s.pid)
	return ok && now.start == s.start && !now.dead()
}

// table answers who descends from whom. Where the kernel lists a thread's children, it
// walks one tree at a time; else it is one pass over the whole process table, shared by
// all questions asked of it.
type table struct {
	all map[int][]stat // by parent; nil: walk
}

// readTable returns the table as of now, or one that looks when it is asked.
func readTable() *table {
	if err := unix.Access("/proc/thread-self/children", unix.F_OK); err == nil {
		return &table{}
	}
	return scanTable()
}

// scanTable reads the whole process table.
func scanTable() *table {
	t := &table{all: map[int][]stat{}}
	names, _ := filepath.Glob("/proc/[0-9]*")
	for _, name := range names {
		pid, _ := strconv.Atoi(filepath.Base(name))
		if s, ok := readStat(pid); ok {
			t.all[s.ppid] = append(t.all[s.ppid], s)
		}
	}
	return t
}

// children returns the living children of pid; zombies have none and are left out.
func (t *table) children(pid int) []stat {
	alive, _ := t.listed(pid)
	return alive
}

// listed tells the living children of pid from those that the table still lists although
// they have ended: as zombies, or, where they were gone before they were looked at, with
// no more than their pid.
func (t *table) listed(pid int) (alive, dead []stat) {
	kids := t.all[pid]
	if t.all == nil {
		kids = walkChildren(pid)
	}
	for _, s := range kids {
		if s.dead() {
			dead = append(dead, s)
		} else {
			alive = append(alive, s)
		}
	}
	return alive, dead
}

// walkChildren reads the children of every thread: a child belongs to the thread that
// forked it, an orphan to any thread of its new parent.
func walkChildren(pid int) []stat {
	dir, err := open(unix.AT_FDCWD, "/proc/"+strconv.Itoa(pid)+"/task")
	if err != nil {
		return nil // it is gone
	}
	defer unix.Close(dir)
	var kids []stat
	var buf [4096]byte
	eachNumber(dir, func(thread []byte) {
		b, _ := readFile(dir, string(thread)+"/children", buf[:])
		for _, kid := range parsePids(b) {
			s, ok := readStat(kid)
			if !ok {
				s = stat{pid: kid, state: 'X'}
			}
			kids = append(kids, s)
		}
	})
	return kids
}

// descendants returns everybody below pid, parents before children, pid left out.
func (t *table) descendants(pid int) []stat {
	alive, _ := t.walk(pid)
	return alive
}

// walk is descendants, and who was listed but had ended.
func (t *table) walk(pid int) (alive, dead []stat) {
	seen := map[int]bool{pid: true}
	for next := []int{pid}; len(next) > 0; next = next[1:] {
		kids, ended := t.listed(next[0])
		dead = append(dead, ended...)
		for _, s := range kids {
			if !seen[s.pid] {
				seen[s.pid] = true
				alive, next = append(alive, s), append(next, s.pid)
			}
		}
	}
	return alive, dead
}

// complete tells whether a walk can have missed nobody, by the dead that it and the walk
// before it saw. Who forks and ends at once, again and again, is listed under its parent,
// has ended when it is looked at, and its child was not listed yet; so where somebody
// ended a walk says nothing, unless the one before found the very same zombies.
func complete(before, dead []stat) bool {
	gone := slices.ContainsFunc(dead, func(s stat) bool { return s.state == 'X' })
	return len(dead) == 0 || !gone && slices.Equal(before, dead)
}

// hostPID finds the child of init whose pid inside its own namespace is inner. A zombie
// counts: it may have ended already.
func hostPID(init, inner int) (int, bool) {
	t := scanChildren(init)
	for _, pid := range t {
		if innerPID(pid) == inner {
			return pid, true
		}
	}
	return 0, false
}

func scanChildren(pid int) []int {
	var pids []int
	files, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	for _, f := range files {
		b, _ := os.ReadFile(f)
		pids = append(pids, parsePids(b)...)
	}
	if files == nil {
		for _, s := range scanTable().all[pid] {
			pids = append(pids, s.pid)
		}
	}
	return pids
}

// innerPID is a process's pid in its innermost PID namespace.
func innerPID(pid int) int {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "NSpid:"); ok {
			if w := strings.Fields(rest); len(w) > 0 {
				n, _ := strconv.Atoi(w[len(w)-1])
				return n
			}
		}
	}
	return pid
}

// inVfork tells whether a process waits for its vfork child to execute something. Such
// a process is in uninterruptible sleep, runs no code of its own, and cannot go on while
// the child is stopped. In kernels that inline the wait, it is the only one of the
// function that clones.
func inVfork(pid int) bool {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/wchan")
	switch string(b) {
	case "wait_for_vfork_done", "kernel_clone", "_do_fork", "do_fork":
		return true
	}
	return false
}

func pidsOf(ss []stat) []int {
	pids := make([]int, len(ss))
	for i, s := range ss {
		pids[i] = s.pid
	}
	return pids
}

// pause waits between two looks at state of which the kernel sends no news.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
