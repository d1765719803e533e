package process

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSpawnExitAndStreams(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		p, _ := spawn(t, s, `read x; echo "got $x"; echo oops >&2; exit 7`)
		io.WriteString(p.Stdin, "hello\n")
		out, err := io.ReadAll(p.Stdout)
		if err != nil || string(out) != "got hello\n" {
			t.Errorf("stdout = %q, %v", out, err)
		}
		if errs, _ := io.ReadAll(p.Stderr); string(errs) != "oops\n" {
			t.Errorf("stderr = %q", errs)
		}
		if e := p.Exit(); e != (Exit{Code: 7}) {
			t.Errorf("exit = %+v", e)
		}
		if a := p.Alive(); a != nil {
			t.Errorf("alive after the end: %v", a)
		}
		if err := errors.Join(p.Interrupt(), p.Kill(t.Context()), p.Freeze(t.Context()), p.Thaw()); err != nil {
			t.Errorf("after the end everything is fine, got %v", err)
		}
	})
}

func TestSignalIsReported(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		p, _ := spawn(t, s, `kill -TERM $$`)
		if e := p.Exit(); e != (Exit{Code: -1, Signal: syscall.SIGTERM}) {
			t.Errorf("exit = %+v", e)
		}
	})
}

// The environment is what the spec says; descriptors, limits, umask and directory too.
func TestWhatTheAgentGets(t *testing.T) {
	leak, err := os.Open(os.DevNull) // open in the coordinator, and inheritable
	if err != nil {
		t.Fatal(err)
	}
	defer leak.Close()
	if _, _, e := syscall.Syscall(syscall.SYS_FCNTL, leak.Fd(), syscall.F_SETFD, 0); e != 0 {
		t.Fatal(e)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary")
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		dir := t.TempDir()
		script := `import os,resource,signal
print(sorted(os.environ.items()))
print(sorted(int(f) for f in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/'+f)))
print(resource.getrlimit(resource.RLIMIT_CORE), oct(os.umask(0)), os.getcwd(), os.getsid(0)==os.getpid())
print([s for s in signal.Signals if signal.getsignal(s)==signal.SIG_IGN], signal.pthread_sigmask(0,[]))
print([l for l in open('/proc/self/status') if l.startswith('NoNewPrivs')])
print(len([f for f in os.listdir('/proc') if f.isdigit()]))`
		py, err := findPython()
		if err != nil {
			t.Skip("NOT TESTED: ", err)
		}
		p, err := s.Spawn(t.Context(), Spec{Name: "a", Argv: []string{py, "-I", "-S", "-c", script}, Env: []string{"K=v", "B=\xff"}, Dir: dir, Umask: 0o27})
		if err != nil {
			t.Fatal(err)
		}
		out, _ := io.ReadAll(p.Stdout)
		got := strings.Split(strings.TrimSpace(string(out)), "\n")
		if len(got) != 6 {
			msg, _ := io.ReadAll(p.Stderr)
			t.Fatalf("%q\n%s", got, msg)
		}
		for i, want := range []string{
			`('B', '\udcff'), ('K', 'v')`, // besides, Python itself may set LC_CTYPE
			`[0, 1, 2]`,
			`(0, 0) 0o27 ` + dir + ` True`,
			`[<Signals.SIGPIPE: 13>, <Signals.SIGXFSZ: 25>] set()`, // Python's own choice
			`['NoNewPrivs:\t1\n']`,
		} {
			if !strings.Contains(got[i], want) {
				t.Errorf("line %d = %s, want %s", i, got[i], want)
			}
		}
		if strings.Contains(got[0], "canary") || strings.Count(got[0], "('") > 3 {
			t.Errorf("more than the given environment: %s", got[0])
		}
		if s.Means().PrivateProc && got[5] != "2" {
			t.Errorf("with a /proc of its own the agent sees its init and itself, not %s processes", got[5])
		}
	})
}

// Of an agent that eats all memory the kernel is to choose that agent: what would protect
// the supervisor is inherited.
func TestAgentMayRunOutOfMemory(t *testing.T) {
	own, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		t.Fatal(err)
	}
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		p, _ := spawn(t, s, "cat /proc/self/oom_score_adj")
		if got := line(t, p); got != strings.TrimSpace(string(own)) {
			t.Errorf("its oom_score_adj is %s, ours %s", got, own)
		}
	})
}

func TestSpawnErrors(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		for _, c := range []struct {
			spec Spec
			want string
		}{
			{Spec{}, "no command"},
			{Spec{Argv: []string{"no-such-program"}}, "PATH in the agent's environment"},
			{Spec{Argv: []string{"/no/such"}}, "exec /no/such: no such file"},
			{Spec{Argv: []string{"/etc/passwd"}}, "permission denied"},
			{Spec{Argv: []string{"/bin/sh"}, Dir: "/no/dir"}, "its directory: stat /no/dir"},
			{Spec{Argv: []string{"/bin/sh"}, Env: []string{"novalue"}}, "KEY=value"},
			{Spec{Argv: []string{"/bin/sh", "a\x00b"}}, "zero byte"},
			{Spec{Argv: []string{"/bin/sh"}, Umask: 0o1000}, "umask"},
		} {
			_, err := s.Spawn(t.Context(), c.spec)
			var se *SpawnError
			if !errors.As(err, &se) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v: %v, want %q", c.spec, err, c.want)
			}
		}
	})
}

func TestInterruptReachesOnlyTheAgent(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		p, _ := spawn(t, s, `(trap 'echo child' INT; while :; do sleep 0.05; done) & trap 'echo agent; exit 3' INT; echo up; while :; do sleep 0.05; done`)
		line(t, p)
		if err := p.Interrupt(); err != nil {
			t.Fatal(err)
		}
		out, _ := io.ReadAll(p.Stdout)
		if e := p.Exit(); e.Code != 3 || string(out) != "agent\n" {
			t.Errorf("exit %v, stdout %q", e, out)
		}
	})
}

func TestStop(t *testing.T) {
	s := startForced(t, Means{})
	polite, _ := spawn(t, s, `trap 'exit 0' INT; echo up; while :; do sleep 0.02; done`)
	line(t, polite)
	polite.Freeze(t.Context())
	begin := time.Now()
	if err := polite.Stop(t.Context(), time.Minute); err != nil || polite.Exit().Code != 0 {
		t.Errorf("%v, %v", err, polite.Exit())
	}
	rude, marker := spawn(t, s, `trap '' INT TERM; echo up; while :; do sleep 1; done`)
	line(t, rude)
	if err := rude.Stop(t.Context(), 50*time.Millisecond); err != nil || rude.Exit().Signal != syscall.SIGKILL {
		t.Errorf("%v, %v", err, rude.Exit())
	}
	if left := marked(marker); left != nil || time.Since(begin) > 10*time.Second {
		t.Errorf("left %v after %v", left, time.Since(begin))
	}
}

func TestOtherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: needs root")
	}
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		p, err := s.Spawn(t.Context(), Spec{Name: "a", Argv: []string{"/bin/sh", "-c", "setsid sleep 300 & id -u; id -G; sleep 300"}, User: &User{65534, 65533}, Env: []string{"PATH=/usr/bin:/bin"}})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := line(t, p), line(t, p); a != "65534" || b != "65533" {
			t.Errorf("uid %s, groups %s", a, b)
		}
		if err := p.Kill(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
