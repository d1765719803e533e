package expr

import (
	"strings"
	"testing"

	"go.starlark.net/starlark"
)

// A text of brackets, which an agent may write and an outcome may read, is refused instead
// of ending the process: a stack that overflows cannot be recovered from.
func TestDeepJSONIsRefused(t *testing.T) {
	deep := strings.Repeat("[", 5_000_000)
	look := func(string) (starlark.Value, error) { return starlark.String(deep), nil }
	for code, want := range map[string]string{
		"json.decode(text)":             "nested deeper than 10000",
		"json.decode(text, 0) == 0":     "",
		`json.decode("[[1]]")[0][0]`:    "",
		`json.decode(text[:0] + '{')`:   "unexpected end of file",
		`json.decode('"' + text + '"')`: "", // in a text brackets are text
	} {
		e, err := Compile(code, "x", 1, 1, []string{"text"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Eval(look)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", code, err, want)
		}
	}
}
