package tree

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// listingHeader starts every directory listing; the digit is the format's version.
const listingHeader = "sandtable tree 1\n"

// listingTypes are the type letters of a listing by [Kind]; a directory is 'd'.
const listingTypes = "?fxl"

// Root returns the hash of the whole tree: equal exactly for equal content, however
// the tree came about. It is computed once and kept.
//
// The hash of a directory is the SHA-256 of its listing, which is the line "sandtable
// tree 1" and, for every name in it,
//
//	type    1 byte: f file, x executable file, l link, d directory
//	length  8 bytes, big endian: of the name
//	name    without a slash
//	hash    32 bytes: of the content, or of the directory's listing
//	size    8 bytes, big endian: of the content; 0 for a directory
//
// Names are in byte order of the paths below them: a directory sorts as if a slash
// were behind its name. There are no empty directories; the empty tree's listing is
// the first line alone.
func (t *Tree) Root() Hash {
	if t == nil {
		return HashOf([]byte(listingHeader))
	}
	if h := t.hash.Load(); h != nil {
		return *h
	}
	// Two goroutines may both get here; they compute and store the same.
	h := Hash(sha256.Sum256(t.listing()))
	t.hash.Store(&h)
	return h
}

func (t *Tree) listing() []byte {
	out := make([]byte, 0, len(listingHeader)+len(t.nodes)*80)
	out = append(out, listingHeader...)
	for _, n := range t.nodes {
		kind, hash, name := byte('d'), n.entry.Hash, strings.TrimSuffix(n.key, "/")
		if n.dir != nil {
			hash = n.dir.Root()
		} else {
			kind = listingTypes[n.entry.Kind]
		}
		out = append(out, kind)
		out = binary.BigEndian.AppendUint64(out, uint64(len(name)))
		out = append(out, name...)
		out = append(out, hash[:]...)
		out = binary.BigEndian.AppendUint64(out, uint64(n.entry.Size))
	}
	return out
}
