package jsonl

import (
	"bytes"
	"encoding/json"
	"iter"
)

// Encode appends the JSON of v to buf: one line without its line feed, no HTML
// escapes, map keys sorted, struct fields in their order.
func Encode(buf *bytes.Buffer, v any) error {
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	buf.Truncate(buf.Len() - 1)
	return nil
}

// Keys yields the keys of a JSON object as encoding/json writes it, each with the
// offset of its opening quote. Keys are as written: escapes stay escapes.
func Keys(object []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		depth, expect := 0, false // expect: a string here would be a key of ours
		for i := 0; i < len(object); i++ {
			switch object[i] {
			case '{', '[':
				depth++
				expect = depth == 1
			case '}', ']':
				depth--
			case ',':
				expect = depth == 1
			case '"':
				end := stringEnd(object, i)
				if expect && !yield(i, object[i+1:max(i+1, end)]) {
					return
				}
				expect, i = false, end
			}
		}
	}
}

// stringEnd returns the offset of the quote that closes the string opened at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(b)
}
