package workspace

import (
	"context"
	"fmt"

	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// Authors of changes that are no agent's.
const (
	foreignAuthor = "@foreign"
	setupAuthor   = "@setup"
)

// viaDisplaced marks foreign changes that were found by displacing them.
const viaDisplaced = "displaced"

// Publication is one revision to be made visible.
type Publication struct {
	Revision, Turn, Stage int
	Author                string                // who made it, where it was no stage: @foreign, @intervention, …
	Tree                  *tree.Tree            // the head after it
	WriteSets             []sim.WriteSetDecided // what was taken into it, and what was not, in order

	_ struct{}
}

// Publish brings the head on disk to a revision.
//
// The order is: all content in the journal; a staged file for each path; decisions and
// intents in the WAL, on disk; each staged file exchanged with what is in its place;
// the hash of what came out compared with what was expected; commit in the WAL, on
// disk. That is two waits for the disk for a publish, however many files it has, and
// one for new content.
//
// What came out and was not expected is a foreign change: its bytes are in the journal,
// and the next [Workspace.Foreign] returns it with the base it was made from. The head
// itself is exactly the revision afterwards.
//
// An error before the first exchange leaves the head as it was ([*StorageError] where
// the disk is the reason). After one behind it, further publishes fail with [ErrBroken]
// until the journal has been opened again.
func (w *Workspace) Publish(ctx context.Context, p Publication) (err error) {
	op := w.ops.begin("publish", "", opIn{Rev: p.Revision, Root: rootOf(p.Tree)})
	defer func() { op.end(opOut{}, err) }()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(ctx); err != nil {
		return err
	}
	recs, err := w.decided(p)
	if err != nil {
		return err
	}
	return w.transact(p, recs)
}

func (w *Workspace) usable(ctx context.Context) error {
	switch {
	case w.closed:
		return ErrClosed
	case w.broken:
		return ErrBroken
	}
	return ctx.Err()
}

// transact is one transaction of the WAL around one change of the head.
func (w *Workspace) transact(p Publication, recs []Record) error {
	intended := false
	err := w.head.bring(p.Tree, func(jobs []task) error {
		recs = append(recs, intents(p, jobs)...)
		if err := w.promise(recs); err != nil {
			return err
		}
		intended = true
		return w.opt.fail("intent")
	})
	if err == nil {
		err = w.opt.fail("applied")
	}
	if err == nil {
		err = w.settle(p, recs)
	}
	if err != nil {
		return w.stopped(p.Revision, intended, err)
	}
	w.tree, w.rev, w.seeded = p.Tree, p.Revision, true
	return w.head.sweep()
}

// stopped says how far a publish has come that failed.
func (w *Workspace) stopped(revision int, intended bool, err error) error {
	if !intended {
		return fmt.Errorf("publish revision %d: nothing was displaced: %w", revision, err)
	}
	w.broken = true
	return fmt.Errorf("publish revision %d, which is half done until the journal is opened again: %w", revision, err)
}

// promise makes content, decisions and intents durable, in this order.
func (w *Workspace) promise(recs []Record) error {
	if err := w.blobs.flush(); err != nil {
		return err
	}
	if err := w.opt.fail("blobs"); err != nil {
		return err
	}
	if len(recs) == 0 {
		return nil
	}
	return w.wal.append(recs, true, true)
}

// settle writes the commit. A revision that changes nothing needs no wait: losing its
// number loses nothing.
func (w *Workspace) settle(p Publication, recs []Record) error {
	root := p.Tree.Root()
	end := Record{Type: RecCommit, Agent: p.Author, Turn: p.Turn, Stage: p.Stage, Rev: p.Revision, Root: &root}
	if len(recs) > 0 {
		end.Tx = recs[0].Tx
	}
	if err := w.wal.append([]Record{end}, false, len(recs) > 0); err != nil {
		return err
	}
	return w.opt.fail("commit")
}

// decided turns the engine's decisions into records. What the tree holds beyond them is
// recorded as the publication's author's, so that the records always lead to the tree.
func (w *Workspace) decided(p Publication) ([]Record, error) {
	var recs []Record
	for _, ws := range p.WriteSets {
		for _, d := range ws.Decisions {
			recs = append(recs, decidedRecord(p, ws.Author, d))
		}
	}
	reached, err := w.tree.With(edges(recs))
	if err != nil {
		return nil, fmt.Errorf("workspace: the decisions of revision %d contradict each other: %w", p.Revision, err)
	}
	for _, c := range tree.Diff(reached, p.Tree) {
		recs = append(recs, Record{
			Type: RecDecided, Path: c.Path, Op: opFor(c.Base, c.New), Pre: c.Base, Post: c.New, Basis: c.Base,
			Agent: p.Author, Turn: p.Turn, Stage: p.Stage, Rev: p.Revision, Decision: tree.Applied, Via: "publication",
		})
	}
	return recs, nil
}

func decidedRecord(p Publication, author string, d tree.Decision) Record {
	r := Record{
		Type: RecDecided, Path: d.Path, Op: opFor(d.Head, d.Result), Pre: d.Head, Post: d.Result, Basis: d.Base,
		Agent: author, Turn: p.Turn, Stage: p.Stage, Rev: p.Revision, Via: viaOf(author),
		Decision: d.Outcome, Policy: d.Policy, Winner: d.Winner, Reason: d.Reason,
	}
	if d.Lost() {
		r.Op, r.Post = OpRejected, d.New
	}
	return r
}

func viaOf(author string) string {
	if len(author) > 0 && author[0] == '@' {
		return author[1:]
	}
	return "view"
}

func opFor(pre, post tree.Entry) Op {
	switch {
	case pre == post:
		return OpSame
	case pre.Absent():
		return OpCreate
	case post.Absent():
		return OpDelete
	}
	return OpReplace
}

// intents are the changes of the disk, which differ from the decisions where a path was
// decided more than once or a foreign change is already there.
func intents(p Publication, jobs []task) []Record {
	var recs []Record
	for _, j := range jobs {
		if j.have == j.want && !j.refused {
			continue
		}
		recs = append(recs, Record{
			Type: RecIntent, Path: j.path, Op: opFor(j.have, j.want), Pre: j.have, Post: j.want, Basis: j.base,
			Turn: p.Turn, Stage: p.Stage, Rev: p.Revision, Staged: j.stage + j.trash,
		})
	}
	return recs
}

// headLate records a foreign change that was displaced, and keeps it for the next
// Foreign. Its bytes are durable before the inode that held them goes.
func (w *Workspace) headLate(path string, base, found tree.Entry, why string) error {
	w.count(func(s *Stats) { s.Displaced++ })
	w.opt.Log.Warn("foreign change displaced and kept", "path", path, "how", why)
	w.pending = addPending(w.pending, tree.Change{Path: path, Base: base, New: found})
	if err := w.blobs.flush(); err != nil {
		return err
	}
	return w.wal.append([]Record{{
		Type: RecForeign, Path: path, Op: opFor(base, found), Pre: base, Post: found, Basis: base, Agent: foreignAuthor,
		Rev: w.rev, Via: viaDisplaced, Evidence: why, Confidence: "certain",
	}}, false, true)
}

// addPending adds a change once.
func addPending(list []tree.Change, c tree.Change) []tree.Change {
	for _, have := range list {
		if have == c {
			return list
		}
	}
	return append(list, c)
}

func rootOf(t *tree.Tree) string { return t.Root().String() }
