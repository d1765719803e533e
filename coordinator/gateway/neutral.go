package gateway

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// neutral takes the machine's paths out of texts, so that a scripted model sees, and is
// billed for, the same text wherever the sandbox lies.
type neutral struct{ rules []pathRule }

type pathRule struct {
	path, name string
	// mangled is a path in the form in which clients make directory names of it, with
	// '-' for everything that is no letter or digit.
	mangled bool
}

// newNeutral replaces view by "." and each home by "~". Resolved forms of the paths and
// their mangled forms are replaced likewise.
func newNeutral(view string, homes []string) *neutral {
	n := &neutral{}
	n.add(view, ".")
	for _, h := range homes {
		n.add(h, "~")
	}
	// The longest first: one path may lie inside another.
	slices.SortStableFunc(n.rules, func(a, b pathRule) int { return len(b.path) - len(a.path) })
	return n
}

var unmangled = regexp.MustCompile(`[^A-Za-z0-9]`)

func (n *neutral) add(path, name string) {
	if path == "" || filepath.Clean(path) == "/" {
		return // nothing to hide, and "/" is in every path
	}
	forms := []string{filepath.Clean(path)}
	if real, err := filepath.EvalSymlinks(path); err == nil && real != forms[0] {
		forms = append(forms, real)
	}
	for _, p := range forms {
		n.rules = append(n.rules, pathRule{path: p, name: name})
		if strings.Count(p, "/") > 2 { // "-w" would be found in every other command line
			n.rules = append(n.rules, pathRule{path: unmangled.ReplaceAllString(p, "-"), name: name, mangled: true})
		}
	}
}

// clean returns s without the paths.
func (n *neutral) clean(s string) string {
	for _, r := range n.rules {
		if strings.Contains(s, r.path) {
			s = r.replace(s)
		}
	}
	return s
}

func (r pathRule) replace(s string) string {
	var out strings.Builder
	for done := 0; ; {
		i := strings.Index(s[done:], r.path)
		if i < 0 {
			out.WriteString(s[done:])
			return out.String()
		}
		at, end := done+i, done+i+len(r.path)
		out.WriteString(s[done:at])
		if r.begins(s[:at]) && r.ends(s[end:]) {
			out.WriteString(r.name)
		} else {
			out.WriteString(r.path)
		}
		done = end
	}
}

// begins reports whether the path begins where before ends: in a/w there is no /w.
func (r pathRule) begins(before string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	return before == "" || r.mangled || last != '.' && last != '~' && last != '-' && !inName(last)
}

// ends reports whether the path ends where rest begins: views/a1 is not views/a10.
func (r pathRule) ends(rest string) bool {
	next, _ := utf8.DecodeRuneInString(rest)
	return rest == "" || !inName(next) && (r.mangled || next != '-')
}

func inName(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// cleanValue returns a JSON value with all its texts cleaned, keys included. Keys that
// become equal are one key, with the value of the last in order.
func (n *neutral) cleanValue(v any) any {
	switch v := v.(type) {
	case string:
		return n.clean(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = n.cleanValue(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out[n.clean(k)] = n.cleanValue(v[k])
		}
		return out
	}
	return v
}
