package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Decode reads one JSON value. A number written as an integer becomes an int64, any
// other a float64. Unlike encoding/json it refuses a key that is there twice, an
// integer beyond 64 bits, nesting beyond [MaxDepth], and anything after the value.
func Decode(data []byte) (any, error) {
	d := decoder{dec: json.NewDecoder(bytes.NewReader(data))}
	d.dec.UseNumber()
	v, err := d.next(0)
	if err != nil {
		return nil, d.explain(err, len(data))
	}
	switch _, err := d.dec.Token(); {
	case errors.Is(err, io.EOF):
		return v, nil
	default:
		return nil, fmt.Errorf("JSON: text after the value, at byte %d", d.dec.InputOffset())
	}
}

type decoder struct{ dec *json.Decoder }

// explain words what went wrong; the decoder's own EOF says too little.
func (d *decoder) explain(err error, size int) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		if size == 0 {
			return errors.New("JSON: empty")
		}
		return fmt.Errorf("JSON: ends in the middle of a value, at byte %d", size)
	}
	return fmt.Errorf("JSON: %w", err)
}

func (d *decoder) next(depth int) (any, error) {
	token, err := d.dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if depth >= MaxDepth {
			return nil, badValue("nested deeper than %d", MaxDepth)
		}
		if t == '[' {
			return d.list(depth + 1)
		}
		return d.dict(depth + 1)
	case json.Number:
		return number(string(t))
	default: // nil, bool, string
		return t, nil
	}
}

func (d *decoder) list(depth int) (any, error) {
	list := []any{}
	for d.dec.More() {
		v, err := d.next(depth)
		if err != nil {
			return nil, atIndex(err, len(list))
		}
		list = append(list, v)
	}
	_, err := d.dec.Token()
	return list, err
}

func (d *decoder) dict(depth int) (any, error) {
	dict := map[string]any{}
	for d.dec.More() {
		token, err := d.dec.Token()
		if err != nil {
			return nil, err
		}
		key, ok := token.(string)
		if !ok {
			return nil, badValue("a key is no string")
		}
		if _, twice := dict[key]; twice {
			return nil, badValue("key %q is there twice", key)
		}
		if dict[key], err = d.next(depth); err != nil {
			return nil, atKey(err, key)
		}
	}
	_, err := d.dec.Token()
	return dict, err
}

func number(text string) (any, error) {
	if !strings.ContainsAny(text, ".eE") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, badValue("integer %s does not fit in 64 bits", shorten(text))
		}
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, badValue("number %s is too large", shorten(text))
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
