package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// decodeByTokens is Decode on encoding/json's tokens: the specification that Decode is
// held against.
func decodeByTokens(data []byte) (any, error) {
	d := tokenDecoder{dec: json.NewDecoder(bytes.NewReader(data))}
	d.dec.UseNumber()
	v, err := d.next(0)
	if err != nil {
		return nil, d.explain(err, len(data))
	}
	if _, err := d.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("JSON: text after the value")
	}
	return v, nil
}

type tokenDecoder struct{ dec *json.Decoder }

func (d *tokenDecoder) explain(err error, size int) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		if size == 0 {
			return errors.New("JSON: empty")
		}
		return fmt.Errorf("JSON: ends in the middle of a value, at byte %d", size)
	}
	return fmt.Errorf("JSON: %w", err)
}

func (d *tokenDecoder) next(depth int) (any, error) {
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
		return tokenNumber(string(t))
	}
	return token, nil
}

func (d *tokenDecoder) list(depth int) (any, error) {
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

func (d *tokenDecoder) dict(depth int) (any, error) {
	dict := map[string]any{}
	for d.dec.More() {
		token, err := d.dec.Token()
		if err != nil {
			return nil, err
		}
		key := token.(string)
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

func tokenNumber(text string) (any, error) {
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

// sameAsTokens holds Decode against its specification: the same value, or the same
// words. Only where the text after a value begins is said better.
func sameAsTokens(t *testing.T, data []byte) {
	t.Helper()
	got, gotErr := Decode(data)
	want, wantErr := decodeByTokens(data)
	switch {
	case gotErr == nil && wantErr == nil:
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %#v, want %#v", data, got, want)
		}
	case gotErr == nil || wantErr == nil:
		t.Fatalf("%q: %v, want %v", data, gotErr, wantErr)
	default:
		if words, _, _ := strings.Cut(gotErr.Error(), "value, at byte"); strings.HasPrefix(words, "JSON: text after the ") {
			gotErr = errors.New("JSON: text after the value")
		}
		if gotErr.Error() != wantErr.Error() {
			t.Fatalf("%q:\n%v, want\n%v", data, gotErr, wantErr)
		}
	}
}

// jsonTexts are texts in whose neighbourhood readers of JSON go wrong.
var jsonTexts = []string{
	"", " ", "\n\t\r 1", "1 ", "1x", "1 2", "\x00", "\ufeff1", "\v1", "nul", "null", "nullx", "trux", "t", "falsé", "'a'", "NaN", "-", "+1", "-a", "-0", "-0.0",
	"0", "00", "01", "[01]", "1.", "1.a", "1.5", ".5", "1e", "1e+", "1e+x", "1E5", "1e400", "-1e400", "1e-400", "9223372036854775807", "9223372036854775808",
	"-9223372036854775808", "-9223372036854775809", strings.Repeat("9", 100), "[1e999]", `[99999999999999999999x`,
	`""`, `"`, `"a`, `"\`, `"\x"`, `"\u12"`, `"\u12`, `"\u123g"`, `"\u00e9\u00E9"`, `"\ud800"`, `"\ud83d\ude00"`, `"\ud83d\u0041"`, `"\ud83d\ud83d\ude00"`, `"\ud83d\n"`, `"\ud83d\u12"`,
	`"\ude00\ud83d"`, `"\"\\\/\b\f\n\r\t"`, "\"\n\"", "\"\x1f\"", "\"\x7f\"", "\"\xff\xfe\"", "\"\xc3\"", "\"\xc3\\u0080\"", "\"\xe2\x82\"", "\"é\u2028\\u2028\"", `"\u0000"`,
	"[", "]", "[]", "[ ]", "[,", "[1", "[1,", "[1,]", "[1 2]", "[1}", "[}", "[1,2] ]", "[\"a\"\"b\"]", "[1\x00", "[[],{},[[]]]", "[:",
	"{", "}", "{}", "{ }", "{]", "{,", "{:", "{1:2}", `{"a"`, `{"a"}`, `{"a",`, `{"a" 1}`, `{"a":`, `{"a":}`, `{"a":]`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a":1,2}`, `{"a":1 "b":2}`, `{"a":1]`,
	`{"a":1,"a":2}`, `{"a":1,"a":`, `{"a":1,"a"`, `{"a":1,"\u0061":2}`, `{"x":[{"a":1,"a":2}]}`, `{"":1,"":2}`, `{"a":{"a":1},"b":{"a":1}}`, "{\"\xff\":1,\"\xfe\":2}", `{"x":[1,{"y":1e999}]}`,
	`{"` + strings.Repeat("k", 60) + `":99999999999999999999}`, strings.Repeat("[", 128) + strings.Repeat("]", 128), strings.Repeat("[", 129), strings.Repeat(`{"a":`, 129), strings.Repeat("[", 128) + `{`,
	`{"type":"text","epyt":1,"tope":2,"text":3,"t":4,"name":5,"nome":6}`,
}

func TestDecodeIsAsStrictAsTokens(t *testing.T) {
	for _, text := range jsonTexts {
		sameAsTokens(t, []byte(text))
		sameAsTokens(t, []byte(`{"v": [`+text+`]}`))
		for i := range text {
			if i < 200 {
				sameAsTokens(t, []byte(text[:i]))
			}
		}
	}
}

func FuzzDecodeAsTokens(f *testing.F) {
	for _, text := range jsonTexts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) { sameAsTokens(t, data) })
}

func TestDecodeSaysWhereTheRestBegins(t *testing.T) {
	if _, err := Decode([]byte("[1]  {")); err == nil || err.Error() != "JSON: text after the value, at byte 5" {
		t.Error(err)
	}
}

// TestReader reads a text in pieces, a part of it by its bytes only.
func TestReader(t *testing.T) {
	known := []byte(`{"b": [1, {}]}`)
	text := ` {"a": [` + string(known) + ` , 7, "x"], "c": null} `
	r := NewReader([]byte(text))
	var got []any
	err := r.Object(func(key string) error {
		got = append(got, key)
		if r.Next() != '[' {
			v, err := r.Value()
			got = append(got, v)
			return err
		}
		return r.List(func(i int) error {
			if r.Known([]byte("[]")) || r.Known(nil) {
				t.Error("knows what is not there")
			}
			if r.Known(known) {
				got = append(got, "known")
				return nil
			}
			r.Next()
			start := r.Offset()
			v, err := r.Value()
			got = append(got, v, text[start:r.Offset()])
			return err
		})
	})
	if err != nil || r.End() != nil {
		t.Fatal(err, r.End())
	}
	if want := []any{"a", "known", int64(7), "7", "x", `"x"`, "c", nil}; !reflect.DeepEqual(got, want) {
		t.Errorf("%#v, want %#v", got, want)
	}
}

// TestReaderRefuses: the walk is as strict as the whole.
func TestReaderRefuses(t *testing.T) {
	var walk func(r *Reader) error
	walk = func(r *Reader) error {
		switch r.Next() {
		case '{':
			return r.Object(func(string) error { return walk(r) })
		case '[':
			return r.List(func(int) error { return walk(r) })
		}
		_, err := r.Value()
		return err
	}
	for _, text := range jsonTexts {
		r := NewReader([]byte(text))
		err := walk(r)
		if err == nil {
			err = r.End()
		}
		if _, want := Decode([]byte(text)); fmt.Sprint(err) != fmt.Sprint(want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	if NewReader([]byte("1")).Object(nil) == nil || NewReader(nil).List(nil) == nil {
		t.Error("a number is a dict, or nothing a list")
	}
}

func BenchmarkDecode(b *testing.B) {
	var list []any
	for i := range 400 {
		list = append(list, map[string]any{"type": "tool_use", "id": strconv.Itoa(i), "name": "Write", "input": map[string]any{
			"file_path": "/w/x", "lines": i, "content": strings.Repeat("A line of \"text\" of the usual length.\n", 8)}})
	}
	data, err := json.Marshal(list)
	if err != nil {
		b.Fatal(err)
	}
	for name, decode := range map[string]func([]byte) (any, error){"tokens": decodeByTokens, "decode": Decode} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
