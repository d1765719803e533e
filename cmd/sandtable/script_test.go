package main

import (
	"context"
	"flag"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sandtable/sandtable/coordinator"
)

var update = flag.Bool("update", false, "write what the program says into the scripts in testdata/script")

// TestScripts plays the manual: every script of testdata/script in a directory of its
// own, with no home directory. commands_test.go has the commands that they know besides
// testscript's.
func TestScripts(t *testing.T) {
	python := pythonPath()
	claude := claudePath(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds:                commands,
		RequireExplicitExec: true,
		Condition: func(name string) (bool, error) {
			// Conditions that testscript does not know end here; it reports errors.
			return condition(name, map[string]bool{"python": python != "", "claude": claude != ""})
		},
		Setup: func(env *testscript.Env) error {
			library, err := filepath.Abs("../../scenarios/library")
			env.Setenv("LIBRARY", library)
			env.Setenv("PYTHON", python)
			env.Setenv("SANDTABLE_CLAUDE", claude)
			// A build with the race detector sleeps for a second at every exit otherwise.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			return err
		},
	})
}

func condition(name string, known map[string]bool) (bool, error) {
	is, ok := known[name]
	if !ok {
		return false, &unknownConditionError{name}
	}
	return is, nil
}

type unknownConditionError struct{ name string }

func (e *unknownConditionError) Error() string { return "no such condition: " + e.name }

// claudePath is the pinned Claude Code client. Without it the scripts that need it are
// skipped, and say so.
func claudePath(t *testing.T) string {
	path, _, err := coordinator.FindClaude(context.Background(), "", false)
	if err != nil {
		t.Logf("SKIPPING what needs the real Claude Code client: %v", err)
		return ""
	}
	return path
}

// pythonPath is the interpreter itself: version managers put scripts on PATH that look
// for a home directory.
func pythonPath() string {
	out, err := exec.Command("python3", "-c", "import os, sys; print(os.path.realpath(sys.executable))").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
