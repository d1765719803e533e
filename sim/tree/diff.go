package tree

import "strings"

// Diff returns what changes from a to b, sorted by path: Base is a's entry, New is
// b's, and absent stands for a path that one of them does not have. Directories that
// the trees share are skipped, so that the cost is that of what differs.
func Diff(a, b *Tree) []Change {
	var out []Change
	diffDir("", a, b, func(c Change) { out = append(out, c) })
	return out
}

// diffDir walks two directories side by side. Hashes are compared only where both are
// known: to compute them would cost more than the walk.
func diffDir(prefix string, a, b *Tree, emit func(Change)) {
	if a == b || sameHash(a, b) {
		return
	}
	left, right := a.list(), b.list()
	for len(left) > 0 || len(right) > 0 {
		var was, now node
		side := 0
		switch {
		case len(left) == 0:
			side = 1
		case len(right) == 0:
			side = -1
		default:
			side = strings.Compare(left[0].key, right[0].key)
		}
		if side <= 0 {
			was, left = left[0], left[1:]
		}
		if side >= 0 {
			now, right = right[0], right[1:]
		}
		diffNode(prefix+max(was.key, now.key), was, now, emit)
	}
}

// diffNode compares two nodes of one key, of which one may be the zero node.
func diffNode(path string, was, now node, emit func(Change)) {
	if was.dir != nil || now.dir != nil {
		diffDir(path, was.dir, now.dir, emit)
	} else if was.entry != now.entry {
		emit(Change{Path: path, Base: was.entry, New: now.entry})
	}
}

func sameHash(a, b *Tree) bool {
	if a == nil || b == nil {
		return false // the empty tree is nil, so the other one is not empty
	}
	x, y := a.hash.Load(), b.hash.Load()
	return x != nil && y != nil && *x == *y
}
