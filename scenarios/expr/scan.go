package expr

import "strings"

// A piece is a part of a template: literal text, or an expression's text.
type piece struct {
	text string
	// offset is where text begins in the template.
	offset int
	code   bool
}

// split cuts a template into pieces. `$${` stands for a literal `${`. If an
// expression does not end, open is the offset of its `${`, else -1.
func split(text string) (pieces []piece, open int) {
	var literal strings.Builder
	flush := func(at int) {
		if literal.Len() > 0 {
			pieces = append(pieces, piece{text: literal.String(), offset: at})
			literal.Reset()
		}
	}
	for i := 0; i < len(text); {
		switch rest := text[i:]; {
		case strings.HasPrefix(rest, "$${"):
			literal.WriteString("${")
			i += 3
		case strings.HasPrefix(rest, "${"):
			flush(i)
			end := codeEnd(text, i+2)
			if end < 0 {
				return pieces, i
			}
			pieces = append(pieces, piece{text: text[i+2 : end], offset: i + 2, code: true})
			i = end + 1
		default:
			literal.WriteByte(text[i])
			i++
		}
	}
	flush(len(text))
	return pieces, -1
}

// codeEnd returns the offset of the `}` that ends the expression beginning at i, or
// -1. Brackets nest; strings and comments are passed over, since a `}` in them ends
// nothing. That the brackets are of the right kinds is the parser's business.
func codeEnd(text string, i int) int {
	depth := 0
	for i < len(text) {
		switch c := text[i]; c {
		case '(', '[', '{':
			depth++
		case ')', ']':
			depth--
		case '}':
			if depth <= 0 {
				return i
			}
			depth--
		case '"', '\'':
			i = stringEnd(text, i)
			continue
		case '#':
			i += len(line(text[i:]))
			continue
		}
		i++
	}
	return -1
}

func line(text string) string {
	before, _, _ := strings.Cut(text, "\n")
	return before
}

// stringEnd returns the offset after the Starlark string that opens at i. A raw
// string also keeps a quote that follows a backslash, so r"…" needs no case of its own.
func stringEnd(text string, i int) int {
	quote := text[i : i+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(text[i:], triple) {
		quote = triple
	}
	for i += len(quote); i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case strings.HasPrefix(text[i:], quote):
			return i + len(quote)
		case text[i] == '\n' && len(quote) == 1:
			return i // the parser will say that the string does not end
		}
	}
	return len(text)
}
