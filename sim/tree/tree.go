package tree

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Hash is the SHA-256 of a file's bytes, or of a directory's canonical listing.
type Hash [32]byte

// HashOf returns the content address of data.
func HashOf(data []byte) Hash { return sha256.Sum256(data) }

// String returns 64 lower-case hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes the hash as hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what [Hash.MarshalText] wrote.
func (h *Hash) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != len(h) {
		return fmt.Errorf("hash %q: want %d hexadecimal digits", text, 2*len(h))
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// Kind says what a path holds. The zero value is invalid.
type Kind uint8

// The kinds of an [Entry]. Directories are implied by the paths below them and are
// not versioned on their own: an empty directory is not part of a tree.
const (
	KindInvalid Kind = iota
	File             // a regular file
	Exec             // a regular file with an executable bit
	Link             // a symbolic link; the content is its target
)

var kindNames = [...]string{"invalid", "file", "exec", "link"}

// String returns "file", "exec" or "link".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindInvalid]
}

// MarshalText writes the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a kind's name.
func (k *Kind) UnmarshalText(text []byte) error {
	for i, name := range kindNames[1:] {
		if name == string(text) {
			*k = Kind(i + 1)
			return nil
		}
	}
	return fmt.Errorf("kind %q: want file, exec or link", text)
}

// Entry is one path's content: what kind it is, the hash of its bytes, their number.
// Entries are comparable; the zero Entry means "absent".
type Entry struct {
	Kind Kind  `json:"kind"`
	Hash Hash  `json:"hash"`
	Size int64 `json:"size"`
}

// Absent reports whether the entry stands for a path that is not there.
func (e Entry) Absent() bool { return e.Kind == KindInvalid }

// Blobs stores file content by hash. Implementations must be safe for concurrent use.
type Blobs interface {
	// Put stores data and returns its hash; storing the same bytes twice is free.
	Put(data []byte) (Hash, error)
	// Get returns the bytes of h. The caller must not change them.
	Get(h Hash) ([]byte, error)
}
