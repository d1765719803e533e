package tree

// Filter returns the tree of the paths that keep wants. Directories from which
// nothing is removed are shared; if nothing is removed at all, it returns t itself.
func (t *Tree) Filter(keep func(path string) bool) *Tree { return t.filter("", keep) }

func (t *Tree) filter(prefix string, keep func(string) bool) *Tree {
	old := t.list()
	nodes := make([]node, 0, len(old))
	changed := false
	for _, was := range old {
		now := was
		if was.dir != nil {
			now.dir = was.dir.filter(prefix+was.key, keep)
		}
		if was.dir != nil && now.dir != nil || was.dir == nil && keep(prefix+was.key) {
			nodes = append(nodes, now)
			changed = changed || now != was
		} else {
			changed = true
		}
	}
	if !changed {
		return t
	}
	return newTree(nodes)
}
