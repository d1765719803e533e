package tree

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
)

// Globs is an ordered list of path patterns: the first that matches decides, a
// leading "!" denies, no match denies. Patterns are those of
// github.com/bmatcuk/doublestar (** crosses directories). An empty or nil Globs
// denies everything.
type Globs []string

// Match reports whether the list allows path. A pattern that [Globs.Check] refuses
// denies every path that reaches it.
func (g Globs) Match(path string) bool {
	for _, glob := range g {
		pattern, deny := strings.CutPrefix(glob, "!")
		match, err := matchGlob(pattern, path)
		if err != nil {
			return false
		}
		if match {
			return !deny
		}
	}
	return false
}

// Check returns an error that names the first pattern that is not well formed.
func (g Globs) Check() error {
	for i, glob := range g {
		if err := checkGlob(strings.TrimPrefix(glob, "!")); err != nil {
			return fmt.Errorf("glob %d, %q: %w", i+1, glob, err)
		}
	}
	return nil
}

func checkGlob(pattern string) error {
	switch {
	case pattern == "":
		return fmt.Errorf("is empty: write ** for everything")
	case pattern[0] == '/':
		return fmt.Errorf("starts with a slash: paths are relative to the workspace")
	case !utf8.ValidString(pattern) || strings.ContainsRune(pattern, utf8.RuneError):
		// doublestar compares runes, so this would match any byte that is not UTF-8.
		return fmt.Errorf("is not valid UTF-8 or holds U+FFFD")
	case alternatives(pattern) > maxAlternatives:
		return errAlternatives
	case !doublestar.ValidatePattern(pattern):
		return fmt.Errorf("is not well formed: close every [ and {, and write \\ before what stands for itself")
	}
	return nil
}

// matchGlob is doublestar.Match with the patterns that scenarios mostly have decided
// first: everything, one folder, one path.
func matchGlob(pattern, path string) (bool, error) {
	if pattern == "**" {
		return true, nil
	}
	literal, folder := strings.CutSuffix(pattern, "/**")
	if literal == "" || strings.ContainsAny(literal, `*?[]{}\`) {
		if alternatives(pattern) > maxAlternatives {
			return false, errAlternatives
		}
		return doublestar.Match(pattern, path)
	}
	if folder && len(path) > len(literal) {
		return path[len(literal)] == '/' && path[:len(literal)] == literal, nil
	}
	return path == literal, nil
}

// maxAlternatives bounds the patterns that {a,b} groups stand for together: doublestar
// tries them one after another, so a short pattern could cost minutes.
const maxAlternatives = 256

var errAlternatives = fmt.Errorf("stands for more than %d patterns: use fewer alternatives in { }", maxAlternatives)

// alternatives returns at least the number of patterns that the groups of a pattern
// stand for; it stops counting above the limit.
func alternatives(pattern string) int {
	product, open := 1, []int(nil)
	for i := 0; i < len(pattern) && product <= maxAlternatives; i++ {
		switch c := pattern[i]; {
		case c == '{':
			open = append(open, 1)
		case c == ',' && len(open) > 0:
			open[len(open)-1]++
		case c == '}' && len(open) > 0:
			product *= open[len(open)-1]
			open = open[:len(open)-1]
		}
	}
	return product
}
