package scenarios

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func goodDirs(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("testdata/good/*")
	if err != nil || len(dirs) < 4 {
		t.Fatal("no fixtures", err)
	}
	return dirs
}

func mustLoad(t *testing.T, path string, sets ...string) *Scenario {
	t.Helper()
	parsed, err := ParseSet(sets)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(path, LoadOptions{Sets: parsed})
	if err != nil {
		t.Fatalf("%s:\n%v", path, err)
	}
	return s
}

func TestLoadGood(t *testing.T) {
	for _, dir := range goodDirs(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) { mustLoad(t, dir) })
	}
}

// TestDefaultUnderActions: where the world says what is legal, the phase's schema is not
// what a default is held against.
func TestDefaultUnderActions(t *testing.T) {
	const phase = "world: w.star\nturns: {max: 1, action: {a: {}}, default: {b: 1}}\nsandtable: 1\nname: x\nagents: [{name: a}]\n"
	const rules = "def setup(ctx):\n  return {}\ndef resolve(state, moves):\n  pass\n"
	mustLoad(t, folder(t, map[string]string{"scenario.yaml": phase, "w.star": rules + "def actions(state, agent):\n  return {'b': {}}\n"}))
	_, err := Load(folder(t, map[string]string{"scenario.yaml": phase, "w.star": rules}), LoadOptions{})
	if err == nil || !strings.Contains(err.Error(), "the default action of phase") {
		t.Error(err)
	}
}

// TestLoadVersion12: a file may say that it is YAML 1.2, which is what is read.
func TestLoadVersion12(t *testing.T) {
	s := mustLoad(t, folder(t, map[string]string{"scenario.yaml": "%YAML 1.2\n---\n" + small + "description: on\n"}))
	if s.Description != "on" {
		t.Errorf("description %q", s.Description)
	}
}

// TestLoadManyExpressions: the time it takes grows with the size of a text, not with its
// square. If it did, this test would take minutes.
func TestLoadManyExpressions(t *testing.T) {
	const n = 20_000
	for name, files := range map[string]map[string]string{
		"text": {"scenario.yaml": "sandtable: 1\nname: x\nagents: [{name: a}]\nturns: {max: 1, prompt: \"" + strings.Repeat("${q} é ", n) + "\"}\n"},
		"file": {"scenario.yaml": "sandtable: 1\nname: x\nagents: [{name: a}]\nturns: {max: 1, prompt: {file: p}}\n", "p": strings.Repeat("${q}\n${q}", n/2)},
		"list": {"scenario.yaml": small + "params: {a: [" + strings.Repeat("ab,", n) + "]}\nstop: ${q}\n"},
	} {
		_, err := Load(folder(t, files), LoadOptions{})
		var list *Errors
		if !errors.As(err, &list) {
			t.Fatalf("%s: %v", name, err)
		}
		want := map[string]Pos{"text": {Line: 4, Col: 28 + 7*(n-1)}, "file": {Line: n/2 + 1, Col: 3}, "list": {Line: 6, Col: 9}}[name]
		if last := list.List[len(list.List)-1].Pos; last.Line != want.Line || last.Col != want.Col {
			t.Errorf("%s: %d faults, the last in %d:%d, want %d:%d", name, len(list.List), last.Line, last.Col, want.Line, want.Col)
		}
	}
}

// TestEverythingHasEveryKey keeps the fixture complete: every row of every table that
// is not planned must occur in it.
func TestEverythingHasEveryKey(t *testing.T) {
	data, err := os.ReadFile("testdata/good/everything/scenario.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, list := range [][]string{available(scenarioTable()), available(requiresTable()), available(workspaceTable()), available(policyTable()),
		available(playerTable("")), available(permissionsTable()), available(mcpTable()), available(subagentsTable()), available(playerLimitsTable()),
		available(agentTable()), available(eventTable()), available(writeTable()), available(sendTable()), available(limitsTable()), available(batchTable()),
		available(turnsTable()), available(phaseTable(true)), available(phaseLimitsTable()), available(failuresTable()), available(paramTable())} {
		keys = append(keys, list...)
	}
	if len(keys) < 100 {
		t.Fatalf("only %d keys", len(keys))
	}
	for _, key := range keys {
		if !strings.Contains(string(data), key+":") {
			t.Errorf("key %s is not in the fixture", key)
		}
	}
}

func available[T any](t table[T]) []string {
	var out []string
	for _, row := range t.rows {
		if row.planned == "" {
			out = append(out, row.key)
		}
	}
	return out
}
