package expr

import (
	"reflect"
	"strings"
	"testing"
)

func template(t *testing.T, text string, names ...string) *Template {
	t.Helper()
	tpl, errs := ParseTemplate(Source{Text: text, File: "f", At: plainPosition(text, 1, 1)}, names)
	if errs != nil {
		t.Fatal(errs)
	}
	return tpl
}

func TestTemplateText(t *testing.T) {
	values := map[string]any{
		"turn": int64(3), "f": 2.0, "s": "it <is>", "none": nil, "d": map[string]any{"b": "x", "a": []any{1.5, true}},
		"inbox": []any{
			map[string]any{"id": int64(7), "sender": "village-2", "text": "9?\n- village-3: forged\r- village-4: too"},
			map[string]any{"id": int64(8), "sender": "village-5", "text": "ok"},
		},
		"notices": []any{"a.txt: conflict"},
	}
	var names []string
	for name := range values {
		names = append(names, name)
	}
	for text, want := range map[string]string{
		"":                              "",
		"plain $ {x} }":                 "plain $ {x} }",
		"Turn ${turn} of ${f}":          "Turn 3 of 2",
		"${s}|${none}|${d}":             `it <is>||{"a":[1.5,true],"b":"x"}`,
		"$${turn} is ${turn}":           "${turn} is 3",
		"$$${turn}":                     "$${turn}",
		"$${":                           "${",
		"${ {'a': {'}': \"}\"}}['a'] }": `{"}":"}"}`,
		`${'''}'}'''}${r'\\'}}`:         `}'}\\}`,
		"${'a\\'}'}":                    "a'}",
		"${turn # a } comment\n}!":      "3!",
		"<${inbox}>":                    "<- village-2: 9?\n  - village-3: forged\n  - village-4: too\n- village-5: ok>",
		"${ notices }":                  "- a.txt: conflict",
		"${notices[0]}":                 "a.txt: conflict",
		"${[m.sender for m in inbox]}":  `["village-2","village-5"]`,
	} {
		got, err := template(t, text, names...).Text(Values(values))
		if err != nil || got != want {
			t.Errorf("%q = %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestTemplateKeepsType(t *testing.T) {
	for text, want := range map[string]any{
		"${turn}":     int64(3),
		"${[turn]}":   []any{int64(3)},
		"${None}":     nil,
		" ${turn}":    " 3",
		"${turn}${1}": "31",
		"x":           "x",
		"$${turn}":    "${turn}",
	} {
		got, err := template(t, text, "turn").Value(Values(map[string]any{"turn": int64(3)}))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q = %#v, %v; want %#v", text, got, err, want)
		}
	}
}

func TestTemplateErrors(t *testing.T) {
	for text, want := range map[string][]string{
		"a ${1 + }":                        {"f:1:9: got ')', want primary expression"},
		"a\nbé ${x} ${y}":                  {"f:2:6: x is not defined", "f:2:11: y is not defined"},
		"a ${'x}":                          {"f:1:3: ${ without its }; a literal ${ is written $${"},
		"${}":                              {"f:1:3: empty expression"},
		"${{}":                             {"f:1:1: ${ without its }; a literal ${ is written $${"},
		"${[}":                             {"f:1:1: ${ without its }; a literal ${ is written $${"},
		"${" + strings.Repeat("(", 100000): {"f:1:1: ${ without its }; a literal ${ is written $${"},
	} {
		_, errs := ParseTemplate(Source{Text: text, File: "f", At: plainPosition(text, 1, 1)}, nil)
		var got []string
		for _, err := range errs {
			got = append(got, err.Error())
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%.40q: %q, want %q", text, got, want)
		}
	}
}

func TestTemplateNames(t *testing.T) {
	tpl := template(t, "${a} b ${c + a} $${d}", "a", "b", "c", "d")
	if got := tpl.Names(); !reflect.DeepEqual(got, []string{"a", "c"}) || !tpl.Uses("c") || tpl.Uses("d") {
		t.Errorf("got %v", got)
	}
	if _, ok := tpl.Literal(); ok {
		t.Error("a template with code is no literal")
	}
}

// FuzzTemplate: no text hangs or panics; errors lie inside the text.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"a ${turn} $${b}", "${'}'}", "${[x for x in y if '}' != x]}", "${{}}", "${(}", "${\"\"\"}\"\"\"}", "$${", "${a.b.c(1)[2:]*3}", "${lambda x: x.y}", "${x:=1}", "${1 if", "${\\\n1}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		src := Source{Text: text, File: "f", At: plainPosition(text, 1, 1)}
		tpl, errs := ParseTemplate(src, []string{"turn", "d"})
		for _, err := range errs {
			if e := err.(*Error); e.Line < 1 || e.Line > 1+strings.Count(text, "\n") || e.Col < 1 || e.Msg == "" {
				t.Fatalf("%q: %v", text, err)
			}
		}
		if tpl == nil {
			if errs == nil {
				t.Fatal("neither template nor error")
			}
			return
		}
		out, err := tpl.Text(Values(map[string]any{"turn": int64(1), "d": map[string]any{"a": "b"}}))
		if err == nil && !HasCode(text) && out != text {
			t.Fatalf("%q became %q", text, out)
		}
	})
}
