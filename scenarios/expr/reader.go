package expr

import (
	"bytes"
	"fmt"
)

// Reader reads a JSON text piece by piece, as strictly as [Decode], for those who know
// parts of the text already or need the bytes of a part. The zero value cannot be used;
// see [NewReader]. After an error nothing more may be read.
type Reader struct {
	data  []byte
	at    int
	depth int
	// keys are strings of earlier keys, by a hash: the same few come again and again.
	keys [32]string
}

// NewReader returns a reader at the beginning of data, which may not be changed while
// it is in use.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Next returns the first byte of the next value, which tells its type, and stays in
// front of it. At the end of the text it returns 0.
func (r *Reader) Next() byte {
	for ; r.at < len(r.data); r.at++ {
		switch c := r.data[r.at]; c {
		case ' ', '\n', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

// Offset is how many bytes have been read. After [Reader.Next] it is where the next
// value begins, after a value where that one ends.
func (r *Reader) Offset() int { return r.at }

// Known passes over the next value if its text is known. The text has to be that of a
// list, a dict or a string, which end by themselves, and to have been read by a Reader
// before, at the same depth or deeper.
func (r *Reader) Known(text []byte) bool {
	r.Next()
	if len(text) == 0 || !bytes.HasPrefix(r.data[r.at:], text) {
		return false
	}
	r.at += len(text)
	return true
}

// Value reads the next value, whole.
func (r *Reader) Value() (any, error) {
	switch c := r.Next(); c {
	case '{':
		return r.dict()
	case '[':
		list := []any{}
		err := r.List(func(int) error {
			v, err := r.Value()
			list = append(list, v)
			return err
		})
		return list, err
	case '"':
		return r.text()
	case 't':
		return true, r.literal("true")
	case 'f':
		return false, r.literal("false")
	case 'n':
		return nil, r.literal("null")
	default:
		if c == '-' || c-'0' <= 9 {
			return r.number()
		}
	}
	return nil, r.unexpected(r.at, " looking for beginning of value")
}

func (r *Reader) dict() (any, error) {
	dict := map[string]any{}
	err := r.object(
		func(key string) bool { _, twice := dict[key]; return twice },
		func(key string) error {
			v, err := r.Value()
			dict[key] = v
			return err
		})
	return dict, err
}

// Object reads a dict and calls member for each key; it has to read the key's value.
func (r *Reader) Object(member func(key string) error) error {
	keys := map[string]bool{}
	return r.object(
		func(key string) bool { return keys[key] },
		func(key string) error {
			keys[key] = true
			return member(key)
		})
}

func (r *Reader) object(known func(key string) bool, member func(key string) error) error {
	if err := r.open('{'); err != nil {
		return err
	}
	if r.Next() == '}' {
		r.shut()
		return nil
	}
	where := "" // in front of a first key encoding/json has no words for what it wants
	for {
		key, err := r.key(where)
		if err != nil {
			return err
		}
		if known(key) {
			return refuse("key %q is there twice", key)
		}
		if err := r.colon(); err != nil {
			return err
		}
		if err := member(key); err != nil {
			return atKey(err, key)
		}
		switch r.Next() {
		case '}':
			r.shut()
			return nil
		case ',':
			r.at++
		default:
			return r.unexpected(r.at, " after object key:value pair")
		}
		where = " looking for beginning of object key string"
	}
}

// List reads a list and calls element for each index; it has to read the element.
func (r *Reader) List(element func(i int) error) error {
	if err := r.open('['); err != nil {
		return err
	}
	if r.Next() == ']' {
		r.shut()
		return nil
	}
	for i := 0; ; i++ {
		if err := element(i); err != nil {
			return atIndex(err, i)
		}
		switch r.Next() {
		case ']':
			r.shut()
			return nil
		case ',':
			r.at++
		default:
			return r.unexpected(r.at, " after array element")
		}
	}
}

// End refuses anything but space in what is left of the text.
func (r *Reader) End() error {
	if r.Next(); r.at < len(r.data) {
		return &jsonError{fmt.Errorf("text after the value, at byte %d", r.at)}
	}
	return nil
}

func (r *Reader) open(c byte) error {
	if r.Next() != c || r.at >= len(r.data) {
		return r.unexpected(r.at, " looking for beginning of value")
	}
	if r.depth >= MaxDepth {
		return refuse("nested deeper than %d", MaxDepth)
	}
	r.depth++
	r.at++
	return nil
}

func (r *Reader) shut() {
	r.depth--
	r.at++
}

func (r *Reader) literal(word string) error {
	for i := range len(word) {
		if !r.has(r.at+i, word[i]) {
			return r.unexpected(r.at+i, fmt.Sprintf(" in literal %s (expecting %s)", word, quoteByte(word[i])))
		}
	}
	r.at += len(word)
	return nil
}
