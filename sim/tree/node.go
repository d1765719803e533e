package tree

import (
	"iter"
	"strings"
	"sync/atomic"
)

// Tree is an immutable set of paths with their entries, kept as a Merkle tree of
// directories. A nil *Tree is the empty tree and valid everywhere. All methods are
// safe for concurrent use.
//
// Getting costs the logarithm of the widths of the directories above a path; changing
// a path copies those directories, so it costs their widths; everything else is shared.
type Tree struct {
	nodes []node // sorted by key; never empty
	files int
	hash  atomic.Pointer[Hash] // of the listing; nil: not computed yet
}

// node is one name in a directory. The key is the name, with a slash behind it for a
// directory: keys in byte order make paths in byte order, and the key of every element
// of a path is a piece of the path.
type node struct {
	key   string
	entry Entry // of a file
	dir   *Tree // of a directory; nil for a file
}

func newTree(nodes []node) *Tree {
	if len(nodes) == 0 {
		return nil
	}
	t := &Tree{nodes: nodes}
	for _, n := range nodes {
		t.files += n.files()
	}
	return t
}

func (n node) files() int {
	if n.dir != nil {
		return n.dir.files
	}
	return 1
}

func (t *Tree) list() []node {
	if t == nil {
		return nil
	}
	return t.nodes
}

// find returns the node with a key, or nil.
func (t *Tree) find(key string) *node {
	nodes := t.list()
	i, ok := searchKey(nodes, key)
	if !ok {
		return nil
	}
	return &nodes[i]
}

// sub returns the directory at dir ("" is t itself), nil if there is none.
func (t *Tree) sub(dir string) *Tree {
	if dir == "" {
		return t
	}
	for path := dir + "/"; path != "" && t != nil; {
		var key string
		key, path = cutKey(path)
		n := t.find(key)
		if n == nil {
			return nil
		}
		t = n.dir
	}
	return t
}

// cutKey splits off the key of a path's first element: "a/b" is "a/" and "b".
func cutKey(path string) (key, rest string) {
	i := strings.IndexByte(path, '/') + 1
	if i == 0 {
		return path, ""
	}
	return path[:i], path[i:]
}

// Get returns the entry at path, and whether there is one. A directory has none.
func (t *Tree) Get(path string) (Entry, bool) {
	for {
		key, rest := cutKey(path)
		n := t.find(key)
		switch {
		case n == nil || n.dir != nil && rest == "":
			return Entry{}, false
		case n.dir == nil:
			return n.entry, true
		}
		t, path = n.dir, rest
	}
}

// HasDir reports whether dir is a directory, that is, whether any path lies below it.
// "" is the whole tree.
func (t *Tree) HasDir(dir string) bool { return t.sub(dir) != nil }

// Len returns the number of paths.
func (t *Tree) Len() int {
	if t == nil {
		return 0
	}
	return t.files
}

// All yields every path with its entry, in byte order of the paths.
func (t *Tree) All() iter.Seq2[string, Entry] {
	return func(yield func(string, Entry) bool) { t.walk("", yield) }
}

func (t *Tree) walk(prefix string, yield func(string, Entry) bool) bool {
	for _, n := range t.list() {
		if n.dir != nil {
			if !n.dir.walk(prefix+n.key, yield) {
				return false
			}
		} else if !yield(prefix+n.key, n.entry) {
			return false
		}
	}
	return true
}
