package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/sim/tree"
)

// Workspace is the head, the views and the journal of one run.
type Workspace struct {
	opt   Options
	locks []*flock.Flock
	blobs *blobs
	wal   *wal
	ops   *opsLog
	clock *clock

	root, views       int // directory descriptors, as are the next two
	stage, quarantine int
	seq               atomic.Uint64
	parked            parking

	mu      sync.Mutex // guards what follows; never taken while a view's mutex is waited for
	head    *mirror
	tree    *tree.Tree // the published head, whatever has become of it on disk
	seeded  bool
	rev     int
	pending []tree.Change // foreign changes that were displaced, for the next Foreign
	broken  bool
	closed  bool
	watch   *watcher
	agents  map[string]*View

	statMu sync.Mutex
	stats  Stats
}

// Stats count what happened since [Open].
type Stats struct {
	Foreign     int    // foreign changes found by scans
	Displaced   int    // foreign changes found when they were displaced
	Late        int    // files written after they had been replaced, through an open descriptor
	Refusals    int    // paths refused by scans of views
	Scans       int    // scans of the head
	Skipped     int    // boundaries at which TrustEvents left the scan out
	Events      uint64 // file events in the head, our own included
	Overflows   uint64 // lost events: each makes the next boundary scan
	Barriers    uint64 // cookies awaited
	Missed      uint64 // cookies whose event did not come in time
	Unexchanged int    // files placed without an exchange of inodes: see arbitration 7.3
	// Watching is "" while events arrive, else why only scans find changes.
	Watching string
}

// Open takes the sandbox directory and the journal, and finishes what an earlier
// coordinator left half done. It fails with a [*LockedError] if one is at work in either,
// and with a [*WALError] if the journal is damaged.
func Open(opt Options) (_ *Workspace, err error) {
	if err := opt.complete(); err != nil {
		return nil, err
	}
	w := &Workspace{opt: opt, root: -1, views: -1, stage: -1, quarantine: -1, agents: map[string]*View{}}
	defer func() {
		if err != nil {
			w.release()
		}
	}()
	if err := w.makeDirs(); err != nil {
		return nil, err
	}
	if err := w.takeLocks(); err != nil {
		return nil, err
	}
	if err := w.openDirs(); err != nil {
		return nil, err
	}
	if w.clock, err = startClock(w.stage); err != nil {
		return nil, err
	}
	if err := w.openJournal(); err != nil {
		return nil, err
	}
	if !opt.NoWatch {
		w.watch = startWatcher(filepath.Join(opt.Dir, "tree"), opt.Log)
	}
	return w, nil
}

// makeDirs lays out the sandbox directory. It is 0711: agents pass through it to their
// own parts and cannot list it.
func (w *Workspace) makeDirs() error {
	if err := os.MkdirAll(w.opt.Dir, 0o711); err != nil {
		return &StorageError{"make", w.opt.Dir, err}
	}
	if err := os.Chmod(w.opt.Dir, 0o711); err != nil {
		return &StorageError{"set the mode of", w.opt.Dir, err}
	}
	modes := map[string]os.FileMode{
		"tree": 0o755, "views": 0o711, "home": 0o711, "tmp": 0o711,
		"stage": 0o700, "quarantine": 0o700, "locks": 0o700,
	}
	for name, mode := range modes {
		dir := filepath.Join(w.opt.Dir, name)
		if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, os.ErrExist) {
			return &StorageError{"make", dir, err}
		}
	}
	return nil
}

// takeLocks takes the sandbox directory and the journal.
func (w *Workspace) takeLocks() error {
	if err := os.MkdirAll(w.opt.Journal, 0o755); err != nil {
		return &StorageError{"make", w.opt.Journal, err}
	}
	for _, l := range [][3]string{
		{"sandbox", w.opt.Dir, filepath.Join(w.opt.Dir, "locks", lockName)},
		{"journal", w.opt.Journal, filepath.Join(w.opt.Journal, lockName)},
	} {
		lock, err := takeLock(l[0], l[1], l[2])
		if err != nil {
			return err
		}
		w.locks = append(w.locks, lock)
	}
	return nil
}

func (w *Workspace) openDirs() (err error) {
	if w.root, err = unix.Open(w.opt.Dir, openDirFlags|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("workspace: open %s: %w", w.opt.Dir, err)
	}
	for name, fd := range map[string]*int{"views": &w.views, "stage": &w.stage, "quarantine": &w.quarantine} {
		if *fd, err = openAt(w.root, name, openDirFlags); err != nil {
			return fmt.Errorf("workspace: open %s in %s: %w", name, w.opt.Dir, err)
		}
	}
	w.head, err = w.newMirror(w.root, "tree")
	if err == nil {
		w.head.verify, w.head.late = true, w.headLate
	}
	return err
}

// Close stops the watcher, looks a last time at displaced files that are still open,
// and gives the lock back. What is on disk stays there. It may be called again.
func (w *Workspace) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	err := w.head.sweep()
	agents := w.agents
	w.mu.Unlock()
	for _, v := range agents {
		err = errors.Join(err, v.close())
	}
	return errors.Join(err, w.blobs.flush(), w.release())
}

// release gives everything back that Open took.
func (w *Workspace) release() error {
	if w.watch != nil {
		w.watch.close()
	}
	if w.head != nil {
		w.head.close()
	}
	w.clock.stop()
	for _, fd := range []int{w.views, w.stage, w.quarantine, w.root} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	var err error
	if w.wal != nil {
		err = w.wal.f.Close()
	}
	if w.ops != nil {
		err = errors.Join(err, w.ops.f.Close())
	}
	for _, lock := range w.locks {
		err = errors.Join(err, lock.Close())
	}
	return err
}

// Blobs returns the journal's content store. The engine must use it, so that every
// version it decides about is in the journal.
func (w *Workspace) Blobs() tree.Blobs { return w.blobs }

// Head returns the published tree and its revision; ok is false before [Workspace.Seed].
func (w *Workspace) Head() (t *tree.Tree, revision int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tree, w.rev, w.seeded
}

// HomeDir and TmpDir return the agent's own directories for HOME and TMPDIR, made if
// they are not there.
func (w *Workspace) HomeDir(agent string) (string, error) { return w.ownDir("home", agent) }

// TmpDir: see [Workspace.HomeDir].
func (w *Workspace) TmpDir(agent string) (string, error) { return w.ownDir("tmp", agent) }

func (w *Workspace) ownDir(kind, agent string) (string, error) {
	dir := filepath.Join(w.opt.Dir, kind, shortName(agent))
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", &StorageError{"make", dir, err}
	}
	return dir, nil
}

// Stats returns the counters.
func (w *Workspace) Stats() Stats {
	w.statMu.Lock()
	out := w.stats
	w.statMu.Unlock()
	w.watch.report(&out)
	return out
}

func (w *Workspace) count(change func(*Stats)) {
	w.statMu.Lock()
	defer w.statMu.Unlock()
	change(&w.stats)
}

// fresh returns a name for the stage or quarantine directory that no other call, and no
// earlier coordinator of this journal, has used.
func (w *Workspace) fresh(prefix string) string {
	return fmt.Sprintf("%s%d-%d", prefix, w.wal.epoch, w.seq.Add(1))
}
