package coordinator

import (
	"os"
	"path/filepath"
	"sync"

	"github.com/sandtable/sandtable/coordinator/world"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// treeWorld lays the files that a call is about out before a world program is called, so
// that it can read the head with its own means.
type treeWorld struct {
	*world.World
	view func(*tree.Tree) error

	mu   sync.Mutex
	laid *tree.Tree // what the program was last shown
	some bool       // it was shown anything
}

// show lays out what is not laid out yet. Between two revisions the program is asked
// often, and by several goroutines, about the same files.
func (w *treeWorld) show(ctx *sim.Ctx) error {
	t, _ := ctx.Tree()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.some && w.laid == t {
		return nil
	}
	if err := w.view(t); err != nil {
		return err
	}
	w.laid, w.some = t, true
	return nil
}

// Setup calls the program.
func (w *treeWorld) Setup(ctx *sim.ResolveCtx) (sim.State, error) {
	if err := w.show(&ctx.Ctx); err != nil {
		return nil, err
	}
	return w.World.Setup(ctx)
}

// Resolve calls the program; the stage's write sets are among the files.
func (w *treeWorld) Resolve(s sim.State, moves []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
	if err := w.show(&ctx.Ctx); err != nil {
		return nil, err
	}
	return w.World.Resolve(s, moves, ctx)
}

// Observe calls the program.
func (w *treeWorld) Observe(s sim.State, seat *sim.Seat, ctx *sim.Ctx) (any, error) {
	if err := w.show(ctx); err != nil {
		return nil, err
	}
	return w.World.Observe(s, seat, ctx)
}

// Actions calls the program.
func (w *treeWorld) Actions(s sim.State, seat *sim.Seat, ctx *sim.Ctx) (any, error) {
	if err := w.show(ctx); err != nil {
		return nil, err
	}
	return w.World.Actions(s, seat, ctx)
}

// Check calls the program.
func (w *treeWorld) Check(s sim.State, seat *sim.Seat, action any, ctx *sim.Ctx) (string, error) {
	if err := w.show(ctx); err != nil {
		return "", err
	}
	return w.World.Check(s, seat, action, ctx)
}

// Done calls the program.
func (w *treeWorld) Done(s sim.State, ctx *sim.Ctx) (string, error) {
	if err := w.show(ctx); err != nil {
		return "", err
	}
	return w.World.Done(s, ctx)
}

// Score calls the program.
func (w *treeWorld) Score(s sim.State, ctx *sim.Ctx) (map[string]float64, error) {
	if err := w.show(ctx); err != nil {
		return nil, err
	}
	return w.World.Score(s, ctx)
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
