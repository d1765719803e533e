package expr

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Decode reads one JSON value. A number written as an integer becomes an int64, any
// other a float64. Unlike encoding/json it refuses a key that is there twice, an
// integer beyond 64 bits, nesting beyond [MaxDepth], and anything after the value.
//
// It is a reader of its own because agents and their clients send JSON all the time:
// encoding/json tells keys that are there twice only token by token, and its tokens
// cost several times as much as the rest.
func Decode(data []byte) (any, error) {
	r := Reader{data: data}
	v, err := r.Value()
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// jsonError is an error in the text. Its wording is put together when it is asked for:
// the way to a value inside the text is noted while the error travels up.
type jsonError struct{ cause error }

func (e *jsonError) Error() string { return "JSON: " + e.cause.Error() }

func (e *jsonError) Unwrap() error { return e.cause }

func refuse(format string, args ...any) error { return &jsonError{badValue(format, args...)} }

// ends is the error of a text that is over too early.
func (r *Reader) ends() error {
	if len(r.data) == 0 {
		return &jsonError{errors.New("empty")}
	}
	return &jsonError{fmt.Errorf("ends in the middle of a value, at byte %d", len(r.data))}
}

// unexpected is the error of the byte at position at, or of the text's end there.
func (r *Reader) unexpected(at int, where string) error {
	if at >= len(r.data) {
		return r.ends()
	}
	return &jsonError{fmt.Errorf("invalid character %s%s", quoteByte(r.data[at]), where)}
}

func quoteByte(c byte) string {
	switch c {
	case '\'':
		return `'\''`
	case '"':
		return `'"'`
	}
	s := strconv.Quote(string(rune(c)))
	return "'" + s[1:len(s)-1] + "'"
}

// number reads a number, which begins where the reader stands.
func (r *Reader) number() (any, error) {
	end, err := r.numberEnd()
	if err != nil {
		return nil, err
	}
	text := string(r.data[r.at:end])
	r.at = end
	return number(text)
}

// numberEnd goes through the grammar of numbers, which is narrower than strconv's.
func (r *Reader) numberEnd() (int, error) {
	i := r.at
	if r.data[i] == '-' {
		i++
	}
	digits := r.digits(i)
	switch {
	case digits == i:
		return 0, r.unexpected(i, " in numeric literal")
	case r.data[i] == '0':
		i++ // a digit after it would belong to the next value
	default:
		i = digits
	}
	if r.has(i, '.') {
		if digits = r.digits(i + 1); digits == i+1 {
			return 0, r.unexpected(digits, " after decimal point in numeric literal")
		}
		i = digits
	}
	if r.has(i, 'e') || r.has(i, 'E') {
		if i++; r.has(i, '+') || r.has(i, '-') {
			i++
		}
		if digits = r.digits(i); digits == i {
			return 0, r.unexpected(i, " in exponent of numeric literal")
		}
		i = digits
	}
	return i, nil
}

func (r *Reader) has(i int, c byte) bool { return i < len(r.data) && r.data[i] == c }

// digits is the position after the digits that begin at i.
func (r *Reader) digits(i int) int {
	for i < len(r.data) && r.data[i]-'0' <= 9 {
		i++
	}
	return i
}

func number(text string) (any, error) {
	if !strings.ContainsAny(text, ".eE") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, refuse("integer %s does not fit in 64 bits", shorten(text))
		}
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, refuse("number %s is too large", shorten(text))
	}
	return f, nil
}

func shorten(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
