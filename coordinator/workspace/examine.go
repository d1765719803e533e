package workspace

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/sim/tree"
)

// readTries is how often a file that changes while it is read is read again.
const readTries = 4

// errMoved says that a name no longer holds what lstat saw.
var errMoved = errors.New("changed while it was read")

// examine finds out what a name holds whose stamp is new.
func (m *mirror) examine(fd int, name, path string, now stamp, r *rec) error {
	for range readTries {
		err := m.look(fd, name, path, now, r)
		if !errors.Is(err, errMoved) {
			return err
		}
		var st unix.Stat_t
		if err := statAt(fd, name, &st); err != nil {
			if errors.Is(err, unix.ENOENT) {
				r.gen--
			}
			return gone(err, path)
		}
		if now = stampOf(&st); now.kind() == unix.S_IFDIR {
			r.gen--
			return nil
		}
	}
	r.refuse(now, "it kept changing while it was read; stop what writes it before the turn ends", true)
	r.sure = false
	return nil
}

func (m *mirror) look(fd int, name, path string, now stamp, r *rec) error {
	if why := nameFault(path); why != "" {
		r.refuse(now, why, true)
		return nil
	}
	switch now.kind() {
	case unix.S_IFREG:
		return m.readFile(fd, name, path, now, r)
	case unix.S_IFLNK:
		return m.readLink(fd, name, path, now, r)
	}
	r.refuse(now, "it is a "+special(now.kind())+"; only files, folders and links can be shared", false)
	return nil
}

func special(kind uint32) string {
	switch kind {
	case unix.S_IFIFO:
		return "named pipe"
	case unix.S_IFSOCK:
		return "socket"
	case unix.S_IFBLK, unix.S_IFCHR:
		return "device"
	}
	return "special file"
}

func (r *rec) refuse(now stamp, why string, keep bool) {
	r.have, r.st, r.sure, r.refusal, r.keep = tree.Entry{}, now, true, why, keep
}

func (r *rec) accept(now stamp, e tree.Entry, sure bool) {
	r.have, r.st, r.sure, r.refusal, r.keep = e, now, sure, "", false
}

func (m *mirror) readLink(fd int, name, path string, now stamp, r *rec) error {
	buf := make([]byte, tree.MaxPath+1)
	n, err := unix.Readlinkat(fd, name, buf)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
		return errMoved
	}
	if err != nil {
		return fmt.Errorf("workspace: read link %s: %w", showPath(path), err)
	}
	if n > tree.MaxPath {
		r.refuse(now, "the symbolic link's target is too long", false)
		return nil
	}
	if why := linkFault(path, string(buf[:n])); why != "" {
		r.refuse(now, why, false)
		return nil
	}
	h, err := m.w.blobs.Put(buf[:n])
	if err != nil {
		return err
	}
	r.accept(now, tree.Entry{Kind: tree.Link, Hash: h, Size: int64(n)}, true)
	return nil
}

func (m *mirror) readFile(fd int, name, path string, now stamp, r *rec) error {
	switch {
	case now.mode&(unix.S_ISUID|unix.S_ISGID) != 0:
		r.refuse(now, "it has a set-user-id or set-group-id bit; remove it with chmod", false)
		return nil
	case now.size > m.w.opt.MaxFile:
		r.refuse(now, fmt.Sprintf("it has %d bytes, more than the limit of %d; make it smaller or leave it out", now.size, m.w.opt.MaxFile), true)
		return nil
	}
	file, err := m.openFile(fd, name, now)
	if err != nil {
		return r.unopened(moved(err, path), now)
	}
	defer unix.Close(file)
	return m.takeFile(file, path, r)
}

// moved turns the errors of a name that was replaced meanwhile into errMoved.
func moved(err error, path string) error {
	for _, e := range []error{unix.ENOENT, unix.ELOOP, unix.ENXIO, unix.ENODEV, unix.ENOTDIR, unix.EISDIR, errMoved} {
		if errors.Is(err, e) {
			return errMoved
		}
	}
	return fmt.Errorf("workspace: open %s: %w", showPath(path), err)
}

// unopened decides what a file means that does not open: only what concerns all files
// (no descriptors, no memory) fails the scan; the rest is this file's own affair.
func (r *rec) unopened(err error, now stamp) error {
	var errno unix.Errno
	switch {
	case errors.Is(err, errMoved), errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOMEM), !errors.As(err, &errno):
		return err
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		r.refuse(now, "the file cannot be read; change its permissions", true)
	case errors.Is(err, unix.EAGAIN):
		r.refuse(now, "a process holds a lease on the file; end it", true)
	default:
		r.refuse(now, "the file cannot be read: "+errno.Error(), true)
	}
	r.sure = false
	return nil
}

// openFile opens what lstat saw as a regular file: without blocking and without
// following, and only to find out whether it still is that file.
func (m *mirror) openFile(dir int, name string, want stamp) (int, error) {
	const flags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY
	fd, err := openAt(dir, name, flags)
	if errors.Is(err, unix.EACCES) && !m.reads && chmodAt(dir, name, want.mode&0o777|0o400) == nil {
		fd, err = openAt(dir, name, flags)
	}
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return -1, err
	}
	if now := stampOf(&st); now.kind() != unix.S_IFREG || now.dev != want.dev || now.ino != want.ino {
		unix.Close(fd)
		return -1, errMoved
	}
	return fd, nil
}

// takeFile reads an open file and stores its bytes, if they are one state of it.
func (m *mirror) takeFile(fd int, path string, r *rec) error {
	before, err := fstat(fd)
	if err != nil {
		return err
	}
	data, err := m.readAll(fd, before.size)
	if err != nil {
		return fmt.Errorf("workspace: read %s: %w", showPath(path), err)
	}
	busy, _ := hasWriters(fd)
	after, err := fstat(fd)
	if err != nil {
		return err
	}
	if after != before || int64(len(data)) != after.size {
		return errMoved
	}
	e := tree.Entry{Kind: fileKind(after.mode), Hash: tree.HashOf(data), Size: after.size}
	if e.Hash != r.base.Hash && e.Hash != r.have.Hash {
		if _, err := m.w.blobs.Put(data); err != nil {
			return err
		}
	}
	r.accept(after, e, !busy && !m.w.clock.blind && !m.fresh(after) && !m.unsettled(after))
	return nil
}

// fresh reports whether a change after the stamp was taken could get the same ctime. Clocks
// of files move by the timer tick on kernels before 6.13, by whole seconds on file systems
// that keep no more. A stamp from before the scan began is safe whatever the step is.
func (m *mirror) fresh(s stamp) bool { return m.w.clock.coarse && s.ctime >= m.tick }

// settling is longer than a timer tick, which is 10 ms at most.
const settling = 20 * time.Millisecond

// young reports whether a stamp may fail to move with a change that meets the look at it
// half way. Since 6.13 the kernel marks a ctime that somebody has looked at, so that the
// next change gives a finer one. But a change that has taken its time from the tick before
// the look swaps it in after it, without the mark (fs/inode.c, inode_set_ctime_current):
// where the ctime is of this very tick it stays what it was, and so it does with every
// further change within the tick. A stamp that is older than a tick is safe from that.
func young(s stamp) bool {
	age := time.Since(time.Unix(0, s.ctime))
	return age < settling
}

// unsettled is young for a file whose writers are not held still: in the head, always.
func (m *mirror) unsettled(s stamp) bool { return (m.verify || m.moving) && young(s) }

func fstat(fd int) (stamp, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return stamp{}, fmt.Errorf("workspace: fstat: %w", err)
	}
	return stampOf(&st), nil
}

func fileKind(mode uint32) tree.Kind {
	if mode&0o111 != 0 {
		return tree.Exec
	}
	return tree.File
}

// readAll reads at most one byte more than size into the mirror's buffer, which the
// next call uses again.
func (m *mirror) readAll(fd int, size int64) ([]byte, error) {
	if need := int(size) + 1; cap(m.data) < need {
		m.data = make([]byte, need)
	}
	buf, n := m.data[:size+1], 0
	for n < len(buf) {
		k, err := unix.Read(fd, buf[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if k == 0 {
			break
		}
		n += k
	}
	return buf[:n], nil
}
