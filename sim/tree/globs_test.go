package tree

import (
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
)

func TestGlobsMatch(t *testing.T) {
	own := Globs{"private/ann/**", "!private/**", "!hidden/**", "**"}
	for _, c := range []struct {
		globs Globs
		path  string
		want  bool
	}{
		{nil, "a", false},
		{Globs{"!a"}, "b", false},
		{Globs{"**"}, "a/b/c", true},
		{Globs{"!**", "a"}, "a", false},
		{Globs{"a", "!**"}, "a", true},
		{Globs{"*.md"}, "a/b.md", false},
		{Globs{"**/*.md"}, "b.md", true},
		{Globs{"a/**"}, "a", true},
		{Globs{"a/**"}, "ab/c", false},
		{Globs{`\!a`}, "!a", true},
		{Globs{"a/**"}, "a/\n\xff", true},
		{Globs{strings.Repeat("{a,}", 9), "**"}, "b", false}, // nor does a costly one
		{Globs{"[", "**"}, "a", false},                       // a bad pattern fails closed
		{Globs{"![", "**"}, "a", false},
		{own, "private/ann/x", true}, {own, "private/bob/x", false}, {own, "private/annie/x", false},
		{own, "hidden/x", false}, {own, "shared/x", true}, {own, "hiddenness", true},
	} {
		if got := c.globs.Match(c.path); got != c.want {
			t.Errorf("%q.Match(%q) = %v", c.globs, c.path, got)
		}
	}
}

func TestGlobsCheck(t *testing.T) {
	if err := (Globs{"**", "!a/{b,c}/[x-z]?", `\[`}).Check(); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "!", "[", "a/{b", "b}", `a\`, "/a", "![]", "\xff", "a\ufffd", strings.Repeat("{a,b,c}*", 6)} {
		err := Globs{"ok", bad}.Check()
		if err == nil || !strings.Contains(err.Error(), "glob 2") {
			t.Errorf("%q: %v, want an error that names glob 2", bad, err)
		}
	}
}

// The short cuts must not change what doublestar says.
func FuzzGlobs(f *testing.F) {
	for _, p := range []string{"**", "a/**", "a", "a/b/**", "*/**", "**/**", "a**", "{a,b}/**", "/**", "[^/]/**", `a\/**`, "a//**"} {
		for _, path := range []string{"a", "a/b", "ab", "a/b/c", "b/a", "\xff"} {
			f.Add(p, path)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if len(pattern) > 100 || checkGlob(pattern) != nil || ValidPath(path) != nil {
			return
		}
		want, err := doublestar.Match(pattern, path)
		if err != nil {
			t.Fatalf("checkGlob accepts %q: %v", pattern, err)
		}
		if got, err := matchGlob(pattern, path); got != want || err != nil {
			t.Errorf("matchGlob(%q, %q) = %v, %v, want %v", pattern, path, got, err, want)
		}
		if strings.HasPrefix(pattern, "!") {
			return
		}
		if (Globs{pattern}).Match(path) != want || (Globs{"!" + pattern, "**"}).Match(path) == want {
			t.Errorf("Globs{%q} and its denial do not agree with %v for %q", pattern, want, path)
		}
	})
}

func BenchmarkGlobs(b *testing.B) {
	own := Globs{"private/ann/**", "!private/**", "!hidden/**", "**"}
	for b.Loop() {
		own.Match("src/package/file.go")
	}
}
