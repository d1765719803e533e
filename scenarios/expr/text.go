package expr

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// key reads a key, up to the colon.
func (r *Reader) key(where string) (string, error) {
	if r.Next() != '"' {
		return "", r.unexpected(r.at, where)
	}
	raw, escaped, err := r.quoted()
	if err != nil {
		return "", err
	}
	return r.intern(raw, escaped), nil
}

func (r *Reader) colon() error {
	if r.Next() != ':' {
		return r.unexpected(r.at, " after object key")
	}
	r.at++
	return nil
}

// intern makes a string of a key, the same one for the same key if it can.
func (r *Reader) intern(raw []byte, escaped bool) string {
	if escaped || len(raw) == 0 {
		return plainText(raw, escaped)
	}
	slot := &r.keys[(len(raw)+int(raw[0])*5+int(raw[len(raw)-1])*3)%len(r.keys)]
	if *slot != string(raw) {
		*slot = plainText(raw, false)
	}
	return *slot
}

func (r *Reader) text() (any, error) {
	raw, escaped, err := r.quoted()
	if err != nil {
		return nil, err
	}
	return plainText(raw, escaped), nil
}

// quoted reads a string and returns what is between its quotes, and whether there are
// escapes in it, which are checked.
func (r *Reader) quoted() (raw []byte, escaped bool, err error) {
	start := r.at + 1
	for i := start; ; {
		for i < len(r.data) && r.data[i] != '"' && r.data[i] != '\\' && r.data[i] >= ' ' {
			i++
		}
		switch {
		case r.has(i, '"'):
			r.at = i + 1
			return r.data[start:i], escaped, nil
		case !r.has(i, '\\'):
			return nil, false, r.unexpected(i, " in string literal")
		}
		escaped = true
		if i, err = r.escape(i + 1); err != nil {
			return nil, false, err
		}
	}
}

// escape checks what follows a backslash and returns where it ends.
func (r *Reader) escape(i int) (int, error) {
	if !r.has(i, 'u') {
		if i < len(r.data) && bytes.IndexByte([]byte(`"\/bfnrt`), r.data[i]) >= 0 {
			return i + 1, nil
		}
		return 0, r.unexpected(i, " in string escape code")
	}
	for end := i + 5; ; {
		if i++; i == end {
			return end, nil
		}
		if i >= len(r.data) || hexDigit(r.data[i]) < 0 {
			return 0, r.unexpected(i, ` in \u hexadecimal character escape`)
		}
	}
}

func hexDigit(c byte) rune {
	switch {
	case c-'0' <= 9:
		return rune(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}

// plainText is the text that a checked string stands for. Bytes that are not UTF-8
// become U+FFFD each.
func plainText(raw []byte, escaped bool) string {
	var s string
	if escaped {
		s = unescape(raw)
	} else {
		s = string(raw)
	}
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	return s
}

func unescape(raw []byte) string {
	var out strings.Builder
	out.Grow(len(raw)) // no escape stands for more than its own bytes
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			out.Write(raw)
			return out.String()
		}
		out.Write(raw[:i])
		c := raw[i+1]
		if c == 'u' {
			var char rune
			char, raw = unicodeEscape(raw[i:])
			out.WriteRune(char)
			continue
		}
		if at := strings.IndexByte("bfnrt", c); at >= 0 {
			c = "\b\f\n\r\t"[at]
		}
		out.WriteByte(c)
		raw = raw[i+2:]
	}
}

// unicodeEscape reads \uXXXX, or two of them that are one character's surrogates; half
// of such a pair becomes U+FFFD.
func unicodeEscape(raw []byte) (char rune, rest []byte) {
	char, rest = hex4(raw[2:]), raw[6:]
	if !utf16.IsSurrogate(char) {
		return char, rest
	}
	if bytes.HasPrefix(rest, []byte(`\u`)) {
		if pair := utf16.DecodeRune(char, hex4(rest[2:])); pair != utf8.RuneError {
			return pair, rest[6:]
		}
	}
	return utf8.RuneError, rest
}

func hex4(digits []byte) rune {
	var char rune
	for _, c := range digits[:4] {
		char = char<<4 | hexDigit(c)
	}
	return char
}
