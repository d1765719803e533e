package expr

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A value in normal form is the one that its canonical JSON is read back as.
func TestNormal(t *testing.T) {
	got := Normal(map[string]any{
		"whole": 2.0, "minus zero": math.Copysign(0, -1), "half": 0.5, "last": float64(1<<53 - 1), "first": float64(1 << 53),
		"huge": -1e300, "int": int64(math.MinInt64), "list": []any{1.0, []any{-3.0}, nil, "4.0", true},
	})
	want := map[string]any{
		"whole": int64(2), "minus zero": int64(0), "half": 0.5, "last": int64(1<<53 - 1), "first": float64(1 << 53),
		"huge": -1e300, "int": int64(math.MinInt64), "list": []any{int64(1), []any{int64(-3)}, nil, "4.0", true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	text, err := Canonical(got)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(text)
	if diff := cmp.Diff(got, back); diff != "" || err != nil {
		t.Errorf("%s does not come back: %v %s", text, err, diff)
	}
}
