package expr

import (
	"fmt"
	"maps"

	"go.starlark.net/lib/json"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// maxJSON is how deep a text may be nested that json.decode reads: what Go's own decoder
// takes. Starlark's has no bound, and its recursion could use up the stack, which nothing
// can catch: a file of brackets that an agent leaves for the rules would end every run of
// the process.
const maxJSON = 10_000

// boundedJSON is Starlark's json module with a decode that refuses what is nested too deep
// as it refuses what is no JSON: with an error, or with the default.
func boundedJSON() starlark.Value {
	members := maps.Clone(json.Module.Members)
	members["decode"] = starlark.NewBuiltin("json.decode", decodeJSON)
	module := &starlarkstruct.Module{Name: json.Module.Name, Members: members}
	module.Freeze()
	return module
}

func decodeJSON(thread *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text string
	var otherwise starlark.Value
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "x", &text, "default?", &otherwise); err != nil {
		return nil, err
	}
	switch {
	case !deeper(text, maxJSON):
		return starlark.Call(thread, json.Module.Members["decode"], args, kwargs)
	case otherwise != nil:
		return otherwise, nil
	}
	return nil, fmt.Errorf("%s: nested deeper than %d", fn.Name(), maxJSON)
}

// deeper reports whether brackets stand more than most deep in a text. Of a text that is
// no JSON it may report either.
func deeper(text string, most int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > most {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}
