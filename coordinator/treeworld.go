package coordinator

import (
	"os"
	"path/filepath"

	"github.com/sandtable/sandtable/coordinator/world"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// treeWorld lays the files that a call is about out before a world program is called, so
// that it can read the head with its own means.
type treeWorld struct {
	*world.World
	view func(*tree.Tree) error
}

func (w *treeWorld) show(ctx *sim.Ctx) error {
	t, _ := ctx.Tree()
	return w.view(t)
}

// Setup lays the files out and calls the program.
func (w *treeWorld) Setup(ctx *sim.ResolveCtx) (sim.State, error) {
	if err := w.show(&ctx.Ctx); err != nil {
		return nil, err
	}
	return w.World.Setup(ctx)
}

// Resolve lays the files out, the stage's write sets among them, and calls the program.
func (w *treeWorld) Resolve(s sim.State, moves []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
	if err := w.show(&ctx.Ctx); err != nil {
		return nil, err
	}
	return w.World.Resolve(s, moves, ctx)
}

// layEntry writes one entry of a tree; a link is made as a link.
func layEntry(dir, path string, e tree.Entry, blobs tree.Blobs, write func(string, []byte, bool) error) error {
	data, err := blobs.Get(e.Hash)
	if err != nil {
		return err
	}
	if e.Kind != tree.Link {
		return write(path, data, e.Kind == tree.Exec)
	}
	name := filepath.Join(dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.Symlink(string(data), name)
}
