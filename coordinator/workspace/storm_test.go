package workspace

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/sim/tree"
)

// TestStorm plays turns in which agents and a foreign shell write tokens with real
// programs, and checks the journal alone afterwards: the chain of every path (I1), every
// byte that anyone handed in (I3), the root of the head.
func TestStorm(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { storm(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func storm(t *testing.T, dice *rand.Rand) {
	b := newBench(t)
	head := b.seed(map[string]string{"a": "1\n2\n3\n4\n5\n", "b": "b\n", "d/c": "c\n"})
	b.rev = 0
	written := map[tree.Hash]string{}
	agents := []string{"ann", "bob", "cat"}
	for turn := range 6 {
		sets := map[string]tree.WriteSet{}
		for _, name := range agents {
			v := b.view(name, head)
			mischief(t, dice, v.Dir(), fmt.Sprint(name, turn))
			remember(t, written, v.Dir())
			sets[name], _ = b.scan(v)
		}
		if dice.IntN(2) == 0 {
			mischief(t, dice, b.head(), fmt.Sprint("foreign", turn))
			remember(t, written, b.head())
		}
		if ws := b.foreign(); len(ws) > 0 {
			b.commit("@foreign", ws)
		}
		for _, name := range agents {
			head, _ = b.commit(name, sets[name])
		}
	}
	want := map[string]string{}
	for p, e := range head.All() {
		want[p] = b.text(e)
	}
	b.want(b.head(), want)
	for h, text := range written {
		if _, err := b.w.Blobs().Get(h); err != nil {
			t.Errorf("lost: %q", text)
		}
	}
	checkChain(b, head)
	must(t, b.w.Close())
	b.open()
	if again, rev, _ := b.w.Head(); again.Root() != head.Root() || rev != b.rev {
		t.Errorf("the journal leads to revision %d, %v", rev, again.Root())
	}
}

// mischief changes one path in one of the ways that programs have.
func mischief(t *testing.T, dice *rand.Rand, dir, token string) {
	t.Helper()
	files := []string{"a", "b", "d/c", "e"}
	f := files[dice.IntN(len(files))]
	line := 1 + dice.IntN(5)
	scripts := []string{
		fmt.Sprintf("mkdir -p d; echo %s >> %s", token, f),
		fmt.Sprintf("mkdir -p d; echo %s > %s", token, f),
		fmt.Sprintf("sed -i '%ds/.*/%s/' %s 2>/dev/null || true", line, token, f),
		fmt.Sprintf("rm -f %s", f),
		fmt.Sprintf("mkdir -p d; echo %s > tmp; mv tmp %s", token, f),
		fmt.Sprintf("rm -rf d; echo %s > d", token),
		fmt.Sprintf("test -f d && rm d; mkdir -p d; echo %s > d/c", token),
	}
	cmd := exec.Command("sh", "-c", scripts[dice.IntN(len(scripts))])
	cmd.Dir = dir
	_ = cmd.Run() // one that fails (d is a file by now) has done nothing
}

func remember(t *testing.T, written map[tree.Hash]string, dir string) {
	for p, text := range readDir(t, dir) {
		if st, err := os.Lstat(filepath.Join(dir, p)); err == nil && st.Mode().IsRegular() {
			written[tree.HashOf([]byte(text))] = text
		}
	}
}

// checkChain follows every path through the committed decisions.
func checkChain(b *bench, head *tree.Tree) {
	b.Helper()
	at := map[string]tree.Entry{}
	edges, rejected := 0, 0
	for _, r := range b.records(RecDecided) {
		switch r.Op {
		case OpRejected:
			rejected++
		case OpSame:
		default:
			if at[r.Path] != r.Pre {
				b.Errorf("lsn %d: %s by %s starts from %v, not from %v", r.LSN, r.Path, r.Agent, r.Pre, at[r.Path])
			}
			at[r.Path] = r.Post
			edges++
		}
		for _, e := range []tree.Entry{r.Pre, r.Post, r.Basis} {
			if e.Absent() {
				continue
			}
			if _, err := b.w.Blobs().Get(e.Hash); err != nil {
				b.Errorf("lsn %d: %v", r.LSN, err)
			}
		}
	}
	for p, e := range at {
		if have, _ := head.Get(p); have != e {
			b.Errorf("%s: the chain ends with %v, the head has %v", p, e, have)
		}
	}
	if edges < 8 || rejected == 0 {
		b.Errorf("%d edges and %d rejections prove nothing", edges, rejected)
	}
}

// TestForeignAppendsSurvivePublishes lets a process append to a file of the head, one
// open, one write, one close, as a shell's >> does, while revisions of that very file
// are published. Every acknowledged token must be in the journal; where nothing but the
// head is looked at, and nothing is merged, tokens are missing (the control).
func TestForeignAppendsSurvivePublishes(t *testing.T) {
	b := newBench(t)
	b.seed(map[string]string{"log": "0\n", "top": "0\n"})
	name := filepath.Join(b.head(), "log")
	acked, stop := make(chan []string, 1), make(chan struct{})
	go func() { acked <- appendTokens(name, stop) }()
	for n := range 40 {
		if ws := b.foreign(); len(ws) > 0 {
			b.commit("@foreign", ws)
		}
		head, _, _ := b.w.Head()
		must(t, b.publish(b.change(head, map[string]string{"log": fmt.Sprintf("revision %d\n", n)})))
	}
	close(stop)
	tokens := <-acked
	if ws := b.foreign(); len(ws) > 0 {
		b.commit("@foreign", ws)
	}
	if len(tokens) < 50 {
		t.Skipf("SKIPPED: only %d appends: the machine is too busy for this to show anything", len(tokens))
	}
	kept, inHead := "", readDir(t, b.head())["log"]
	for _, text := range readDir(t, filepath.Join(b.journal, "blobs")) {
		kept += text
	}
	missing := 0
	for _, token := range tokens {
		if !strings.Contains(kept, token) {
			t.Errorf("lost: %s", token)
		}
		if !strings.Contains(inHead, token) {
			missing++
		}
	}
	if st := b.w.Stats(); missing == 0 || st.Displaced == 0 {
		t.Errorf("%d of %d tokens are not in the head, %+v: nothing raced", missing, len(tokens), st)
	}
}

// appendTokens appends until it is stopped and returns what was acknowledged.
func appendTokens(name string, stop chan struct{}) []string {
	var acked []string
	for {
		select {
		case <-stop:
			return acked
		default:
		}
		if len(acked) == 10_000 {
			return acked
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			continue
		}
		token := fmt.Sprintf("token %d;", len(acked))
		_, err = f.WriteString(token)
		if f.Close() == nil && err == nil {
			acked = append(acked, token)
		}
	}
}
