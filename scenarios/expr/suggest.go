package expr

import (
	"fmt"
	"slices"

	"github.com/agnivade/levenshtein"
)

// longest is how long a word may be to be compared with others: the time it takes
// grows with the product of their lengths, and people do not mistype more than that.
const longest = 64

// Nearest returns the name that a slip of the fingers would turn into word, or "".
// Half the letters and at most three may differ.
func Nearest(word string, names []string) string {
	if len(word) > longest {
		return ""
	}
	best, least := "", min(3, (len([]rune(word))+1)/2)+1
	sorted := slices.Sorted(slices.Values(names))
	for _, name := range sorted {
		if len(name) > longest {
			continue
		}
		if d := levenshtein.ComputeDistance(word, name); d < least && d > 0 {
			best, least = name, d
		}
	}
	return best
}

// suggest words the nearest of the offered names and the built-in ones.
func suggest(word string, names []string) string {
	if near := Nearest(word, append(Builtins(), names...)); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}
