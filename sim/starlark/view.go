package star

import (
	"errors"
	"fmt"

	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
	"go.starlark.net/starlark"
)

// viewValue is a scripted agent's view argument: the tree it was given, with its own
// uncommitted writes.
type viewValue struct {
	opaque
	actor   *Actor
	ask     *sim.Ask
	opened  bool // base and now are set
	base    *tree.Tree
	now     *tree.Tree
	methods [5]starlark.Value
}

var _ starlark.HasAttrs = (*viewValue)(nil)

// begin opens the view for an attempt. After an unusable move the agent's files are as
// it left them; after a crash they are as the turn opened. The tree itself is asked for
// only when the script touches a file.
func (v *viewValue) begin(ask *sim.Ask) {
	v.ask = ask
	if ask.Retry == nil || ask.Retry.Category == sim.Crash {
		v.opened, v.base, v.now = false, nil, nil
	}
}

// open returns the files as the script has them now.
func (v *viewValue) open() *tree.Tree {
	if !v.opened {
		v.base = v.ask.View()
		v.now, v.opened = v.base, true
	}
	return v.now
}

// writes is what the script changed.
func (v *viewValue) writes() tree.WriteSet {
	if v.now == v.base {
		return nil
	}
	return tree.FromDiff(v.base, v.now)
}

func (v *viewValue) AttrNames() []string {
	return []string{"append", "list", "read", "remove", "write"}
}

func (v *viewValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "append":
		return bound(&v.methods[0], name, v.append), nil
	case "list":
		return bound(&v.methods[1], name, v.list), nil
	case "read":
		return bound(&v.methods[2], name, v.read), nil
	case "remove":
		return bound(&v.methods[3], name, v.remove), nil
	case "write":
		return bound(&v.methods[4], name, v.write), nil
	}
	return nil, nil
}

func (v *viewValue) read(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path string
	if err := starlark.UnpackArgs(name, args, kwargs, "path", &path); err != nil {
		return nil, err
	}
	text, ok, err := v.text(path)
	if err != nil || !ok {
		return starlark.None, err
	}
	return starlark.String(text), nil
}

// text reads a file; a symbolic link is not followed, and there is no text in it.
func (v *viewValue) text(path string) (string, bool, error) {
	if err := tree.ValidPath(path); err != nil {
		return "", false, illegal{err}
	}
	e, ok := v.open().Get(path)
	if !ok || e.Kind == tree.Link {
		return "", false, nil
	}
	if v.actor.blobs == nil {
		return "", false, errNoBlobs
	}
	data, err := v.actor.blobs.Get(e.Hash)
	if err != nil {
		return "", false, outside{err}
	}
	return string(data), true, nil
}

var errNoBlobs = outside{errors.New("this actor has no store for files: give NewActor the run's")}

func (v *viewValue) write(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return pathAndText(name, args, kwargs, v.put)
}

func (v *viewValue) append(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return pathAndText(name, args, kwargs, func(path, text string) error {
		old, _, err := v.text(path)
		if err != nil {
			return err
		}
		return v.put(path, old+text)
	})
}

// put sets a file's text; an executable stays one.
func (v *viewValue) put(path, text string) error {
	if err := tree.ValidPath(path); err != nil {
		return illegal{err}
	}
	if v.actor.blobs == nil {
		return errNoBlobs
	}
	hash, err := v.actor.blobs.Put([]byte(text))
	if err != nil {
		return outside{err}
	}
	kind := tree.File
	if old, ok := v.open().Get(path); ok && old.Kind == tree.Exec {
		kind = tree.Exec
	}
	return v.set(path, tree.Entry{Kind: kind, Hash: hash, Size: int64(len(text))})
}

func (v *viewValue) set(path string, e tree.Entry) error {
	next, err := v.open().With(map[string]tree.Entry{path: e})
	if err != nil {
		return illegal{err}
	}
	v.now = next
	return nil
}

func (v *viewValue) remove(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path string
	if err := starlark.UnpackArgs(name, args, kwargs, "path", &path); err != nil {
		return nil, err
	}
	return starlark.None, v.set(path, tree.Entry{})
}

func (v *viewValue) list(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	glob := "**"
	if err := starlark.UnpackArgs(name, args, kwargs, "glob?", &glob); err != nil {
		return nil, err
	}
	globs := tree.Globs{glob}
	if err := globs.Check(); err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	var paths []string
	for path := range v.open().All() {
		if globs.Match(path) {
			paths = append(paths, path)
		}
	}
	return texts(paths), nil
}
