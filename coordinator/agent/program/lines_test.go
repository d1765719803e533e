package program

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzReader checks the reader against splitting the whole input at once: the same
// lines, each byte counted once, nothing kept beyond the bound; and that whatever is read
// can be parsed or refused.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"", "\n", "a", "a\nb", "a\n\nb\n", strings.Repeat("x", 70000) + "\ny", "{\"type\":\"ready\"}\n",
		`{"type":"move","id":"1.1.1","action":{"want":9},"say":"hi","mail":[{"to":["a","b"],"text":"t"}]}` + "\n",
		`{"type":"move","action":[[[[` + "\n", "\x00\xff\n", `{"type":"log","text":"\ud800"}`,
		strings.Repeat("y", 40000), strings.Repeat("z", 64) + "\n" + strings.Repeat("z", 65) + "\nend",
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	const bound = 64
	f.Fuzz(func(t *testing.T, in []byte, slow bool) {
		var r io.Reader = bytes.NewReader(in)
		if slow {
			r = iotest.OneByteReader(r)
		}
		l := newLines(r, bound)
		var got []string
		total := 0
		for {
			line, n, err := l.next()
			if total += n; err == io.EOF {
				break
			}
			switch err {
			case nil:
				got = append(got, string(line))
				if m, err := parse(line); err == nil {
					m.move(func(s string) string { return s })
				}
			case errTooLong:
				got = append(got, "too long")
			case errSkipped:
			default:
				t.Fatal(err)
			}
			if cap(l.line) > 4*bound+64<<10 {
				t.Fatalf("the reader holds %d bytes", cap(l.line))
			}
		}
		if want := split(in, bound); strings.Join(got, "\n") != strings.Join(want, "\n") || len(got) != len(want) {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
		if total != len(in) {
			t.Errorf("%d bytes were counted of %d", total, len(in))
		}
	})
}

func split(in []byte, bound int) []string {
	parts := strings.Split(string(in), "\n")
	if parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	for i, p := range parts {
		if len(p) > bound {
			parts[i] = "too long"
		}
	}
	return parts
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain\n":                 "plain",
		"a\tb\nc":                 "a\tb\nc",
		"\x1b]0;title\x07 x":      `\x1b]0;title\x07 x`,
		"\xff\xfeé":               `\xff\xfeé`,
		"\xa9cut":                 "cut",
		"\u202egnp.exe\u0085":     `\u{202e}gnp.exe\u{85}`,
		"back\bspace\rreturn\x7f": `back\x08space\x0dreturn\x7f`,
	} {
		if got := clean([]byte(in)); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}
