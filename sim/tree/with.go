package tree

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ClashError says that a change would make Path a file and a directory at once.
type ClashError struct{ Path string }

// Error names the path and the remedy.
func (e *ClashError) Error() string {
	return fmt.Sprintf("path %s would be a file and a directory: delete one of them in the same change", shown(e.Path))
}

// With returns the tree after setting every path of changes to its entry; an absent
// entry deletes the path, and deleting what is not there is no error. It fails on an
// invalid path or entry, and with a [*ClashError] if a path would be a file and a
// directory at once. Where nothing changes it returns t itself.
func (t *Tree) With(changes map[string]Entry) (*Tree, error) {
	edits := make([]edit, 0, len(changes))
	for _, path := range slices.Sorted(maps.Keys(changes)) {
		e := changes[path]
		if err := ValidPath(path); err != nil {
			return nil, err
		}
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("path %s: %w", shown(path), err)
		}
		edits = append(edits, edit{path, path, e})
	}
	return t.apply(edits)
}

// edit is one change on its way down: rest is what is left of path in a directory.
type edit struct {
	path, rest string
	entry      Entry
}

// apply merges the sorted edits, at least one, into the sorted nodes of a directory.
func (t *Tree) apply(edits []edit) (*Tree, error) {
	if len(edits) == 0 {
		return t, nil
	}
	prefix := edits[0].path[:len(edits[0].path)-len(edits[0].rest)]
	old := t.list()
	nodes := make([]node, 0, len(old)+len(edits))
	var added []string // keys
	changed := false
	for len(edits) > 0 {
		var key string
		var group []edit
		key, group, edits = cutGroup(edits)
		i, found := searchKey(old, key)
		nodes, old = append(nodes, old[:i]...), old[i:]
		var was node
		if found {
			was, old = old[0], old[1:]
		}
		now, err := was.apply(key, group)
		if err != nil {
			return nil, err
		}
		if now.key != "" {
			nodes = append(nodes, now)
			if !found {
				added = append(added, key)
			}
		}
		changed = changed || now != was
	}
	if !changed {
		return t, nil
	}
	after := newTree(append(nodes, old...))
	return after, after.clash(prefix, added)
}

func searchKey(nodes []node, key string) (int, bool) {
	return slices.BinarySearchFunc(nodes, key, func(n node, k string) int { return strings.Compare(n.key, k) })
}

// cutGroup splits off the edits that share the first key. They are neighbours, as
// the edits are sorted by path.
func cutGroup(edits []edit) (key string, group, rest []edit) {
	key, _ = cutKey(edits[0].rest)
	n := 1
	if strings.HasSuffix(key, "/") {
		for n < len(edits) && strings.HasPrefix(edits[n].rest, key) {
			n++
		}
	}
	return key, edits[:n], edits[n:]
}

// apply returns the node after its edits; without a key it is gone. n is the zero
// node where nothing was there.
func (n node) apply(key string, group []edit) (node, error) {
	if !strings.HasSuffix(key, "/") {
		if group[0].entry.Absent() {
			return node{}, nil
		}
		return node{key: key, entry: group[0].entry}, nil
	}
	for i := range group {
		group[i].rest = group[i].rest[len(key):]
	}
	dir, err := n.dir.apply(group)
	if err != nil || dir == nil {
		return node{}, err
	}
	return node{key: key, dir: dir}, nil
}

// clash looks for keys that were added and are there in the other form as well.
func (t *Tree) clash(prefix string, added []string) error {
	for _, key := range added {
		name := strings.TrimSuffix(key, "/")
		other := name
		if name == key {
			other = name + "/"
		}
		if t.find(other) != nil {
			return &ClashError{Path: prefix + name}
		}
	}
	return nil
}
