package coordinator

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/sandtable/sandtable/coordinator/workspace"
	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim/tree"
)

// seeded is revision 0 of a cell with its files' bytes.
type seeded struct {
	tree  *tree.Tree
	bytes [][]byte
}

// seedOf returns a cell's revision 0. It is made once, by the workspace itself: what is
// left out, refused or taken as a link is then the same as in a run with processes.
func (m *Memory) seedOf(ctx context.Context, cell *scenarios.Cell) (*seeded, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.seeds[cell]; s != nil {
		return s, nil
	}
	s, err := seedAside(ctx, m.plan.Scenario, cell)
	if err == nil {
		m.seeds[cell] = s
	}
	return s, err
}

// seedAside seeds a workspace in a folder that is gone when it returns.
func seedAside(ctx context.Context, s *scenarios.Scenario, cell *scenarios.Cell) (out *seeded, err error) {
	dir, err := os.MkdirTemp("", "st-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ws, err := workspace.Open(workspace.Options{
		Dir: filepath.Join(dir, "s"), Journal: filepath.Join(dir, "j"), Ignore: tree.Globs(s.Workspace.Ignore),
		NoSync: true, NoWatch: true,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ws.Close()) }()
	out = &seeded{}
	if out.tree, err = ws.Seed(ctx, seedFor(s, cell)); err != nil {
		return nil, err
	}
	for _, e := range out.tree.All() {
		data, err := ws.Blobs().Get(e.Hash)
		if err != nil {
			return nil, err
		}
		out.bytes = append(out.bytes, data)
	}
	return out, nil
}
