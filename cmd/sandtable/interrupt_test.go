package main

import (
	"bytes"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sandtable/sandtable/results"
)

// hanging is a program that says that it has begun and then hangs in every way it can:
// it does not listen, does not end when asked to, and has a child of its own session.
const hanging = `sandtable: 1
name: hanging
params: {began: ""}
seed: 1
agents:
  - name: sloth
    runtime: program
    env: {BEGAN: "${params.began}"}
    command: [sh, sloth.sh]
turns: {max: 3}
outcomes: {done: "${True}"}
expect: ["${rate('done') == 1}"]
`

const sloth = `trap '' INT TERM HUP
read -r hello
echo '{"type":"ready"}'
read -r turn
setsid sh -c 'trap "" INT TERM HUP; while :; do sleep 1; done' "$BEGAN" &
echo begun > "$BEGAN"
while :; do sleep 1; done
`

// TestInterrupt stops a run in the midst of an act. Whatever ends the program, nothing
// of what it started is left, and what it wrote is readable.
func TestInterrupt(t *testing.T) {
	for _, c := range []struct {
		signal syscall.Signal
		code   int // -1: ended by the signal itself
	}{
		{syscall.SIGINT, 130},
		{syscall.SIGTERM, 143},
		{syscall.SIGKILL, -1},
	} {
		t.Run(c.signal.String(), func(t *testing.T) {
			t.Parallel()
			i := begin(t)
			if len(processes(t, i.began)) < 2 {
				t.Fatal("the processes of the agent are not found: the check below would mean nothing")
			}
			if err := i.cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			i.cmd.Wait()
			if got := i.cmd.ProcessState.ExitCode(); got != c.code {
				t.Errorf("exit code %d, want %d; it said\n%s", got, c.code, i.out.String())
			}
			if c.code > 0 {
				i.interrupted(t)
			}
			i.reported(t)
			i.gone(t, c.signal == syscall.SIGKILL)
		})
	}
}

// interruption is a run that is being played.
type interruption struct {
	cmd   *exec.Cmd
	out   *bytes.Buffer
	dir   string
	tmp   string // where its sandboxes are
	began string // the path that its agent's processes carry in their arguments or environment
}

// begin plays hanging and returns when its agent acts.
func begin(t *testing.T) *interruption {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	i := &interruption{dir: t.TempDir(), tmp: shortDir(t), out: &bytes.Buffer{}}
	i.began = filepath.Join(i.dir, "began")
	for name, text := range map[string]string{"s/scenario.yaml": hanging, "s/sloth.sh": sloth} {
		path := filepath.Join(i.dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(i.began, 0o600); err != nil {
		t.Fatal(err)
	}
	fifo, err := os.OpenFile(i.began, os.O_RDWR, 0) // for writing too: a writer that goes is no end of file
	if err != nil {
		t.Fatal(err)
	}
	defer fifo.Close()
	// A second scenario, which is then not begun: see [interruption.batch].
	i.cmd = exec.Command(exe, "run", "s", "s", "--set", "began="+i.began)
	i.cmd.Args[0] = "sandtable" // see TestMain
	i.cmd.Dir, i.cmd.Stdout, i.cmd.Stderr = i.dir, i.out, i.out
	i.cmd.Env = append(os.Environ(), "GORACE="+noSleepAtExit, "TMPDIR="+i.tmp)
	i.cmd.WaitDelay = 10 * time.Second // should anything that is left hold its output open
	if err := i.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.cmd.Process.Kill(); i.cmd.Wait() })
	fifo.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := fifo.Read(make([]byte, 16)); err != nil {
		i.cmd.Process.Kill()
		i.cmd.Wait()
		t.Fatalf("the agent did not begin: %v; the program said\n%s", err, i.out.String())
	}
	return i
}

// shortDir is short enough for sockets to lie in it: else a program that is killed would
// leave a folder for them elsewhere.
func shortDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(os.TempDir(), "st"+rand.Text()[:6])
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// batch is the one batch that was begun.
func (i *interruption) batch(t *testing.T) *results.Batch {
	t.Helper()
	dirs, _ := filepath.Glob(filepath.Join(i.dir, "runs", "*-hanging"))
	if len(dirs) != 1 {
		t.Fatalf("batches: %v", dirs)
	}
	batch, err := results.OpenBatch(dirs[0])
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// reported checks that the batch and its run can be looked at, also if nobody had the
// time to sum them up.
func (i *interruption) reported(t *testing.T) {
	t.Helper()
	batch := i.batch(t)
	for _, c := range []struct{ command, dir, want string }{
		{"report", batch.Dir, "hanging: interrupted"},
		{"log", batch.RunDir("c01", 1), "run c01/r001: interrupted"},
	} {
		var out, errs bytes.Buffer
		if code := run([]string{c.command, c.dir}, &out, &errs); code != 0 || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: exit code %d, %q is not in\n%s%s", c.command, code, c.want, out.String(), errs.String())
		}
	}
}

// interrupted checks what is written of a run that was stopped in order.
func (i *interruption) interrupted(t *testing.T) {
	t.Helper()
	batch := i.batch(t)
	run, err := results.OpenRun(batch.RunDir("c01", 1))
	if err != nil {
		t.Fatal(err)
	}
	info, err := run.Info()
	if err != nil || info.Status != results.Interrupted {
		t.Errorf("run.json says %q, %v", info.Status, err)
	}
	s, err := results.ReadSummary(batch.Summary())
	if err != nil || s.Verdict != results.InterruptedVerdict {
		t.Errorf("summary.json says %+v, %v", s, err)
	}
	if !strings.Contains(i.out.String(), "hanging: interrupted") {
		t.Errorf("the table does not say so:\n%s", i.out.String())
	}
	left, _ := filepath.Glob(filepath.Join(i.tmp, "st-*"))
	if len(left) > 0 {
		t.Errorf("sandboxes were left: %v", left)
	}
}

// gone checks that no process of the agent is left: at once, unless the program had no
// chance to see to it, in which case its supervisor gets a moment.
func (i *interruption) gone(t *testing.T, moment bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := processes(t, i.began)
		if len(left) == 0 {
			return
		}
		if !moment || time.Now().After(deadline) {
			t.Fatalf("processes are left: %v", left)
		}
		time.Sleep(20 * time.Millisecond) // other processes' ends cannot be waited for
	}
}

// processes lists those that carry a text in their arguments or their environment, in
// whatever session, group or namespace of process ids. The program itself is none of
// them: it is told the path in other words.
func processes(t *testing.T, text string) []string {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(dirs) == 0 {
		t.Skip("there is no /proc to look for processes in")
	}
	var out []string
	for _, dir := range dirs {
		args, _ := os.ReadFile(dir + "/cmdline")
		env, _ := os.ReadFile(dir + "/environ")
		if bytes.Contains(args, []byte("began="+text)) {
			continue
		}
		if bytes.Contains(args, []byte(text)) || bytes.Contains(env, []byte("BEGAN="+text)) {
			out = append(out, filepath.Base(dir)+": "+strings.ReplaceAll(string(args), "\x00", " "))
		}
	}
	return out
}
