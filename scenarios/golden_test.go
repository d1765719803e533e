package scenarios

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what the loader says into testdata/bad")

// TestBadFiles checks every message, with its place, against testdata/bad. Each
// archive holds scenarios `name.yaml` and, behind each, `name.want`: the errors.
// `minimal:` in front of a name puts the keys that every scenario needs before it.
func TestBadFiles(t *testing.T) {
	archives, err := filepath.Glob("testdata/bad/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, archive := range archives {
		a, err := txtar.ParseFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		var out []txtar.File
		for i, file := range a.Files {
			if !strings.HasSuffix(file.Name, ".yaml") {
				continue
			}
			got := refuse(t, file)
			out = append(out, file, txtar.File{Name: strings.TrimSuffix(file.Name, ".yaml") + ".want", Data: []byte(got)})
			want := ""
			if i+1 < len(a.Files) && strings.HasSuffix(a.Files[i+1].Name, ".want") {
				want = string(a.Files[i+1].Data)
			}
			if got != want && !*update {
				t.Errorf("%s, %s: got\n%s\nwant\n%s", archive, file.Name, got, want)
			}
		}
		if *update {
			a.Files = out
			if err := os.WriteFile(archive, txtar.Format(a), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// refuse loads a file of an archive in the folder of the fixture `everything`, for
// the files beside it.
func refuse(t *testing.T, file txtar.File) string {
	t.Helper()
	files, err := openFiles("testdata/good/everything")
	if err != nil {
		t.Fatal(err)
	}
	text := string(file.Data)
	for _, pair := range [][2]string{{`\t`, "\t"}, {`\ufeff`, "\ufeff"}, {`\u2028`, "\u2028"}, {`\xff`, "\xff"}, {`\0`, "\x00"}} {
		text = strings.ReplaceAll(text, "<"+pair[0]+">", pair[1])
	}
	if strings.HasPrefix(file.Name, "minimal:") {
		text = strings.TrimSuffix("sandtable: 1\nname: x\n", "\n") + "\n" + text
		for _, more := range []string{"agents", "turns"} {
			if !strings.Contains("\n"+text, "\n"+more+":") {
				text += map[string]string{"agents": "agents: [{name: a}]\n", "turns": "turns: {max: 1}\n"}[more]
			}
		}
	}
	_, err = load("s.yaml", []byte(text), files, LoadOptions{})
	if err == nil {
		t.Errorf("%s: no error", file.Name)
		return ""
	}
	return err.Error() + "\n"
}
