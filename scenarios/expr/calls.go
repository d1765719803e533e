package expr

import (
	"slices"

	"go.starlark.net/syntax"
)

// Call is a call in an expression of one of the offered names with a literal text as
// its first argument, like series("stock"): what can be checked before it is made.
type Call struct {
	Fn, Arg   string
	File      string
	Line, Col int // of the argument
}

// Calls returns such calls of the template, in order.
func (t *Template) Calls() []Call {
	var out []Call
	for _, p := range t.parts {
		if p.code != nil {
			out = append(out, p.code.calls...)
		}
	}
	return out
}

// Calls returns such calls of the expression, in order.
func (e *Expr) Calls() []Call { return slices.Clone(e.calls) }

func (s Source) callsOf(x syntax.Expr, names []string) []Call {
	var out []Call
	syntax.Walk(x, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		fn, isName := call.Fn.(*syntax.Ident)
		arg, isLiteral := call.Args[0].(*syntax.Literal)
		if !isName || !isLiteral || arg.Token != syntax.STRING || !slices.Contains(names, fn.Name) {
			return true
		}
		line, col := s.At(s.offset(arg.TokenPos))
		out = append(out, Call{Fn: fn.Name, Arg: arg.Value.(string), File: s.File, Line: line, Col: col})
		return true
	})
	return out
}
