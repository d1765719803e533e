package workspace

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// openDirAt opens the directory name in dir, unless it is a link or something is mounted
// there: then the error is EXDEV. Where openat2 is not to be had mounts are not noticed.
func openDirAt(dir int, name string) (int, error) {
	how := unix.OpenHow{Flags: openDirFlags | unix.O_CLOEXEC | unix.O_NOFOLLOW, Resolve: unix.RESOLVE_NO_XDEV}
	for {
		fd, err := unix.Openat2(dir, name, &how)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
			return openAt(dir, name, openDirFlags)
		}
		return fd, err
	}
}

// openBeneath opens path below the directory root without following any symbolic link
// and without leaving its mount.
// Where the kernel or a seccomp filter lacks openat2 it walks the elements instead.
func openBeneath(root int, path string, flags int) (int, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC | unix.O_NOFOLLOW),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
	}
	for range 100 { // EAGAIN: a rename raced with the lookup
		fd, err := unix.Openat2(root, path, &how)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
			return walkOpen(root, path, flags)
		}
		return fd, err
	}
	return -1, unix.EAGAIN
}

func renameExchange(od int, on string, nd int, nn string) error {
	return unix.Renameat2(od, on, nd, nn, unix.RENAME_EXCHANGE)
}

func renameNoReplace(od int, on string, nd int, nn string) error {
	return unix.Renameat2(od, on, nd, nn, unix.RENAME_NOREPLACE)
}

// chmodAt changes the mode of a file or directory that may not be readable, without
// following a link: an O_PATH descriptor needs no permission on the object itself.
func chmodAt(dir int, name string, mode uint32) error {
	fd, err := openAt(dir, name, unix.O_PATH)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return unix.ELOOP
	}
	return unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), mode)
}

// hasWriters reports whether anyone has the file open for writing, or mapped shared
// and writable: a read lease is then refused with EAGAIN (arbitration, section 5.4).
// Where leases are not to be had (another owner, a network file system) it says so by
// known, and callers assume the worse.
func hasWriters(fd int) (busy, known bool) {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
	if err == nil {
		_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK)
		return false, true
	}
	return true, errors.Is(err, unix.EAGAIN)
}

// syncFS flushes the file system that fd lies on.
func syncFS(fd int) error { return unix.Syncfs(fd) }

// bootID changes when the machine restarts; "" where it is unknown.
func bootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
