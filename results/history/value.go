package history

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// Hash is a SHA-256 in 64 lower-case hexadecimal digits. "" stands for none.
type Hash string

// HashBytes returns the hash of data.
func HashBytes(data []byte) Hash {
	sum := sha256.Sum256(data)
	return Hash(hex.EncodeToString(sum[:]))
}

// HashValue returns the hash of a JSON value: that of its canonical JSON.
func HashValue(v any) (Hash, error) {
	text, err := expr.Canonical(v)
	if err != nil {
		return "", err
	}
	return HashBytes(text), nil
}

// UnmarshalText refuses what is no hash: it may end up in a file name.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != 0 && len(text) != 2*sha256.Size {
		return fmt.Errorf("hash %.80q: want %d hexadecimal digits", text, 2*sha256.Size)
	}
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fmt.Errorf("hash %.80q: want lower-case hexadecimal digits", text)
		}
	}
	*h = Hash(text)
	return nil
}

// Value is a JSON value inside a record: nil, bool, int64, float64, string, []any or
// map[string]any. It is written canonically and read back with its integers whole; a
// float without a fraction comes back as an integer. The zero Value is null.
type Value struct{ V any }

// MarshalJSON writes canonical JSON.
func (v Value) MarshalJSON() ([]byte, error) { return expr.Canonical(v.V) }

// UnmarshalJSON reads any JSON value.
func (v *Value) UnmarshalJSON(data []byte) (err error) {
	v.V, err = expr.Decode(data)
	return err
}

// Number is a float64 that is written canonically: whole numbers without a fraction.
// NaN and infinities cannot be written.
type Number float64

// MarshalJSON writes canonical JSON.
func (n Number) MarshalJSON() ([]byte, error) { return expr.Canonical(float64(n)) }
