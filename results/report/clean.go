package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"
)

// Clean makes any text safe to print within a line of a terminal or of a CI log.
// Control characters (C0, DEL, C1), line breaks, direction marks and overrides,
// invisible characters and bytes that are not UTF-8 are written as escapes such as
// \x1b; the commands that CI runners look for are broken up. The result is for
// reading: it cannot be turned back.
func Clean(s string) string { return disarm(escape(s, false)) }

// CleanText is [Clean] for a text of several lines: line feeds and tabs stay.
func CleanText(s string) string {
	lines := strings.Split(escape(s, true), "\n")
	for i, line := range lines {
		lines[i] = disarm(line)
	}
	return strings.Join(lines, "\n")
}

func escape(s string, lines bool) string {
	if strings.IndexFunc(s, func(r rune) bool { return r == utf8.RuneError || hidden(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case lines && (r == '\n' || r == '\t'):
			b.WriteRune(r)
		case hidden(r):
			b.WriteString(escaped(r))
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

func escaped(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// hidden reports what may move a cursor, hide, or reorder what stands around it:
// controls, format characters (direction marks and overrides, zero width, tags), line
// and paragraph separators, private use, and the blanks that are not spaces.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs) ||
		r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0' || unicode.Is(unicode.Variation_Selector, r)
}

// disarm breaks up what GitHub's runner takes for a command: "::name" at the start of
// a line, after blanks, and "##[name" anywhere in it. A zero-width space after the
// first character is enough.
func disarm(line string) string {
	line = strings.ReplaceAll(line, "##[", "#\u200b#[")
	if body := strings.TrimLeftFunc(line, unicode.IsSpace); strings.HasPrefix(body, "::") {
		line = line[:len(line)-len(body)] + ":\u200b" + body[1:]
	}
	return line
}

// clip cleans s and cuts it to so many columns, with an ellipsis where something is
// missing.
func clip(s string, columns int) string {
	const most = 4096 // bytes looked at: what is longer is cut anyway
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return text.Snip(Clean(s), max(columns, 1), "…")
}
