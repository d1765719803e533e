package workspace

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

const openDirFlags = unix.O_RDONLY | unix.O_DIRECTORY

// openAt opens one name in a directory without following a link.
func openAt(dir int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

func statAt(dir int, name string, st *unix.Stat_t) error {
	return unix.Fstatat(dir, name, st, unix.AT_SYMLINK_NOFOLLOW)
}

// walkOpen is openBeneath by hand. Paths hold no "..", so going element by element
// through descriptors cannot leave root.
func walkOpen(root int, path string, flags int) (int, error) {
	dir, owned := root, false
	for {
		elem, rest, more := strings.Cut(path, "/")
		mode := flags
		if more {
			mode = openDirFlags
		}
		fd, err := openAt(dir, elem, mode)
		if owned {
			unix.Close(dir)
		}
		if err != nil || !more {
			return fd, err
		}
		dir, owned, path = fd, true, rest
	}
}

// parentOf opens the directory above path. The caller closes it by closeUnless(fd, root).
func parentOf(root int, path string) (dir int, base string, err error) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return root, path, nil
	}
	dir, err = openBeneath(root, path[:i], openDirFlags)
	return dir, path[i+1:], mountpoint(err)
}

// mountpoint says of a way that leads through a mount what the kernel says of the mount
// itself: it cannot be moved or replaced.
func mountpoint(err error) error {
	if errors.Is(err, unix.EXDEV) {
		return unix.EBUSY
	}
	return err
}

func closeUnless(fd, root int) {
	if fd != root && fd >= 0 {
		unix.Close(fd)
	}
}

// openDirForced opens a directory; one without permissions gets them back first: modes
// of directories are not versioned, and the agent's are its own uid's in tier T0.
func openDirForced(dir int, name string) (int, error) {
	fd, err := openDirAt(dir, name)
	if errors.Is(err, unix.EACCES) && chmodAt(dir, name, 0o755) == nil {
		fd, err = openDirAt(dir, name)
	}
	return fd, err
}

// makeWritable gives the owner write and search permission on an open directory.
func makeWritable(fd int) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil && st.Mode&0o300 != 0o300 {
		_ = unix.Fchmod(fd, uint32(st.Mode&0o777)|0o700)
	}
}

// makeParents opens the directory above path, making the directories that are missing.
// What stands in the way of one is given to clear, which must move it away.
func makeParents(root int, path string, clear func(dir int, name, path string) error) (int, string, error) {
	dir, rest, done := root, path, 0
	for {
		elem, tail, more := strings.Cut(rest, "/")
		if !more {
			makeWritable(dir)
			return dir, elem, nil
		}
		done += len(elem)
		fd, err := enterDir(dir, elem, path[:done], clear)
		closeUnless(dir, root)
		if err != nil {
			return -1, "", err
		}
		dir, rest, done = fd, tail, done+1
	}
}

// stubborn is how often something is tried again that someone else keeps undoing. The
// agent is frozen as a rule, and one round is enough.
const stubborn = 100

// enterDir opens the directory name, whatever it takes.
func enterDir(dir int, name, path string, clear func(dir int, name, path string) error) (int, error) {
	for range stubborn {
		fd, err := openDirForced(dir, name)
		switch {
		case err == nil:
			return fd, nil
		case errors.Is(err, unix.EACCES):
			makeWritable(dir)
			if fd, err = openDirForced(dir, name); err == nil {
				return fd, nil
			}
		case errors.Is(err, unix.ENOENT):
			makeWritable(dir)
			err = unix.Mkdirat(dir, name, 0o755)
		case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
			makeWritable(dir)
			err = clear(dir, name, path)
		}
		if err != nil && !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.ENOENT) {
			return -1, mountpoint(err)
		}
	}
	return -1, unix.EBUSY
}

// listDir returns the names in an open directory, without "." and "..".
func listDir(fd int, buf []byte) ([]string, error) {
	if _, err := unix.Seek(fd, 0, 0); err != nil { // the top folder's descriptor is kept
		return nil, err
	}
	var names []string
	for {
		n, err := unix.ReadDirent(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n <= 0 {
			return names, err
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// removeTree removes name and all below it, without following links. Folders in it are
// moved up beside it first: however deep it is, one descriptor is enough.
func removeTree(dir int, name string) error {
	todo, made := []string{name}, 0
	for len(todo) > 0 {
		next := todo[len(todo)-1]
		if removed(dir, next) {
			todo = todo[:len(todo)-1]
			continue
		}
		inner, err := flatten(dir, next, func() string { made++; return fmt.Sprintf("%s.%d", name, made) })
		if todo = append(todo[:len(todo)-1], inner...); err != nil {
			return err
		}
	}
	return nil
}

// removed removes a name that is no folder, or an empty one.
func removed(dir int, name string) bool {
	err := unix.Unlinkat(dir, name, 0)
	return err == nil || errors.Is(err, unix.ENOENT) || unix.Unlinkat(dir, name, unix.AT_REMOVEDIR) == nil
}

// flatten removes a folder, and returns the names that the folders in it have got in dir.
func flatten(dir int, name string, fresh func() string) (inner []string, err error) {
	fd, err := openDirForced(dir, name)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	makeWritable(fd)
	names, err := listDir(fd, make([]byte, 8192))
	for _, n := range names {
		if removed(fd, n) {
			continue
		}
		up := fresh()
		if err := moveOut(fd, n, dir, up); err != nil {
			return inner, err
		}
		inner = append(inner, up)
	}
	return inner, errors.Join(err, unix.Unlinkat(dir, name, unix.AT_REMOVEDIR))
}

// swap puts the file staged as (sd, sn) at (dd, dn) and leaves what was there under
// the staged name. Nothing there: displaced is false. exchanged is false where the file
// system cannot exchange and a short window remains, in which a file put at (dd, dn) by
// someone else is overwritten unseen.
func swap(sd int, sn string, dd int, dn string) (displaced, exchanged bool, err error) {
	for range stubborn {
		err = renameNoReplace(sd, sn, dd, dn)
		if err == nil {
			return false, true, nil
		}
		if cannot(err) {
			return swapByLink(sd, sn, dd, dn)
		}
		if !errors.Is(err, unix.EEXIST) {
			return false, true, err
		}
		err = renameExchange(sd, sn, dd, dn)
		switch {
		case err == nil:
			return true, true, nil
		case cannot(err):
			return swapByLink(sd, sn, dd, dn)
		case !errors.Is(err, unix.ENOENT): // gone in between: try the first way again
			return false, true, err
		}
	}
	return false, true, err
}

func cannot(err error) bool {
	return errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP)
}

// swapByLink is swap for file systems without renameat2 flags.
func swapByLink(sd int, sn string, dd int, dn string) (bool, bool, error) {
	old := sn + ".old"
	err := unix.Linkat(dd, dn, sd, old, 0)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EISDIR) { // a directory
		err = unix.Renameat(dd, dn, sd, old)
	}
	displaced := err == nil
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return false, false, err
	}
	if err := unix.Renameat(sd, sn, dd, dn); err != nil {
		return false, false, err
	}
	if !displaced {
		return false, false, nil
	}
	return true, false, unix.Renameat(sd, old, sd, sn)
}

// swap is the package's swap, unless a test has put a worse one in its place. What is
// displaced may be a folder without permissions.
func (w *Workspace) swap(sd int, sn string, dd int, dn string) (displaced, exchanged bool, err error) {
	way := swap
	if w.opt.swap != nil {
		way = w.opt.swap
	}
	displaced, exchanged, err = way(sd, sn, dd, dn)
	if errors.Is(err, unix.EACCES) {
		openUp(dd, dn)
		displaced, exchanged, err = way(sd, sn, dd, dn)
	}
	return displaced, exchanged, err
}

// moveOut renames what may be a folder without permissions, out of a folder that may
// have none.
func moveOut(dir int, name string, to int, as string) error {
	err := unix.Renameat(dir, name, to, as)
	if errors.Is(err, unix.EACCES) {
		makeWritable(dir)
		openUp(dir, name)
		err = unix.Renameat(dir, name, to, as)
	}
	return err
}

// openUp gives the owner write permission on a folder that is to be moved: it holds its
// own way up, which a move changes.
func openUp(dir int, name string) {
	var st unix.Stat_t
	if statAt(dir, name, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		_ = chmodAt(dir, name, uint32(st.Mode&0o777)|0o700)
	}
}
