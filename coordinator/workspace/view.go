package workspace

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/sandtable/sandtable/sim/tree"
)

// View is the private copy of one agent. Its calls may come from any goroutine and are
// serialised. Scan and Refresh expect the agent to be frozen; if it is not, nothing
// outside the view is touched and nothing is lost, but what it writes in between is
// taken by the next Scan, or reported by it as late.
type View struct {
	w     *Workspace
	agent string
	dir   string

	mu     sync.Mutex
	m      *mirror
	stale  bool // left by an earlier coordinator: what it holds is not known
	closed bool
	late   []Refusal
	layers map[string]int // how often a path was laid out in a turn
}

// View returns the view of an agent, making an empty one if there is none. The same
// agent gets the same View. One that an earlier coordinator left is put right by the
// first Refresh; the bytes it holds are kept in the journal.
func (w *Workspace) View(agent string) (*View, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, ErrClosed
	}
	if v := w.agents[agent]; v != nil {
		return v, nil
	}
	name := shortName(agent)
	m, err := w.newMirror(w.views, name)
	if err != nil {
		return nil, err
	}
	v := &View{w: w, agent: agent, dir: filepath.Join(w.opt.Dir, "views", name), m: m, layers: map[string]int{}}
	m.late = v.noteLate
	names, err := listDir(m.fd, m.buf)
	if err != nil {
		m.close()
		return nil, fmt.Errorf("workspace: view of %s: %w", agent, err)
	}
	v.stale = len(names) > 0
	w.agents[agent] = v
	return v, nil
}

// Dir returns the view's path, which stays the same for the whole run.
func (v *View) Dir() string { return v.dir }

func (v *View) close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
	err := v.m.sweep()
	v.m.close()
	return err
}

// Refresh brings the view to t in place. Files that do not change are not touched and
// keep inode and mtime; changed ones get a new inode, so that descriptors and hard links
// that the agent kept do not reach what it is shown now. Things that were refused are
// removed, except over-large and unreadable files where t holds nothing. Ignored paths
// and .sandtable stay.
func (v *View) Refresh(t *tree.Tree) (err error) {
	op := v.w.ops.begin("refresh", v.agent, opIn{Root: rootOf(t)})
	defer func() { op.end(opOut{}, err) }()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return ErrClosed
	}
	if err := v.sound(context.Background()); err != nil {
		return err
	}
	return v.m.bring(t, func([]task) error { return nil })
}

// sound makes sure that the mirror knows what is on disk.
func (v *View) sound(ctx context.Context) error {
	switch {
	case !v.m.intact():
		if err := v.m.replant(); err != nil {
			return err
		}
		v.stale = false
	case v.m.force:
		return v.m.evacuate()
	case v.stale || v.m.torn:
		return v.adopt(ctx)
	}
	return nil
}

// adopt reads a view whose content is not known; what it holds is journaled as not
// committed.
func (v *View) adopt(ctx context.Context) error {
	v.m.top, v.m.base = newNode(), nil
	ws, _, err := v.m.scan(ctx)
	if err != nil {
		return err
	}
	if v.m.force {
		err = v.m.evacuate()
	}
	if err == nil && v.stale {
		err = v.w.reject(v.agent, 0, "left in the view by an earlier coordinator", ws)
	}
	v.stale, v.m.torn = v.stale && err != nil, v.m.torn && err != nil
	return err
}

// evacuate moves everything into quarantine by the names in the top folder: for views
// with more new names than can be looked at. The folder itself stays, as processes have it
// as their working directory.
func (m *mirror) evacuate() error {
	names, err := listDir(m.fd, m.buf)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == tree.Reserved {
			continue
		}
		if err := moveOut(m.fd, name, m.w.quarantine, m.w.fresh("w")); err != nil && !missing(err) {
			return &StorageError{"move away", showPath(name), err}
		}
	}
	m.top, m.base, m.dirty, m.force = newNode(), nil, m.dirty[:0], false
	return nil
}

// Scan returns what the agent changed since the last Refresh, with all content stored,
// and what could not be taken. It may be repeated; each call starts from the last
// Refresh again.
//
// A view that has not changed costs one lstat a file or folder, and one open a folder;
// on tmpfs and overlayfs it is read whole (see package documentation).
func (v *View) Scan(ctx context.Context) (ws tree.WriteSet, refused []Refusal, err error) {
	op := v.w.ops.begin("scan", v.agent, opIn{})
	defer func() { op.end(opOut{Changes: compact(ws), Refused: refused}, err) }()
	v.mu.Lock()
	defer v.mu.Unlock()
	if ws, refused, err = v.scan(ctx); err != nil {
		return nil, nil, err
	}
	v.late = nil
	v.w.count(func(s *Stats) { s.Refusals += len(refused) })
	return ws, refused, nil
}

// Peek is Scan while the agent runs: what the agent asks about its own files in the middle
// of its act. It decides nothing: the next Scan tells all of it again, and looks once more
// at files whose stamps are too young to prove what they hold.
func (v *View) Peek(ctx context.Context) (ws tree.WriteSet, refused []Refusal, err error) {
	op := v.w.ops.begin("peek", v.agent, opIn{})
	defer func() { op.end(opOut{Changes: compact(ws), Refused: refused}, err) }()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.m.moving = true
	defer func() { v.m.moving = false }()
	return v.scan(ctx)
}

// scan runs under v.mu.
func (v *View) scan(ctx context.Context) (tree.WriteSet, []Refusal, error) {
	if v.closed {
		return nil, nil, ErrClosed
	}
	if err := v.m.sweep(); err != nil {
		return nil, nil, err
	}
	if v.stale || v.m.torn {
		return nil, nil, fmt.Errorf("workspace: view of %s: scanned before it was refreshed", v.agent)
	}
	ws, refused, err := v.m.scan(ctx)
	if err != nil {
		return nil, nil, err
	}
	return ws, append(refused, v.late...), nil
}

// noteLate records bytes that the agent wrote after the scan and that a refresh
// displaced. They are in no write set; the next Scan names them. It runs under v.mu.
func (v *View) noteLate(path string, base, found tree.Entry, why string) error {
	v.w.count(func(s *Stats) { s.Late++ })
	v.late = append(v.late, Refusal{path, "it was " + why + ", after the turn had ended; those bytes are kept in the run's journal, not in the workspace"})
	if err := v.w.blobs.flush(); err != nil {
		return err
	}
	return v.w.wal.append([]Record{{
		Type: RecLate, Path: path, Op: opFor(base, found), Pre: base, Post: found, Basis: base, Agent: v.agent,
		Via: "view", Evidence: why, Confidence: "likely",
	}}, false, true)
}

// Discard puts the view back to the tree of the last Refresh, as after a crash, and
// returns what it threw away; the bytes are in the journal. After an illegal move call
// nothing: the agent keeps its files for the next attempt.
func (v *View) Discard(ctx context.Context) (tree.WriteSet, error) {
	base := v.base()
	ws, _, err := v.Scan(ctx)
	if err != nil {
		return nil, err
	}
	if err := v.w.reject(v.agent, 0, "discarded", ws); err != nil {
		return ws, err
	}
	return ws, v.Refresh(base)
}

func (v *View) base() *tree.Tree {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.m.base
}

// reject journals a write set that is not taken.
func (w *Workspace) reject(agent string, turn int, why string, ws tree.WriteSet) error {
	if len(ws) == 0 {
		return nil
	}
	recs := make([]Record, len(ws))
	for i, c := range ws {
		recs[i] = Record{
			Type: RecDecided, Path: c.Path, Op: OpRejected, Pre: c.Base, Post: c.New, Basis: c.Base,
			Agent: agent, Turn: turn, Via: "view", Reason: why,
		}
	}
	if err := w.blobs.flush(); err != nil {
		return err
	}
	return w.wal.append(recs, false, true)
}
