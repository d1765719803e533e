package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is processor time, user and system together.
type cpuTime struct {
	own        time.Duration // of this process: the coordinator
	supervisor time.Duration // of supervisors and inits; resolution 10 ms each
}

// tick is the unit of /proc/PID/stat on every Linux that Go runs on (USER_HZ).
const tick = 10 * time.Millisecond

func readCPU() cpuTime {
	t := cpuTime{own: ownCPU()}
	for _, pid := range supervisors() {
		t.supervisor += cpuOf(pid)
	}
	return t
}

// supervisors are the supervisors of this process's runs, and their inits.
func supervisors() []int {
	var pids []int
	for _, sup := range childrenOf(os.Getpid()) {
		if !runsAs(sup, "sandtable-supervise") {
			continue
		}
		pids = append(pids, sup)
		for _, init := range childrenOf(sup) {
			if runsAs(init, "sandtable-init") {
				pids = append(pids, init)
			}
		}
	}
	return pids
}

// ownCPU is this process's, to the microsecond.
func ownCPU() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// allCPU is this process's and that of everything below it that has ended.
func allCPU() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_CHILDREN, &u) != nil {
		return 0
	}
	return ownCPU() + time.Duration(u.Utime.Nano()+u.Stime.Nano())
}

// cpuOf reads a process's ticks; 0 if it is gone.
func cpuOf(pid int) time.Duration {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	w := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(w) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(w[11])
	system, _ := strconv.Atoi(w[12])
	return time.Duration(user+system) * tick
}

// childrenOf lists the children of all threads of a process.
func childrenOf(pid int) []int {
	var pids []int
	files, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	for _, f := range files {
		b, _ := os.ReadFile(f)
		for _, w := range strings.Fields(string(b)) {
			if n, err := strconv.Atoi(w); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}

// runsAs reports whether a process's first argument is word.
func runsAs(pid int, word string) bool {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	args := strings.Split(string(b), "\x00")
	return len(args) > 1 && args[1] == word
}
