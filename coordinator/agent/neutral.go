package agent

import (
	"path/filepath"
	"strings"
)

// Neutral returns a function that replaces an agent's own absolute directories by "."
// in texts: "/tmp/x/views/a/notes.md" becomes "./notes.md", and the directory alone
// becomes ".".
//
// Why: a model that names a file tends to name it by its absolute path. The path says
// where the sandbox happens to lie, so the same run in another directory would have
// another history; and no other agent could use it, since each works in a view of its
// own. Relative to the view, the same words mean the same file to everybody.
//
// Only whole path components are replaced: "/tmp/x/views/a2" is not touched by the
// directory "/tmp/x/views/a". Empty and root directories are ignored.
func Neutral(dirs ...string) func(string) string {
	var clean []string
	for _, d := range dirs {
		if d = filepath.Clean(d); filepath.IsAbs(d) && d != "/" {
			clean = append(clean, d)
			if real, err := filepath.EvalSymlinks(d); err == nil && real != d {
				clean = append(clean, real)
			}
		}
	}
	return func(s string) string {
		for _, d := range clean {
			s = replaceDir(s, d)
		}
		return s
	}
}

// replaceDir replaces dir where it is not part of a longer path component.
func replaceDir(s, dir string) string {
	if !strings.Contains(s, dir) {
		return s
	}
	var out strings.Builder
	done := 0 // s[:done] has been written
	for at := 0; ; {
		i := strings.Index(s[at:], dir)
		if i < 0 {
			out.WriteString(s[done:])
			return out.String()
		}
		i, at = at+i, at+i+len(dir)
		if whole(s, i, at) {
			out.WriteString(s[done:i] + ".")
			done = at
		}
	}
}

// whole tells whether s[from:to] begins and ends with a path component.
func whole(s string, from, to int) bool {
	if from > 0 && nameByte(s[from-1]) {
		return false
	}
	return to == len(s) || !nameByte(s[to]) || endsSentence(s[to:])
}

// nameByte tells whether b may go on a file name; the slash is not one.
func nameByte(b byte) bool {
	return b == '_' || b == '-' || b == '.' || b >= 0x80 ||
		'0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

// endsSentence tells a full stop from the dot of a file name.
func endsSentence(s string) bool {
	return s[0] == '.' && (len(s) == 1 || !nameByte(s[1]))
}
