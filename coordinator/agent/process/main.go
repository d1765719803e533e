package process

import (
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	superviseCommand = "sandtable-supervise"
	initCommand      = "sandtable-init"
	// selfExe names the running program, also when its file was replaced meanwhile.
	selfExe = "/proc/self/exe"
)

// ownEnv is the whole environment of supervisors and inits. They do one thing at a time,
// and there is an init for each agent: one processor saves threads and memory. A build
// with the race detector waits for a second as it exits if it is not told otherwise; other
// builds do not read that.
func ownEnv() []string { return []string{"GOMAXPROCS=1", "GORACE=atexit_sleep_ms=0"} }

// Main takes over if args, the whole of os.Args, say that this process is a supervisor
// or an init; then handled is true and the caller exits with code at once. A program
// that calls [Start] calls Main before it does anything else.
func Main(args []string) (handled bool, code int) {
	if len(args) < 2 {
		return false, 0
	}
	switch args[1] {
	case superviseCommand:
		return true, runSupervisor(args[2:])
	case initCommand:
		if len(args) == 4 && args[2] == "probe" {
			return true, runProbe(args[3])
		}
		return true, runInit()
	}
	return false, 0
}

// harden makes a supervisor or an init as hard to disturb as its user id allows: it
// catches every signal that can be caught (caught, not ignored, for what is ignored
// stays ignored in the agents that it starts), no process of the same user may trace it
// or read its memory, and descriptors that leaked in go no further. A /proc that hides
// processes would hide it from its own user with that, and the tree below it: so there it
// can be traced.
func harden() {
	signal.Notify(make(chan os.Signal, 1)) // nobody reads it: what does not fit is dropped
	if !procHides() {
		unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	}
	closeOnExecFrom(3)
	syscall.Chdir("/") // it keeps no directory busy
}

// closeOnExecFrom marks every open descriptor from low on.
func closeOnExecFrom(low int) {
	names, _ := filepath.Glob("/proc/self/fd/*")
	for _, name := range names {
		if fd, err := strconv.Atoi(filepath.Base(name)); err == nil && fd >= low {
			syscall.CloseOnExec(fd)
		}
	}
}

// procHides tells whether /proc is mounted with hidepid.
func procHides() bool {
	mounts, _ := os.ReadFile("/proc/self/mounts")
	hides := false
	for line := range strings.Lines(string(mounts)) {
		if w := strings.Fields(line); len(w) > 3 && w[1] == "/proc" { // the last one counts
			hides = strings.Contains(w[3], "hidepid=")
		}
	}
	return hides
}
