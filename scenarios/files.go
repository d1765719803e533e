package scenarios

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Bounds on a scenario's folder.
const (
	maxFolderFiles = 20_000
	maxFolderBytes = 512 << 20
	maxReadBytes   = 16 << 20 // one file read by the scenario itself
)

// Files is a scenario's folder as it was when the scenario was loaded. Reading goes
// through one root that neither ".." nor a symbolic link leads out of, and what is
// read is compared with its hash at loading: a file that changed since is an error,
// not a different experiment. It may be used by many goroutines at a time.
type Files struct {
	dir    string
	hashes map[string]entryHash

	mu    sync.Mutex
	cache map[string][]byte
}

// entryHash is what is known of a file of the folder.
type entryHash struct {
	kind    string // file, exec or link
	content string // hash of the bytes that reading it gives; "" if it cannot be read
	target  string // of a link: where it points
}

// String is what the digest covers.
func (h entryHash) String() string { return fmt.Sprintf("%s %s %q", h.kind, h.content, h.target) }

// openFiles lists and hashes the folder. Not part of a scenario are hidden files at its
// top, .git anywhere, and what runs leave behind: the folder runs, bytecode caches.
func openFiles(dir string) (*Files, error) {
	f := &Files{dir: dir, hashes: map[string]entryHash{}, cache: map[string][]byte{}}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var size int64
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if skipped(name, d) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		n, err := f.hash(root, name, d)
		if size += n; err == nil && (len(f.hashes) > maxFolderFiles || size > maxFolderBytes) {
			err = fmt.Errorf("the scenario's folder holds more than %d files or %d MiB; give the scenario a folder of its own", maxFolderFiles, maxFolderBytes>>20)
		}
		return err
	})
	return f, err
}

func skipped(name string, d fs.DirEntry) bool {
	base := path.Base(name)
	switch {
	case name == ".":
		return false
	case base == name && strings.HasPrefix(base, "."), base == ".git", base == ".DS_Store":
		return true
	case d.IsDir():
		return base == "__pycache__" || name == "runs"
	}
	return strings.HasSuffix(base, ".pyc")
}

// hash notes what a file is and returns its size.
func (f *Files) hash(root *os.Root, name string, d fs.DirEntry) (int64, error) {
	switch {
	case d.Type()&fs.ModeSymlink != 0:
		return f.hashLink(root, name)
	case !d.Type().IsRegular():
		return 0, nil // a socket or pipe is nobody's input
	}
	size, h, err := contentOf(root, name)
	if err == nil {
		f.hashes[name] = h
	}
	return size, err
}

// hashLink notes a link by where it points and by what reading it gives: that may be a
// file which is not part of the scenario otherwise.
func (f *Files) hashLink(root *os.Root, name string) (int64, error) {
	target, err := root.Readlink(name)
	if err != nil {
		return 0, err
	}
	var size int64
	h := entryHash{}
	if info, err := root.Stat(name); err == nil && info.Mode().IsRegular() {
		if size, h, err = contentOf(root, name); err != nil {
			return 0, err
		}
	}
	f.hashes[name] = entryHash{"link", h.content, target}
	return size, nil
}

func contentOf(root *os.Root, name string) (int64, entryHash, error) {
	file, err := root.Open(name)
	if err != nil {
		return 0, entryHash{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, entryHash{}, err
	}
	h := sha256.New()
	size, err := io.Copy(h, io.LimitReader(file, maxFolderBytes+1))
	kind := "file"
	if info.Mode()&0o111 != 0 {
		kind = "exec"
	}
	return size, entryHash{kind: kind, content: hex.EncodeToString(h.Sum(nil))}, err
}

// Dir returns the folder.
func (f *Files) Dir() string { return f.dir }

// Name returns how a file of the folder is called in messages.
func (f *Files) Name(path string) string { return filepath.Join(f.dir, filepath.FromSlash(path)) }

// Digest is a SHA-256 over the paths, kinds and hashes of all files of the folder:
// two folders with the same digest hold the same scenario.
func (f *Files) Digest() string {
	h := sha256.New()
	for _, name := range f.List() {
		fmt.Fprintf(h, "%d:%s %s\n", len(name), name, f.hashes[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// List returns the paths of the folder's files, sorted.
func (f *Files) List() []string {
	out := make([]string, 0, len(f.hashes))
	for name := range f.hashes {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Under returns the paths of the files below a folder of the folder, sorted.
func (f *Files) Under(folder string) []string {
	var out []string
	for _, name := range f.List() {
		if strings.HasPrefix(name, folder+"/") {
			out = append(out, name)
		}
	}
	return out
}

// Has reports whether the folder holds a file of that path.
func (f *Files) Has(path string) bool { _, ok := f.hashes[path]; return ok }

// Read returns the bytes of a file. The caller must not change them.
func (f *Files) Read(path string) ([]byte, error) {
	if err := CheckPath(path); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if data, ok := f.cache[path]; ok {
		return data, nil
	}
	data, err := f.read(path)
	if err == nil {
		f.cache[path] = data
	}
	return data, err
}

func (f *Files) read(path string) ([]byte, error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := root.Open(filepath.FromSlash(path))
	if err != nil {
		return nil, f.explain(path, err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxReadBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxReadBytes {
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxReadBytes>>20)
	}
	return data, f.same(path, data)
}

// same refuses bytes that are not those of the digest.
func (f *Files) same(path string, data []byte) error {
	want, ok := f.hashes[path]
	if !ok {
		return fmt.Errorf("%s was not in the scenario's folder when it was loaded, or is hidden", path)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want.content {
		return fmt.Errorf("%s has changed since the scenario was loaded", path)
	}
	return nil
}

func (f *Files) explain(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no file %s in the scenario's folder%s", path, meant(path, f.List()))
	}
	if f.Has(path) {
		return fmt.Errorf("%s leads out of the scenario's folder, or cannot be read", path)
	}
	return fmt.Errorf("%s cannot be read", path)
}
