package tree

// Filter returns the tree of the paths that keep wants. Directories from which
// nothing is removed are shared; if nothing is removed at all, it returns t itself.
func (t *Tree) Filter(keep func(path string) bool) *Tree {
	f := filter{keep: keep}
	return f.dir("", t, nil, nil)
}

// FilterAgain returns [Tree.Filter] of t, given that view is old.Filter(keep) with the
// same keep, which must depend on the path alone. What t shares with old is not looked
// at again: after a change of one path it costs the widths of the directories above it.
func (t *Tree) FilterAgain(old, view *Tree, keep func(path string) bool) *Tree {
	f := filter{keep: keep}
	return f.dir("", t, old, view)
}

type filter struct{ keep func(path string) bool }

// dir filters one directory. old and view are what it was and what was left of it then;
// nil where nothing is known.
func (f filter) dir(prefix string, t, old, view *Tree) *Tree {
	if t == old {
		return view
	}
	was := known{old.list(), view.list()}
	nodes := make([]node, 0, len(t.list()))
	changed := false
	for _, n := range t.list() {
		before, after := was.at(n.key)
		now := f.node(prefix, n, before, after)
		if now.key != "" {
			nodes = append(nodes, now)
		}
		changed = changed || now != n
	}
	if !changed {
		return t
	}
	return newTree(nodes)
}

// node returns what is left of a node: the zero node if nothing is. before and after
// are the node of its key in the directory as it was and in its view.
func (f filter) node(prefix string, n, before, after node) node {
	switch {
	case before == n:
		return after
	case n.dir != nil:
		if n.dir = f.dir(prefix+n.key, n.dir, before.dir, after.dir); n.dir == nil {
			return node{}
		}
		return n
	case before.key != "" && after.key != "" || before.key == "" && f.keep(prefix+n.key):
		return n
	}
	return node{}
}

// known walks the nodes of a directory as it was and of its view, both sorted by key.
type known struct{ old, view []node }

// at returns the nodes of key, zero where there are none. Keys must be asked for in
// rising order.
func (k *known) at(key string) (before, after node) {
	k.old, before = advance(k.old, key)
	k.view, after = advance(k.view, key)
	return before, after
}

func advance(nodes []node, key string) ([]node, node) {
	for len(nodes) > 0 && nodes[0].key < key {
		nodes = nodes[1:]
	}
	if len(nodes) > 0 && nodes[0].key == key {
		return nodes[1:], nodes[0]
	}
	return nodes, node{}
}
