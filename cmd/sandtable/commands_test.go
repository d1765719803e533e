package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sandtable/sandtable/results"
)

// commands are what the scripts know besides testscript's own:
//
//	code N program args…        run it; it must end with exit code N
//	batch VAR [DIR]             VAR = the one batch directory in DIR (default runs)
//	value VAR FILE[:LINE] PATH  VAR = what a JSON file, or a line of it, holds at a.b.0
//	episodes VAR FILE           VAR = replicate and history hash of each episode, in order
//	summary FILE                FILE is one JSON value that the schema of summaries accepts
//	plain FILE…                 no FILE holds a control character besides line feeds, nor
//	                            what hides or reorders text
//	shell TEXT                  run TEXT with sh; for globs, pipes and comparisons
//
// FILE may be stdout or stderr.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"code": cmdCode, "batch": cmdBatch, "value": cmdValue, "episodes": cmdEpisodes,
	"summary": cmdSummary, "plain": cmdPlain, "shell": cmdShell,
}

func cmdCode(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "code N program [args…]")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got, err := 0, ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func cmdBatch(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) == 0 || len(args) > 2, "batch VAR [DIR]")
	base := "runs"
	if len(args) == 2 {
		base = args[1]
	}
	found, err := filepath.Glob(filepath.Join(ts.MkAbs(base), "*"))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%s holds %d batches, want one: %v", base, len(found), found)
	}
	ts.Setenv(args[0], base+"/"+filepath.Base(found[0]))
}

func cmdValue(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 3, "value VAR FILE[:LINE] PATH")
	file, line, one := strings.Cut(args[1], ":")
	text := ts.ReadFile(file)
	if one {
		n, err := strconv.Atoi(line)
		ts.Check(err)
		lines := strings.SplitAfter(text, "\n")
		if n < 1 || n > len(lines) {
			ts.Fatalf("%s has %d lines", file, len(lines))
		}
		text = lines[n-1]
	}
	v, err := parse(text)
	ts.Check(err)
	v, err = at(v, strings.Split(args[2], "."))
	ts.Check(err)
	ts.Setenv(args[0], fmt.Sprint(v))
}

// at walks to a value by keys and positions.
func at(v any, path []string) (any, error) {
	for i, key := range path {
		switch c := v.(type) {
		case map[string]any:
			next, ok := c[key]
			if !ok {
				return nil, fmt.Errorf("no key %q at %q", key, strings.Join(path[:i], "."))
			}
			v = next
		case []any:
			n, err := strconv.Atoi(key)
			if err != nil || n < 0 || n >= len(c) {
				return nil, fmt.Errorf("no element %q of %d at %q", key, len(c), strings.Join(path[:i], "."))
			}
			v = c[n]
		default:
			return nil, fmt.Errorf("nothing in %v", v)
		}
	}
	return v, nil
}

// parse reads one JSON value that nothing follows; numbers keep their text.
func parse(text string) (any, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, errors.New("there is more than one JSON value")
	}
	return v, nil
}

// cmdEpisodes reads episodes, which are in the order in which runs ended, into that of
// their replicates.
func cmdEpisodes(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "episodes VAR FILE")
	hashes := map[int]string{}
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		var e results.Episode
		ts.Check(json.Unmarshal([]byte(line), &e))
		if _, twice := hashes[e.Replicate]; twice || e.History == "" {
			ts.Fatalf("replicate %d is there twice, or has no history", e.Replicate)
		}
		hashes[e.Replicate] = string(e.History)
	}
	var out []string
	for r := 1; len(out) < len(hashes); r++ {
		if h, ok := hashes[r]; ok {
			out = append(out, fmt.Sprintf("%d:%s", r, h))
		}
	}
	ts.Setenv(args[0], strings.Join(out, " "))
}

func cmdSummary(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "summary FILE")
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(results.SummarySchema()))
	ts.Check(err)
	compiler := jsonschema.NewCompiler()
	ts.Check(compiler.AddResource("summary.json", doc))
	schema, err := compiler.Compile("summary.json")
	ts.Check(err)
	v, err := parse(ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Check(schema.Validate(v))
}

func cmdPlain(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) == 0, "plain FILE…")
	for _, file := range args {
		bad := raw(ts.ReadFile(file))
		if !neg && bad != "" {
			ts.Fatalf("%s: %s", file, bad)
		}
		if neg && bad == "" {
			ts.Fatalf("%s is plain", file)
		}
	}
}

// raw says where a text holds what a terminal obeys or a reader cannot see. Tabs are
// let through, for texts of several lines keep them.
func raw(s string) string {
	if !utf8.ValidString(s) {
		return "not UTF-8"
	}
	line := 1
	for _, r := range s {
		switch {
		case r == '\n':
			line++
		case r == '\t' || r == '\u200b': // the latter breaks up commands of CI runners
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			return fmt.Sprintf("line %d holds %U", line, r)
		}
	}
	return ""
}

func cmdShell(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) != 1, "shell TEXT")
	err := ts.Exec("sh", "-eu", "-c", args[0])
	if err != nil && !neg {
		ts.Fatalf("%v", err)
	}
	if err == nil && neg {
		ts.Fatalf("it succeeded")
	}
}

func usage(ts *testscript.TestScript, wrong bool, how string) {
	if wrong {
		ts.Fatalf("usage: %s", how)
	}
}
