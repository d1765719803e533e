package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// Pos is a place in a file. Line and Col count from 1, columns in characters; 0 is
// the file as a whole.
type Pos struct {
	File      string
	Line, Col int
}

// String writes file:line:col, or the file alone.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Error is one fault in a scenario, at its place.
type Error struct {
	Pos Pos
	Msg string
}

// Error writes file:line:col: message.
func (e *Error) Error() string { return e.Pos.String() + ": " + e.Msg }

// Errors are all faults that were found in a scenario, sorted by place, each once.
// The list is not empty. It is the error type of everything in this package that
// reads what a user wrote: the command line answers with exit code 2.
type Errors struct{ List []*Error }

// Error writes one fault a line.
func (e *Errors) Error() string {
	lines := make([]string, len(e.List))
	for i, one := range e.List {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the faults one by one.
func (e *Errors) Unwrap() []error {
	out := make([]error, len(e.List))
	for i, one := range e.List {
		out[i] = one
	}
	return out
}

// collector gathers faults while loading goes on.
type collector struct{ list []*Error }

func (c *collector) add(pos Pos, format string, args ...any) {
	c.list = append(c.list, &Error{Pos: pos, Msg: fmt.Sprintf(format, args...)})
}

// addErr takes over a fault that may know its own place.
func (c *collector) addErr(pos Pos, err error) {
	if many, ok := errors.AsType[*Errors](err); ok {
		c.list = append(c.list, many.List...)
		return
	}
	c.list = append(c.list, placed(pos, err))
}

func placed(pos Pos, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*expr.Error](err); ok {
		return &Error{Pos: Pos{File: e.File, Line: e.Line, Col: e.Col}, Msg: e.Msg}
	}
	return &Error{Pos: pos, Msg: err.Error()}
}

// err returns the faults as an error, or nil if there are none. main's come first.
func (c *collector) err(main string) error {
	if len(c.list) == 0 {
		return nil
	}
	for _, e := range c.list {
		e.Msg = printable(e.Msg)
	}
	slices.SortStableFunc(c.list, func(a, b *Error) int {
		return cmp.Or(rank(a.Pos.File, main)-rank(b.Pos.File, main), cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col), cmp.Compare(a.Msg, b.Msg))
	})
	same := func(a, b *Error) bool { return *a == *b }
	return &Errors{List: slices.CompactFunc(c.list, same)}
}

// printable writes out what would move a terminal's cursor: messages quote what the
// file says, and a message is one line.
func printable(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsControl(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func rank(file, main string) int {
	if file == main {
		return 0
	}
	return 1
}

// meant words the nearest of the names that would have been right.
func meant(word string, names []string) string {
	if near := expr.Nearest(word, names); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}
