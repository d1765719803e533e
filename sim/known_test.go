package sim

import (
	"math"
	"testing"
)

// What a schema knows needs no look at its form, so only actions in normal form are known:
// 2.0, played again and again, would reach the rules as a float from the second time on,
// where a replay reads 2.
func TestKnownIsInNormalForm(t *testing.T) {
	s, err := CompileSchema(map[string]any{"n": map[string]any{"type": "number"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		n     any
		known bool
	}{{int64(2), true}, {2.5, true}, {2.0, false}, {math.Copysign(0, -1), false}} {
		var known bool
		for range 2 {
			if known, err = s.validate(map[string]any{"n": c.n}); err != nil {
				t.Fatal(err)
			}
		}
		if known != c.known {
			t.Errorf("%T %v, the second time: known %t, want %t", c.n, c.n, known, c.known)
		}
	}
}
