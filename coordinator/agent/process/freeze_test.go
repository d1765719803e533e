package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// grower is a tree of three sessions of which each appends to a file all the time.
const grower = `g() { while :; do echo $1 >>$1; done; }
setsid sh -c 'while :; do echo b >>b; done' & (setsid sh -c 'while :; do echo c >>c; done' &) ; echo up; g a`

func TestFreezeHoldsStill(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		p, _ := spawn(t, s, grower)
		line(t, p)
		dir, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.PID()))
		eventually(t, 5*time.Second, "all three write", func() bool { return sizes(dir)[2] > 0 && sizes(dir)[1] > 0 && sizes(dir)[0] > 0 })
		for range 3 {
			for range 2 { // idempotent
				if err := p.Freeze(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			before := sizes(dir)
			pause(t.Context(), 30*time.Millisecond)
			if after := sizes(dir); after != before {
				t.Fatalf("frozen, files grew from %v to %v", before, after)
			}
			for range 2 {
				if err := p.Thaw(); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, 5*time.Second, "all three write on", func() bool {
				now := sizes(dir)
				return now[0] > before[0] && now[1] > before[1] && now[2] > before[2]
			})
		}
		p.Freeze(t.Context())
		if err := p.Kill(t.Context()); err != nil {
			t.Errorf("killing a frozen tree: %v", err)
		}
	})
}

func sizes(dir string) (n [3]int64) {
	for i, name := range []string{"a", "b", "c"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err == nil {
			n[i] = st.Size()
		}
	}
	return n
}

// quiet looks for a while whether anybody writes into dir.
func quiet(t *testing.T, dir, now string) {
	t.Helper()
	before := sizes(dir)
	pause(t.Context(), 30*time.Millisecond)
	if after := sizes(dir); after != before {
		t.Errorf("%s, it writes on: %v, %v", now, before, after)
	}
}

// A tree that forks all the time is frozen too.
func TestFreezeForkLoop(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		p, marker := spawn(t, s, `echo up; while :; do (: & ) ; /bin/true; done`)
		line(t, p)
		for range 5 {
			if err := p.Freeze(t.Context()); err != nil {
				t.Fatal(err)
			}
			first := fmt.Sprint(marked(marker))
			pause(t.Context(), 10*time.Millisecond)
			if again := fmt.Sprint(marked(marker)); again != first {
				t.Fatalf("frozen, but the processes were %s and are %s", first, again)
			}
			p.Thaw()
		}
	})
}

// What the agent itself had stopped stays stopped.
func TestThawKeepsStopped(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		p, _ := spawn(t, s, `sleep 300 & kill -STOP $!; echo up; sleep 300`)
		line(t, p)
		state := func() (out string) {
			for _, st := range scanTable().descendants(p.PID()) {
				out += string(st.state)
			}
			return out
		}
		eventually(t, 5*time.Second, "one stopped, one asleep", func() bool { s := state(); return s == "TS" || s == "ST" })
		before := state()
		if err := p.Freeze(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.Thaw()
		eventually(t, 5*time.Second, "as before", func() bool { return state() == before })
	})
}

// A root agent that leaves its cgroup is found and brought back.
func TestFreezeFindsEscaped(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: needs root")
	}
	s := startForced(t, Means{Kill: PIDNamespace, Freeze: Cgroup})
	up := filepath.Dir(s.Means().CgroupRoot)
	p, marker := spawn(t, s, `setsid sh -c 'echo $$ >`+up+`/cgroup.procs; echo up; while :; do echo a >>a; done' & sleep 300`)
	line(t, p)
	dir, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.PID()))
	eventually(t, 5*time.Second, "it writes", func() bool { return sizes(dir)[0] > 0 })
	if err := p.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	quiet(t, dir, "outside of its cgroup")
	p.Thaw()
	if err := p.Kill(t.Context()); err != nil || marked(marker) != nil {
		t.Errorf("%v; left %v", err, marked(marker))
	}
}

func TestFreezeAll(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		var ps []*Process
		for range 5 {
			p, _ := spawn(t, s, `echo up; sleep 300`)
			line(t, p)
			ps = append(ps, p)
		}
		ps[1].Kill(t.Context())
		if err := FreezeAll(t.Context(), ps); err != nil {
			t.Error(err)
		}
		if err := ThawAll(ps); err != nil {
			t.Error(err)
		}
	})
}

func TestFreezeGivesUp(t *testing.T) {
	s := startForced(t, Means{Kill: Sweep, Freeze: Sweep})
	p, _ := spawn(t, s, `echo up; sleep 300`)
	line(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Freeze(ctx); err == nil {
		t.Skip("it was faster than the look at its context")
	}
	eventually(t, 5*time.Second, "it runs again", func() bool {
		st, ok := readStat(p.PID())
		return ok && !st.stopped()
	})
}

// Who waits for its vfork child to execute something cannot stop, and need not: it runs
// when the child does.
func TestFreezeVfork(t *testing.T) {
	py, err := findPython()
	if err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	script := `import ctypes,os
vfork=0x4000|17
ctypes.CDLL(None).syscall(56 if os.uname().machine=='x86_64' else 220,vfork,0,0,0,0)
while True:
    with open('a','a') as f: f.write('a')`
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		p, err := s.Spawn(t.Context(), Spec{Name: "a", Argv: []string{py, "-I", "-S", "-c", script}, Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			freezeFully(t, p)
		}
		eventually(t, 5*time.Second, "the parent waits for its child", func() bool { // a thaw wakes it for a moment
			st, _ := readStat(p.PID())
			return st.state == 'D'
		})
	})
}

// A tree whose init is dead is no more at rest than what is still being killed of it.
func TestFreezeAwaitsTheEnd(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		for range 5 {
			p, marker := spawn(t, s, `for i in 1 2 3 4 5 6 7 8 9 10; do setsid sh -c 'while :; do echo a >>a; done' & done; echo up; sleep 300`)
			line(t, p)
			dir, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.PID()))
			eventually(t, 5*time.Second, "it writes", func() bool { return sizes(dir)[0] > 0 })
			syscall.Kill(p.start.Init, syscall.SIGKILL)
			eventually(t, 5*time.Second, "the init is dead", func() bool { st, there := readStat(p.start.Init); return !there || st.dead() })
			if err := p.Freeze(t.Context()); err != nil {
				t.Fatal(err)
			}
			quiet(t, dir, "frozen")
			p.Exit()
			if left := marked(marker); left != nil {
				t.Errorf("left: %v", left)
			}
		}
	})
}

// The end of a tree may come at any moment of a freeze, and is no error of it.
func TestFreezeWhileEnding(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		for i := range 10 {
			p, _ := spawn(t, s, `echo up; read x; exit 3`)
			line(t, p)
			for round := 0; !p.ended(); round++ {
				if round == i {
					p.Stdin.Close()
				}
				if err := errors.Join(p.Freeze(t.Context()), p.Thaw()); err != nil {
					t.Fatal(err)
				}
			}
			if e := p.Exit(); e != (Exit{Code: 3}) {
				t.Errorf("exit = %v", e)
			}
		}
	})
}
