package scenarios

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// folder makes a scenario folder and returns it.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const small = "sandtable: 1\nname: x\nagents: [{name: a}]\nturns: {max: 1}\n"

func TestDigest(t *testing.T) {
	files := map[string]string{"scenario.yaml": small, "a.txt": "a", "b/c.txt": "c"}
	dir := folder(t, files)
	first := mustLoad(t, dir).Digest
	if len(first) != 64 || mustLoad(t, folder(t, files)).Digest != first || mustLoad(t, filepath.Join(dir, FileName)).Digest != first {
		t.Error("the same folder elsewhere has another digest")
	}
	seen := map[string]string{first: "unchanged"}
	for name, change := range map[string]func(){
		"file":    func() { write(t, dir, "b/c.txt", "d") },
		"new":     func() { write(t, dir, "n.txt", "") },
		"main":    func() { write(t, dir, "scenario.yaml", small+"# more\n") },
		"renamed": func() { check(t, os.Rename(filepath.Join(dir, "a.txt"), filepath.Join(dir, "z.txt"))) },
		"mode":    func() { check(t, os.Chmod(filepath.Join(dir, "b/c.txt"), 0o755)) },
		"link":    func() { check(t, os.Symlink("z.txt", filepath.Join(dir, "l"))) },
	} {
		change()
		d := mustLoad(t, dir).Digest
		if other, ok := seen[d]; ok {
			t.Errorf("%s changes nothing since %s", name, other)
		}
		seen[d] = name
	}
	write(t, dir, ".hidden", "x")
	check(t, os.Symlink(".hidden", filepath.Join(dir, "shown")))
	before := mustLoad(t, dir).Digest
	write(t, dir, ".hidden", "y")
	if mustLoad(t, dir).Digest == before {
		t.Error("what a link gives to read is not in the digest")
	}
	write(t, dir, ".hidden", "x")
	write(t, dir, ".other", "x")
	write(t, dir, "runs/1/history.jsonl", "x")
	write(t, dir, "b/__pycache__/x.pyc", "x")
	if mustLoad(t, dir).Digest != before {
		t.Error("what runs leave behind changes the digest")
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777))
	check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestConfined: neither a path nor a link leads out of the folder.
func TestConfined(t *testing.T) {
	outside := folder(t, map[string]string{"secret": "s"})
	dir := folder(t, map[string]string{"scenario.yaml": small, "in.txt": "in", ".hidden": "h", "d/x": "x"})
	check(t, os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "out.txt")))
	check(t, os.Symlink(outside, filepath.Join(dir, "outdir")))
	check(t, os.Symlink("in.txt", filepath.Join(dir, "within.txt")))
	f := mustLoad(t, dir).Files
	for path, want := range map[string]string{
		"out.txt": "leads out of", "outdir/secret": "cannot be read", "../secret": "want a relative path", "/etc/passwd": "want a relative path",
		"d/../in.txt": "want a relative path", "": "want a relative path", "d": "not a file", "nope": "no file nope in the scenario's folder",
		".hidden": "is hidden", `d\x`: "want a relative path", "a\x00b": "want a relative path",
	} {
		if data, err := f.Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v; want %s", path, data, err, want)
		}
	}
	for path, want := range map[string]string{"in.txt": "in", "within.txt": "in", "d/x": "x"} {
		if data, err := f.Read(path); err != nil || string(data) != want {
			t.Errorf("%q: %q, %v", path, data, err)
		}
	}
	write(t, dir, "d/x", "changed")
	write(t, dir, "later.txt", "x")
	again := mustLoad(t, dir).Files
	write(t, dir, "d/x", "changed again")
	write(t, dir, "in.txt", "changed")
	for path, want := range map[string]string{"d/x": "has changed since", "within.txt": "has changed since", "later.txt": ""} {
		_, err := again.Read(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if data, err := f.Read("d/x"); err != nil || string(data) != "x" {
		t.Errorf("what was read once stays: %q, %v", data, err)
	}
	if _, err := f.Read("later.txt"); err == nil || !strings.Contains(err.Error(), "was not in the scenario's folder when it was loaded") {
		t.Error(err)
	}
}

func TestLoadPaths(t *testing.T) {
	empty := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(empty, "none"): "no such file or folder; a scenario is a folder with a scenario.yaml",
		empty:                        "no scenario.yaml in this folder",
		"/dev/null":                  "not a file",
	} {
		if _, err := Load(path, LoadOptions{}); err == nil || err.Error() != path+": "+want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	big := folder(t, map[string]string{"scenario.yaml": strings.Repeat("# x\n", 300_000)})
	if _, err := Load(big, LoadOptions{}); err == nil || !strings.Contains(err.Error(), "1200000 bytes; the most is 1048576") {
		t.Error(err)
	}
}

func TestDataFiles(t *testing.T) {
	s := mustLoad(t, "testdata/good/everything")
	lookup := s.Lookup(map[string]any{"n": int64(1)})
	for src, want := range map[string]any{
		`data("field.json").field`: []any{"x", "y"},
		`data("people.csv")`:       []any{map[string]any{"name": "ann", "age": "7"}},
		`data("rows.jsonl")`:       []any{map[string]any{"a": int64(1)}},
		`data("more.yaml")`:        map[string]any{"on": []any{int64(1), 2.5, "${x}"}},
		`len(text("who.md")) > 10`: true,
		`params.n`:                 int64(1),
	} {
		e, err := expr.Compile(src, "f", 1, 1, AtLoad.Names)
		check(t, err)
		if got, err := e.Value(lookup); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, %v", src, got, err)
		}
	}
}

// TestDataRefuses: data that would be read as something else than it says.
func TestDataRefuses(t *testing.T) {
	dir := folder(t, map[string]string{
		"scenario.yaml": small, "bom.csv": "\ufeffn,m\n1,2\n", "twice.csv": "n,m,n\n1,2,3\n", "latin.csv": "n\ncaf\xe9\n", "ragged.csv": "n,m\n1\n", "empty.csv": "",
		"latin.json": "\"caf\xe9\"", "bom.json": "\ufeff1", "latin.txt": "caf\xe9", "a.toml": "",
	})
	lookup := mustLoad(t, dir).Lookup(nil)
	for call, want := range map[string]string{
		`data("bom.csv")`:    "data: bom.csv: begins with a byte order mark; save the file as UTF-8 without one",
		`data("twice.csv")`:  `data: twice.csv: column "n" is there twice`,
		`data("latin.csv")`:  "data: latin.csv: bytes that are not UTF-8",
		`data("ragged.csv")`: "data: ragged.csv: record on line 2: wrong number of fields",
		`data("empty.csv")`:  "data: empty.csv: empty; the first row names the columns",
		`data("latin.json")`: "data: latin.json: bytes that are not UTF-8",
		`data("bom.json")`:   "data: bom.json: begins with a byte order mark; save the file as UTF-8 without one",
		`text("latin.txt")`:  "text: latin.txt: bytes that are not UTF-8",
		`data("a.toml")`:     "data: a.toml: want a .json, .jsonl, .yaml, .yml or .csv file; text(path) reads any",
	} {
		e, err := expr.Compile(call, "f", 1, 1, AtLoad.Names)
		check(t, err)
		if v, err := e.Value(lookup); err == nil || !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("%s: %v, %v\n want %s", call, v, err, want)
		}
	}
}

func TestStarFiles(t *testing.T) {
	for files, want := range map[[2]string]string{
		{"def setup(ctx):\n  return {\n", ""}:                                "w.star:3:1: got outdent",
		{"load('b.star', 'setup')\ndef resolve(s, m):\n  pass\n", "x = (\n"}: "b.star:2:1: got end of file",
		{"load('c.star', 'setup', 'resolve')\n", ""}:                         `w.star:1:6: no file c.star in the scenario's folder`,
		{"load('../c.star', 'setup', 'resolve')\n", ""}:                      "leads out of the scenario's folder",
		{"load('/c.star', 'setup', 'resolve')\n", ""}:                        "leads out of the scenario's folder",
		{"load('w.star', 'setup', 'resolve')\n", ""}:                         "", // a circle is the world's to refuse
		{"setup = resolve = 1", ""}:                                          "got '='",
		{"setup = lambda ctx: {}\nif True:\n  def resolve(s): pass\n", ""}:   "",
	} {
		_, err := Load(folder(t, map[string]string{"scenario.yaml": small + "world: w.star\n", "w.star": files[0], "b.star": files[1]}), LoadOptions{})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %s", files[0], err, want)
		}
	}
}
