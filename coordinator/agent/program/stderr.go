package program

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean escapes what is not a printable character, a newline or a tab: what a program
// prints may end up on somebody's terminal. A character cut off at the front is dropped.
func clean(b []byte) string {
	for len(b) > 0 && !utf8.RuneStart(b[0]) {
		b = b[1:]
	}
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&out, `\x%02x`, b[0])
		case r == '\n' || r == '\t' || unicode.IsPrint(r):
			out.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&out, `\x%02x`, r)
		default:
			fmt.Fprintf(&out, `\u{%x}`, r)
		}
		b = b[n:]
	}
	return strings.TrimSpace(out.String())
}
