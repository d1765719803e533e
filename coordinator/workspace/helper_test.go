package workspace

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// bench is a run's directories and what stands in for its engine.
type bench struct {
	testing.TB
	dir, journal, canary string
	w                    *Workspace
	rev                  int
}

func newBench(t testing.TB, change ...func(*Options)) *bench {
	t.Helper()
	root, err := os.MkdirTemp("", "ws") // not TempDir: it cannot remove what has no permissions
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	b := &bench{TB: t, dir: filepath.Join(root, "box"), journal: filepath.Join(root, "journal"), canary: filepath.Join(root, "canary")}
	must(t, os.WriteFile(b.canary, []byte("canary"), 0o644))
	b.open(change...)
	t.Cleanup(func() { _ = b.w.Close() })
	return b
}

func (b *bench) open(change ...func(*Options)) {
	b.Helper()
	opt := Options{Dir: b.dir, Journal: b.journal, NoWatch: true}
	for _, c := range change {
		c(&opt)
	}
	w, err := Open(opt)
	must(b, err)
	b.w = w
}

func (b *bench) seed(files map[string]string) *tree.Tree {
	b.Helper()
	t, err := b.w.Seed(context.Background(), Seed{Files: files})
	must(b, err)
	return t
}

func (b *bench) view(agent string, t *tree.Tree) *View {
	b.Helper()
	v, err := b.w.View(agent)
	must(b, err)
	must(b, v.Refresh(t))
	return v
}

// commit does what the engine does with a write set at the seal.
func (b *bench) commit(author string, ws tree.WriteSet) (*tree.Tree, []tree.Decision) {
	b.Helper()
	head, _, _ := b.w.Head()
	next, ds, applied, err := tree.Commit(head, author, ws, tree.Policies{}, b.w.Blobs(), func(string) string { return "other" })
	must(b, err)
	b.rev++
	must(b, b.w.Publish(context.Background(), Publication{
		Revision: b.rev, Turn: 1, Stage: 1, Tree: next,
		WriteSets: []sim.WriteSetDecided{{Author: author, Applied: applied, Decisions: ds}},
	}))
	return next, ds
}

func (b *bench) scan(v *View) (tree.WriteSet, []Refusal) {
	b.Helper()
	ws, refused, err := v.Scan(context.Background())
	must(b, err)
	return ws, refused
}

func (b *bench) foreign() tree.WriteSet {
	b.Helper()
	ws, err := b.w.Foreign(context.Background())
	must(b, err)
	return ws
}

// text is the content of an entry.
func (b *bench) text(e tree.Entry) string {
	b.Helper()
	if e.Absent() {
		return "<absent>"
	}
	data, err := b.w.Blobs().Get(e.Hash)
	must(b, err)
	return string(data)
}

// want compares a directory's files with a table.
func (b *bench) want(dir string, files map[string]string) {
	b.Helper()
	if diff := cmp.Diff(files, readDir(b, dir)); diff != "" {
		b.Errorf("%s (-want +got):\n%s", dir, diff)
	}
}

func (b *bench) head() string { return filepath.Join(b.dir, "tree") }

func (b *bench) put(path, text string) {
	b.Helper()
	must(b, os.MkdirAll(filepath.Dir(path), 0o755))
	must(b, os.WriteFile(path, []byte(text), 0o644))
}

func readDir(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	must(t, filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		if d.IsDir() {
			if rel == tree.Reserved {
				return filepath.SkipDir
			}
			return nil
		}
		if d.Type()&os.ModeSymlink != 0 {
			target, err := os.Readlink(p)
			out[rel] = "-> " + target
			return err
		}
		if st, err := d.Info(); err != nil || !st.Mode().IsRegular() || st.Size() > 1<<20 {
			out[rel] = "<" + d.Type().String() + ">"
			return err
		}
		data, err := os.ReadFile(p)
		out[rel] = string(data)
		return err
	}))
	return out
}

func (b *bench) records(typ RecordType) []Record {
	b.Helper()
	log, err := ReadWAL(filepath.Join(b.journal, "wal.jsonl"))
	must(b, err)
	var out []Record
	for _, r := range log.Records {
		if r.Type == typ {
			out = append(out, r)
		}
	}
	return out
}

// crash lets go of a workspace as a kill would: nothing is finished, the kernel takes
// lock and descriptors.
func (b *bench) crash() {
	b.w.mu.Lock()
	b.w.closed = true
	b.w.mu.Unlock()
	_ = b.w.release()
}

var errKilled = errors.New("killed")

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func paths(ws tree.WriteSet) string {
	out := make([]string, len(ws))
	for i, c := range ws {
		out[i] = c.Path
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}
