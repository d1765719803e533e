package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/sandtable/sandtable/"

// rules are the import rules of the design, a sentence a rule: packages under from may
// import, of this module, only packages under may.
var rules = []struct {
	from, why string
	may       []string
}{
	{"scenarios/expr", "expressions are a leaf that anyone may import", nil},
	{"scenarios", "a scenario file knows nothing of how it is played", []string{"scenarios"}},
	{"sim", "the engine is pure: it knows no process, no file and no report", []string{"sim", "scenarios/expr"}},
	{"sim/tree", "trees are values and know nothing of turns", []string{"sim/tree"}},
	{"results/stats", "statistics take numbers and know no files", []string{"results/stats"}},
	{"results/check", "the checker shares no code with what it checks", []string{"results"}},
	{"results", "results are read without what made them", []string{"results", "scenarios/expr"}},
	{"jobs", "a batch is placed by whoever can place it; the local placer comes from cmd", []string{"jobs", "scenarios", "results"}},
	{"coordinator", "the coordinator plays runs and does not plan batches", []string{"coordinator", "sim", "scenarios", "results"}},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func TestImportRules(t *testing.T) {
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, r := range rules {
			if under(name, r.from) {
				check(t, name, p.Imports, r.may, r.why)
			}
		}
	}
}

// TestImportRulesCanFail is the negative control: a planted arrow must be found.
func TestImportRulesCanFail(t *testing.T) {
	if bad := forbidden([]string{module + "coordinator/gateway", "fmt"}, []string{"sim"}); len(bad) != 1 {
		t.Fatalf("a planted import was not found: %v", bad)
	}
}

func check(t *testing.T, name string, imports, may []string, why string) {
	t.Helper()
	for _, bad := range forbidden(imports, may) {
		t.Errorf("%s imports %s: %s", name, bad, why)
	}
}

func forbidden(imports, may []string) []string {
	var bad []string
	for _, imp := range imports {
		short, ours := strings.CutPrefix(imp, module)
		if !ours {
			continue
		}
		allowed := false
		for _, m := range may {
			allowed = allowed || under(short, m)
		}
		if !allowed {
			bad = append(bad, short)
		}
	}
	return bad
}

func under(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }

func listPackages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) < 15 {
		t.Fatalf("go list found %d packages: too few to mean anything", len(list))
	}
	return list
}
