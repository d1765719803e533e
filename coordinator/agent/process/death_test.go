package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// coordinatorToBeKilled is this test binary as a coordinator: it spawns three agents,
// freezes one, says so, and waits for its end.
func coordinatorToBeKilled() int {
	var m Means
	fmt.Sscanf(os.Getenv("SANDTABLE_TEST_COORDINATOR"), "%s %s", &m.Kill, &m.Freeze)
	s, err := Start(context.Background(), Options{Force: m})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	for i, script := range []string{"setsid sleep 300 & sleep 300", nasties["double fork"], nasties["ignored SIGTERM"]} {
		p, err := s.Spawn(context.Background(), Spec{Argv: []string{"sh", "-c", script}, Env: markedEnv(os.Getenv("MARK"))})
		if err != nil {
			fmt.Println("error", err)
			return 1
		}
		if i == 0 {
			p.Freeze(context.Background())
		}
	}
	fmt.Println("up", s.PID())
	select {}
}

func TestCoordinatorKilled(t *testing.T) {
	for _, m := range means {
		t.Run(string(m.Kill)+"-"+string(m.Freeze), func(t *testing.T) {
			marker := newMarker(t)
			cmd := exec.Command(selfExe)
			cmd.Env = append(os.Environ(), fmt.Sprintf("SANDTABLE_TEST_COORDINATOR=%s %s", m.Kill, m.Freeze), "MARK="+marker)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			defer cmd.Process.Kill()
			said, err := bufio.NewReader(out).ReadString('\n')
			if strings.Contains(said, "does not work here") {
				t.Skip("NOT TESTED on this machine: ", said)
			}
			if err != nil || !strings.HasPrefix(said, "up") {
				t.Fatalf("%q, %v", said, err)
			}
			var sup int
			fmt.Sscanf(said, "up %d", &sup)
			eventually(t, 5*time.Second, "all are up", func() bool { return len(marked(marker)) >= 7 })
			cmd.Process.Kill()
			eventually(t, 2*time.Second, "nothing is left", func() bool {
				st, there := readStat(sup)
				return marked(marker) == nil && (!there || st.dead())
			})
		})
	}
}

// An agent that kills the supervisor ends the run as a harness failure; it and all others
// die.
func TestSupervisorKilled(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		p, marker := spawn(t, s, nasties["setsid child"])
		line(t, p)
		p.Freeze(t.Context())
		q, marker2 := spawn(t, s, nasties["double fork"])
		line(t, q)
		syscall.Kill(supervising(s), syscall.SIGKILL)
		eventually(t, 2*time.Second, "nothing is left", func() bool { return marked(marker) == nil && marked(marker2) == nil })
		for _, p := range []*Process{p, q} {
			if e := p.Exit(); !errors.Is(e.Err, ErrSupervisor) {
				// With a guard, an agent's death may be told before the guard's.
				t.Errorf("exit = %v", e)
			}
		}
		<-s.Done()
		if _, err := s.Spawn(t.Context(), Spec{Argv: []string{"/bin/sh"}}); !errors.Is(err, ErrSupervisor) {
			t.Errorf("Spawn: %v", err)
		}
		if err := s.Close(t.Context()); !errors.Is(err, ErrSupervisor) {
			t.Errorf("Close: %v", err)
		}
		if root := s.Means().CgroupRoot; root != "" {
			if _, err := os.Stat(root); err == nil {
				t.Errorf("%s is still there", root)
			}
		}
	})
}

// The supervisor may die while agents are being started: also those of whom the coordinator
// was not told are dead when the run is closed, and their cgroups are gone.
func TestSupervisorKilledWhileSpawning(t *testing.T) {
	for i := range 12 {
		s := startForced(t, Means{Freeze: Cgroup})
		marker, spawned := newMarker(t), make(chan struct{})
		go func() {
			defer close(spawned)
			for range 4 {
				s.Spawn(t.Context(), Spec{Argv: []string{"sh", "-c", "setsid sleep 300 & sleep 300"}, Env: markedEnv(marker)})
			}
		}()
		pause(t.Context(), time.Duration(5*i)*time.Millisecond)
		syscall.Kill(s.PID(), syscall.SIGKILL)
		<-spawned
		if err := s.Close(t.Context()); !errors.Is(err, ErrSupervisor) {
			t.Errorf("Close: %v", err)
		}
		if left := marked(marker); left != nil {
			t.Errorf("after %d ms: left %v", 5*i, left)
		}
		if _, err := os.Stat(s.Means().CgroupRoot); err == nil {
			t.Errorf("after %d ms: %s is still there", 5*i, s.Means().CgroupRoot)
		}
	}
}

// An agent that stops the supervisor, or the guard, holds nobody up: agents are killed and
// the run is closed in time, and nothing is left.
func TestSupervisorStopped(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		p, marker := spawn(t, s, nasties["setsid child"])
		line(t, p)
		q, marker2 := spawn(t, s, nasties["double fork"])
		line(t, q)
		for _, stopped := range []int{s.PID(), supervising(s)} {
			if stopped != s.PID() || s.means.Kill != PIDNamespace { // out of an agent's reach
				syscall.Kill(stopped, syscall.SIGSTOP)
			}
		}
		if err := p.Kill(t.Context()); err != nil || marked(marker) != nil {
			t.Errorf("%v; left %v", err, marked(marker))
		}
		if s.means.Kill != PIDNamespace {
			syscall.Kill(supervising(s), syscall.SIGSTOP)
		}
		if err := s.Close(t.Context()); err != nil || marked(marker2) != nil {
			t.Errorf("%v; left %v", err, marked(marker2))
		}
	})
}

// A guarded supervisor that does nothing any more is killed before its guard, who sweeps.
func TestSupervisorKilledBeforeItsGuard(t *testing.T) {
	s := startForced(t, Means{Kill: Sweep, Freeze: Sweep})
	p, marker := spawn(t, s, nasties["setsid child"])
	line(t, p)
	syscall.Kill(supervising(s), syscall.SIGSTOP)
	s.abandon()
	<-s.Done()
	if left := marked(marker); left != nil {
		t.Errorf("left %v", left)
	}
}

// supervising is the pid of the process that owns the inits: behind a guard, its child.
func supervising(s *Supervisor) int {
	if s.means.Kill == PIDNamespace {
		return s.PID()
	}
	return readTable().children(s.PID())[0].pid
}

// The terminal's and the operator's signals do not reach the supervisor.
func TestSupervisorIgnoresSignals(t *testing.T) {
	s := startForced(t, Means{})
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGUSR1, syscall.SIGPIPE} {
		if err := syscall.Kill(s.PID(), sig); err != nil {
			t.Fatal(err)
		}
	}
	p, _ := spawn(t, s, "exit 4")
	if e := p.Exit(); e.Code != 4 {
		t.Errorf("exit = %v", e)
	}
	if sid := sessionOf(s.PID()); sid != s.PID() {
		t.Errorf("the supervisor is in session %d", sid)
	}
}

func sessionOf(pid int) int {
	sid, _, _ := syscall.Syscall(syscall.SYS_GETSID, uintptr(pid), 0, 0)
	return int(sid)
}

// A program that does not call Main is told so.
func TestStartWithoutMain(t *testing.T) {
	_, err := Start(t.Context(), Options{Exe: "/bin/true"})
	if !errors.Is(err, ErrSupervisor) || !strings.Contains(err.Error(), "must call process.Main") {
		t.Errorf("%v", err)
	}
	if _, err = Start(t.Context(), Options{Exe: "/no/such"}); !errors.Is(err, ErrSupervisor) {
		t.Errorf("%v", err)
	}
	if _, err = Start(t.Context(), Options{Force: Means{Kill: "magic"}}); err == nil || !strings.Contains(err.Error(), `unknown means to kill "magic"`) {
		t.Errorf("%v", err)
	}
}

// printMeans is this test binary as a coordinator without privileges.
func printMeans() int {
	s, err := Start(context.Background(), Options{})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	p, err := s.Spawn(context.Background(), Spec{Argv: []string{"/bin/sh", "-c", "setsid sleep 300 & sleep 300"}, Env: markedEnv(os.Getenv("MARK"))})
	if err == nil {
		err = errors.Join(p.Freeze(context.Background()), p.Thaw(), p.Kill(context.Background()))
	}
	fmt.Println(s.Means(), errors.Join(err, s.Close(context.Background())), marked(os.Getenv("MARK")))
	return 0
}

func TestUnprivileged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: the other tests run without privileges already")
	}
	marker := newMarker(t)
	cmd := exec.Command(selfExe)
	cmd.Env = append(os.Environ(), "SANDTABLE_TEST_MEANS=1", "MARK="+marker)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "kill=sweep freeze=sweep private_proc=false (") || !strings.Contains(string(out), ") <nil> []") {
		t.Errorf("%s, %v", out, err)
	}
	if left := marked(marker); left != nil {
		t.Errorf("left: %v", left)
	}
}

// hidden is this test binary in a mount namespace of its own. It starts itself as a
// coordinator without privileges that sees a /proc mounted with hidepid.
func hidden() int {
	os.Unsetenv("SANDTABLE_TEST_HIDEPID")
	err := errors.Join(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount("proc", "/proc", "proc", 0, "hidepid=2"))
	if err != nil {
		fmt.Println("NOT TESTED:", err)
		return 0
	}
	cmd := exec.Command(selfExe)
	cmd.Env = append(os.Environ(), "SANDTABLE_TEST_MEANS=1")
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
	}
	return 0
}

// Where /proc hides what a user may not trace, supervisor and inits are seen all the same:
// a freeze that sees nobody would find everybody at rest.
func TestHiddenProcesses(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: needs root")
	}
	cmd := exec.Command(selfExe)
	cmd.Env = append(os.Environ(), "SANDTABLE_TEST_HIDEPID=1", "MARK="+newMarker(t))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if err != nil || strings.HasPrefix(string(out), "NOT TESTED") {
		t.Skipf("NOT TESTED on this machine: %s, %v", out, err)
	}
	if !strings.HasPrefix(string(out), "kill=sweep freeze=sweep ") || !strings.Contains(string(out), ") <nil> []") {
		t.Errorf("%s", out)
	}
}
