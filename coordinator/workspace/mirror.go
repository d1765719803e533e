package workspace

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/sim/tree"
)

// stamp is what lstat says about a file. Two equal stamps of a file that is not held
// open for writing mean equal content: every change of content moves ctime, which no
// program can set. Two equal stamps of a folder mean equal names, for the same reason.
// (Where two changes in a row may get the same ctime, see mirror.fresh.)
type stamp struct {
	dev, ino     uint64
	size         int64
	mode, nlink  uint32
	ctime, mtime int64 // ns
}

func stampOf(st *unix.Stat_t) stamp {
	return stamp{
		dev: uint64(st.Dev), ino: st.Ino, size: st.Size, mode: uint32(st.Mode), nlink: uint32(st.Nlink),
		ctime: st.Ctim.Nano(), mtime: st.Mtim.Nano(),
	}
}

// sameContent compares without ctime and link count, which a rename changes.
func (s stamp) sameContent(o stamp) bool {
	return s.dev == o.dev && s.ino == o.ino && s.size == o.size && s.mtime == o.mtime && s.mode == o.mode
}

func (s stamp) sameFile(o stamp) bool { return s.dev == o.dev && s.ino == o.ino }

func (s stamp) kind() uint32 { return s.mode & unix.S_IFMT }

// rec is what a mirror knows about one path.
type rec struct {
	base    tree.Entry // what the tree it was last brought to holds
	have    tree.Entry // what was last found on disk
	st      stamp
	sure    bool   // an equal stamp proves that have is still right
	refusal string // not "": what is there cannot be taken
	keep    bool   // refused, and left where it is if the tree holds nothing there
	ignored bool
	gen     uint64 // scan that last saw it
}

// node is a directory of recs.
type node struct {
	files   map[string]*rec
	dirs    map[string]*node
	names   []string // in the folder when its stamp was listed
	listed  stamp    // zero: not known
	ignored bool
	refusal string
	gen     uint64
}

func newNode() *node { return &node{files: map[string]*rec{}, dirs: map[string]*node{}} }

// mirror keeps a directory on disk equal to trees, and finds out how it differs. It is
// guarded by its owner's mutex.
type mirror struct {
	parent int    // descriptor of the directory that holds it
	name   string // its name there
	fd     int
	id     stamp // of fd: dev and ino tell whether it was replaced

	base   *tree.Tree
	top    *node
	gen    uint64
	dirty  []string // paths whose disk state differs from base, as of the last scan
	tick   int64    // when the last scan began, by the file system's clock, if that is coarse
	force  bool     // the last scan gave up: only a full clean-up is safe
	torn   bool     // bringing it to a tree stopped half way
	untold bool     // what the last scan found was told to nobody

	w      *Workspace
	verify bool // judge displaced files by hash, not by stamp
	moving bool // who writes there is not held still just now
	// late hears of content that was displaced and is not what the last scan found.
	late func(path string, base, found tree.Entry, why string) error

	reads bool // a folder that is read and never written

	buf  []byte // directory entries
	data []byte // file content
	ws   tree.WriteSet
	out  []Refusal
	seen int
}

// newMirror makes and opens the directory name below parent.
func (w *Workspace) newMirror(parent int, name string) (*mirror, error) {
	m := &mirror{
		parent: parent, name: name, fd: -1, w: w, top: newNode(),
		buf:  make([]byte, 8192),
		late: func(string, tree.Entry, tree.Entry, string) error { return nil },
	}
	if err := unix.Mkdirat(parent, name, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, &StorageError{"make", name, err}
	}
	return m, m.open()
}

func (m *mirror) open() error {
	fd, err := m.openDir(m.parent, m.name)
	if err != nil {
		return fmt.Errorf("workspace: open %s: %w", m.name, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return fmt.Errorf("workspace: open %s: %w", m.name, err)
	}
	m.close()
	m.fd, m.id = fd, stampOf(&st)
	return nil
}

func (m *mirror) close() {
	if m.fd >= 0 {
		unix.Close(m.fd)
	}
	m.fd = -1
}

// intact reports whether the directory is still the one that is open.
func (m *mirror) intact() bool {
	_, is := m.standing()
	return is
}

// standing is intact, with the directory's stamp.
func (m *mirror) standing() (now stamp, intact bool) {
	var st unix.Stat_t
	if statAt(m.parent, m.name, &st) != nil {
		return stamp{}, false
	}
	now = stampOf(&st)
	return now, now.sameFile(m.id)
}

// replant makes a new, empty directory where the old one was moved away or replaced;
// what stands there goes into quarantine as it is.
func (m *mirror) replant() error {
	err := moveOut(m.parent, m.name, m.w.quarantine, m.w.fresh("r"))
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return &StorageError{"move away what replaced", m.name, err}
	}
	if err := unix.Mkdirat(m.parent, m.name, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
		return &StorageError{"make", m.name, err}
	}
	m.top, m.base, m.dirty, m.force = newNode(), nil, nil, false
	return m.open()
}

// rec returns what is known about a path, making room for it if it is new.
func (m *mirror) rec(path string) *rec {
	d := m.top
	for {
		elem, rest, more := strings.Cut(path, "/")
		if !more {
			r := d.files[elem]
			if r == nil {
				r = &rec{}
				d.files[elem] = r
			}
			return r
		}
		next := d.dirs[elem]
		if next == nil {
			next = newNode()
			d.dirs[elem] = next
		}
		d, path = next, rest
	}
}

// drop forgets a path, and directories that then hold nothing.
func (m *mirror) drop(path string) { dropFrom(m.top, path) }

func dropFrom(d *node, path string) {
	elem, rest, more := strings.Cut(path, "/")
	if !more {
		delete(d.files, elem)
		return
	}
	if next := d.dirs[elem]; next != nil {
		dropFrom(next, rest)
		if len(next.files) == 0 && len(next.dirs) == 0 {
			delete(d.dirs, elem)
		}
	}
}
