package expr

import (
	"slices"
	"strings"

	"go.starlark.net/starlark"
)

// Template is text with expressions in it, compiled.
type Template struct {
	source Source
	parts  []part
}

type part struct {
	literal string
	code    *Expr
}

// ParseTemplate compiles the expressions of a text. src.At places offsets of the
// text; names are what the expressions may refer to. All faults are returned, each
// an *[Error].
func ParseTemplate(src Source, names []string) (*Template, []error) {
	pieces, open := split(src.Text)
	if open >= 0 {
		return nil, []error{src.errorf(open, "${ without its }; a literal ${ is written $${")}
	}
	t := &Template{source: src}
	var errs []error
	for _, p := range pieces {
		if !p.code {
			t.parts = append(t.parts, part{literal: p.text})
			continue
		}
		inner := Source{Text: p.text, File: src.File, At: func(offset int) (int, int) { return src.At(p.offset + offset) }}
		code, err := CompileSource(inner, names)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		t.parts = append(t.parts, part{code: code})
	}
	if errs != nil {
		return nil, errs
	}
	return t, nil
}

// HasCode reports whether text holds an expression or an escape of one, so that it
// is not simply its own value.
func HasCode(text string) bool { return strings.Contains(text, "${") }

// Whole returns the one expression that the text consists of, or nil. Such a text
// keeps the expression's type.
func (t *Template) Whole() *Expr {
	if len(t.parts) == 1 {
		return t.parts[0].code
	}
	return nil
}

// Literal returns the text if there is no expression in it.
func (t *Template) Literal() (string, bool) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.code != nil {
			return "", false
		}
		b.WriteString(p.literal)
	}
	return b.String(), true
}

// Names returns what the template refers to of the names that it was offered, sorted.
func (t *Template) Names() []string {
	var names []string
	for _, p := range t.parts {
		if p.code != nil {
			names = append(names, p.code.names...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Uses reports whether an expression of the template refers to name.
func (t *Template) Uses(name string) bool { return slices.Contains(t.Names(), name) }

// Pos returns where the template begins.
func (t *Template) Pos() (file string, line, col int) {
	line, col = t.source.At(0)
	return t.source.File, line, col
}

// Errorf makes an error at the template's place.
func (t *Template) Errorf(format string, args ...any) error {
	return t.source.errorf(0, format, args...)
}

// Value evaluates the template: a text that is one expression keeps its type, any
// other is a text.
func (t *Template) Value(lookup Lookup) (any, error) {
	if code := t.Whole(); code != nil {
		return code.Value(lookup)
	}
	return t.Text(lookup)
}

// Text evaluates the template to text: texts stand as they are, None is empty, the
// rest is canonical JSON; `${inbox}` and `${notices}` are lines, see [Lines].
func (t *Template) Text(lookup Lookup) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.literal)
		if p.code == nil {
			continue
		}
		text, err := p.code.text(lookup)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func (e *Expr) text(lookup Lookup) (string, error) {
	v, err := e.Eval(lookup)
	if err != nil {
		return "", err
	}
	if s, ok := v.(starlark.String); ok {
		return strings.ToValidUTF8(string(s), "\uFFFD"), nil
	}
	value, err := FromStarlark(v)
	if err != nil {
		return "", e.source.errorf(0, "%v", err)
	}
	switch strings.TrimSpace(e.source.Text) {
	case "inbox", "notices":
		return Lines(value), nil
	}
	text, err := Text(value)
	if err != nil {
		return "", e.source.errorf(0, "%v", err)
	}
	return text, nil
}

// Text is how a JSON value stands in a text: a text as it is, nothing for nil, else
// canonical JSON.
func Text(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	}
	text, err := Canonical(v)
	return string(text), err
}

// Lines writes messages ({sender, text} dicts) and notices (texts) as a list, a line
// for each. Further lines of one entry are indented, so that no text can pass itself
// off as another entry. A value that is no list is written as [Text] does.
func Lines(v any) string {
	list, ok := v.([]any)
	if !ok {
		text, _ := Text(v)
		return text
	}
	lines := make([]string, len(list))
	for i, entry := range list {
		lines[i] = "- " + strings.ReplaceAll(entryText(entry), "\n", "\n  ")
	}
	return strings.Join(lines, "\n")
}

func entryText(entry any) string {
	text, _ := Text(entry)
	if m, ok := entry.(map[string]any); ok {
		sender, _ := m["sender"].(string)
		if body, ok := m["text"].(string); ok && sender != "" {
			text = sender + ": " + body
		}
	}
	// A lone carriage return would begin a line as well, on many screens.
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
}
