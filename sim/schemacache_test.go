package sim

import (
	"fmt"
	"testing"
)

// Schemas that are another one at every act do not pile up, whichever form they have.
func TestSchemaCacheIsBounded(t *testing.T) {
	for name, form := range map[string]func(any) any{
		"dict": func(v any) any { return v },
		"list": func(v any) any { return []any{v} },
	} {
		var s schemas
		for i := range maxCachedSchemas - 10 { // compiling that many would take long
			s.remember(form(map[string]any{}), fmt.Sprint(i), &Schema{})
		}
		for i := range 20 {
			v := form(map[string]any{"n": map[string]any{"maximum": int64(i)}})
			first, err := s.compile(v)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := s.compile(v); again != first || err != nil {
				t.Fatalf("%s: the same schema was compiled twice: %v", name, err)
			}
		}
		if len(s.byText) > maxCachedSchemas || len(s.byMap) > maxCachedSchemas || len(s.keep) > maxCachedSchemas {
			t.Errorf("%s: %d texts, %d dicts, %d kept; want at most %d", name, len(s.byText), len(s.byMap), len(s.keep), maxCachedSchemas)
		}
	}
}
