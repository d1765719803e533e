package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// globs is a list of path patterns, the denying ones with a ! in front.
func globs() spec[[]string] {
	return spec[[]string]{func(v any) ([]string, error) {
		list, err := oneOrMore(v)
		if err != nil {
			return nil, err
		}
		for _, g := range list {
			if err := checkGlob(strings.TrimPrefix(g, "!")); err != nil {
				return nil, err
			}
		}
		return list, nil
	}, schema{"anyOf": []any{schema{"type": "string"}, schema{"type": "array", "items": schema{"type": "string"}}}}}
}

func oneOrMore(v any) ([]string, error) {
	if s, ok := v.(string); ok {
		return []string{s}, nil
	}
	return texts().parse(v)
}

func checkGlob(g string) error {
	switch {
	case g == "":
		return fmt.Errorf("an empty glob; ** is everything, [] nothing")
	case strings.HasPrefix(g, "/"), strings.HasPrefix(g, "./"), slices.Contains(strings.Split(g, "/"), ".."):
		return fmt.Errorf("glob %s: paths are relative to the workspace; ./ and .. are refused", show(g))
	case !doublestar.ValidatePattern(g):
		return fmt.Errorf("glob %s is malformed; brackets and braces must be closed", show(g))
	}
	return nil
}

// paths is a path inside a folder: relative, clean, with forward slashes.
func paths() spec[string] {
	return spec[string]{func(v any) (string, error) {
		s, err := someText().parse(v)
		if err == nil {
			err = CheckPath(s)
		}
		return s, err
	}, schema{"type": "string", "minLength": 1}}
}

// CheckPath tells whether a path stays inside its folder and is written in the one
// way that is accepted: relative, forward slashes, no ".", no "..", no empty part.
func CheckPath(path string) error {
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "\x00\\") {
			return fmt.Errorf("path %s: want a relative path like a/b.txt; empty parts, . and .. are refused", show(path))
		}
	}
	return nil
}
