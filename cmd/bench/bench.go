package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// bench is one execution of the program.
type bench struct {
	ctx    context.Context
	quick  bool
	exe    string // this program, which is its own agent
	binary string
	dir    string // everything is made in here and removed at the end
	log    io.Writer
	table  table
	keep   bool         // leave dir behind
	made   atomic.Int64 // folders so far
	// profile is where a processor profile goes; "": nowhere, or it was taken.
	profile string
}

// section is a group of figures that are measured together.
type section struct {
	name string
	run  func(*bench) error
}

// sectionList has the cheap ones first.
func sectionList() []section {
	return []section{
		{"start", (*bench).start}, {"engine", (*bench).engine}, {"memory", (*bench).memory},
		{"program", (*bench).program}, {"files", (*bench).files}, {"stage", (*bench).stage},
		{"warm", (*bench).warm}, {"first", (*bench).first}, {"real", (*bench).real},
	}
}

func sectionNames() []string {
	var names []string
	for _, s := range sectionList() {
		names = append(names, s.name)
	}
	return names
}

// choose returns the sections of a comma separated list, in the order of the program.
func choose(only string) ([]section, error) {
	if only == "" {
		return sectionList(), nil
	}
	want := strings.Split(only, ",")
	for _, name := range want {
		if !slices.Contains(sectionNames(), name) {
			return nil, fmt.Errorf("there is no section %q: there are %s", name, strings.Join(sectionNames(), ", "))
		}
	}
	return slices.DeleteFunc(sectionList(), func(s section) bool { return !slices.Contains(want, s.name) }), nil
}

func newBench(ctx context.Context, f *flags, log io.Writer) (*bench, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(f.sandbox, "bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{ctx: ctx, quick: f.quick, exe: exe, binary: f.binary, dir: dir, log: log, keep: f.keep, profile: f.profile}
	b.table.title = fmt.Sprintf("%s/%s, %d processors, %s, %s, load average at the start %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(),
		runtime.Version(), time.Now().UTC().Format("2006-01-02 15:04 MST"), loadAverage())
	if f.quick {
		b.table.title += ", -quick: not to be quoted"
	}
	return b, os.Chmod(dir, 0o755)
}

func (b *bench) close() {
	if b.keep {
		fmt.Fprintln(b.log, "bench: kept", b.dir)
		return
	}
	os.RemoveAll(b.dir)
}

// sections measures one after another. One that fails is a row of its own, and the others
// are still measured.
func (b *bench) sections(todo []section) error {
	var errs []error
	for _, s := range todo {
		if b.ctx.Err() != nil {
			return errors.Join(append(errs, context.Cause(b.ctx))...)
		}
		start := time.Now()
		fmt.Fprintf(b.log, "bench: %s ...\n", s.name)
		if err := s.run(b); b.ctx.Err() != nil {
			b.table.add(row{what: s.name, ours: "interrupted"}) // whatever else went wrong comes of that
		} else if err != nil {
			err = fmt.Errorf("section %s: %w", s.name, err)
			errs = append(errs, err)
			b.table.add(row{what: s.name, ours: "failed: " + err.Error()})
		}
		fmt.Fprintf(b.log, "bench: %s took %.1f s\n", s.name, time.Since(start).Seconds())
	}
	b.table.title += ", load average at the end " + loadAverage()
	return errors.Join(append(errs, context.Cause(b.ctx))...)
}

// loadAverage is how busy the machine is, this program included: averages of 1, 5 and 15 minutes.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if w := strings.Fields(string(text)); err == nil && len(w) > 2 {
		return strings.Join(w[:3], " ")
	}
	return "unknown"
}

// pick returns the full value, or the one for -quick.
func (b *bench) pick(full, quick int) int {
	if b.quick {
		return quick
	}
	return full
}

// folder makes a new folder with a short name. It may be called from several goroutines.
func (b *bench) folder() (string, error) {
	dir := fmt.Sprintf("%s/%d", b.dir, b.made.Add(1))
	return dir, os.Mkdir(dir, 0o755)
}
