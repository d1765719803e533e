package main

import (
	"bytes"
	"strings"
	"testing"
)

// What is logged may name what agents chose: paths, errors. It reaches a terminal and
// the log of a CI runner like everything else.
func TestLogIsHarmless(t *testing.T) {
	var out bytes.Buffer
	a := &app{stderr: &out, logLevel: "warn", logFormat: "text"}
	a.log().Warn("displaced", "path", "##[error]x\x1b[2J\u202e", "error", "two\n::error::lines\u009b31m\n##[set-env name=A]\xff")
	got := out.String()
	if bad := raw(got); bad != "" || strings.Contains(got, "##[") || strings.Count(got, "\n") < 2 {
		t.Errorf("%s:\n%q", bad, got)
	}
	for line := range strings.Lines(got) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("a runner would obey %q", line)
		}
	}
}
