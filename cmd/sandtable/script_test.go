package main

import (
	"context"
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sandtable/sandtable/coordinator"
)

var update = flag.Bool("update", false, "write what the program says into testdata and into the README's transcript")

// TestScripts plays the manual: every script of testdata/script, in a directory of its
// own and without a home directory. commands_test.go has the commands that they know
// besides testscript's.
func TestScripts(t *testing.T) {
	library, err := filepath.Abs("../../scenarios/library")
	if err != nil {
		t.Fatal(err)
	}
	claude := claudePath(t)
	known := map[string]bool{"python": exec.Command("python3", "-c", "").Run() == nil, "claude": claude != ""}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Cmds:                commands,
		Condition: func(name string) (bool, error) {
			is, ok := known[name]
			if !ok {
				return false, fmt.Errorf("no such condition: %s", name)
			}
			return is, nil
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("LIBRARY", library)
			env.Setenv("SANDTABLE_CLAUDE", claude)
			env.Setenv("ESC", "\x1b[31m")
			env.Setenv("GORACE", noSleepAtExit)
			return nil
		},
	})
}

// noSleepAtExit is for GORACE: a build with the race detector otherwise waits for a
// second at every exit.
const noSleepAtExit = "atexit_sleep_ms=0"

// claudePath is the pinned Claude Code client. Without it what needs it is skipped, and
// the test says so.
func claudePath(t *testing.T) string {
	path, _, err := coordinator.FindClaude(context.Background(), "", false)
	if err != nil {
		t.Logf("SKIPPING what needs the real Claude Code client: %v", err)
		return ""
	}
	return path
}
