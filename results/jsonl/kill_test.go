package jsonl

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const killEnv = "JSONL_TEST_APPEND"

// TestMain plays the writer that TestKilled kills: it appends for ever, and says on
// stdout how many records are in.
func TestMain(m *testing.M) {
	path := os.Getenv(killEnv)
	if path == "" {
		os.Exit(m.Run())
	}
	w, err := Open(path, Options{})
	for i := int64(0); err == nil; i++ {
		err = w.Append(row{strings.Repeat("x", int(i%5000)), i})
		if _, e := os.Stdout.WriteString("\n"); e != nil {
			err = e
		}
	}
	os.Exit(1)
}

// A process killed with SIGKILL while it writes loses at most the record that it was
// writing: every one that Append returned for is there.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	for range 5 {
		before := 0
		if got, _, err := read(path); err == nil {
			before = len(got)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := 0
		for in := bufio.NewScanner(out); in.Scan(); said++ {
			if said == 300 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed: that it says so is no news
		got, _, err := read(path)
		if err != nil || len(got) < before+said {
			t.Fatalf("%d records, want at least %d: %v", len(got), before+said, err)
		}
	}
}
