package workspace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/sim/tree"
)

func TestBlobs(t *testing.T) {
	dir := t.TempDir()
	b, err := openBlobs(dir, true)
	must(t, err)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 50 {
				data := []byte(fmt.Sprint("blob ", k))
				h, err := b.Put(data)
				if err != nil || h != tree.HashOf(data) {
					t.Errorf("goroutine %d: %v", i, err)
				}
				if got, err := b.Get(h); err != nil || !bytes.Equal(got, data) {
					t.Errorf("goroutine %d: %q %v", i, got, err)
				}
			}
		})
	}
	wg.Wait()
	must(t, b.flush())
	names, _ := os.ReadDir(dir)
	if len(names) != 50 {
		t.Errorf("%d files, want 50 and no temporary ones", len(names))
	}
	h := tree.HashOf([]byte("blob 7"))
	b, err = openBlobs(dir, true) // with nothing in memory
	must(t, err)
	must(t, os.WriteFile(b.path(h), []byte("blob"), 0o644)) // as after a loss of power
	if _, err := b.Get(h); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("damaged blob: %v", err)
	}
	again, err := openBlobs(dir, true)
	must(t, err)
	if again.has(h) {
		t.Error("a damaged blob counts as there")
	}
	if _, err := again.Put([]byte("blob 7")); err != nil {
		t.Error(err)
	}
	if _, err := again.Get(h); err != nil {
		t.Errorf("not mended: %v", err)
	}
	if _, err := again.Get(tree.Hash{1}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing blob: %v", err)
	}
}

// TestBlobsAfterAKill: a process that was killed while it stored content leaves half a
// file, and the next one may have its process id.
func TestBlobsAfterAKill(t *testing.T) {
	b := newBench(t)
	must(t, b.w.Close())
	for n := range 4 {
		name := fmt.Sprintf(".tmp-%d-%d", os.Getpid(), n)
		must(t, os.WriteFile(filepath.Join(b.journal, "blobs", name), []byte("half"), 0o644))
	}
	b.open()
	b.seed(map[string]string{"a": "a"})
	if names, _ := os.ReadDir(filepath.Join(b.journal, "blobs")); len(names) != 1 {
		t.Errorf("%v, want the one content", names)
	}
}

func someLog(t testing.TB) []byte {
	b := newBench(t)
	r0 := b.seed(map[string]string{"a": "a", "odd\xff": "x"})
	must(t, b.publish(b.change(r0, map[string]string{"a": "a2", "b": "<&>"})))
	data, err := os.ReadFile(filepath.Join(b.journal, "wal.jsonl"))
	must(t, err)
	return data
}

// TestWALTornAndDamaged cuts the log at every byte, which is never an error, and
// changes every byte, which is one unless it makes the last line a torn one.
func TestWALTornAndDamaged(t *testing.T) {
	data := someLog(t)
	whole, err := parseWAL(data)
	must(t, err)
	if whole.Torn != 0 || len(whole.Records) < 8 {
		t.Fatalf("%d records, %d torn", len(whole.Records), whole.Torn)
	}
	st, err := whole.replay()
	must(t, err)
	if _, ok := st.head.Get("odd\xff"); !ok || st.rev != 1 {
		t.Errorf("replay lost a path: revision %d", st.rev)
	}
	for n := range data {
		log, err := parseWAL(data[:n])
		if err != nil || log.Size+log.Torn != int64(n) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	last := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1
	for n := 0; n < last-1; n += 3 { // the newline before the last line makes that one torn
		bad := bytes.Clone(data)
		bad[n] ^= 0x04
		if log, err := parseWAL(bad); err == nil {
			t.Fatalf("byte %d changed from %q: %d records and no error", n, data[n], len(log.Records))
		}
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	if _, err := parseWAL(bytes.Join(append(lines[:2:2], lines[3:]...), nil)); err == nil {
		t.Error("a removed line is not noticed")
	}
}

func TestWALTornTailIsContinued(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"a": "a"})
	must(t, b.w.Close())
	name := filepath.Join(b.journal, "wal.jsonl")
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(`{"lsn":4,"type":"deci`)
	must(t, errors.Join(err, f.Close()))
	b.open()
	must(t, b.publish(b.change(r0, map[string]string{"a": "b"})))
	log, err := ReadWAL(name)
	must(t, err)
	if log.Torn != 0 || log.Records[len(log.Records)-1].Rev != 1 {
		t.Errorf("%+v", log)
	}
}

func FuzzWAL(f *testing.F) {
	f.Add(someLog(f))
	f.Add([]byte("{}\n\n"))
	f.Add([]byte(`{"lsn":1,"sum":"0000000000000000"}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		log, err := parseWAL(data)
		if err != nil {
			return
		}
		_, _ = log.replay()
		for _, r := range log.Records { // what was read is written the same way
			line, err := encodeRecord(r)
			must(t, err)
			back, err := decodeRecord(line)
			must(t, err)
			if diff := cmp.Diff(r, back, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Sum" }, cmp.Ignore())); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

func TestOpsLog(t *testing.T) {
	b := newBench(t)
	v := b.view("ann", b.seed(map[string]string{"a": "a"}))
	b.put(filepath.Join(v.Dir(), "a"), "b")
	ws, _ := b.scan(v)
	b.foreign()
	b.commit("ann", ws)
	data, err := os.ReadFile(filepath.Join(b.journal, "ops.jsonl"))
	must(t, err)
	var ops []string
	var last int64
	for _, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
		var op opLine
		must(t, json.Unmarshal(line, &op))
		ops = append(ops, op.Op)
		if op.Call < last || op.Return < op.Call {
			t.Errorf("%s from %d to %d, after %d", op.Op, op.Call, op.Return, last)
		}
		last = op.Return
		if op.Op == "scan" && (len(op.Out.Changes) != 1 || op.Out.Changes[0].New != tree.HashOf([]byte("b")).String()) {
			t.Errorf("scan: %+v", op.Out)
		}
	}
	if got := strings.Join(ops, " "); got != "seed refresh scan foreign publish" {
		t.Errorf("ops %q", got)
	}
}

// TestOpsTellPathsApart: names that are not UTF-8 keep their bytes.
func TestOpsTellPathsApart(t *testing.T) {
	one := tree.Entry{Kind: tree.File, Size: 1}
	data, err := json.Marshal(compact(tree.WriteSet{{Path: "b\xfe", New: one}, {Path: "b\xff", New: one}, {Path: "c", New: one}}))
	must(t, err)
	for _, want := range []string{`"path_base64":"Yv4="`, `"path_base64":"Yv8="`, `"path":"c"`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%s lacks %s", data, want)
		}
	}
}

// TestWithoutRoot runs the permission cases again as a user to whom modes apply.
func TestWithoutRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: the other tests have just run without root")
	}
	dir, err := os.MkdirTemp("", "ws")
	must(t, err)
	defer os.RemoveAll(dir)
	must(t, os.Chmod(dir, 0o777))
	exe, err := os.Executable()
	must(t, err)
	data, err := os.ReadFile(exe)
	must(t, err)
	must(t, os.WriteFile(dir+"/test", data, 0o755))
	cmd := exec.Command(dir+"/test", "-test.count=1", "-test.run=^(TestEscapes|TestTooManyNames|TestClosed.*|TestDeep.*|TestCrashAtEveryStep|TestScanFinds.*|TestLate.*|TestOpen.*)$")
	cmd.Dir = dir
	cmd.Env = []string{"TMPDIR=" + dir, "PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as uid 65534: %v\n%s", err, out)
	}
}

// TestViewsAtOnce scans and refreshes many views from many goroutines.
func TestViewsAtOnce(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"a": "a", "d/b": "b"})
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			v, err := b.w.View(fmt.Sprint("agent-", i))
			for range 10 {
				if err == nil {
					err = v.Refresh(r0)
				}
				if err == nil {
					err = os.WriteFile(filepath.Join(v.Dir(), "d/b"), []byte(fmt.Sprint(i)), 0o644)
				}
				if err == nil {
					var ws tree.WriteSet
					if ws, _, err = v.Scan(context.Background()); err == nil && paths(ws) != "d/b" {
						err = fmt.Errorf("write set %v", ws)
					}
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
