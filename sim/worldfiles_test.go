package sim_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// What the world writes is never in conflict: an agent that puts a folder where the world
// keeps a file, or a file where it keeps a folder, costs the run nothing. What stood in the
// way is gone, and the record of the revision says so.
func TestWorldWritesAreNeverInConflict(t *testing.T) {
	s := seats("a")
	blobs := tree.NewMemory()
	res, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, Blobs: blobs, Phases: []sim.Phase{{Name: "p"}},
		World: worldOf{resolve: func(st sim.State, _ []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
			if err := ctx.Write("result.json", "1"); err != nil {
				return nil, err
			}
			return st, ctx.Append("log/day-1", "2")
		}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			var ans sim.Answer
			for _, path := range []string{"log", "result.json/deep/x", "result.json/y", "result.txt"} {
				ans.Writes = append(ans.Writes, writer(blobs, ask, path, "mine").Writes...)
			}
			return ans
		})})
	for path, want := range map[string]string{"result.json": "1", "log/day-1": "2", "result.txt": "mine", "log": "<absent>", "result.json/y": "<absent>"} {
		if got := text(t, blobs, res.Tree, path); got != want {
			t.Errorf("%s holds %q, want %q", path, got, want)
		}
	}
	var changed []string
	for _, d := range of[*sim.Revised](rec)[1].WriteSets[1].Decisions {
		changed = append(changed, d.Path)
	}
	slices.Sort(changed)
	if diff := cmp.Diff([]string{"log", "log/day-1", "result.json", "result.json/deep/x", "result.json/y"}, changed); diff != "" {
		t.Error(diff)
	}
}

// A file that the world writes to stays executable, as it does in an agent's hands, and a
// symbolic link has no text: its target is not what is in the file.
func TestWorldKeepsKindsOfFiles(t *testing.T) {
	s := seats("a")
	blobs := tree.NewMemory()
	put := func(kind tree.Kind, text string) tree.Entry {
		hash, err := blobs.Put([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return tree.Entry{Kind: kind, Hash: hash, Size: int64(len(text))}
	}
	head, err := (*tree.Tree)(nil).With(map[string]tree.Entry{"run.sh": put(tree.Exec, "ls\n"), "link": put(tree.Link, "/etc/passwd")})
	if err != nil {
		t.Fatal(err)
	}
	res, _ := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, Blobs: blobs, Tree: head, Phases: []sim.Phase{{Name: "p"}},
		World: worldOf{resolve: func(st sim.State, _ []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
			if text, ok, err := ctx.Read("link"); ok || err != nil {
				t.Errorf("the link reads as %q, %v", text, err)
			}
			if err := ctx.Append("link", "x"); err != nil {
				return nil, err
			}
			return st, ctx.Append("run.sh", "pwd\n")
		}},
		Actors: actorsOf(s, passing)})
	if e, _ := res.Tree.Get("run.sh"); e != put(tree.Exec, "ls\npwd\n") {
		t.Errorf("run.sh is %+v", e)
	}
	if e, _ := res.Tree.Get("link"); e != put(tree.File, "x") {
		t.Errorf("link is %+v", e)
	}
}
