package scenarios

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// boolean is true or false.
func boolean() spec[bool] {
	return spec[bool]{func(v any) (bool, error) {
		b, ok := v.(bool)
		if !ok {
			return false, fmt.Errorf("want true or false, got %s%s", show(v), boolHint(v))
		}
		return b, nil
	}, schema{"type": "boolean"}}
}

func boolHint(v any) string {
	switch s, _ := v.(string); strings.ToLower(s) {
	case "on", "yes", "y":
		return " (a text); write true"
	case "off", "no", "n":
		return " (a text); write false"
	}
	return ""
}

// texts is a list of texts.
func texts() spec[[]string] {
	return spec[[]string]{func(v any) ([]string, error) {
		items, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("want a list of texts, got %s", show(v))
		}
		out := make([]string, len(items))
		for i, item := range items {
			var err error
			if out[i], err = anyText().parse(item); err != nil {
				return nil, fmt.Errorf("item %d: %w", i+1, err)
			}
		}
		return out, nil
	}, schema{"type": "array", "items": schema{"type": "string"}}}
}

// argv is a command: a list of texts, its program first.
func argv() spec[[]string] {
	return spec[[]string]{func(v any) ([]string, error) {
		if s, ok := v.(string); ok {
			return nil, fmt.Errorf("a command is a list of its words, like [%s]; there is no shell", strings.Join(strings.Fields(s), ", "))
		}
		words, err := texts().parse(v)
		if err == nil && (len(words) == 0 || words[0] == "") {
			err = fmt.Errorf("want a command: a list of texts, its program first")
		}
		for _, w := range words {
			if err == nil && strings.ContainsRune(w, 0) {
				err = fmt.Errorf("a word of the command holds a zero byte")
			}
		}
		return words, err
	}, schema{"type": "array", "items": schema{"type": "string"}, "minItems": 1}}
}

// environment is a mapping from variables to texts; numbers and booleans become text.
func environment() spec[map[string]string] {
	return spec[map[string]string]{func(v any) (map[string]string, error) {
		dict, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("want a mapping from names to texts, got %s", show(v))
		}
		out := map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(dict)) {
			s, err := envText(name, dict[name])
			if err != nil {
				return nil, err
			}
			out[name] = s
		}
		return out, nil
	}, schema{"type": "object", "additionalProperties": schema{"type": []any{"string", "number", "boolean"}}}}
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func envText(name string, v any) (string, error) {
	if !envName.MatchString(name) {
		return "", fmt.Errorf("%s is no name for an environment variable", show(name))
	}
	switch v := v.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			return "", fmt.Errorf("%s holds a zero byte", name)
		}
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64, float64:
		return expr.Text(v)
	}
	return "", fmt.Errorf("%s: want a text, got %s", name, show(v))
}

// mapping is a dict of any values.
func mapping() spec[map[string]any] {
	return spec[map[string]any]{func(v any) (map[string]any, error) {
		if dict, ok := v.(map[string]any); ok {
			return dict, nil
		}
		return nil, fmt.Errorf("want a mapping, got %s", show(v))
	}, schema{"type": "object"}}
}
