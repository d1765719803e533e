package process

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nasties are programs that do what agents' tools are known to do. Each prints a line
// when it is as nasty as it gets. None may outlive its agent for 2 s.
var nasties = map[string]string{
	"setsid child":    `setsid sleep 300 & setsid sh -c 'sleep 300 & sleep 300' & sleep 0.1; echo up; sleep 300`,
	"nohup":           `nohup sleep 300 >/dev/null 2>&1 & nohup sh -c 'trap "" HUP; sleep 300' >/dev/null 2>&1 & sleep 0.1; echo up; sleep 300`,
	"double fork":     `(setsid sh -c 'setsid sleep 300 & exit' & ) ; (sleep 300 & ) ; sleep 0.1; echo up; sleep 300`,
	"ignored SIGTERM": `trap '' TERM INT HUP QUIT; (trap '' TERM INT; setsid sleep 300 &) ; echo up; while :; do sleep 1; done`,
	"fork loop":       `f() { i=0; while [ $i -lt 100 ]; do setsid sleep 300 & i=$((i+1)); done; }; (f &) ; f; echo up; sleep 300`,
	"fork and exit": `cat >c.sh <<'E'
[ $1 -gt 0 ] && setsid sh c.sh $(($1-1)) &
E
sh c.sh 200 & echo up; sleep 300`,
	"two init killers": `setsid sleep 300 & sleep 0.1; kill -9 $PPID 1; echo up; sleep 300`,
}

func TestNastiesKilled(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		for name, script := range nasties {
			p, marker := spawn(t, s, script)
			if name != "two init killers" {
				line(t, p)
			}
			begin := time.Now()
			if err := p.Kill(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if left := marked(marker); left != nil {
				t.Errorf("%s: Kill returned, but %v live", name, left)
			}
			if d := time.Since(begin); d > 2*time.Second {
				t.Errorf("%s: killing took %v", name, d)
			}
		}
	})
}

// The agent's own end takes its tree with it.
func TestNothingOutlivesTheAgent(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		for name, script := range nasties {
			p, marker := spawn(t, s, strings.TrimSuffix(script, "sleep 300")+"exit 5")
			if name == "ignored SIGTERM" {
				continue // never ends
			}
			if e := p.Exit(); e.Err != nil {
				t.Errorf("%s: %v", name, e)
			}
			if left := marked(marker); left != nil {
				t.Errorf("%s: done, but %v live", name, left)
			}
		}
	})
}

// Without the means the same check goes red: SIGKILL to the process group, as harnesses do
// it, leaves what is in another session.
func TestNegativeControl(t *testing.T) {
	marker := newMarker(t)
	cmd := exec.Command("sh", "-c", "setsid sleep 300 & echo up; sleep 300")
	cmd.Env, cmd.SysProcAttr = markedEnv(marker), &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.Read(make([]byte, 3))
	eventually(t, 5*time.Second, "the child is in its own session", func() bool {
		return slices.ContainsFunc(marked(marker), func(pid int) bool { return pid != cmd.Process.Pid && sessionOf(pid) == pid })
	})
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	cmd.Wait()
	var left []int
	eventually(t, 5*time.Second, "the group's other process has died too", func() bool {
		left = marked(marker)
		return len(left) < 2
	})
	for _, pid := range left {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	if len(left) != 1 {
		t.Errorf("%v are left, want the one in its own session", left)
	}
}

// Alive lists the tree: what carries the marker, for nobody here sheds it.
func TestAlive(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		p, marker := spawn(t, s, nasties["setsid child"])
		line(t, p)
		eventually(t, 5*time.Second, "Alive and the markers agree on the agent and at least 4 below it", func() bool {
			a, m := p.Alive(), marked(marker)
			slices.Sort(a)
			slices.Sort(m)
			return slices.Equal(a, m) && len(a) >= 5 && slices.Contains(a, p.PID())
		})
	})
}

func TestCloseKillsEverybody(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		fds, kids := openFiles(t), len(scanChildren(os.Getpid()))
		var ps []*Process
		var markers []string
		for _, script := range nasties {
			p, m := spawn(t, s, script)
			ps, markers = append(ps, p), append(markers, m)
		}
		ps[0].Freeze(t.Context())
		begin := time.Now()
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if d := time.Since(begin); d > 2*time.Second {
			t.Errorf("Close took %v", d)
		}
		for _, m := range markers {
			if left := marked(m); left != nil {
				t.Errorf("left: %v", left)
			}
		}
		for _, p := range ps {
			p.Exit() // must not hang
		}
		// The supervisor and its socket were open before, and are not now.
		if now := openFiles(t); now >= fds {
			t.Errorf("%d descriptors before, %d after", fds, now)
		}
		if now := len(scanChildren(os.Getpid())); now != kids-1 {
			t.Errorf("%d children (zombies count) before, %d after", kids, now)
		}
		if root := s.Means().CgroupRoot; root != "" {
			if _, err := os.Stat(root); err == nil {
				t.Errorf("%s is still there", root)
			}
		}
		if _, err := s.Spawn(t.Context(), Spec{Argv: []string{"/bin/sh"}}); err == nil {
			t.Error("a closed supervisor spawns")
		}
	})
}

func openFiles(t *testing.T) int {
	t.Helper()
	names, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// Spawning, killing and reaping leaves no descriptor, no process and no zombie, here or
// in the supervisor, and no cgroup.
func TestNoLeak(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		count := func() [4]int {
			names, _ := filepath.Glob("/proc/self/fd/*")
			theirs, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", supervising(s))) // none without privileges
			wards, _ := filepath.Glob(filepath.Join(cmp.Or(s.Means().CgroupRoot, "/none"), "[0-9]*"))
			return [4]int{len(names), len(scanTable().descendants(s.PID())), len(theirs), len(wards)}
		}
		round := func() {
			s.Spawn(t.Context(), Spec{Argv: []string{"/no/such"}})
			p, _ := spawn(t, s, "exit 0")
			p.Exit()
			p.CloseStreams()
		}
		round()
		eventually(t, 5*time.Second, "the supervisor's tree is at rest", func() bool { return count()[1] <= 1 })
		before := count()
		for range 10 {
			round()
		}
		eventually(t, 5*time.Second, fmt.Sprintf("descriptors and processes are no more than %v", before), func() bool {
			now := count() // before, the end of something may still have been under way
			return now[0] <= before[0] && now[1] <= before[1] && now[2] <= before[2] && now[3] <= before[3]
		})
	})
}

func TestSpawnCancelled(t *testing.T) {
	s := startForced(t, Means{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	marker := newMarker(t)
	for range 5 {
		if p, err := s.Spawn(ctx, Spec{Argv: []string{"/bin/sleep", "300"}, Env: markedEnv(marker)}); err == nil {
			p.Kill(t.Context()) // it was faster
		}
	}
	eventually(t, 2*time.Second, "no abandoned program is left", func() bool { return marked(marker) == nil })
}
