package star

import (
	"fmt"

	"github.com/sandtable/sandtable/scenarios/expr"
	"go.starlark.net/starlark"
)

// builtins are the names that every file may use besides the language's own: those of
// expressions, so that sum or round mean the same everywhere in a scenario. They are
// fetched by evaluating them, which is how package expr hands out values.
func builtins() starlark.StringDict {
	out := starlark.StringDict{}
	for _, name := range expr.Builtins() {
		e, err := expr.Compile(name, "builtin", 1, 1, nil)
		var v starlark.Value
		if err == nil {
			v, err = e.Eval(nil)
		}
		if err != nil {
			panic(fmt.Sprintf("star: the builtin %s: %v", name, err)) // a fault of the program, not of its input
		}
		out[name] = v
	}
	return out
}
