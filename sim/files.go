package sim

import "github.com/sandtable/sandtable/sim/tree"

// fileView is how a world reads files.
type fileView interface {
	read(path string) (string, bool, error)
	list(glob string) ([]string, error)
	now() (*tree.Tree, tree.Blobs)
}

// treeFiles reads a tree that does not change.
type treeFiles struct {
	tree  *tree.Tree
	blobs tree.Blobs
}

// read follows no symbolic link: there is no text in one.
func (f treeFiles) read(path string) (string, bool, error) {
	e, ok := f.tree.Get(path)
	if !ok || e.Kind == tree.Link {
		return "", false, nil
	}
	data, err := f.blobs.Get(e.Hash)
	return string(data), err == nil, err
}

func (f treeFiles) list(glob string) ([]string, error) {
	globs := tree.Globs{glob}
	if err := globs.Check(); err != nil {
		return nil, err
	}
	var out []string
	for path := range f.tree.All() {
		if globs.Match(path) {
			out = append(out, path)
		}
	}
	return out, nil
}

func (f treeFiles) now() (*tree.Tree, tree.Blobs) { return f.tree, f.blobs }

// The game itself reads the head for a [Ctx]: it does not change while one is in use.
func (g *game) read(path string) (string, bool, error) { return treeFiles{g.head, g.blobs}.read(path) }

func (g *game) now() (*tree.Tree, tree.Blobs) { return g.head, g.blobs }

func (g *game) list(glob string) ([]string, error) { return treeFiles{g.head, g.blobs}.list(glob) }
