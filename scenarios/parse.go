package scenarios

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// spec is what a value has to be, once its expressions are evaluated: a check that
// also converts, and its JSON Schema.
type spec[V any] struct {
	parse  func(any) (V, error)
	schema schema
}

// anyValue takes every JSON value.
func anyValue() spec[any] {
	return spec[any]{func(v any) (any, error) { return v, nil }, schema{}}
}

// anyText is a text.
func anyText() spec[string] {
	return spec[string]{func(v any) (string, error) {
		if s, ok := v.(string); ok {
			return s, nil
		}
		return "", fmt.Errorf("want a text, got %s%s", show(v), quoteHint(v))
	}, schema{"type": "string"}}
}

func quoteHint(v any) string {
	switch v.(type) {
	case bool, int64, float64:
		return "; quote it if it is text"
	}
	return ""
}

// someText is a text that is not empty.
func someText() spec[string] {
	return spec[string]{func(v any) (string, error) {
		s, err := anyText().parse(v)
		if err == nil && strings.TrimSpace(s) == "" {
			err = fmt.Errorf("want a text, got an empty one")
		}
		return s, err
	}, schema{"type": "string", "minLength": 1}}
}

// pattern is a text of a form, which words tell.
func pattern(what, re, words string) spec[string] {
	form := regexp.MustCompile(re)
	return spec[string]{func(v any) (string, error) {
		s, err := anyText().parse(v)
		if err == nil && !form.MatchString(s) {
			err = fmt.Errorf("%s: want %s, got %s", what, words, show(s))
		}
		return s, err
	}, schema{"type": "string", "pattern": re}}
}

// oneOf is one of some words. Words that a later issue brings are refused by name.
func oneOf(words []string, planned map[string]string) spec[string] {
	all := append(slices.Clone(words), slices.Sorted(maps.Keys(planned))...)
	return spec[string]{func(v any) (string, error) {
		s, ok := v.(string)
		if issue := planned[s]; ok && issue != "" {
			return "", fmt.Errorf("%s: %s", s, notYet(issue))
		}
		if !ok || !slices.Contains(words, s) {
			return "", fmt.Errorf("want %s, got %s%s", orList(words), show(v), meant(s, all))
		}
		return s, nil
	}, schema{"enum": anys(words)}}
}

func orList(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

func anys[T any](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// integers is an integer within bounds, both included.
func integers(low, high int) spec[int] {
	return spec[int]{func(v any) (int, error) {
		if f, isFloat := v.(float64); isFloat {
			v = whole(f) // what an expression like n/2 gives
		}
		n, ok := v.(int64)
		if !ok {
			return 0, fmt.Errorf("want an integer, got %s", show(v))
		}
		if n < int64(low) || n > int64(high) {
			return 0, fmt.Errorf("want %d to %d, got %d", low, high, n)
		}
		return int(n), nil
	}, schema{"type": "integer", "minimum": low, "maximum": high}}
}

// whole makes an int of a float that is one; others stay as they are.
func whole(f float64) any {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return f
}

// numbers is a number from low to high, both included.
func numbers(low, high float64) spec[float64] {
	return spec[float64]{func(v any) (float64, error) {
		var x float64
		switch v := v.(type) {
		case int64:
			x = float64(v)
		case float64:
			x = v
		default:
			return 0, fmt.Errorf("want a number, got %s", show(v))
		}
		if x < low || x > high {
			return 0, fmt.Errorf("want %v to %v, got %v", low, high, x)
		}
		return x, nil
	}, schema{"type": "number", "minimum": low, "maximum": high}}
}

// durations is a time like 90s, 5m or 1h30m.
func durations() spec[time.Duration] {
	return spec[time.Duration]{func(v any) (time.Duration, error) {
		switch v := v.(type) {
		case int64, float64:
			return 0, fmt.Errorf("want a duration like 90s, 5m or 1h30m, got %s without a unit; did you mean %ss?", show(v), show(v))
		case string:
			d, err := time.ParseDuration(v)
			if err == nil && d >= 0 && !strings.ContainsAny(v, "+-") {
				return d, nil
			}
		}
		return 0, fmt.Errorf("want a duration like 90s, 5m or 1h30m, got %s", show(v))
	}, schema{"type": "string", "pattern": `^(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`}}
}
