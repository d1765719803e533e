package workspace

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sandtable/sandtable/sim/tree"
)

// Foreign returns what changed in the head without the engine since the last publish:
// a person's editor, a stray process. It is called at every seal; what it returns is to
// be committed by @foreign before the stage's own write sets, and published.
//
// Each change has the base it was made from, so that it merges: for a change that a
// publish displaced, that is the version before that publish. Of two changes to one
// path the displaced one waits for the next call.
//
// Things in the head that cannot be versioned are logged, and the next publish puts the
// head right.
func (w *Workspace) Foreign(ctx context.Context) (ws tree.WriteSet, err error) {
	op := w.ops.begin("foreign", "", opIn{})
	defer func() { op.end(opOut{Changes: compact(ws)}, err) }()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(ctx); err != nil {
		return nil, err
	}
	if err := w.head.sweep(); err != nil {
		return nil, err
	}
	if w.skippable(ctx) {
		w.count(func(s *Stats) { s.Skipped++ })
		return nil, nil
	}
	w.watch.clean()
	ws, err = w.scanHead(ctx)
	if err != nil {
		return nil, err
	}
	return w.handOver(ws), nil
}

// skippable decides whether the scan may be left out: only on request, and only if the
// barrier has shown that every event so far has arrived and there was none.
func (w *Workspace) skippable(ctx context.Context) bool {
	if !w.opt.TrustEvents || w.watch.dirty() || len(w.pending) > 0 {
		return false
	}
	return w.watch.barrier(ctx) && !w.watch.dirty()
}

func (w *Workspace) scanHead(ctx context.Context) (tree.WriteSet, error) {
	was := w.head.id
	ws, refused, err := w.head.scan(ctx)
	if err != nil {
		return nil, err
	}
	if !w.head.id.sameFile(was) {
		w.watch.again()
	}
	w.count(func(s *Stats) { s.Scans++; s.Foreign += len(ws) })
	if w.head.force {
		return nil, fmt.Errorf("workspace: the head holds more than %d names that are not the run's: something outside fills it", w.opt.MaxFiles)
	}
	for _, r := range refused {
		w.opt.Log.Warn("the head holds what cannot be versioned", "what", r.String())
	}
	if len(ws) == 0 {
		return nil, nil
	}
	return ws, w.noteForeign(ws)
}

func (w *Workspace) noteForeign(ws tree.WriteSet) error {
	recs := make([]Record, len(ws))
	for i, c := range ws {
		w.opt.Log.Warn("foreign change in the head", "path", c.Path)
		recs[i] = Record{
			Type: RecForeign, Path: c.Path, Op: opFor(c.Base, c.New), Pre: c.Base, Post: c.New, Basis: c.Base,
			Agent: foreignAuthor, Rev: w.rev, Via: "boundary", Evidence: "scan", Confidence: "certain",
		}
	}
	return w.wal.append(recs, false, false)
}

// handOver adds the displaced changes whose paths are free.
func (w *Workspace) handOver(ws tree.WriteSet) tree.WriteSet {
	var wait []tree.Change
	for _, c := range w.pending {
		if slices.ContainsFunc(ws, func(o tree.Change) bool { return o.Path == c.Path }) {
			wait = append(wait, c)
		} else {
			ws = append(ws, c)
		}
	}
	w.pending = wait
	slices.SortFunc(ws, func(a, b tree.Change) int { return strings.Compare(a.Path, b.Path) })
	return ws
}
