package workspace

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sandtable/sandtable/sim/tree"
)

// manyFiles is a tree of n small files, ten to a folder.
func manyFiles(n int) map[string]string {
	out := map[string]string{}
	for i := range n {
		out[fmt.Sprintf("d%d/f%d", i/10, i)] = fmt.Sprint("content ", i)
	}
	return out
}

func BenchmarkScan(b *testing.B) {
	for _, n := range []int{10, 2000} {
		b.Run(fmt.Sprintf("unchanged=%d", n), func(b *testing.B) {
			x := newBench(b)
			v := x.view("ann", x.seed(manyFiles(n)))
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				if ws, _, err := v.Scan(ctx); err != nil || len(ws) > 0 {
					b.Fatal(ws, err)
				}
			}
		})
	}
}

func BenchmarkForeign(b *testing.B) {
	for _, n := range []int{10, 2000} {
		b.Run(fmt.Sprintf("unchanged=%d", n), func(b *testing.B) {
			x := newBench(b)
			x.seed(manyFiles(n))
			for b.Loop() {
				x.foreign()
			}
		})
	}
}

// BenchmarkTurn is what an agent costs in a turn beside its own work: it changed one of
// ten files; the view is scanned and refreshed.
func BenchmarkTurn(b *testing.B) {
	x := newBench(b)
	r0 := x.seed(manyFiles(10))
	r1 := x.change(r0, map[string]string{"d0/f1": "changed by the agent"})
	v := x.view("ann", r0)
	name := filepath.Join(v.Dir(), "d0/f1")
	at := r0
	for b.Loop() {
		must(b, os.WriteFile(name, []byte("changed by the agent"), 0o644))
		if _, _, err := v.Scan(context.Background()); err != nil {
			b.Fatal(err)
		}
		if at = r1; b.N%2 == 0 {
			at = r0
		}
		must(b, v.Refresh(at))
	}
}

func BenchmarkRefresh(b *testing.B) {
	for _, n := range []int{0, 1, 10} {
		b.Run(fmt.Sprintf("changed=%d", n), func(b *testing.B) {
			x := newBench(b)
			r0, r1 := x.twoTrees(n)
			v := x.view("ann", r0)
			for b.Loop() {
				must(b, v.Refresh(r1))
				r0, r1 = r1, r0
			}
		})
	}
}

func BenchmarkPublish(b *testing.B) {
	for _, sync := range []bool{true, false} {
		for _, n := range []int{1, 10} {
			b.Run(fmt.Sprintf("fsync=%v/changed=%d", sync, n), func(b *testing.B) {
				x := newBench(b, func(o *Options) { o.NoSync = !sync })
				r0, r1 := x.twoTrees(n)
				for b.Loop() {
					must(b, x.publish(r1))
					r0, r1 = r1, r0
				}
			})
		}
	}
}

// twoTrees are r0 of 20 files and a tree in which n of them differ.
func (b *bench) twoTrees(n int) (*tree.Tree, *tree.Tree) {
	r0 := b.seed(manyFiles(20))
	texts := map[string]string{}
	for i := range n {
		texts[fmt.Sprintf("d%d/f%d", i/10, i)] = "other"
	}
	return r0, b.change(r0, texts)
}
