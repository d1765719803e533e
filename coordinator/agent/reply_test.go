package agent_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/coordinator/agent"
)

func TestLastObject(t *testing.T) {
	one := map[string]any{"a": int64(1)}
	for _, c := range []struct {
		text string
		want map[string]any
	}{
		{``, nil},
		{`no object`, nil},
		{`{"a":1}`, one},
		{`{"b":2} then {"a":1} and done.`, one},
		{"first ```json\n{\"b\":2}\n``` then\n```\n{\"a\": 1}\n```", one},
		{`{"x":{"a":1}}`, map[string]any{"x": map[string]any{"a": int64(1)}}},
		{`{"x":{"a":1}`, nil},             // cut off: what is inside is no action
		{`{"a":1} or rather {"a":2`, one}, // the last complete one
		{`a set {x, y} and {"a":1}`, one}, // a bracket of prose
		{`a set {x, {"a":1} }`, one},      // a bracket of prose around it
		{`{"s":"{\"a\":1}"}`, map[string]any{"s": `{"a":1}`}},
		{`[1,2] 3 "x"`, nil},
		{`{"n":1.0,"e":1e2,"big":123456789012345678901}`, map[string]any{"n": 1.0, "e": 100.0, "big": 123456789012345678901.0}},
		{`{"a":1e999}`, nil},
		{`{"x":{"a":1},"y":1e999}`, nil},       // whole, but no value: what is inside is no action
		{`{"b":2} or rather {"a":1e999}`, nil}, // nor is what was said before it
		{`{"y":1e999} or rather {"a":1}`, one},
		{`{"x":` + strings.Repeat("[", 200) + `{"a":1}` + strings.Repeat("]", 200) + `}`, nil}, // too deep
		{"{\"a\":1}\xff", one},
		{`{}`, map[string]any{}},
	} {
		got, ok := agent.LastObject(c.text)
		if !cmp.Equal(got, c.want) || ok != (c.want != nil) {
			t.Errorf("%s: got %v %v, want %v", c.text, got, ok, c.want)
		}
	}
}

// What hostile texts cost is bounded: each of these takes minutes if every bracket is
// read to the end. What is bounded is this thread's processor time, not the clock of a
// busy machine.
func TestLastObjectIsCheap(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for name, text := range map[string]string{
		"brackets":  strings.Repeat("{", 1<<20),
		"nested":    strings.Repeat(`{"x":`, 9000) + strings.Repeat(" ", 900_000) + "@",
		"long text": strings.Repeat(`{"`, 1000) + strings.Repeat("x", 900_000) + `"@`,
	} {
		start := threadTime(t)
		if got, ok := agent.LastObject(text); ok {
			t.Errorf("%s: found %v", name, got)
		}
		if used := threadTime(t) - start; used > 20*time.Second {
			t.Errorf("%s: took %v", name, used)
		}
	}
}

func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var use unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

func TestParseValue(t *testing.T) {
	for _, bad := range []string{"", "{", "1 2", strings.Repeat("[", 300) + strings.Repeat("]", 300), "NaN"} {
		if v, err := agent.ParseValue([]byte(bad)); err == nil {
			t.Errorf("%.20q: got %v", bad, v)
		}
	}
}

func TestNeutral(t *testing.T) {
	f := agent.Neutral("/t/views/a", "", "/")
	for in, want := range map[string]string{
		"":                             "",
		"/t/views/a":                   ".",
		"/t/views/a/":                  "./",
		"/t/views/a/n.md":              "./n.md",
		"see /t/views/a.":              "see ..",
		"/t/views/a.b":                 "/t/views/a.b",
		"/t/views/ab/x":                "/t/views/ab/x",
		"/t/views/a/x,/t/views/a/y":    "./x,./y",
		"/x/t/views/a":                 "/x/t/views/a",
		"(/t/views/a/t/views/a)":       "(./t/views/a)",
		"\"/t/views/a/é\" /t/views/aé": "\"./é\" /t/views/aé",
	} {
		if got := f(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzLastObject(f *testing.F) {
	for _, s := range []string{`{"a":1}`, "```json\n{}\n```", `{"a":{"b":[1,{"c":null}]}} x {`, `{{{}}}`, `{"a":1e999}{`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := agent.LastObject(s)
		if ok != (got != nil) {
			t.Fatalf("%v %v", got, ok)
		}
		if again, _ := agent.LastObject(s + " and prose"); ok && !cmp.Equal(got, again) {
			t.Fatalf("prose after the object changed it: %v, %v", got, again)
		}
	})
}
