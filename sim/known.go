package sim

import (
	"encoding/binary"
	"maps"
	"math"
	"sort"
	"sync/atomic"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// known remembers small actions that a schema has found valid: games offer few of them
// and play them millions of times. Only the verdict "valid" of exactly the same content
// is remembered. Readers take no lock; writers copy.
type known struct {
	set atomic.Pointer[map[string]struct{}]
}

// Bounds of what is remembered: actions of up to maxPlain scalar properties, texts and
// names of up to maxText bytes, and maxKnown of them in one schema.
const (
	maxPlain = 4
	maxText  = 128
	maxKnown = 256
)

func (k *known) has(key []byte) bool {
	set := k.set.Load()
	if set == nil {
		return false
	}
	_, ok := (*set)[string(key)]
	return ok
}

func (k *known) add(key string) {
	old := k.set.Load()
	next := map[string]struct{}{}
	if old != nil {
		if len(*old) >= maxKnown {
			return
		}
		next = maps.Clone(*old)
	}
	next[key] = struct{}{}
	k.set.CompareAndSwap(old, &next) // lost to another writer: remembered next time
}

// plainKey writes an action's whole content, unambiguously: sorted names and tagged
// values, each text with its length. It reports false for anything but a small object
// of scalars.
func plainKey(b []byte, action any) ([]byte, bool) {
	m, ok := action.(map[string]any)
	if !ok || len(m) > maxPlain {
		return nil, false
	}
	var names [maxPlain]string
	n := 0
	for name := range m {
		names[n] = name
		n++
	}
	if n > 1 {
		sort.Strings(names[:n])
	}
	for _, name := range names[:n] {
		if b, ok = plainText(b, name); ok {
			b, ok = plainValue(b, m[name])
		}
		if !ok {
			return nil, false
		}
	}
	return b, true
}

func plainText(b []byte, s string) ([]byte, bool) {
	if len(s) > maxText {
		return nil, false
	}
	return append(binary.AppendUvarint(b, uint64(len(s))), s...), true
}

func plainValue(b []byte, v any) ([]byte, bool) {
	switch v := v.(type) {
	case nil:
		return append(b, 'n'), true
	case bool:
		if v {
			return append(b, 't'), true
		}
		return append(b, 'f'), true
	case int64:
		return binary.AppendVarint(append(b, 'i'), v), true
	case float64:
		if _, whole := expr.Normal(v).(int64); whole {
			return nil, false // what is known is in normal form too
		}
		return binary.BigEndian.AppendUint64(append(b, 'd'), math.Float64bits(v)), true
	case string:
		return plainText(append(b, 's'), v)
	}
	return nil, false
}
