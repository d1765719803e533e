package process

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// mover has a child that appends to the file a for ever. Each line of its stdin names a
// cgroup's file: with "old" it moves the child there, with "new" another one goes there
// and does the same with the file b.
const mover = `while :; do echo a >>a; done & w=$!; echo up
while read to what; do
	case $what in
	old) echo $w >$to; echo moved $? ;;
	new) sh -c 'echo $$ >'$to'; echo moved $?; while :; do echo b >>b; done' & ;;
	esac
done`

// asRoot starts agents of a root that owns the cgroups.
func asRoot(t *testing.T, f func(t *testing.T, s *Supervisor)) {
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: needs root")
	}
	for _, m := range means {
		if m.Freeze == Cgroup {
			t.Run(string(m.Kill), func(t *testing.T) { f(t, startForced(t, m)) })
		}
	}
}

// freezeFully freezes and fails if anybody writes on; then it thaws.
func freezeFully(t *testing.T, p *Process) {
	t.Helper()
	dir, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.PID()))
	eventually(t, 5*time.Second, "it writes", func() bool { return sizes(dir)[0] > 0 })
	if err := p.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	quiet(t, dir, "frozen")
	before := sizes(dir)
	if err := p.Thaw(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "it writes on when thawed", func() bool { return sizes(dir)[0] > before[0] })
}

// Whoever leaves between two freezes is noticed at the next, wherever it went: also above
// all cgroups of the run, to where its own init is, and below its own.
func TestFreezeNoticesWhoLeaves(t *testing.T) {
	asRoot(t, func(t *testing.T, s *Supervisor) {
		p, marker := spawn(t, s, mover)
		line(t, p)
		own := p.ctl.cg
		if err := own.child("below").make(); err != nil {
			t.Fatal(err)
		}
		freezeFully(t, p) // everybody is at home, and that is remembered
		for _, to := range []string{filepath.Dir(s.Means().CgroupRoot), s.Means().CgroupRoot, filepath.Dir(own.dir), own.child("below").dir} {
			for _, who := range []string{"old", "old", "new"} { // again, when it has been brought back
				io.WriteString(p.Stdin, to+"/cgroup.procs "+who+"\n")
				if got := line(t, p); got != "moved 0" {
					t.Fatalf("%s %s: %s", who, to, got)
				}
				freezeFully(t, p)
				in, _ := own.pids()
				if all := p.Alive(); len(in) != len(all) {
					t.Errorf("%s %s: brought back are %v of %v", who, to, in, all)
				}
			}
		}
		if err := p.Kill(t.Context()); err != nil || marked(marker) != nil {
			t.Errorf("%v; left %v", err, marked(marker))
		}
	})
}

// One who left is noticed also if another agent's process is put in its place, so that
// the numbers are right.
func TestFreezeNoticesExchange(t *testing.T) {
	asRoot(t, func(t *testing.T, s *Supervisor) {
		p, _ := spawn(t, s, `sh -c 'while :; do echo a >>a; done' & w=$!; echo up; read to; echo $w >$to; echo moved $?; read x`)
		q, _ := spawn(t, s, `sleep 300 & echo up; read to; echo $! >$to; echo moved $?; read x`)
		line(t, p)
		line(t, q)
		freezeFully(t, p)
		before, _ := p.ctl.cg.pids()
		for _, step := range []struct {
			p  *Process
			to string
		}{{p, s.Means().CgroupRoot}, {q, p.ctl.cg.dir}} {
			io.WriteString(step.p.Stdin, step.to+"/cgroup.procs\n")
			if got := line(t, step.p); got != "moved 0" {
				t.Fatal(got)
			}
		}
		if now, _ := p.ctl.cg.pids(); len(now) != len(before) {
			t.Fatalf("no exchange: %v, %v", before, now)
		}
		freezeFully(t, p)
	})
}

// An idle agent costs no walk; one with a zombie, or with more processes than before, does.
func TestMembersAreTheSame(t *testing.T) {
	s := startForced(t, Means{Kill: PIDNamespace, Freeze: Cgroup})
	if !s.Means().PrivateProc {
		t.Skip("NOT TESTED on this machine: no private /proc")
	}
	p, _ := spawn(t, s, `sleep 300 & echo up; read x; (exec sleep 300) & echo up; read x`)
	line(t, p)
	look := func(want bool) {
		t.Helper()
		if _, same, err := p.ctl.members(); err != nil || same != want {
			t.Errorf("same = %t, %v; want %t", same, err, want)
		}
	}
	look(false) // nothing is remembered yet
	for range 2 {
		if err := p.Freeze(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.Thaw()
		look(true)
	}
	kids := readTable().descendants(p.PID())
	io.WriteString(p.Stdin, "go\n")
	line(t, p)
	look(false)
	eventually(t, 5*time.Second, "its number is remembered", func() bool {
		p.Freeze(t.Context())
		p.Thaw()
		_, same, err := p.ctl.members()
		return same && err == nil
	})
	unix.Kill(kids[0].pid, unix.SIGKILL) // a zombie, unless the shell happens to reap it
	eventually(t, 5*time.Second, "it is dead", func() bool { st, there := readStat(kids[0].pid); return !there || st.dead() })
	look(false)
	p.Kill(t.Context())
	if _, _, err := p.ctl.members(); err == nil {
		t.Error("after the end the files are closed")
	}
}

// Whom the cgroup never listed when it was looked at is noticed by the number of processes
// in the namespace, also when that is counted from where the first one was found.
func TestMembersNoticeOneOutside(t *testing.T) {
	s := startForced(t, Means{Kill: PIDNamespace, Freeze: Cgroup})
	if !s.Means().PrivateProc {
		t.Skip("NOT TESTED on this machine: no private /proc")
	}
	p, _ := spawn(t, s, `sh -c 'while :; do echo a >>a; done' & echo up; read x; sleep 300 & echo $!; read x`)
	line(t, p)
	for range 3 { // remembered, counted from the beginning, counted from the first
		freezeFully(t, p)
		p.Thaw()
	}
	if p.ctl.first == 0 {
		t.Fatal("nobody knows where the processes begin")
	}
	before, _ := p.ctl.cg.pids()
	known := readTable().descendants(p.PID())
	io.WriteString(p.Stdin, "go\n")
	line(t, p)
	for _, kid := range readTable().descendants(p.PID()) {
		if !slices.ContainsFunc(known, func(k stat) bool { return k.pid == kid.pid }) {
			if err := (cgroup{s.Means().CgroupRoot}).write("cgroup.procs", strconv.Itoa(kid.pid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if now, _ := p.ctl.cg.pids(); !slices.Equal(now, before) {
		t.Fatalf("the cgroup lists %v, before %v: nothing is shown", now, before)
	}
	if _, same, err := p.ctl.members(); same || err != nil {
		t.Errorf("same = %t, %v: one outside is not noticed", same, err)
	}
	freezeFully(t, p)
}

// The init is in no frozen cgroup, so nobody may make it do anything. The same call works
// on a child, which is the negative control.
func TestInitCannotBeTraced(t *testing.T) {
	py, err := findPython()
	if err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	script := `import ctypes,os,time
libc=ctypes.CDLL(None,use_errno=True)
kid=os.fork()
if kid==0: time.sleep(300)
def attach(pid):
    if libc.ptrace(16,pid,0,0): return ctypes.get_errno()
    os.waitpid(pid,0x40000000)
    return libc.ptrace(17,pid,0,0)
print(attach(os.getppid()),attach(kid))
try: open('/proc/%d/mem'%os.getppid(),'r+b'); print('open')
except OSError as e: print(e.errno)`
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		p, err := s.Spawn(t.Context(), Spec{Argv: []string{py, "-I", "-S", "-c", script}})
		if err != nil {
			t.Fatal(err)
		}
		out, _ := io.ReadAll(p.Stdout)
		if got := strings.Fields(string(out)); !slices.Equal(got, []string{"1", "0", "13"}) { // EPERM, fine, EACCES
			msg, _ := io.ReadAll(p.Stderr)
			t.Errorf("%s%s", out, msg)
		}
	})
}

// A process whose first thread has ended looks like a zombie, but is frozen, thawed and
// killed like any other.
func TestFirstThreadEnded(t *testing.T) {
	py, err := findPython()
	if err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	script := `import ctypes,os,threading,time
def write():
    while True:
        with open('a','a') as f: f.write('a')
if os.fork(): time.sleep(300)
os.setsid()
threading.Thread(target=write).start()
ctypes.CDLL(None).syscall(60 if os.uname().machine=='x86_64' else 93,0)`
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		dir := t.TempDir()
		p, err := s.Spawn(t.Context(), Spec{Name: "a", Argv: []string{py, "-I", "-S", "-c", script}, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		var kid int
		eventually(t, 5*time.Second, "its child's first thread has ended", func() bool {
			kids := readTable().descendants(p.PID())
			if len(kids) == 1 {
				kid = kids[0].pid
				text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", kid))
				return strings.Contains(string(text), ") Z ")
			}
			return false
		})
		freezeFully(t, p)
		if err := p.Kill(t.Context()); err != nil {
			t.Error(err)
		}
		quiet(t, dir, "killed")
	})
}
