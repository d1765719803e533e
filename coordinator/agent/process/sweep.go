package process

import (
	"context"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sweepChildren kills all descendants of this process, a subreaper, save those for whom
// keep is true and what is below them, and reaps every child that ends, telling reaped.
// It goes on until two passes find nobody, or limit has passed; then it returns who is
// left.
//
// Killing comes before looking again: what is killed forks no more, so a tree that forks
// falls as soon as it is killed faster than it forks. Orphans become children of this
// process, which makes the next look a short one.
func sweepChildren(keep func(pid int) bool, reaped func(int, syscall.WaitStatus), limit time.Duration) []int {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	wait := 100 * time.Microsecond
	var before []stat
	for quiet := 0; quiet < 2; {
		reapAll(reaped)
		left, dead := strays(keep)
		if len(left) == 0 && complete(before, dead) {
			quiet++
			continue
		}
		quiet, before = 0, dead
		killAll(left)
		if pause(ctx, wait) != nil {
			reapAll(reaped)
			return lastOf(strays(keep))
		}
		wait = min(wait+wait/4, 5*time.Millisecond)
	}
	return nil
}

// lastOf names who is left after the last look: those who live, or else those who ended
// during it, for they may have left others.
func lastOf(left, dead []stat) []int {
	if len(left) == 0 {
		left = dead
	}
	return pidsOf(left)
}

// strays are this process's living descendants, and its own dead children, without those
// kept and what is below them.
func strays(keep func(pid int) bool) (left, dead []stat) {
	t := readTable()
	kids, dead := t.listed(os.Getpid())
	for _, s := range kids {
		if !keep(s.pid) {
			left = append(append(left, s), t.descendants(s.pid)...)
		}
	}
	return left, slices.DeleteFunc(dead, func(s stat) bool { return keep(s.pid) })
}

// killAll sends SIGKILL, parents first. Between a look and the signal a pid could only
// be reused after wrapping round all pids; the start time is compared all the same.
func killAll(ss []stat) {
	for _, s := range ss {
		if s.same() {
			syscall.Kill(s.pid, syscall.SIGKILL)
		}
	}
}

// reapAll collects every child that has ended, without waiting.
func reapAll(reaped func(pid int, status syscall.WaitStatus)) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG|unix.WALL, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		reaped(pid, status)
	}
}
