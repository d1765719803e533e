package coordinator

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/sandtable/sandtable/results"
)

// A run directory that is removed under its run, or a disk that is full, is a failure of
// the harness that says so, and leaves neither processes nor sandbox.
func TestDiskGone(t *testing.T) {
	t.Parallel()
	for name, folder := range map[string]string{"script": folderOf(t, scripted), "program": programs(t, "", "good", "writer")} {
		s := setup{out: t.TempDir(), sandbox: sandboxDir(t)}
		s.change = func(o *Options) {
			var once sync.Once
			o.Watch = func(p Progress) {
				if p.Turn == 2 {
					once.Do(func() { os.RemoveAll(o.Dir.Dir) })
				}
			}
		}
		p, _ := s.play(t.Context(), folder) // there is no run.json to be read
		checkFailed(t, p, s.sandbox, "no such file or directory")
		if p.info.Status != "" {
			t.Errorf("%s: run.json says %s", name, p.info.Status)
		}
	}
}

// What had been written before the disk was full can be read.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", dir).Run(); err != nil {
		t.Skipf("NOT TESTED: no small disk can be made here: %v", err)
	}
	t.Cleanup(func() { _ = exec.Command("umount", dir).Run() })
	big := strings.Replace(scripted, `"hi")`, `"hi %d " % turn + "x" * 100000)`, 1)
	s := setup{out: dir, sandbox: sandboxDir(t), sets: []string{"turns.max=9"}}
	p, err := s.play(t.Context(), folderOf(t, big))
	if err != nil {
		t.Fatal(err)
	}
	checkFailed(t, p, s.sandbox, "no space left on device")
	res, err := results.ReadRun(p.Dir)
	if err != nil || len(res.Problems) > 0 || res.Turns < 2 || res.Turns > 8 {
		t.Errorf("after %d turns: %v, %v", res.Turns, res.Problems, err)
	}
}

func checkFailed(t *testing.T, p *played, sandbox, why string) {
	t.Helper()
	if !errors.As(p.err, new(*HarnessError)) || !strings.Contains(p.err.Error(), why) {
		t.Errorf("%v; want a failure of the harness: %s", p.err, why)
	}
	if left, err := os.ReadDir(sandbox); err != nil || len(left) > 0 || len(traces(sandbox)) > 0 {
		t.Errorf("left: %v, %v, %v", left, traces(sandbox), err)
	}
}
