package scenarios

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// FuzzLoad: whatever the bytes are, there is a scenario or a list of errors with
// places, never a panic, never a hang.
func FuzzLoad(f *testing.F) {
	good, _ := filepath.Glob("testdata/good/*/scenario.yaml")
	for _, file := range good {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	bad, _ := filepath.Glob("testdata/bad/*.txtar")
	for _, archive := range bad {
		a, err := txtar.ParseFile(archive)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if strings.HasSuffix(file.Name, ".yaml") {
				f.Add([]byte("sandtable: 1\nname: x\n" + string(file.Data)))
			}
		}
	}
	files, err := openFiles("testdata/good/everything")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := load("s.yaml", data, files, LoadOptions{})
		if err == nil {
			if _, err := s.Expand(ExpandOptions{}); err != nil {
				t.Fatalf("loads, but does not expand: %v", err)
			}
			return
		}
		var list *Errors
		if !errors.As(err, &list) || len(list.List) == 0 {
			t.Fatalf("%T: %v", err, err)
		}
		for _, e := range list.List {
			if e.Msg == "" || e.Pos.File == "" || e.Pos.Line < 0 || e.Pos.Line > 1+strings.Count(string(data), "\n")+1000 {
				t.Fatalf("%+v", e)
			}
		}
	})
}
