package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/results"
)

// root is the checkout, seen from here.
const root = "../.."

// playground is a directory with the scenarios that ship, in which commands are typed.
type playground struct{ dir, claude string }

func newPlayground(t *testing.T) *playground {
	t.Helper()
	scenarios, err := filepath.Abs(root + "/scenarios")
	if err != nil {
		t.Fatal(err)
	}
	p := &playground{dir: t.TempDir()}
	if err := os.Symlink(scenarios, filepath.Join(p.dir, "scenarios")); err != nil {
		t.Fatal(err)
	}
	return p
}

// sandtable runs the program and returns what it prints, line by line.
func (p *playground) sandtable(t *testing.T, args ...string) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(exe, args...)
	cmd.Args[0] = "sandtable" // see TestMain
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, &out, &errs
	cmd.Env = append(os.Environ(), "GORACE="+noSleepAtExit, "HOME="+t.TempDir(), "SANDTABLE_CLAUDE="+p.claude)
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		t.Fatalf("sandtable %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), errs.String())
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

// TestSharedNotes plays the scenario of `make run` as the README shows it. What stands
// there must be what the program says (go test -run TestSharedNotes -update writes it
// anew), and the history must be the golden one.
func TestSharedNotes(t *testing.T) {
	p := newPlayground(t)
	if p.claude = claudePath(t); p.claude == "" {
		t.Skip("SKIPPING the README's transcript and the golden history of shared-notes: NEITHER IS CHECKED without the pinned Claude Code client; run make deps")
	}
	text := read(t, root+"/README.md")
	page := strings.Split(text, "\n")
	all := transcripts(page)
	if len(all) == 0 || all[0].command != "make run" {
		t.Fatal("the README shows no output of make run")
	}
	batch, renewed := "", false
	for _, shown := range slices.Backward(p.play(t, all, &batch)) {
		d := shown.disagreement(shown.real)
		switch {
		case d == "": // what agrees keeps its wall time and its run
		case *update:
			page, renewed = shown.renew(t, page), true
		default:
			t.Errorf("README.md: %s\n(go test ./cmd/sandtable -run TestSharedNotes -update writes what it says)", d)
		}
	}
	if renewed {
		text = regexp.MustCompile(batchName).ReplaceAllString(strings.Join(page, "\n"), filepath.Base(batch))
		if err := os.WriteFile(root+"/README.md", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	goldenHistory(t, "shared-notes", filepath.Join(p.dir, batch, "c01/r001/history.jsonl"))
}

// shown is a transcript with what the program really says.
type shown struct {
	*transcript
	real []string
}

// play types the commands of the page; those after the first are about its batch.
func (p *playground) play(t *testing.T, all []*transcript, batch *string) (out []shown) {
	t.Helper()
	for _, s := range all {
		command := s.command
		if command == "make run" {
			command = recipe(t, "run")
		}
		args := strings.Fields(regexp.MustCompile(`runs/`+batchName).ReplaceAllString(command, *batch))
		if len(args) < 2 || args[0] != "bin/sandtable" {
			t.Fatalf("README.md:%d: %q is no command of ours", s.line+1, s.command)
		}
		real := p.sandtable(t, args[1:]...)
		if *batch == "" {
			*batch = real[len(real)-1]
		}
		out = append(out, shown{s, real})
	}
	return out
}

// recipe is what the Makefile does for a target.
func recipe(t *testing.T, target string) string {
	t.Helper()
	text := read(t, root+"/Makefile")
	bin := regexp.MustCompile(`(?m)^BIN +:= (.*)$`).FindStringSubmatch(text)
	line := regexp.MustCompile(`(?m)^` + target + `:.*\n\t@(.*)\n`).FindStringSubmatch(text)
	if bin == nil || line == nil {
		t.Fatalf("the Makefile has no target %s with one command", target)
	}
	return strings.ReplaceAll(line[1], "$(BIN)", bin[1])
}

// renew puts what the program says in the place of what the page shows.
func (s shown) renew(t *testing.T, page []string) []string {
	t.Helper()
	parts, err := s.renewed(s.real)
	if err != nil {
		t.Fatal(err)
	}
	for i, seg := range slices.Backward(s.segments) { // from the end: what is before keeps its place
		page = slices.Replace(page, seg.line, seg.line+len(seg.lines), parts[i]...)
	}
	return page
}

// TestIPD pins the history of the other scenario that ships: word by word for three
// rounds, and by its identity for all of them.
func TestIPD(t *testing.T) {
	p := newPlayground(t)
	out := p.sandtable(t, "run", "scenarios/library/ipd-axelrod", "--set", "turns=3")
	goldenHistory(t, "ipd-axelrod", filepath.Join(p.dir, out[len(out)-1], "c01/r001/history.jsonl"))
	out = p.sandtable(t, "run", "scenarios/library/ipd-axelrod", "--memory")
	batch, err := results.ReadBatch(filepath.Join(p.dir, out[len(out)-1]))
	if err != nil || len(batch.Cells) != 1 || len(batch.Cells[0].Runs) != 1 {
		t.Fatal(batch, err)
	}
	golden(t, "ipd-axelrod.identity", []byte(batch.Cells[0].Runs[0].History+"\n"))
}

// TestEveryShippedScenarioIsPinned: a scenario that is added gets a golden history (G5).
func TestEveryShippedScenarioIsPinned(t *testing.T) {
	folders, err := filepath.Glob(root + "/scenarios/library/*/scenario.yaml")
	if err != nil || len(folders) < 2 {
		t.Fatal(folders, err)
	}
	for _, f := range folders {
		name := filepath.Base(filepath.Dir(f))
		if _, err := os.Stat("testdata/golden/" + name + ".jsonl"); err != nil {
			t.Errorf("%s ships without a golden history: add a test like the others here: %v", name, err)
		}
	}
}

// goldenHistory compares a history with the golden one of its scenario.
func goldenHistory(t *testing.T, scenario, path string) {
	t.Helper()
	golden(t, scenario+".jsonl", []byte(read(t, path)))
}

// golden compares with a file of testdata/golden, or writes it with -update. Of lines
// that are chained only the first that differs says anything.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata/golden", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := []byte(read(t, path))
	if bytes.Equal(got, want) {
		return
	}
	a, b := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	for i := range a {
		if i >= len(b) || !bytes.Equal(a[i], b[i]) {
			t.Errorf("%s:%d is\n%s\nand is now\n%s\nIf that is meant, go test ./cmd/sandtable -run 'TestSharedNotes|TestIPD' -update writes it; say why in the commit",
				path, i+1, a[i], append(b, nil)[min(i, len(b))])
			return
		}
	}
	t.Errorf("%s: the history goes on after its last line", path)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
