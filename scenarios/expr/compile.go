package expr

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// MaxSource is the length of the longest expression, in bytes.
const MaxSource = 64 << 10

// Expr is one compiled expression.
type Expr struct {
	source Source
	fn     *starlark.Function
	names  []string // what fn's parameters are called, in order
	calls  []Call
}

// Source is the text of an expression and where its bytes stand in a file.
type Source struct {
	Text string
	File string
	// At gives line and column, both from 1, columns in runes, of a byte offset in
	// Text. The text of a YAML scalar is not a piece of its file byte for byte.
	At func(offset int) (line, col int)
}

// Error is a fault in an expression, at its place in the file.
type Error struct {
	File      string
	Line, Col int
	Msg       string
	// Undefined is the name that is not there, when that is the fault.
	Undefined string
}

// Error writes file:line:col: message.
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg)
}

// Compile compiles src, whose first byte stands at line and col of file and whose
// lines follow each other there unindented. names are what it may refer to besides
// the functions that are there everywhere: see [Builtins]. The error is an *[Error].
func Compile(src, file string, line, col int, names []string) (*Expr, error) {
	return CompileSource(Source{Text: src, File: file, At: plainPosition(src, line, col)}, names)
}

// plainPosition places text that stands in its file as it is.
func plainPosition(src string, line, col int) func(int) (int, int) {
	return func(offset int) (int, int) {
		before := src[:min(max(offset, 0), len(src))]
		if i := strings.LastIndexByte(before, '\n'); i >= 0 {
			return line + strings.Count(before, "\n"), 1 + len([]rune(before[i+1:]))
		}
		return line, col + len([]rune(before))
	}
}

// CompileSource is [Compile] for text that is encoded in its file.
func CompileSource(src Source, names []string) (*Expr, error) {
	if len(src.Text) > MaxSource {
		return nil, src.errorf(0, "expression of %d bytes; the most is %d", len(src.Text), MaxSource)
	}
	if strings.TrimSpace(src.Text) == "" {
		return nil, src.errorf(0, "empty expression")
	}
	used, err := src.resolve(names)
	if err != nil {
		return nil, err
	}
	return src.function(used)
}

func options() *syntax.FileOptions { return &syntax.FileOptions{Set: true} }

func (s Source) parse() (syntax.Expr, error) {
	// In parentheses, so that an expression may run over several lines.
	text := "(" + s.Text + "\n)"
	x, err := options().ParseExpr(s.File, syntax.FilePortion{Content: []byte(text), FirstLine: 1, FirstCol: 0}, 0)
	if err != nil {
		return nil, s.syntaxError(err)
	}
	switch x := x.(type) {
	case *syntax.ParenExpr:
		return x.X, nil
	case *syntax.TupleExpr:
		if x.Lparen.IsValid() && x.Lparen.Col == 0 {
			return x, nil
		}
	}
	return nil, s.errorf(0, "the brackets of the expression do not match") // `a)(b`
}

// resolve returns the names that the expression refers to, or the first that is
// not there.
func (s Source) resolve(names []string) ([]string, error) {
	x, err := s.parse()
	if err != nil {
		return nil, err
	}
	var used []string
	offered := func(name string) bool {
		if !slices.Contains(names, name) {
			return universe().Has(name)
		}
		if !slices.Contains(used, name) {
			used = append(used, name)
		}
		return true
	}
	_, err = resolve.ExprOptions(options(), x, offered, starlark.Universe.Has)
	slices.Sort(used)
	return used, s.resolveError(err, names)
}

// function wraps the expression in a lambda over the names it uses.
func (s Source) function(used []string) (*Expr, error) {
	body, err := s.parse()
	if err != nil {
		return nil, err
	}
	calls := s.callsOf(body, used)
	unfold(body, used)
	lambda := &syntax.LambdaExpr{Lambda: syntax.Start(body), Body: rewrite(body)}
	for _, name := range used {
		lambda.Params = append(lambda.Params, &syntax.Ident{NamePos: lambda.Lambda, Name: name})
	}
	v, err := starlark.EvalExprOptions(options(), &starlark.Thread{}, lambda, universe())
	if err != nil {
		return nil, s.errorf(0, "%v", err)
	}
	fn, ok := v.(*starlark.Function)
	if !ok {
		return nil, s.errorf(0, "not an expression")
	}
	fn.Freeze()
	return &Expr{source: s, fn: fn, names: used, calls: calls}, nil
}

// Names returns what the expression refers to of the names that it was offered, sorted.
func (e *Expr) Names() []string { return slices.Clone(e.names) }

// Uses reports whether the expression refers to name.
func (e *Expr) Uses(name string) bool { return slices.Contains(e.names, name) }

// Text returns the expression as it was written.
func (e *Expr) Text() string { return e.source.Text }

// Pos returns where the expression begins.
func (e *Expr) Pos() (file string, line, col int) {
	line, col = e.source.At(0)
	return e.source.File, line, col
}

// Errorf makes an error at the expression's place, for a value that is not what its
// place wants.
func (e *Expr) Errorf(format string, args ...any) error {
	return e.source.errorf(0, format, args...)
}

func (s Source) errorf(offset int, format string, args ...any) *Error {
	line, col := s.At(offset)
	return &Error{File: s.File, Line: line, Col: col, Msg: fmt.Sprintf(format, args...)}
}

// offset finds the byte of a position inside the parsed text.
func (s Source) offset(pos syntax.Position) int {
	at := 0
	for line := int32(1); line < pos.Line; line++ {
		i := strings.IndexByte(s.Text[at:], '\n')
		if i < 0 {
			return len(s.Text)
		}
		at += i + 1
	}
	col := int32(1)
	for i := range s.Text[at:] {
		if col >= pos.Col {
			return at + i
		}
		col++
	}
	return len(s.Text)
}

func (s Source) syntaxError(err error) error {
	e, ok := errors.AsType[syntax.Error](err)
	if !ok {
		return s.errorf(0, "%v", err)
	}
	return s.errorf(s.offset(e.Pos), "%s", e.Msg)
}

func (s Source) resolveError(err error, names []string) error {
	list, ok := errors.AsType[resolve.ErrorList](err)
	if !ok || len(list) == 0 {
		return nil
	}
	first := list[0]
	out := s.errorf(s.offset(first.Pos), "%s", first.Msg)
	if rest, ok := strings.CutPrefix(first.Msg, "undefined: "); ok {
		name, _, _ := strings.Cut(rest, " ")
		out.Undefined = name
		out.Msg = fmt.Sprintf("%s is not defined%s", name, suggest(name, names))
	}
	return out
}
