package workspace

import "golang.org/x/sys/unix"

func openDirAt(dir int, name string) (int, error) { return openAt(dir, name, openDirFlags) }

func openBeneath(root int, path string, flags int) (int, error) { return walkOpen(root, path, flags) }

func renameExchange(od int, on string, nd int, nn string) error {
	return unix.RenameatxNp(od, on, nd, nn, unix.RENAME_SWAP)
}

func renameNoReplace(od int, on string, nd int, nn string) error {
	return unix.RenameatxNp(od, on, nd, nn, unix.RENAME_EXCL)
}

func chmodAt(dir int, name string, mode uint32) error {
	return unix.Fchmodat(dir, name, mode, unix.AT_SYMLINK_NOFOLLOW)
}

// hasWriters cannot be known here: callers assume the worse.
func hasWriters(int) (busy, known bool) { return true, false }

func syncFS(fd int) error { return unix.Fsync(fd) }

func bootID() string { return "" }
