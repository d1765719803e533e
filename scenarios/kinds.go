package scenarios

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// pointer makes a kind optional: its field is nil where the file has none.
func pointer[V any](of kind[V]) kind[*V] {
	return kind[*V]{
		read: func(l *loader, n *node) (*V, bool) {
			v, ok := of.read(l, n)
			return &v, ok
		},
		schema: of.schema,
	}
}

func version() spec[int] {
	return spec[int]{func(v any) (int, error) {
		if v != int64(1) {
			return 0, fmt.Errorf("version %s of the format is not known; this sandtable reads 1", show(v))
		}
		return 1, nil
	}, schema{"const": 1}}
}

func seeds() spec[uint64] {
	return spec[uint64]{func(v any) (uint64, error) {
		if n, ok := v.(int64); ok && n >= 0 {
			return uint64(n), nil
		}
		return 0, fmt.Errorf("want an integer from 0 up, got %s", show(v))
	}, schema{"type": "integer", "minimum": 0, "maximum": int64(math.MaxInt64)}}
}

func axis() spec[[]any] {
	return spec[[]any]{func(v any) ([]any, error) {
		items, ok := v.([]any)
		if !ok || len(items) == 0 {
			return nil, fmt.Errorf("want a list of values, at least one, got %s", show(v))
		}
		return items, nil
	}, schema{"type": "array", "minItems": 1}}
}

func positive() spec[time.Duration] {
	of := durations()
	return spec[time.Duration]{func(v any) (time.Duration, error) {
		d, err := of.parse(v)
		if err == nil && d == 0 {
			err = errors.New("want a duration above zero")
		}
		return d, err
	}, of.schema}
}

func checkMeasure(name string) error {
	if !envName.MatchString(name) {
		return fmt.Errorf("%s: a metric's or outcome's name is made of letters, digits and _", show(name))
	}
	if slices.Contains(AlwaysDefined(), name) {
		return fmt.Errorf("%q is defined for every run; choose another name", name)
	}
	return nil
}

// AlwaysDefined lists the outcomes that every run has besides the scenario's own.
func AlwaysDefined() []string {
	return []string{"turns", "score", "usd", "tokens", "conflicts", "failures", "truncated"}
}

func globText() spec[string] {
	return spec[string]{func(v any) (string, error) {
		s, err := anyText().parse(v)
		if err == nil {
			err = checkGlob(s)
		}
		return s, err
	}, schema{"type": "string", "minLength": 1}}
}

// networks is what a player's network may be; a list of hosts comes later.
func networks() spec[string] {
	of := oneOf([]string{"none", "model", "open"}, nil)
	return spec[string]{func(v any) (string, error) {
		if _, ok := v.([]any); ok {
			return "", fmt.Errorf("a list of hosts: %s", notYet("Gateway"))
		}
		return of.parse(v)
	}, of.schema}
}

func scripts() spec[string] {
	return spec[string]{func(v any) (string, error) {
		s, err := someText().parse(v)
		if err != nil {
			return "", err
		}
		file, fn := SplitScript(s)
		if !strings.HasSuffix(file, ".star") || !envName.MatchString(fn) {
			return "", fmt.Errorf("want file.star or file.star:function, got %s", show(s))
		}
		return s, CheckPath(file)
	}, schema{"type": "string", "pattern": `\.star(:[A-Za-z_][A-Za-z0-9_]*)?$`}}
}

// SplitScript parts file.star[:function]; the default function is act.
func SplitScript(s string) (file, function string) {
	if file, fn, ok := strings.Cut(s, ":"); ok {
		return file, fn
	}
	return s, "act"
}

// plainText takes texts, and what an expression may give in place of one.
func plainText() spec[string] {
	return spec[string]{func(v any) (string, error) {
		return expr.Text(v)
	}, schema{"type": "string"}}
}

// template is a text with expressions for a place. A text that is one expression and
// nothing else keeps that one's type, but what is wanted here is a text all the same.
func template(at *Place) kind[Dyn[string]] {
	of := dyn(at, plainText())
	return kind[Dyn[string]]{
		read: func(l *loader, n *node) (Dyn[string], bool) {
			if s, ok := n.scalar.(string); ok && expr.HasCode(s) {
				return of.read(l, n)
			}
			return dyn(at, anyText()).read(l, n)
		},
		schema: schema{"type": "string"},
	}
}

func pathList() spec[[]string] {
	return spec[[]string]{func(v any) ([]string, error) {
		list, err := oneOrMore(v)
		for _, p := range list {
			if err == nil {
				err = CheckPath(p)
			}
		}
		return list, err
	}, schema{"type": []any{"string", "array"}, "items": schema{"type": "string"}}}
}

// actions is a default action: a dict.
func actions() spec[any] {
	return spec[any]{func(v any) (any, error) {
		if v == nil {
			return nil, nil
		}
		return mapping().parse(v)
	}, schema{"type": []any{"object", "null"}}}
}

// viaKind is tool, reply or {file: path}.
func viaKind() kind[*Via] {
	words := oneOf([]string{"tool", "reply"}, nil)
	files := fileTable("via")
	return kind[*Via]{
		read: func(l *loader, n *node) (*Via, bool) {
			if n.kind == dictNode {
				var ref fileRef
				files.read(l, n, &ref)
				return &Via{Kind: "file", File: ref.path}, ref.path != ""
			}
			word, ok := static(words).read(l, n)
			return &Via{Kind: word}, ok
		},
		schema: schema{"anyOf": []any{words.schema, files.schema()}},
	}
}

type retry struct {
	n    int
	then string
}

// failureKind is an action, or {retry: n, then: action}.
func failureKind() kind[FailurePolicy] {
	words := oneOf([]string{"pass", "default", "forfeit", "void"}, nil)
	more := table[retry]{"the failure policy", []field[retry]{
		required(f("retry", "further attempts", static(integers(0, 100)), func(r *retry) *int { return &r.n })),
		required(f("then", "what is done after them", static(words), func(r *retry) *string { return &r.then })),
	}}
	return kind[FailurePolicy]{
		read: func(l *loader, n *node) (FailurePolicy, bool) {
			if n.kind == dictNode {
				var r retry
				more.read(l, n, &r)
				return FailurePolicy{Retry: r.n, Then: r.then}, r.then != ""
			}
			word, ok := static(words).read(l, n)
			return FailurePolicy{Then: word}, ok
		},
		schema: schema{"anyOf": []any{words.schema, more.schema()}},
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
