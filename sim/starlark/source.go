package star

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Source is a scenario's folder. Paths are slash separated, relative and clean; it is
// the source's part to keep symbolic links inside.
type Source interface {
	ReadFile(path string) ([]byte, error)
}

// maxSource bounds one Starlark file; a larger one is a mistake.
const maxSource = 4 << 20

func dialect() *syntax.FileOptions { return &syntax.FileOptions{Set: true} }

// loader runs files of one scenario folder, each once.
type loader struct {
	src     Source
	opts    options
	modules map[string]*module
}

// module is a file's result; open while it is being loaded.
type module struct {
	globals starlark.StringDict
	err     error
	open    bool
}

// load returns the frozen globals of a file.
func (l *loader) load(file string) (starlark.StringDict, error) {
	if m, ok := l.modules[file]; ok {
		if m.open {
			return nil, fmt.Errorf("%s is being loaded already: files may not load each other in a circle", file)
		}
		return m.globals, m.err
	}
	m := &module{open: true}
	l.modules[file] = m
	m.globals, m.err = l.exec(file)
	m.open = false
	return m.globals, m.err
}

func (l *loader) exec(file string) (starlark.StringDict, error) {
	if !fs.ValidPath(file) || file == "." || strings.Contains(file, `\`) {
		return nil, fmt.Errorf("%q: want a path inside the scenario folder", file)
	}
	text, err := l.src.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(text) > maxSource {
		return nil, fmt.Errorf("%s: %d bytes; a Starlark file may have %d", file, len(text), maxSource)
	}
	r := newRunner(l.opts)
	r.thread.Load = func(_ *starlark.Thread, name string) (starlark.StringDict, error) {
		return l.loadFrom(file, name)
	}
	r.begin(context.Background())
	globals, err := starlark.ExecFileOptions(dialect(), &r.thread, file, text, l.opts.builtins)
	if err != nil {
		return nil, evalError(err, file, "")
	}
	return globals, nil
}

// loadFrom serves a load statement; names are relative to the file it stands in.
func (l *loader) loadFrom(file, name string) (starlark.StringDict, error) {
	target := path.Join(path.Dir(file), name)
	if path.IsAbs(name) || !fs.ValidPath(target) {
		return nil, fmt.Errorf("%q lies outside the scenario folder", name)
	}
	return l.load(target)
}

// function is one that the harness calls: with as many of the arguments it could have
// as it wants.
type function struct {
	fn   *starlark.Function
	want int
	file string
}

// lookup finds a function that takes `least` to `most` positional arguments. It
// returns nil if there is none of that name.
func lookup(globals starlark.StringDict, file, name string, least, most int) (*function, error) {
	v, ok := globals[name]
	if !ok {
		return nil, nil
	}
	fn, ok := v.(*starlark.Function)
	if !ok {
		return nil, &EvalError{File: file, Message: fmt.Sprintf("%s is a %s; want a function", name, v.Type())}
	}
	want, err := arity(fn, least, most)
	if err != nil {
		return nil, positioned(fn.Position(), "", err.Error(), nil)
	}
	return &function{fn: fn, want: want, file: file}, nil
}

// arity says how many positional arguments fn is called with.
func arity(fn *starlark.Function, least, most int) (int, error) {
	plain := fn.NumParams() - fn.NumKwonlyParams()
	named := fn.NumParams()
	if fn.HasVarargs() {
		plain, named = plain-1, named-1
	}
	if fn.HasKwargs() {
		plain, named = plain-1, named-1
	}
	for i := min(plain, most); i < named; i++ {
		if fn.ParamDefault(i) == nil {
			return 0, tooMany(fn, i, most)
		}
	}
	if fn.HasVarargs() {
		return most, nil
	}
	if plain < least {
		return 0, fmt.Errorf("%s has %d parameters; want %s", fn.Name(), plain, between(least, most))
	}
	return min(plain, most), nil
}

func tooMany(fn *starlark.Function, i, most int) error {
	name, _ := fn.Param(i)
	return fmt.Errorf("%s: parameter %s has no default and gets no value; it is called with at most %d arguments", fn.Name(), name, most)
}

func between(least, most int) string {
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}
