package workspace

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/sim/tree"
)

// openJournal opens blobs, WAL and ops log, and brings the sandbox directory to what
// they say. All of it may be repeated: a kill at any point leaves work that the next
// open finds again.
func (w *Workspace) openJournal() error {
	var err error
	if w.blobs, err = openBlobs(filepath.Join(w.opt.Journal, "blobs"), !w.opt.NoSync); err != nil {
		return err
	}
	name := filepath.Join(w.opt.Journal, "wal.jsonl")
	log, err := ReadWAL(name)
	if err != nil {
		return err
	}
	if log.Torn > 0 {
		w.opt.Log.Warn("journal ends in half a record, which is dropped", "bytes", log.Torn)
	}
	st, err := log.replay()
	if err != nil {
		return err
	}
	if err := w.openWAL(name, log, st); err != nil {
		return err
	}
	if w.ops, err = openOps(filepath.Join(w.opt.Journal, "ops.jsonl"), w.wal.epoch); err != nil {
		return err
	}
	return w.restore(st)
}

func (w *Workspace) openWAL(name string, log *Log, st *state) error {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return &StorageError{"open", name, err}
	}
	w.wal = &wal{
		f: f, size: log.Size, sync: !w.opt.NoSync, lsn: uint64(len(log.Records)), epoch: st.epoch + 1, prev: log.last,
	}
	if err := f.Truncate(log.Size); err != nil {
		return &StorageError{"cut the torn tail of", name, err}
	}
	if st.journal == "" {
		var id [8]byte
		_, _ = rand.Read(id[:]) // never fails
		st.journal = hex.EncodeToString(id[:])
	}
	return w.wal.append([]Record{{
		Type: RecEpoch, PID: os.Getpid(), Boot: bootID(), Journal: st.journal,
	}}, false, true)
}

// restore brings the head on disk to the journal's state. Where the sandbox directory
// is another one than before, or the machine has restarted (so that files may lack
// bytes that were never flushed), the head is laid out from the journal; else only the
// paths of an unfinished transaction are touched, and what others did to the rest is
// for the next Foreign to find.
func (w *Workspace) restore(st *state) error {
	mine := w.sameSandbox(st.journal)
	w.pending, w.tree, w.rev, w.seeded = st.pending, st.head, st.rev, st.seeded
	if !mine && st.seeded {
		if err := w.mustBeEmpty(); err != nil {
			return err
		}
	}
	if err := w.salvageStage(st); err != nil {
		return err
	}
	if st.seeded || len(st.open) > 0 {
		if err := w.restoreHead(st, mine && st.boot == bootID()); err != nil {
			return fmt.Errorf("workspace: recover revision %d: %w", st.rev, err)
		}
	}
	return w.markSandbox(st.journal)
}

func (w *Workspace) markerName() string { return filepath.Join(w.opt.Dir, "locks", "journal") }

func (w *Workspace) sameSandbox(journal string) bool {
	data, err := os.ReadFile(w.markerName())
	return err == nil && strings.TrimSpace(string(data)) == journal
}

func (w *Workspace) markSandbox(journal string) error {
	if err := os.WriteFile(w.markerName(), []byte(journal+"\n"), 0o644); err != nil {
		return &StorageError{"write", w.markerName(), err}
	}
	return nil
}

func (w *Workspace) mustBeEmpty() error {
	names, err := listDir(w.head.fd, w.head.buf)
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("workspace: sandbox %s holds the files of another run: use an empty --sandbox", w.opt.Dir)
	}
	return err
}

// salvageStage takes over what a killed coordinator left in stage and quarantine: bytes
// that are nowhere else go into the journal, and a file displaced by the unfinished
// transaction that is not what it expected is a foreign change.
func (w *Workspace) salvageStage(st *state) error {
	expected := map[string]Record{}
	for _, r := range st.open {
		if r.Type == RecIntent && r.Staged != "" {
			expected[r.Staged] = r
		}
	}
	for _, dir := range []int{w.stage, w.quarantine} {
		names, err := listDir(dir, w.head.buf)
		if err != nil {
			return err
		}
		for _, name := range names {
			want, ok := expected[name]
			if err := w.salvageOne(dir, name, want, ok && dir == w.stage); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *Workspace) salvageOne(dir int, name string, want Record, displaced bool) error {
	var st unix.Stat_t
	if err := statAt(dir, name, &st); err != nil {
		return nil
	}
	now := stampOf(&st)
	if now.kind() == unix.S_IFDIR && displaced {
		return w.head.disposeDir(name, &task{path: want.Path})
	}
	if now.kind() == unix.S_IFDIR || now.size > w.opt.MaxFile {
		return w.salvageWhole(dir, name)
	}
	r := rec{}
	if now.kind() == unix.S_IFREG || displaced {
		if err := w.head.examine(dir, name, name, now, &r); err != nil {
			return err
		}
	}
	if err := w.noteSalvaged(r.have, want, displaced); err != nil {
		return err
	}
	return unlinkStaged(dir, name, name)
}

// salvageWhole keeps what is too large to store in quarantine, where it can be looked at
// while the sandbox exists.
func (w *Workspace) salvageWhole(dir int, name string) error {
	if dir == w.quarantine {
		return nil
	}
	kept := fmt.Sprintf("e%d-%s", w.wal.epoch, name)
	if err := unix.Renameat(dir, name, w.quarantine, kept); err != nil {
		return &StorageError{"keep", name, err}
	}
	return nil
}

func (w *Workspace) noteSalvaged(found tree.Entry, want Record, displaced bool) error {
	switch {
	case found.Absent(), displaced && (found == want.Pre || found == want.Post):
		return nil
	case displaced:
		return w.headLate(want.Path, want.Pre, found, "displaced by a publish that was killed")
	}
	if err := w.blobs.flush(); err != nil {
		return err
	}
	return w.wal.append([]Record{{Type: RecSalvage, Post: found, Rev: w.rev, Evidence: "left by a killed coordinator"}}, false, true)
}

// restoreHead finishes or takes back an unfinished transaction.
func (w *Workspace) restoreHead(st *state, inPlace bool) error {
	target, end, err := st.goal(w.blobs)
	if err != nil {
		return err
	}
	if err := w.adopt(st, inPlace); err != nil {
		return err
	}
	w.head.untold = true
	err = w.head.bring(target, func([]task) error { return w.opt.fail("recover") })
	w.head.untold = false
	if err != nil {
		return err
	}
	if len(st.open) == 0 {
		return nil
	}
	root := target.Root()
	end.Root = &root
	if err := w.wal.append([]Record{end}, false, true); err != nil {
		return err
	}
	w.tree, w.rev, w.seeded = target, end.Rev, st.seeded || end.Type == RecCommit
	return nil
}

// goal is the tree to reach: that of the unfinished transaction if all its content is
// in the journal, which only a loss of power can prevent, else the one before.
func (st *state) goal(b *blobs) (*tree.Tree, Record, error) {
	if len(st.open) == 0 {
		return st.head, Record{}, nil
	}
	first := st.open[0]
	end := Record{
		Type: RecCommit, Tx: first.Tx, Turn: first.Turn, Stage: first.Stage, Rev: first.Rev,
		Evidence: "finished after a kill", Confidence: "certain",
	}
	for _, r := range st.open {
		if !r.Post.Absent() && !b.has(r.Post.Hash) {
			end.Type, end.Rev, end.Evidence = RecAbort, st.rev, "content lost: "+r.Post.Hash.String()
			return st.head, end, nil
		}
	}
	target, err := st.head.With(edges(st.open))
	return target, end, err
}

// adopt learns what is on disk, stores what it does not know of, and leaves in the
// mirror's list of work what is to be put right.
func (w *Workspace) adopt(st *state, inPlace bool) error {
	m := w.head
	if _, _, err := m.scan(context.Background()); err != nil {
		return err
	}
	for path, e := range st.head.All() {
		m.rec(path).base = e
	}
	m.base = st.head
	ws, _, err := m.scan(context.Background())
	if err != nil {
		return err
	}
	if !inPlace {
		return w.blobs.flush()
	}
	return w.adoptOpen(ws, st)
}

// adoptOpen keeps only the paths of the unfinished transaction in the list of work. One
// that holds neither what was there nor what was to come was changed by someone else.
func (w *Workspace) adoptOpen(ws tree.WriteSet, st *state) error {
	var mine []string
	for _, r := range st.open {
		if r.Type != RecIntent {
			continue
		}
		mine = append(mine, r.Path)
		have := w.head.rec(r.Path).have
		if have == r.Pre || have == r.Post {
			continue
		}
		if err := w.headLate(r.Path, r.Pre, have, "found in place of a publish that was killed"); err != nil {
			return err
		}
	}
	m := w.head
	m.dirty = slices.DeleteFunc(m.dirty, func(p string) bool { return !slices.Contains(mine, p) })
	return nil
}
