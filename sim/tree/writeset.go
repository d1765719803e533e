package tree

import (
	"fmt"
	"strings"
)

// Change is one path of a write set: what it held in the base and what it shall hold.
// Absent in either place stands for creation or deletion.
type Change struct {
	Path string `json:"path"`
	Base Entry  `json:"base"`
	New  Entry  `json:"new"`
}

// WriteSet is all path changes one author proposes in one stage, sorted by path,
// each path once.
type WriteSet []Change

// FromDiff returns the write set of an author who was given base and left now.
func FromDiff(base, now *Tree) WriteSet { return Diff(base, now) }

// Paths returns the paths, sorted.
func (ws WriteSet) Paths() []string {
	paths := make([]string, len(ws))
	for i, c := range ws {
		paths[i] = c.Path
	}
	return paths
}

// Validate returns nil if the set is one that [FromDiff] could have made: paths valid
// ([ValidPath]), sorted and each there once, entries possible, no change that changes
// nothing, no path that is to be a file and a directory.
func (ws WriteSet) Validate() error {
	files := make(map[string]bool, len(ws))
	for i, c := range ws {
		if err := c.check(); err != nil {
			return err
		}
		if i > 0 && ws[i-1].Path >= c.Path {
			return fmt.Errorf("write set: path %s comes after %s: sort by path, each path once",
				shown(c.Path), shown(ws[i-1].Path))
		}
		if !c.New.Absent() {
			files[c.Path] = true
		}
	}
	for _, c := range ws {
		if above, ok := fileAbove(c.Path, files); ok && !c.New.Absent() {
			return fmt.Errorf("write set: %w", &ClashError{Path: above})
		}
	}
	return nil
}

func (c Change) check() error {
	if err := ValidPath(c.Path); err != nil {
		return fmt.Errorf("write set: %w", err)
	}
	for _, e := range []Entry{c.Base, c.New} {
		if err := e.check(); err != nil {
			return fmt.Errorf("write set: path %s: %w", shown(c.Path), err)
		}
	}
	if c.Base == c.New {
		return fmt.Errorf("write set: path %s changes nothing: leave it out", shown(c.Path))
	}
	return nil
}

// fileAbove returns the first folder of path that is one of files.
func fileAbove(path string, files map[string]bool) (string, bool) {
	for i := 0; ; i++ {
		n := strings.IndexByte(path[i:], '/')
		if n < 0 {
			return "", false
		}
		i += n
		if files[path[:i]] {
			return path[:i], true
		}
	}
}
