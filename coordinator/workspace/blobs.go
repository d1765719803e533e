package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/sim/tree"
)

// blobs keeps content as files named by their SHA-256. It implements [tree.Blobs].
type blobs struct {
	dir  string
	sync bool

	mu      sync.Mutex
	known   map[tree.Hash]bool // written or verified by this process
	recent  map[tree.Hash][]byte
	held    int      // bytes in recent
	pending []string // written and not yet flushed
	seq     uint64
}

// manyBlobs is the number of new files from which one flush of the file system is
// cheaper than one for each file.
const manyBlobs = 16

// What was stored or read a moment ago is kept in memory: the views of all agents are
// brought to the same new content. When the room is used up it is emptied.
const (
	recentBlob  = 256 << 10
	recentBytes = 16 << 20
)

func openBlobs(dir string, sync bool) (*blobs, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, &StorageError{"make", dir, err}
	}
	if err := removeTemps(dir); err != nil {
		return nil, err
	}
	return &blobs{dir: dir, sync: sync, known: map[tree.Hash]bool{}, recent: map[tree.Hash][]byte{}}, nil
}

// tempPrefix starts the names of content that is being written.
const tempPrefix = ".tmp-"

// removeTemps removes what a killed process was writing. Its names may come again: in a
// container a coordinator has the same process id each time.
func removeTemps(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return &StorageError{"list", dir, err}
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tempPrefix) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return &StorageError{"remove half-written content in", dir, err}
		}
	}
	return nil
}

func (b *blobs) path(h tree.Hash) string { return filepath.Join(b.dir, h.String()) }

// Put stores data. A failure leaves nothing under the blob's name.
func (b *blobs) Put(data []byte) (tree.Hash, error) {
	h := tree.HashOf(data)
	b.mu.Lock()
	known := b.known[h]
	b.seq++
	temp := filepath.Join(b.dir, tempPrefix+strconv.Itoa(os.Getpid())+"-"+strconv.FormatUint(b.seq, 10))
	b.mu.Unlock()
	if known {
		return h, nil
	}
	name := b.path(h)
	if b.sound(h) {
		b.learn(h, "")
		return h, nil
	}
	if err := writeWhole(temp, data); err != nil {
		_ = os.Remove(temp)
		return h, &StorageError{"store content in", name, err}
	}
	if err := os.Rename(temp, name); err != nil {
		_ = os.Remove(temp)
		return h, &StorageError{"store content in", name, err}
	}
	b.remember(h, bytes.Clone(data))
	b.learn(h, name)
	return h, nil
}

// sound reports whether an earlier process left the whole blob; a torn one, which only
// a loss of power leaves, is written again.
func (b *blobs) sound(h tree.Hash) bool {
	data, err := os.ReadFile(b.path(h))
	return err == nil && tree.HashOf(data) == h
}

func (b *blobs) learn(h tree.Hash, written string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known[h] = true
	if written != "" && b.sync {
		b.pending = append(b.pending, written)
	}
}

func (b *blobs) remember(h tree.Hash, data []byte) {
	if len(data) > recentBlob {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.recent[h] != nil {
		return
	}
	if b.held += len(data); b.held > recentBytes {
		clear(b.recent)
		b.held = len(data)
	}
	b.recent[h] = data
}

func (b *blobs) recall(h tree.Hash) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.recent[h]
}

// Get returns the bytes of h, verified when they were read.
func (b *blobs) Get(h tree.Hash) ([]byte, error) {
	if data := b.recall(h); data != nil {
		return data, nil
	}
	data, err := os.ReadFile(b.path(h))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("workspace: content %s is not in the journal: %w", h, err)
	case err != nil:
		return nil, &StorageError{"read content from", b.path(h), err}
	case tree.HashOf(data) != h:
		return nil, fmt.Errorf("workspace: content %s in the journal is damaged: its bytes have hash %s", h, tree.HashOf(data))
	}
	b.remember(h, data)
	return data, nil
}

// has reports whether content is there, without reading it.
func (b *blobs) has(h tree.Hash) bool {
	b.mu.Lock()
	known := b.known[h]
	b.mu.Unlock()
	return known || b.sound(h)
}

// flush makes everything that was put durable. A failure keeps the list, so that the
// next flush tries again.
func (b *blobs) flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending) == 0 {
		return nil
	}
	if err := b.flushFiles(); err != nil {
		return &StorageError{"flush content in", b.dir, err}
	}
	b.pending = b.pending[:0]
	return nil
}

func (b *blobs) flushFiles() error {
	dir, err := os.Open(b.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	if len(b.pending) >= manyBlobs {
		return syncFS(int(dir.Fd()))
	}
	for _, name := range b.pending {
		if err := syncFile(name); err != nil {
			return err
		}
	}
	return dir.Sync()
}

func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func writeWhole(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
