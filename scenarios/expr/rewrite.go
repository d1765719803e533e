package expr

import (
	"slices"
	"strconv"

	"go.starlark.net/syntax"
)

// Names that no program can write, for what the operators are turned into.
const (
	attrName   = "."
	repeatName = "*"
)

// rewrite replaces two operators by calls of our own functions, so that x.key also
// reads a dict's key and x * y cannot fill the memory. The rest stays as it is, and
// so do all positions.
func rewrite(x syntax.Expr) syntax.Expr {
	switch x := x.(type) {
	case *syntax.DotExpr:
		name := &syntax.Literal{Token: syntax.STRING, TokenPos: x.Name.NamePos, Raw: strconv.Quote(x.Name.Name), Value: x.Name.Name}
		return call(attrName, x.Name.NamePos, rewrite(x.X), name)
	case *syntax.BinaryExpr:
		x.X, x.Y = rewrite(x.X), rewrite(x.Y)
		if x.Op == syntax.STAR {
			return call(repeatName, x.OpPos, x.X, x.Y)
		}
	case *syntax.Comprehension:
		rewriteComprehension(x)
	case *syntax.LambdaExpr:
		rewriteAll(x.Params)
		x.Body = rewrite(x.Body)
	default:
		rewriteParts(x)
	}
	return x
}

func call(name string, pos syntax.Position, args ...syntax.Expr) syntax.Expr {
	return &syntax.CallExpr{Fn: &syntax.Ident{NamePos: pos, Name: name}, Lparen: pos, Args: args, Rparen: pos}
}

func rewriteAll(list []syntax.Expr) {
	for i, x := range list {
		list[i] = rewrite(x)
	}
}

func rewriteParts(x syntax.Expr) {
	switch x := x.(type) {
	case *syntax.CallExpr:
		x.Fn = rewrite(x.Fn)
		rewriteAll(x.Args)
	case *syntax.CondExpr:
		x.Cond, x.True, x.False = rewrite(x.Cond), rewrite(x.True), rewrite(x.False)
	case *syntax.DictEntry:
		x.Key, x.Value = rewrite(x.Key), rewrite(x.Value)
	case *syntax.DictExpr:
		rewriteAll(x.List)
	case *syntax.IndexExpr:
		x.X, x.Y = rewrite(x.X), rewrite(x.Y)
	case *syntax.ListExpr:
		rewriteAll(x.List)
	case *syntax.ParenExpr:
		x.X = rewrite(x.X)
	case *syntax.SliceExpr:
		x.X, x.Lo, x.Hi, x.Step = rewrite(x.X), optional(x.Lo), optional(x.Hi), optional(x.Step)
	case *syntax.TupleExpr:
		rewriteAll(x.List)
	case *syntax.UnaryExpr:
		x.X = optional(x.X)
	}
}

func optional(x syntax.Expr) syntax.Expr {
	if x == nil {
		return nil
	}
	return rewrite(x)
}

func rewriteComprehension(x *syntax.Comprehension) {
	x.Body = rewrite(x.Body)
	for _, clause := range x.Clauses {
		switch c := clause.(type) {
		case *syntax.ForClause:
			c.X = rewrite(c.X) // Vars are names, or dict places, which we leave
		case *syntax.IfClause:
			c.Cond = rewrite(c.Cond)
		}
	}
}

// unfold turns low(rate("x")) into low("rate", "x"), likewise high and width: an
// interval cannot be told from the number that rate returns. It concerns only places
// that offer these names; elsewhere they are the expression's own.
func unfold(x syntax.Expr, offered []string) {
	syntax.Walk(x, func(n syntax.Node) bool {
		outer, ok := n.(*syntax.CallExpr)
		if !ok || len(outer.Args) != 1 || !isInterval(outer.Fn, offered) {
			return true
		}
		inner, ok := outer.Args[0].(*syntax.CallExpr)
		if !ok {
			return true
		}
		if name, ok := inner.Fn.(*syntax.Ident); ok {
			first := &syntax.Literal{Token: syntax.STRING, TokenPos: name.NamePos, Raw: strconv.Quote(name.Name), Value: name.Name}
			outer.Args = append([]syntax.Expr{first}, inner.Args...)
		}
		return true
	})
}

func isInterval(fn syntax.Expr, offered []string) bool {
	id, ok := fn.(*syntax.Ident)
	return ok && slices.Contains([]string{"low", "high", "width"}, id.Name) && slices.Contains(offered, id.Name)
}
