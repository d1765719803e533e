package gateway

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type obj = map[string]any

func text(s string) obj { return obj{"type": "text", "text": s} }

func use(id, name string, input obj) obj {
	return obj{"type": "tool_use", "id": id, "name": name, "input": input}
}

func result(id, content string) obj {
	return obj{"type": "tool_result", "tool_use_id": id, "content": content}
}

func says(role string, content ...any) obj { return obj{"role": role, "content": content} }

func talk(t *testing.T, n *neutral, messages ...obj) *conversation {
	t.Helper()
	list := make([]any, len(messages))
	for i, m := range messages {
		list[i] = m
	}
	r, err := ParseRequest([]byte(body(obj{"messages": list})), false)
	if err != nil {
		t.Fatal(err)
	}
	return stable(r, n)
}

const (
	environment = "# Environment\n - Primary working directory: %s\n - OS Version: %s\nToday's date is %s."
	left        = "<system-reminder>\n<total_tokens>%s tokens left</total_tokens>\n</system-reminder>"
)

// TestConversation goes through the forms in which the Claude Code CLI was seen to send a
// conversation: two layouts of its own insertions, interrupts, limits, resumes.
func TestConversation(t *testing.T) {
	n := newNeutral("/tmp/sb1/views/a1", []string{"/tmp/sb1/home/a1"})
	write := use("t1", "Write", obj{"file_path": "/tmp/sb1/views/a1/x", "content": "hi"})
	tests := []struct {
		name     string
		messages []obj
		call     int
		last     string
		results  []toolResult
	}{
		{"first", []obj{says("user", text("one"))}, 0, "one", nil},
		{"plain text", []obj{{"role": "user", "content": "one"}}, 0, "one", nil},
		{"environment after it", []obj{says("user", text("one")), says("system", text(environment))}, 0, "one", nil},
		{"environment before it", []obj{says("user", text("<system-reminder>\n"+environment+"\n</system-reminder>"), text(fmt.Sprintf(left, "14")), text("one"))}, 0, "one", nil},
		{"in one text", []obj{says("user", text("<system-reminder>x</system-reminder>\none\n<system-reminder>y</system-reminder>"))}, 0, "one", nil},
		{"prompt of two texts", []obj{says("user", text("one"), text("more"))}, 0, "one\nmore", nil},
		{"prompt with an image", []obj{says("user", obj{"type": "image"}, text("one"))}, 0, "one", nil},
		{"after a tool", []obj{says("user", text("one")), says("system", text(environment)), says("assistant", text("I write"), write),
			says("user", result("t1", "Created /tmp/sb1/views/a1/x"), text(fmt.Sprintf(left, "9")))},
			1, "one", []toolResult{{"Write", "Created ./x", false}}},
		{"after two", []obj{says("user", text("one")), says("assistant", write), says("user", result("t1", "r1")),
			says("assistant", use("t2", "act", obj{})), says("user", result("t2", "r2"))},
			2, "one", []toolResult{{"Write", "r1", false}, {"act", "r2", false}}},
		{"answer in two messages", []obj{says("user", text("one")), says("assistant", text("I")), says("assistant", write), says("user", result("t1", "r1"))},
			1, "one", []toolResult{{"Write", "r1", false}}},
		{"second turn", []obj{says("user", text("one")), says("assistant", write), says("user", result("t1", "r1")), says("assistant", text("done")),
			says("user", text("two")), says("system", text("Note: x changed on disk"))}, 0, "two", nil},
		{"second turn, reminders first", []obj{says("user", text("one")), says("assistant", text("done")),
			says("user", text("<system-reminder>\nNote\n</system-reminder>"), text("<system-reminder>\nUserPromptSubmit hook additional context: x\n</system-reminder>\n"), text("two"))}, 0, "two", nil},
		{"output limit", []obj{says("user", text("one")), says("assistant", text("do")),
			says("user", text("Output token limit hit. Resume directly — no apology, no recap of what you were doing."))}, 1, "one", nil},
		{"interrupted before an answer", []obj{says("user", text("one"), text("[Request interrupted by user]"), text("two"))}, 0, "two", nil},
		{"interrupted in a tool", []obj{says("user", text("one")), says("assistant", write),
			says("user", result("t1", "refused"), text("[Request interrupted by user for tool use]"), text("two"))}, 0, "two", nil},
		{"resumed", []obj{says("user", text("one")), says("assistant", write), says("user", result("t1", "…check whether it took effect…"), text("Continue from where you left off."))},
			1, "one", []toolResult{{"Write", "…check whether it took effect…", false}}},
		{"result of an unknown call", []obj{says("user", text("one")), says("user", result("t9", "r"))}, 0, "one", []toolResult{{"", "r", false}}},
		{"result with blocks", []obj{says("user", text("one")), says("assistant", write),
			says("user", obj{"type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": []any{text("a"), text("b")}})},
			1, "one", []toolResult{{"Write", "a\nb", true}}},
		{"no prompt at all", []obj{says("narrator", text("x"))}, 0, "", nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			c := talk(t, n, tc.messages...)
			if c.call != tc.call || c.last != tc.last || !slices.Equal(c.results, tc.results) {
				t.Errorf("call %d, last %q, results %v; want %d, %q, %v", c.call, c.last, c.results, tc.call, tc.last, tc.results)
			}
		})
	}
}

// TestUsageIsStable: sandbox, day, machine, ids and the client's token counter change
// neither what a script sees nor what it is billed; one letter more of the prompt does.
func TestUsageIsStable(t *testing.T) {
	session := func(root, id, day, counter, prompt string) *conversation {
		view := root + "/views/a1"
		n := newNeutral(view, []string{root + "/home/a1", root + "/tmp/a1"})
		return talk(t, n,
			says("user", text("<system-reminder>"+fmt.Sprintf(environment, view, "Linux "+id, day)+"</system-reminder>"), text(prompt)),
			says("system", text(fmt.Sprintf(environment, view, "Linux", day))),
			says("assistant", text("In "+view+" I write."), use("toolu_"+id, "Write", obj{"file_path": view + "/x", "content": "see " + root + "/home/a1/.cache"})),
			says("user", result("toolu_"+id, "Created "+view+"/x; log in "+root+"/tmp/a1/"+"log"), text(fmt.Sprintf(left, counter))),
		)
	}
	one := session("/tmp/s", "1", "2026-01-01", "9", "hello")
	two := session("/var/folders/zz/a-much-longer-name/sandbox.0815", "xyzzy", "2031-12-31", "15000000", "hello")
	if one.fingerprint() != two.fingerprint() || inputRule(one) != inputRule(two) {
		t.Errorf("%d and %d tokens:\n%+v\n%+v", inputRule(one), inputRule(two), one.messages, two.messages)
	}
	// hello | In . I write. | Write{"content":"see ~/.cache","file_path":"./x"} |
	// Created ./x; log in ~/log: 5 + 13 + 5+44 + 25 characters
	if one.size() != 92 || inputRule(one) != 23 {
		t.Errorf("%d characters, %d tokens; want 92 and 23", one.size(), inputRule(one))
	}
	if three := session("/tmp/s", "1", "2026-01-01", "9", "hello!"); three.fingerprint() == one.fingerprint() || three.size() != 93 {
		t.Error("another prompt is the same")
	}
}

func TestUsageRule(t *testing.T) {
	for _, tc := range []struct {
		prompt string
		want   int64
	}{{"x", 1}, {"xxxx", 1}, {"xxxxx", 2}, {"ääää", 1}, {strings.Repeat("x", 80_000), 20_000}, {strings.Repeat("x", 800_000), 20_000}} {
		if got := inputRule(talk(t, &neutral{}, says("user", text(tc.prompt)))); got != tc.want {
			t.Errorf("%d characters: %d tokens, want %d", len([]rune(tc.prompt)), got, tc.want)
		}
	}
}

func TestNeutral(t *testing.T) {
	n := newNeutral("/w", []string{"/tmp/sb/home/a1", "/tmp/sb/tmp/a1", "/tmp/sb", "", "/"})
	for _, tc := range []struct{ in, want string }{
		{"/w", "."},
		{"/w/x and /w/y", "./x and ./y"},
		{`{"p":"/w/x"}`, `{"p":"./x"}`},
		{"cd /w.", "cd .."},
		{"/ww /w1 /w_ /w-x a/w ./w ../w ~/w -w", "/ww /w1 /w_ /w-x a/w ./w ../w ~/w -w"},
		{"file:///w/x", "file://./x"},
		{"/tmp/sb/home/a1/.claude", "~/.claude"},
		{"/tmp/sb/home/a10/.claude", "~/home/a10/.claude"},
		{"/tmp/sb/views/a2/x", "~/views/a2/x"},
		{"projects/-tmp-sb-home-a1/s.jsonl", "projects/~/s.jsonl"},
		{"/tmp/sbx /tmp", "/tmp/sbx /tmp"},
		{"", ""},
	} {
		if got := n.clean(tc.in); got != tc.want {
			t.Errorf("%q: %q, want %q", tc.in, got, tc.want)
		}
	}
	got := n.cleanValue(obj{"/w/k": []any{"/w", int64(1), nil, obj{"x": "/w/y"}}})
	if text, _ := json.Marshal(got); string(text) != `{"./k":[".",1,null,{"x":"./y"}]}` {
		t.Errorf("%s", text)
	}
}

// TestNeutralKeys: two keys may become one; which value it has is no matter of chance.
func TestNeutralKeys(t *testing.T) {
	n := newNeutral("/t/views/a", nil)
	for range 50 {
		got := n.cleanValue(map[string]any{"/t/views/a/x": int64(1), "./x": int64(2)})
		if want := (map[string]any{"./x": int64(1)}); !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}

func TestNeutralResolvesLinks(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir+"/real", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	n := newNeutral(dir+"/link", nil)
	if got := n.clean(dir + "/link/x " + dir + "/real/x"); got != "./x ./x" {
		t.Errorf("%q", got)
	}
}
