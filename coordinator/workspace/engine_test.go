package workspace

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// publisher mirrors the engine's revisions on disk, as the coordinator does.
type publisher struct{ w *Workspace }

func (p publisher) Observe(r sim.Record) error {
	rev, ok := r.(*sim.Revised)
	if !ok || rev.Revision == 0 {
		return nil
	}
	return p.w.Publish(context.Background(), Publication{
		Revision: rev.Revision, Turn: rev.Turn, Stage: rev.Stage, Author: rev.Author, Tree: rev.Tree, WriteSets: rev.WriteSets,
	})
}

// TestUnderTheEngine plays two seats that write on disk, through sim.Play.
func TestUnderTheEngine(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"board": "start\n"})
	all := tree.Globs{"**"}
	act := sim.ActorFunc(func(_ context.Context, ask *sim.Ask) sim.Answer {
		v := b.view(ask.Seat.Name, ask.View())
		b.put(filepath.Join(v.Dir(), "by", ask.Seat.Name), ask.ID)
		if ask.Seat.Name == "ann" && ask.Turn == 2 { // a stray process in the middle of a stage
			b.put(filepath.Join(b.head(), "board"), "changed by hand\n")
		}
		ws, _ := b.scan(v)
		return sim.Answer{Writes: ws, Say: "done"}
	})
	seats := []*sim.Seat{
		{Name: "ann", Entry: "ann", Index: 1, Number: 0, Read: all, Write: all},
		{Name: "bob", Entry: "bob", Index: 1, Number: 1, Read: all, Write: all},
	}
	res, err := sim.Play(context.Background(), &sim.Config{
		Seats: seats, Actors: map[string]sim.Actor{"ann": act, "bob": act}, MaxTurns: 3, Serial: true,
		Phases:  []sim.Phase{{Name: "write", Order: sim.Simultaneous, Canonical: sim.BySeat, Optional: true, Failures: sim.DefaultFailures()}},
		Streams: sim.Streams{Seed: 1, Replicate: 1}, Tree: r0, Blobs: b.w.Blobs(), Foreign: b.w.Foreign, Observer: publisher{b.w},
	})
	must(t, err)
	b.want(b.head(), map[string]string{"board": "changed by hand\n", "by/ann": "3.1.1", "by/bob": "3.1.1"})
	head, rev, _ := b.w.Head()
	if head.Root() != res.Tree.Root() || res.Foreign != 1 {
		t.Errorf("revision %d on disk; %d foreign revisions", rev, res.Foreign)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "views/ann/by/bob")); err != nil {
		t.Error("ann does not see what bob did")
	}
}
