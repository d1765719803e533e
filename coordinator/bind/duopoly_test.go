package bind_test

import (
	"fmt"
	"reflect"
	"testing"
)

// TestDuopoly: the exact vectors of scenario S4: one file under several orders.
func TestDuopoly(t *testing.T) {
	type pair = []any
	for _, c := range []struct {
		order, a, b string
		q, profit   []any // by turn
		about       string
	}{
		{order: "cournot", a: "4", b: "4", q: []any{pair{int64(4), int64(4)}}, profit: []any{pair{int64(16), int64(16)}}},
		{order: "stackelberg", a: "6", b: "3", q: []any{pair{int64(6), int64(3)}}, profit: []any{pair{int64(18), int64(9)}}},
		{order: "cournot", a: "3", b: "3", q: []any{pair{int64(3), int64(3)}}, profit: []any{pair{int64(18), int64(18)}}},
		{order: "cournot", a: "6", b: "peek", q: []any{pair{int64(6), int64(4)}}, profit: []any{pair{int64(12), int64(8)}}, about: "a leak of uncommitted writes"},
		{order: "stackelberg", a: "6", b: "peek", q: []any{pair{int64(6), int64(3)}}, profit: []any{pair{int64(18), int64(9)}}, about: "a stage that published late"},
		{
			order: "cournot", a: "latest", b: "latest",
			q:      []any{pair{int64(6), int64(6)}, pair{int64(3), int64(3)}, pair{int64(4), int64(4)}, pair{int64(4), int64(4)}},
			profit: []any{pair{int64(0), int64(0)}, pair{int64(18), int64(18)}, pair{int64(16), int64(16)}, pair{int64(16), int64(16)}},
		},
		{
			order: "alternating", a: "latest", b: "latest",
			q:      []any{pair{int64(6), int64(3)}, pair{int64(4), int64(4)}, pair{int64(4), int64(4)}},
			profit: []any{pair{int64(18), int64(9)}, pair{int64(16), int64(16)}, pair{int64(16), int64(16)}},
		},
	} {
		res := playAll(t, "duopoly", "order="+c.order, "a="+c.a, "b="+c.b, fmt.Sprint("turns=", len(c.q)))[0]
		if !reflect.DeepEqual(res.Series["q"], c.q) || !reflect.DeepEqual(res.Series["profit"], c.profit) {
			t.Errorf("%s, %s against %s: quantities %v, profits %v %s", c.order, c.a, c.b, res.Series["q"], res.Series["profit"], c.about)
		}
		if len(res.Draws) != 0 || res.Conflicts != 0 {
			t.Errorf("%s: draws %v, %d conflicts", c.order, res.Draws, res.Conflicts)
		}
	}
}

// TestBestReplies: to each quantity of the leader, ties to the smaller.
func TestBestReplies(t *testing.T) {
	for q, want := range []int64{6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0} {
		res := playAll(t, "duopoly", "order=stackelberg", fmt.Sprint("a=", q), "b=peek")[0]
		if got := res.Series["q"][0].([]any)[1]; got != want {
			t.Errorf("the best reply to %d is %v, want %d", q, got, want)
		}
	}
}
