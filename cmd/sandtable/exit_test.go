package main

import (
	"bytes"
	"strings"
	"testing"
)

// A panic is the harness's failure, 3; Go's own code for it is 2, which means usage.
func TestPanicIsTheHarness(t *testing.T) {
	var errs bytes.Buffer
	code := guarded(&errs, func() int { panic("a\x1b[31m nil map") })
	if out := errs.String(); code != 3 || !strings.HasPrefix(out, `sandtable: this is a defect of the program, please report it: a\x1b[31m nil map`) ||
		!strings.Contains(out, "exit_test.go") {
		t.Errorf("exit code %d, %q", code, out)
	}
	if code := guarded(&errs, func() int { return 4 }); code != 4 {
		t.Errorf("exit code %d, want 4", code)
	}
}

// The worst of several scenarios counts: 3 before 1 before 4 before 0 (design, section 8).
func TestWorstCode(t *testing.T) {
	for _, c := range []struct {
		codes []int
		want  int
	}{
		{[]int{0}, 0}, {[]int{0, 0}, 0}, {[]int{0, 4}, 4}, {[]int{4, 1}, 1}, {[]int{1, 4, 0}, 1},
		{[]int{1, 3, 4, 0}, 3}, {[]int{0, 130}, 130}, {[]int{130, 4}, 4},
	} {
		if got := worstCode(c.codes); got != c.want {
			t.Errorf("worstCode(%v) = %d, want %d", c.codes, got, c.want)
		}
	}
}
