package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// MaxDepth is how deep a JSON value may be nested: lists and dicts inside each other.
const MaxDepth = 128

// MaxNodes is how many values one JSON value may hold in all. Shared parts count once
// for each place: a small value in the interpreter can stand for an enormous text.
const MaxNodes = 4 << 20

// Canonical returns the canonical JSON of v: keys sorted by bytes, no spaces, no HTML
// escapes, no newline at the end. Whole floats below 2^53 are written like ints, so
// that 2.0 and 2 have one text; bytes that are not UTF-8 become U+FFFD, as in
// encoding/json. NaN, infinities and types that are no JSON value are an error that
// names the path inside the value.
func Canonical(v any) ([]byte, error) {
	var e encoder
	if err := e.value(v, 0); err != nil {
		return nil, err
	}
	return e.buf, nil
}

type encoder struct{ buf []byte }

func (e *encoder) value(v any, depth int) error {
	if depth > MaxDepth {
		return badValue("nested deeper than %d", MaxDepth)
	}
	switch v := v.(type) {
	case nil:
		e.buf = append(e.buf, "null"...)
	case bool:
		e.buf = strconv.AppendBool(e.buf, v)
	case int64:
		e.buf = strconv.AppendInt(e.buf, v, 10)
	case int:
		e.buf = strconv.AppendInt(e.buf, int64(v), 10)
	case float64:
		return e.float(v)
	case string:
		return e.text(v)
	case []any:
		return e.list(v, depth)
	case map[string]any:
		return e.dict(v, depth)
	default:
		return badValue("%T is no JSON value", v)
	}
	return nil
}

// exact is the bound below which every whole float64 is an int of its own.
const exact = 1 << 53

func (e *encoder) float(v float64) error {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return badValue("%v is no JSON number", v)
	case v == math.Trunc(v) && math.Abs(v) < exact:
		e.buf = strconv.AppendInt(e.buf, int64(v), 10)
	case math.Abs(v) >= exact:
		// With an exponent, always: a bare row of digits would be read as an int.
		e.buf = strconv.AppendFloat(e.buf, v, 'e', -1, 64)
	default:
		text, err := json.Marshal(v)
		e.buf = append(e.buf, text...)
		return err
	}
	return nil
}

func (e *encoder) text(s string) error {
	if plain(s) {
		e.buf = append(append(append(e.buf, '"'), s...), '"')
		return nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(s)
	e.buf = append(e.buf, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
	return err
}

// plain reports whether s is printable ASCII that JSON writes as it stands.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func (e *encoder) list(list []any, depth int) error {
	e.buf = append(e.buf, '[')
	for i, v := range list {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		if err := e.value(v, depth+1); err != nil {
			return atIndex(err, i)
		}
	}
	e.buf = append(e.buf, ']')
	return nil
}

func (e *encoder) dict(dict map[string]any, depth int) error {
	e.buf = append(e.buf, '{')
	for i, key := range sortedKeys(dict) {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		if err := e.text(key); err != nil {
			return err
		}
		e.buf = append(e.buf, ':')
		if err := e.value(dict[key], depth+1); err != nil {
			return atKey(err, key)
		}
	}
	e.buf = append(e.buf, '}')
	return nil
}

func sortedKeys(dict map[string]any) []string {
	keys := make([]string, 0, len(dict))
	for key := range dict {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// A valueError says where in a value something is wrong. The way is noted from the
// inside out while the error travels up, so that walking a good value costs nothing.
type valueError struct {
	text  string
	steps []string
}

// Error writes the way from the outside in: value["moves"][2]: …
func (e *valueError) Error() string {
	var b strings.Builder
	b.WriteString("value")
	for _, step := range slices.Backward(e.steps) {
		b.WriteString(step)
	}
	return b.String() + ": " + e.text
}

func badValue(format string, args ...any) error {
	return &valueError{text: fmt.Sprintf(format, args...)}
}

func atIndex(err error, i int) error { return step(err, "["+strconv.Itoa(i)+"]") }

func atKey(err error, key string) error { return step(err, "["+strconv.Quote(shorten(key))+"]") }

func step(err error, step string) error {
	if e, ok := errors.AsType[*valueError](err); ok {
		e.steps = append(e.steps, step)
	}
	return err
}
