package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// probeLimit bounds one probe: starting this program, and one word from it.
const probeLimit = 10 * time.Second

// probe tries all means once and leaves nothing behind but an empty cgroup root, which
// the caller removes.
func probe() found {
	var f found
	if err := f.probePIDNS(true); err != nil {
		f.notes = append(f.notes, "private /proc: "+err.Error())
		if err := f.probePIDNS(false); err != nil {
			f.notes = append(f.notes, "PID namespace: "+err.Error())
		}
	}
	if err := f.probeCgroup(); err != nil {
		f.notes = append(f.notes, "cgroup: "+err.Error())
	}
	return f
}

func (f *found) probePIDNS(proc bool) error {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	mode := "bare"
	if proc {
		attr.Cloneflags |= syscall.CLONE_NEWNS
		mode = "proc"
	}
	word, err := tryInit(mode, attr, func(int) error { return nil })
	if err != nil {
		return err
	}
	if word != "1\n" {
		return fmt.Errorf("a process in a new namespace has pid %q, not 1", word)
	}
	f.pidns, f.proc = true, f.proc || proc
	return nil
}

func (f *found) probeCgroup() error {
	root, err := makeCgroupRoot()
	if err != nil {
		return err
	}
	if err := tryCgroup(root.child("probe")); err != nil {
		return errors.Join(err, root.remove())
	}
	f.cgroup, f.root = true, root.dir
	return nil
}

// tryCgroup starts a process in c as in a ward's, freezes it, thaws it and kills it.
func tryCgroup(c cgroup) error {
	defer c.remove()
	if err := c.makeWard(); err != nil {
		return err
	}
	fd, err := os.Open(c.inner().dir)
	if err != nil {
		return err
	}
	defer fd.Close()
	attr := &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(fd.Fd())}
	_, err = tryInit("bare", attr, func(pid int) error { return c.exercise(pid) })
	return err
}

// tryInit starts this program as a probe, reads its word, lets use do something to it,
// and kills it.
func tryInit(mode string, attr *syscall.SysProcAttr, use func(pid int) error) (word string, err error) {
	cmd := exec.Command(selfExe, initCommand, "probe", mode)
	cmd.Env, cmd.SysProcAttr, cmd.Stderr = ownEnv(), attr, os.Stderr
	attr.Pdeathsig, attr.Setsid = syscall.SIGKILL, true
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if _, err := cmd.StdinPipe(); err != nil { // held open: its end would end the probe
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	late := time.AfterFunc(probeLimit, func() { cmd.Process.Kill() })
	defer late.Stop()
	word, err = bufio.NewReader(out).ReadString('\n')
	if err == nil {
		err = use(cmd.Process.Pid)
	}
	cmd.Process.Kill()
	cmd.Wait() // "signal: killed", as it should be
	if errors.Is(err, io.EOF) {
		err = errors.New("the probe ended without a word; see the log")
	}
	return word, err
}

// runProbe is the other side of tryInit.
func runProbe(mode string) int {
	if mode == "proc" {
		if err := mountProc(); err != nil {
			fmt.Fprintln(os.Stderr, "probe:", err)
			return 1
		}
		if self, err := os.Readlink("/proc/self"); self != "1" {
			fmt.Fprintf(os.Stderr, "probe: the new /proc calls this process %q, not 1 (%v)\n", self, err)
			return 1
		}
	}
	fmt.Println(os.Getpid())
	io.Copy(io.Discard, os.Stdin)
	return 0
}
