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
