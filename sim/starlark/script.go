package star

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sandtable/sandtable/scenarios/expr"
	"go.starlark.net/starlark"
)

// DefaultFunction is the function of a scripted agent that names none.
const DefaultFunction = "act"

// Script is a scripted agent's function. Any number of actors may share one.
type Script struct {
	ref  string
	act  *function
	opts options
}

// LoadScript compiles the file that ref names, "file.star" or "file.star:function",
// and what it loads. The function is called as f(view, agent, turn, ctx) and may leave
// out parameters at the end. Errors inside Starlark are an [*EvalError].
func LoadScript(src Source, ref string, opts ...Option) (*Script, error) {
	file, name, named := strings.Cut(ref, ":")
	if !named {
		name = DefaultFunction
	}
	o := collect(opts)
	l := &loader{src: src, opts: o, modules: map[string]*module{}}
	globals, err := l.load(file)
	if err != nil {
		return nil, err
	}
	f, err := lookup(globals, file, name, 0, 4)
	if err == nil && f == nil {
		err = &EvalError{File: file, Message: fmt.Sprintf("there is no function %q%s", name, meant(globals, name))}
	}
	if err != nil {
		return nil, err
	}
	return &Script{ref: ref, act: f, opts: o}, nil
}

// meant suggests a function of the file.
func meant(globals starlark.StringDict, name string) string {
	var names []string
	for n, v := range globals {
		if _, ok := v.(*starlark.Function); ok && !strings.HasPrefix(n, "_") {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	switch near := expr.Nearest(name, names); {
	case near != "":
		return fmt.Sprintf("; did you mean %q?", near)
	case len(names) > 0:
		return "; it has " + strings.Join(names, ", ")
	}
	return ""
}

// String returns the reference that the script was loaded by.
func (s *Script) String() string { return s.ref }
