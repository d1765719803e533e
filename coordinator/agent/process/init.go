package process

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Descriptors of an init.
const (
	initOrders = 3 // one order, then, when its end is reached, leave to reap
	initReport = 4
	initStdio  = 5 // and the two after it: the agent's
	initCgroup = 8 // the directory of the agent's cgroup, if it gets one
)

// runInit starts one agent as its child, reaps whatever is orphaned below it, and ends
// with the agent. It forwards nothing: signals are for the agent, and come to it
// directly.
func runInit() int {
	runtime.LockOSThread() // the agent dies with this thread
	harden()
	tell, err := newLink(os.NewFile(initReport, "report"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "init:", err)
		return 1
	}
	orders := os.NewFile(initOrders, "orders")
	var o order
	if err := gob.NewDecoder(orders).Decode(&o); err != nil {
		tell.send(report{Err: "its init was not told what to start: " + err.Error()})
		return 1
	}
	pid, err := o.launch(tell)
	if err != nil {
		tell.send(report{Err: err.Error()})
		return 1
	}
	io.Copy(io.Discard, orders) // until then the agent stays in the table, if only as a zombie
	status := reapUntil(pid)
	tell.send(report{Ended: true, Code: status.ExitStatus(), Signal: signalOf(status)})
	if !o.Own {
		// Whatever cannot be killed within the time is the supervisor's.
		sweepChildren(func(int) bool { return false }, func(int, syscall.WaitStatus) {}, time.Second)
	}
	return 0
}

// launch starts the agent and reports it. With a /proc of its own goes a descriptor of
// that, opened before the agent can have touched it.
func (o order) launch(tell *link) (pid int, err error) {
	defer func() {
		for fd := initStdio; fd <= initCgroup; fd++ {
			syscall.Close(fd) // the agent's pipes end with the agent
		}
	}()
	if err := o.prepare(); err != nil {
		return 0, err
	}
	var files []*os.File
	if o.Mount {
		proc, err := os.Open("/proc")
		if err != nil {
			return 0, err
		}
		defer proc.Close()
		files = append(files, proc)
	}
	if pid, err = o.start(); err != nil {
		return 0, err
	}
	tell.send(report{PID: pid}, files...) // the supervisor may be gone; then so is this process
	return pid, nil
}

// start starts the agent, in its cgroup from its first instruction on.
func (o order) start() (pid int, err error) {
	path, err := o.Spec.lookPath()
	if err != nil {
		return 0, err
	}
	pid, err = syscall.ForkExec(path, o.Spec.Argv, &syscall.ProcAttr{
		Dir: o.Spec.Dir, Env: append([]string{}, o.Spec.Env...),
		Files: []uintptr{initStdio, initStdio + 1, initStdio + 2},
		Sys: &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL, Credential: o.Spec.credential(),
			UseCgroupFD: o.Cgroup, CgroupFD: initCgroup},
	})
	if err != nil {
		return 0, o.Spec.explain(path, err)
	}
	return pid, nil
}

func (o order) prepare() error {
	if o.Mount {
		if err := mountProc(); err != nil {
			return err
		}
	}
	if !o.Own {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("making the init a subreaper: %w", err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("no core files: %w", err)
	}
	syscall.Umask(o.Spec.umask())
	return withoutTracing()
}

// withoutTracing takes CAP_SYS_PTRACE from what this process starts, for good. A root agent
// could otherwise take over its init, which no freeze holds. Tracing its own children, and
// whoever else has its user id and no more privileges, needs no capability.
func withoutTracing() error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&head, &data[0]); err != nil {
		return fmt.Errorf("reading capabilities: %w", err)
	}
	data[0].Inheritable &^= 1 << unix.CAP_SYS_PTRACE
	if err := unix.Capset(&head, &data[0]); err != nil {
		return fmt.Errorf("no inheritable CAP_SYS_PTRACE: %w", err)
	}
	if data[0].Effective&(1<<unix.CAP_SETPCAP) == 0 {
		return nil // it may not; as a rule the agent has no privileges then, either
	}
	if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_PTRACE, 0, 0, 0); err != nil {
		return fmt.Errorf("no CAP_SYS_PTRACE: %w", err)
	}
	return nil
}

// lookPath finds the program on the PATH that the agent is given, not on ours.
func (s Spec) lookPath() (string, error) {
	for _, kv := range s.Env {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok {
			os.Setenv("PATH", path)
		}
	}
	if strings.Contains(s.Argv[0], "/") {
		return s.Argv[0], nil
	}
	path, err := exec.LookPath(s.Argv[0])
	if err != nil {
		return "", fmt.Errorf("%w: give its path, or add its directory to PATH in the agent's environment", err)
	}
	return path, nil
}

// explain tells a missing directory from a missing program: the kernel's error does not.
func (s Spec) explain(path string, err error) error {
	if s.Dir != "" {
		if _, e := os.Stat(s.Dir); e != nil {
			return fmt.Errorf("its directory: %w", e)
		}
	}
	return &os.PathError{Op: "exec", Path: path, Err: err}
}

// mountProc gives this mount namespace a /proc of this PID namespace. Mounts made
// outside later still come in; none goes out.
func mountProc() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("cutting the mount namespace off: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	return nil
}

// reapUntil waits for all children until pid has ended. __WALL: also for those that
// were made to send another signal than SIGCHLD.
func reapUntil(pid int) syscall.WaitStatus {
	for {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(-1, &status, unix.WALL, nil)
		if got == pid || errors.Is(err, syscall.ECHILD) {
			return status
		}
	}
}

func signalOf(s syscall.WaitStatus) int {
	if s.Signaled() {
		return int(s.Signal())
	}
	return 0
}
