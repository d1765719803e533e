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
)

// runInit starts one agent as its child, reaps whatever is orphaned below it, and ends
// with the agent. It forwards nothing: signals are for the agent, and come to it
// directly.
func runInit() int {
	runtime.LockOSThread() // the agent dies with this thread
	harden()
	tell := gob.NewEncoder(os.NewFile(initReport, "report"))
	orders := os.NewFile(initOrders, "orders")
	var o order
	if err := gob.NewDecoder(orders).Decode(&o); err != nil {
		tell.Encode(report{Err: "its init was not told what to start: " + err.Error()})
		return 1
	}
	pid, err := o.start()
	if err != nil {
		tell.Encode(report{Err: err.Error()})
		return 1
	}
	tell.Encode(report{PID: pid})
	io.Copy(io.Discard, orders) // until then the agent stays in the table, if only as a zombie
	status := reapUntil(pid)
	tell.Encode(report{Ended: true, Code: status.ExitStatus(), Signal: signalOf(status)})
	if !o.Own {
		// Whatever cannot be killed within the time is the supervisor's.
		sweepChildren(func(int) bool { return false }, func(int, syscall.WaitStatus) {}, time.Second)
	}
	return 0
}

// start sets up what children inherit and starts the agent.
func (o order) start() (pid int, err error) {
	defer func() {
		for fd := initStdio; fd < initStdio+3; fd++ {
			syscall.Close(fd) // the agent's pipes end with the agent
		}
	}()
	if err := o.prepare(); err != nil {
		return 0, err
	}
	path, err := o.Spec.lookPath()
	if err != nil {
		return 0, err
	}
	pid, err = syscall.ForkExec(path, o.Spec.Argv, &syscall.ProcAttr{
		Dir: o.Spec.Dir, Env: append([]string{}, o.Spec.Env...),
		Files: []uintptr{initStdio, initStdio + 1, initStdio + 2},
		Sys:   &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL, Credential: o.Spec.credential()},
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
