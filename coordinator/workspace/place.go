package workspace

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/sim/tree"
)

// task is one path on its way from what is there to what shall be.
type task struct {
	path       string
	have, want tree.Entry
	base       tree.Entry // what the tree before held: what a displaced change was made from
	stage      string     // name of the staged file; "" for a removal
	trash      string     // name in the stage directory that a removed file gets
	staged     stamp      // of the staged file
	st         stamp      // of what the last scan found there
	sure       bool       // that stamp proves have
	seen       stamp      // of what was displaced, when its content was last known
	refused    bool       // what is there was refused: its author knows
	same       bool       // the disk already holds want
}

// plan lists what has to be done to reach t: what differs between the trees, and what
// the last scan found to differ from the tree before. Removals come first, so that a
// file can take a folder's place and the other way round.
func (m *mirror) plan(t *tree.Tree) []task {
	paths := slices.Clone(m.dirty)
	for _, c := range tree.Diff(m.base, t) {
		paths = append(paths, c.Path)
	}
	slices.Sort(paths)
	var removals, puts []task
	for _, path := range slices.Compact(paths) {
		r := m.rec(path)
		want, _ := t.Get(path)
		job := r.task(path)
		job.want, job.same = want, r.settled(want)
		if want.Absent() {
			removals = append(removals, job)
		} else {
			puts = append(puts, job)
		}
	}
	return append(removals, puts...)
}

func (r *rec) task(path string) task {
	return task{path: path, have: r.have, base: r.base, st: r.st, sure: r.sure, refused: r.refusal != ""}
}

// settled reports whether the disk already holds want, in an inode of its own.
func (r *rec) settled(want tree.Entry) bool {
	return r.have == want && r.refusal == "" && r.st.nlink <= 1
}

// bring makes the directory equal to t. before is called when everything is staged and
// nothing has been displaced; an error from it, or from staging, leaves all as it was.
func (m *mirror) bring(t *tree.Tree, before func([]task) error) error {
	jobs := m.plan(t)
	err := m.stageAll(jobs)
	if err == nil {
		err = before(jobs)
	}
	if err != nil {
		m.unstage(jobs)
		return err
	}
	for i := range jobs {
		if err := m.apply(&jobs[i], t); err != nil {
			m.torn = true
			return err
		}
	}
	m.base, m.dirty = t, m.dirty[:0]
	return nil
}

func (m *mirror) stageAll(jobs []task) error {
	for i := range jobs {
		if jobs[i].want.Absent() {
			jobs[i].trash = m.w.fresh("d")
			continue
		}
		if jobs[i].same {
			continue
		}
		if err := m.stageFile(&jobs[i]); err != nil {
			return err
		}
	}
	return nil
}

// unstage removes staged files before anything was displaced. Once a file has been
// placed its staged name holds what was displaced, and nothing is removed unread.
func (m *mirror) unstage(jobs []task) {
	for _, j := range jobs {
		if j.stage != "" {
			_ = unix.Unlinkat(m.w.stage, j.stage, 0)
		}
	}
}

// stageFile writes the wanted content beside the tree.
func (m *mirror) stageFile(j *task) error {
	data, err := m.w.blobs.Get(j.want.Hash)
	if err != nil {
		return err
	}
	name := m.w.fresh("s")
	if j.want.Kind == tree.Link {
		err = unix.Symlinkat(string(data), m.w.stage, name)
	} else {
		err = writeAt(m.w.stage, name, data, modeOf(j.want.Kind))
	}
	if err != nil {
		_ = unix.Unlinkat(m.w.stage, name, 0)
		return &StorageError{"stage", showPath(j.path), err}
	}
	j.stage = name
	var st unix.Stat_t
	if err := statAt(m.w.stage, name, &st); err != nil {
		return &StorageError{"stage", showPath(j.path), err}
	}
	j.staged = stampOf(&st)
	return nil
}

func modeOf(k tree.Kind) uint32 {
	if k == tree.Exec {
		return 0o755
	}
	return 0o644
}

// writeAt makes a file that must not be there yet. The mode is set apart, as the umask
// is not ours to choose.
func writeAt(dir int, name string, data []byte, mode uint32) error {
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	for len(data) > 0 && err == nil {
		var n int
		if n, err = unix.Write(fd, data); n > 0 {
			data = data[n:]
		}
		if errors.Is(err, unix.EINTR) {
			err = nil
		}
	}
	if err == nil {
		err = unix.Fchmod(fd, mode)
	}
	return errors.Join(err, unix.Close(fd))
}

func (m *mirror) apply(j *task, t *tree.Tree) error {
	if j.same && !j.want.Absent() {
		m.rec(j.path).base = j.want
		return nil
	}
	if err := m.w.opt.fail("apply"); err != nil {
		return err
	}
	if j.want.Absent() {
		return m.remove(j, t)
	}
	return m.put(j)
}

// put places a staged file. What was there is judged afterwards, when it is in our
// hands: looking first and replacing then would lose a change made in between.
func (m *mirror) put(j *task) error {
	dir, base, err := makeParents(m.fd, j.path, m.clear)
	if err != nil {
		return &StorageError{"make the folders of", showPath(j.path), err}
	}
	defer closeUnless(dir, m.fd)
	displaced, exchanged, err := m.w.swap(m.w.stage, j.stage, dir, base)
	if err != nil {
		return &StorageError{"place", showPath(j.path), err}
	}
	if !exchanged {
		m.w.count(func(s *Stats) { s.Unexchanged++ })
	}
	m.note(dir, base, j)
	if err := m.w.opt.fail("placed"); err != nil {
		return err
	}
	name := j.stage
	if j.stage = ""; displaced {
		return m.dispose(name, j)
	}
	if !j.have.Absent() && m.verify {
		return m.late(j.path, j.have, tree.Entry{}, "deleted while it was being replaced")
	}
	return nil
}

// note records what a path holds now. The inode is the staged one, as it was staged,
// unless someone was quicker; then the next scan looks at the content.
func (m *mirror) note(dir int, base string, j *task) {
	r := m.rec(j.path)
	*r = rec{base: j.want, have: j.want, gen: r.gen, ignored: r.ignored}
	var st unix.Stat_t
	if statAt(dir, base, &st) != nil {
		return
	}
	r.st = stampOf(&st)
	r.sure = r.st.sameContent(j.staged) && r.st.nlink == 1 && !m.w.clock.blind && !m.fresh(r.st) && !m.unsettled(r.st)
}

// remove takes a path away, and the folders that are empty without it.
func (m *mirror) remove(j *task, t *tree.Tree) error {
	r := m.rec(j.path)
	if r.have.Absent() && (r.refusal == "" || r.keep) {
		if r.base = (tree.Entry{}); r.refusal == "" {
			m.drop(j.path)
		}
		return nil
	}
	dir, base, err := parentOf(m.fd, j.path)
	if errors.Is(err, unix.EACCES) { // a folder without permissions: the forced way repairs them
		dir, base, err = makeParents(m.fd, j.path, func(int, string, string) error { return unix.ENOTDIR })
	}
	if missing(err) {
		m.drop(j.path)
		return nil
	}
	if err != nil {
		return &StorageError{"remove", showPath(j.path), err}
	}
	defer closeUnless(dir, m.fd)
	makeWritable(dir)
	err = unix.Renameat(dir, base, m.w.stage, j.trash)
	if err != nil && !missing(err) {
		return &StorageError{"remove", showPath(j.path), err}
	}
	if err == nil {
		if err := m.w.opt.fail("placed"); err != nil {
			return err
		}
		if err := m.dispose(j.trash, j); err != nil {
			return err
		}
	}
	m.drop(j.path)
	m.prune(j.path, t)
	return nil
}

func missing(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP)
}

// prune removes the folders above a removed path that hold nothing any more.
func (m *mirror) prune(path string, t *tree.Tree) {
	for i := strings.LastIndexByte(path, '/'); i > 0; i = strings.LastIndexByte(path, '/') {
		if path = path[:i]; t.HasDir(path) {
			return
		}
		dir, base, err := parentOf(m.fd, path)
		if err != nil {
			return
		}
		err = unix.Unlinkat(dir, base, unix.AT_REMOVEDIR)
		closeUnless(dir, m.fd)
		if err != nil {
			return
		}
	}
}

// clear moves away what stands where a folder must be.
func (m *mirror) clear(dir int, name, path string) error {
	staged := m.w.fresh("d")
	if err := unix.Renameat(dir, name, m.w.stage, staged); err != nil {
		return err
	}
	j := m.rec(path).task(path)
	m.drop(path)
	return m.dispose(staged, &j)
}
