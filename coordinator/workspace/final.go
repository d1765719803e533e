package workspace

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/sim/tree"
)

// Final writes the published head to the directory dst: from the journal, not from the
// disk's tree, so that what is copied is what was decided. It is written beside dst and
// renamed into place; a dst from before is replaced.
func (w *Workspace) Final(dst string) error {
	head, _, ok := w.Head()
	if !ok {
		return fmt.Errorf("workspace: no revision to copy to %s", dst)
	}
	dst = filepath.Clean(dst)
	temp, old := dst+".new", dst+".old"
	for _, dir := range []string{temp, old} {
		if err := os.RemoveAll(dir); err != nil {
			return &StorageError{"remove", dir, err}
		}
	}
	if err := w.writeTree(temp, head); err != nil {
		_ = os.RemoveAll(temp)
		return err
	}
	if err := os.Rename(dst, old); err != nil && !os.IsNotExist(err) {
		return &StorageError{"replace", dst, err}
	}
	if err := os.Rename(temp, dst); err != nil {
		return &StorageError{"rename into place", dst, err}
	}
	if err := os.RemoveAll(old); err != nil {
		return &StorageError{"remove", old, err}
	}
	return nil
}

func (w *Workspace) writeTree(dir string, t *tree.Tree) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return &StorageError{"make", dir, err}
	}
	root, err := unix.Open(dir, openDirFlags|unix.O_CLOEXEC, 0)
	if err != nil {
		return &StorageError{"open", dir, err}
	}
	defer unix.Close(root)
	for path, e := range t.All() {
		if err := w.writeEntry(root, path, e); err != nil {
			return err
		}
	}
	return nil
}

func (w *Workspace) writeEntry(root int, path string, e tree.Entry) error {
	data, err := w.blobs.Get(e.Hash)
	if err != nil {
		return err
	}
	clear := func(int, string, string) error { return unix.ENOTDIR } // nothing else is in a new folder
	dir, base, err := makeParents(root, path, clear)
	if err != nil {
		return &StorageError{"make the folders of", showPath(path), err}
	}
	defer closeUnless(dir, root)
	if e.Kind == tree.Link {
		err = unix.Symlinkat(string(data), dir, base)
	} else {
		err = writeAt(dir, base, data, modeOf(e.Kind))
	}
	if err != nil {
		return &StorageError{"write", showPath(path), err}
	}
	return nil
}
