package process

import (
	"context"
	"os"
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
	for quiet := 0; quiet < 2; {
		reapAll(reaped)
		left := strays(keep)
		if len(left) == 0 {
			quiet++
			continue
		}
		quiet = 0
		killAll(left)
		if pause(ctx, wait) != nil {
			reapAll(reaped)
			return pidsOf(strays(keep))
		}
		wait = min(wait+wait/4, 5*time.Millisecond)
	}
	return nil
}

// strays are this process's living descendants, without those kept.
func strays(keep func(pid int) bool) []stat {
	t := readTable()
	var out []stat
	for _, s := range t.children(os.Getpid()) {
		if !keep(s.pid) {
			out = append(append(out, s), t.descendants(s.pid)...)
		}
	}
	return out
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
