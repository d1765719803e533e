package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/sim/tree"
)

// keepBuffer is the largest buffer for file content that is kept between scans.
const keepBuffer = 1 << 20

// scan compares the directory with the tree it was last brought to.
func (m *mirror) scan(ctx context.Context) (tree.WriteSet, []Refusal, error) {
	m.gen++
	m.ws, m.out, m.seen, m.force = nil, nil, 0, false
	m.dirty = m.dirty[:0]
	if m.w.clock.coarse {
		m.tick = m.w.clock.now() // before anything is looked at
	}
	now, intact := m.standing()
	if !intact && m.verify && now.kind() == unix.S_IFDIR && m.open() == nil {
		now, intact = m.standing() // what someone put in the head's place is a foreign change of it
	}
	if !intact {
		return m.replaced()
	}
	err := m.walk(ctx, m.fd, m.top, now, "", 0)
	if cap(m.data) > keepBuffer {
		m.data = nil
	}
	if err != nil {
		return nil, nil, err
	}
	if m.force {
		return nil, []Refusal{{"", fmt.Sprintf(
			"it holds more than %d new names: nothing was taken, and it is put back to the shared tree", m.w.opt.MaxFiles)}}, nil
	}
	slices.SortFunc(m.ws, func(a, b tree.Change) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(m.out, func(a, b Refusal) int { return strings.Compare(a.Path, b.Path) })
	ws, out := m.ws, m.out
	m.ws, m.out = nil, nil
	return ws, out, nil
}

// replaced is the outcome of a scan that finds another directory in the place of its own.
func (m *mirror) replaced() (tree.WriteSet, []Refusal, error) {
	if m.reads {
		return nil, nil, fmt.Errorf("workspace: folder %s was replaced while it was read", showPath(m.name))
	}
	if err := m.replant(); err != nil {
		return nil, nil, err
	}
	return nil, []Refusal{{"", "its folder was moved away or replaced: nothing was taken, and it is laid out anew"}}, nil
}

// walk looks at all in a folder. now is what it was like before it was opened.
func (m *mirror) walk(ctx context.Context, fd int, d *node, now stamp, prefix string, depth int) error {
	d.gen = m.gen
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.list(fd, d, now); err != nil {
		return fmt.Errorf("workspace: list %s: %w", showPath(prefix), err)
	}
	for _, name := range d.names {
		if prefix == "" && name == tree.Reserved {
			continue
		}
		if m.isNew(d, prefix, name) {
			m.seen++
		}
		if m.force = m.seen > m.w.opt.MaxFiles; m.force {
			return nil
		}
		if err := m.visit(ctx, fd, d, prefix, name, depth); err != nil || m.force {
			return err
		}
	}
	m.vanish(d, prefix)
	return nil
}

// isNew reports whether a name is none of the tree's. Only those count against the limit:
// what was taken in earlier turns, from however many agents, is no excess of this one.
func (m *mirror) isNew(d *node, prefix, name string) bool {
	if r := d.files[name]; r != nil && !r.base.Absent() {
		return false
	}
	return !m.base.HasDir(prefix + name)
}

// list makes sure that a folder's names are known: it reads them, unless the folder is as it
// was when they were last read. The stamp is taken before the names, so that a name that
// comes or goes meanwhile makes the next scan read them again; one that is younger than a
// tick of the clock is not trusted (see young). Where stamps of files prove
// nothing those of folders are not trusted either: every file is read there anyway.
func (m *mirror) list(fd int, d *node, now stamp) (err error) {
	if d.listed == now && !m.w.clock.blind {
		return nil
	}
	d.listed = stamp{}
	if now, err = fstat(fd); err != nil {
		return err
	}
	d.names, err = listDir(fd, m.buf)
	if errors.Is(err, unix.ENOENT) { // the folder was removed since it was opened
		d.names = nil
		return nil
	}
	if err == nil && !m.fresh(now) && !young(now) {
		d.listed = now
	}
	return err
}

func (m *mirror) visit(ctx context.Context, fd int, d *node, prefix, name string, depth int) error {
	var st unix.Stat_t
	err := statAt(fd, name, &st)
	if errors.Is(err, unix.EACCES) && !m.reads { // a folder that may be listed and not entered
		makeWritable(fd)
		err = statAt(fd, name, &st)
	}
	if err != nil {
		return gone(err, prefix+name)
	}
	now := stampOf(&st)
	if now.kind() == unix.S_IFDIR {
		return m.enter(ctx, fd, d, now, prefix, name, depth)
	}
	r := d.files[name]
	if r == nil {
		r = m.meet(prefix + name)
		d.files[name] = r
	}
	r.gen = m.gen
	if r.ignored {
		return nil
	}
	if !r.sure || r.st != now {
		if err := m.examine(fd, name, prefix+name, now, r); err != nil {
			return err
		}
	}
	if r.gen == m.gen { // else it went away meanwhile, and vanish takes it from here
		m.collect(prefix, name, r)
	}
	return nil
}

// gone forgives a name that went away since it was listed.
func gone(err error, path string) error {
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return fmt.Errorf("workspace: look at %s: %w", showPath(path), err)
}

// meet makes the rec of a new name. What its name alone decides is decided here, once.
func (m *mirror) meet(path string) *rec { return &rec{ignored: m.w.opt.Ignore.Match(path)} }

// collect adds a path that differs from the base to the scan's result.
func (m *mirror) collect(prefix, name string, r *rec) {
	if r.refusal != "" {
		m.out = append(m.out, Refusal{prefix + name, r.refusal})
		m.dirty = append(m.dirty, prefix+name)
		return
	}
	if r.have != r.base {
		m.ws = append(m.ws, tree.Change{Path: prefix + name, Base: r.base, New: r.have})
	}
	if r.have != r.base || r.st.nlink > 1 {
		m.dirty = append(m.dirty, prefix+name)
	}
}

// enter walks into a directory.
func (m *mirror) enter(ctx context.Context, fd int, d *node, now stamp, prefix, name string, depth int) error {
	child := d.dirs[name]
	if child == nil {
		child = m.meetDir(prefix+name, depth)
		d.dirs[name] = child
	}
	child.gen = m.gen
	if child.ignored {
		return nil
	}
	if child.refusal != "" {
		m.out = append(m.out, Refusal{prefix + name, child.refusal})
		return nil
	}
	sub, err := m.openDir(fd, name)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		child.gen-- // replaced since it was listed: it is seen again by the next scan
		return nil
	case errors.Is(err, unix.EXDEV):
		m.out = append(m.out, Refusal{prefix + name, "something is mounted there; unmount it"})
		return nil
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		m.out = append(m.out, Refusal{prefix + name, "the folder cannot be read; change its permissions"})
		return nil
	case err != nil:
		return fmt.Errorf("workspace: open %s: %w", showPath(prefix+name), err)
	}
	defer unix.Close(sub)
	return m.walk(ctx, sub, child, now, prefix+name+"/", depth+1)
}

// openDir gives an agent's folder its permissions back if need be, a user's never.
func (m *mirror) openDir(fd int, name string) (int, error) {
	if m.reads {
		return openAt(fd, name, openDirFlags)
	}
	return openDirForced(fd, name)
}

func (m *mirror) meetDir(path string, depth int) *node {
	n := newNode()
	switch why := nameFault(path); {
	case m.prunes() && m.w.opt.Ignore.Match(path):
		n.ignored = true
	case why != "":
		n.refusal = why
	case depth >= maxDepth:
		n.refusal = fmt.Sprintf("it lies more than %d folders deep; move it up", maxDepth)
	}
	return n
}

// prunes reports whether an ignored folder may be left out whole: not if a pattern
// takes something back in.
func (m *mirror) prunes() bool {
	return !slices.ContainsFunc(m.w.opt.Ignore, func(p string) bool { return strings.HasPrefix(p, "!") })
}

// vanish notes what was there and was not seen by this scan.
func (m *mirror) vanish(d *node, prefix string) {
	for name, r := range d.files {
		if r.gen == m.gen || r.ignored {
			continue
		}
		if r.base.Absent() {
			delete(d.files, name)
			continue
		}
		r.have, r.sure, r.refusal, r.st = tree.Entry{}, false, "", stamp{}
		m.collect(prefix, name, r)
	}
	for name, child := range d.dirs {
		if child.gen == m.gen || child.ignored {
			continue
		}
		m.vanish(child, prefix+name+"/")
		if len(child.files) == 0 && len(child.dirs) == 0 {
			delete(d.dirs, name)
		}
	}
}
