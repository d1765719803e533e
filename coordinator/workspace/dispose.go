package workspace

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/sim/tree"
)

// dispose ends the life of something that was displaced and now lies in the stage
// directory. Bytes that the last scan did not see are stored and reported first.
func (m *mirror) dispose(staged string, j *task) error {
	var st unix.Stat_t
	if err := statAt(m.w.stage, staged, &st); err != nil {
		return &StorageError{"look at what was displaced from", showPath(j.path), err}
	}
	now := stampOf(&st)
	switch now.kind() {
	case unix.S_IFDIR:
		return m.disposeDir(staged, j)
	case unix.S_IFREG, unix.S_IFLNK:
		return m.disposeFile(staged, now, j)
	}
	return unlinkStaged(m.w.stage, staged, j.path)
}

func unlinkStaged(dir int, name, path string) error {
	if err := unix.Unlinkat(dir, name, 0); err != nil {
		return &StorageError{"remove what was displaced from", showPath(path), err}
	}
	return nil
}

// disposeFile reads what was displaced unless it is known to be what was expected. In
// the head it is always read: there a writer is not frozen.
func (m *mirror) disposeFile(staged string, now stamp, j *task) error {
	j.seen = now
	if m.verify || !j.sure || !j.st.sameContent(now) {
		if err := m.judge(staged, now, j); err != nil {
			return err
		}
	}
	if err := m.w.opt.fail("judged"); err != nil {
		return err
	}
	if now.kind() != unix.S_IFREG {
		return unlinkStaged(m.w.stage, staged, j.path)
	}
	return m.park(staged, j)
}

// judge stores what was displaced and reports it if it is not what was expected.
func (m *mirror) judge(staged string, now stamp, j *task) error {
	found, err := m.content(staged, now, j)
	if err != nil || found == j.have {
		return err
	}
	if found.Absent() {
		return m.dropped(now, j)
	}
	base := j.have
	j.have = found
	if j.refused {
		return nil
	}
	return m.late(j.path, base, found, "changed while it was being replaced")
}

// dropped notes that what was displaced has no bytes to store: a link that leaves the
// tree, a file too large (which stays in quarantine), a pipe. In a view the scan has
// named it already, or the next one finds it gone.
func (m *mirror) dropped(now stamp, j *task) error {
	if !m.verify {
		return nil
	}
	m.w.opt.Log.Warn("displaced from the head, not versioned", "path", j.path, "mode", now.mode, "size", now.size)
	return m.w.wal.append([]Record{{
		Type: RecSalvage, Path: j.path, Pre: j.have, Agent: foreignAuthor, Rev: m.w.rev, Via: "dropped",
		Evidence: "what was displaced cannot be versioned",
	}}, false, false)
}

// content reads and stores a displaced file. One that is too large to store is absent:
// it goes into quarantine as it is.
func (m *mirror) content(staged string, now stamp, j *task) (tree.Entry, error) {
	if now.kind() == unix.S_IFREG && now.size > m.w.opt.MaxFile {
		return tree.Entry{}, nil
	}
	now.mode &^= unix.S_ISUID | unix.S_ISGID // its bytes are kept all the same
	r := rec{}
	probe := *m
	probe.data, probe.base = nil, nil
	if err := probe.examine(m.w.stage, staged, j.path, now, &r); err != nil {
		return tree.Entry{}, err
	}
	j.seen = r.st
	return r.have, nil
}

// park keeps a displaced inode while someone may still write into it. Without writers
// it is looked at a last time, as one may have come and gone since it was read, and
// removed.
func (m *mirror) park(staged string, j *task) error {
	fd, err := openAt(m.w.stage, staged, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return unlinkStaged(m.w.stage, staged, j.path)
	}
	defer unix.Close(fd)
	busy, _ := hasWriters(fd) // before the look: who is gone by then writes no more
	st, err := fstat(fd)
	if err != nil {
		return err
	}
	one := parked{path: j.path, base: j.have, last: j.have}
	if st != j.seen {
		if err := m.inspectContent(fd, &one); err != nil {
			return err
		}
	}
	if !busy && st.size <= m.w.opt.MaxFile {
		return unlinkStaged(m.w.stage, staged, j.path)
	}
	one.name, one.m = m.w.fresh("q"), m
	if err := unix.Renameat(m.w.stage, staged, m.w.quarantine, one.name); err != nil {
		return &StorageError{"keep what was displaced from", showPath(j.path), err}
	}
	m.w.parked.add(one)
	return nil
}

// disposeDir stores the files of a displaced folder that no scan has seen, and removes
// it. Folders are displaced only when a file takes their place.
func (m *mirror) disposeDir(staged string, j *task) error {
	fd, err := openDirForced(m.w.stage, staged)
	if err != nil {
		return &StorageError{"look at what was displaced from", showPath(j.path), err}
	}
	err = m.salvage(fd, j.path, 0)
	unix.Close(fd)
	if err != nil {
		return err
	}
	if err := removeTree(m.w.stage, staged); err != nil {
		return &StorageError{"remove what was displaced from", showPath(j.path), err}
	}
	return nil
}

func (m *mirror) salvage(fd int, prefix string, depth int) error {
	names, err := listDir(fd, make([]byte, 8192))
	if err != nil || depth > maxDepth {
		return err
	}
	for _, name := range names {
		path := prefix + "/" + name
		if m.w.opt.Ignore.Match(path) {
			continue
		}
		var st unix.Stat_t
		if statAt(fd, name, &st) != nil {
			continue
		}
		if err := m.salvageOne(fd, name, path, stampOf(&st), depth); err != nil {
			return err
		}
	}
	return nil
}

func (m *mirror) salvageOne(fd int, name, path string, now stamp, depth int) error {
	if now.kind() == unix.S_IFDIR {
		sub, err := openDirForced(fd, name)
		if err != nil {
			return nil
		}
		defer unix.Close(sub)
		return m.salvage(sub, path, depth+1)
	}
	if now.kind() != unix.S_IFREG || now.size > m.w.opt.MaxFile || m.knows(path, now) {
		return nil
	}
	r := rec{}
	if err := m.examine(fd, name, path, now, &r); err != nil || r.have.Absent() {
		return err
	}
	return m.late(path, tree.Entry{}, r.have, "written into a folder that was being replaced")
}

// knows reports whether the last scan has stored exactly this file, and told of it.
func (m *mirror) knows(path string, now stamp) bool {
	if m.untold {
		return false
	}
	d := m.top
	for {
		elem, rest, more := strings.Cut(path, "/")
		if !more {
			r := d.files[elem]
			return r != nil && r.st.sameContent(now)
		}
		if d = d.dirs[elem]; d == nil {
			return false
		}
		path = rest
	}
}
