package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sandtable/sandtable/coordinator/agent/process"
)

// TestMain makes the test binary three things: the tests, the command `sandtable` for the
// scripts in testdata/script, and what that command executes itself as, the supervisor
// of a run's processes.
func TestMain(m *testing.M) {
	if handled, code := process.Main(os.Args); handled {
		os.Exit(code)
	}
	testscript.Main(m, map[string]func(){
		"sandtable": func() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}
