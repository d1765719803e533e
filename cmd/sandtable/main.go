// Command sandtable plays scenarios with many agent processes in one shared workspace.
//
// Every file holds one command; none holds logic. Exit codes are decided in [exitCode].
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/results/report"
	"github.com/sandtable/sandtable/scenarios"
)

// version is set by the linker in releases.
var version = ""

func buildInfo() *debug.BuildInfo {
	info, _ := debug.ReadBuildInfo()
	return info
}

// versionOf is what a paper can name: the release, or else the revision that the program
// was built from, with +dirty if the sources were not those of it.
func versionOf(info *debug.BuildInfo) string {
	switch {
	case version != "":
		return version
	case info != nil && info.Main.Version != "" && info.Main.Version != "(devel)":
		return info.Main.Version
	}
	return "dev"
}

func main() {
	if handled, code := process.Main(os.Args); handled {
		os.Exit(code)
	}
	// The live heap is small, and with the usual setting a collection would run nearly all
	// the time, slowing every write of a pointer. GOGC still has the last word.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	os.Exit(guarded(os.Stderr, func() int { return run(os.Args[1:], os.Stdout, os.Stderr) }))
}

// guarded makes a panic exit code 3: Go's own code for it is 2, and that means usage. A
// panic of another goroutine cannot be caught here.
func guarded(stderr io.Writer, f func() int) (code int) {
	defer func() {
		if p := recover(); p != nil {
			text := fmt.Sprintf("this is a defect of the program, please report it: %v\n%s", p, debug.Stack())
			fmt.Fprintf(stderr, "sandtable: %s", report.CleanText(text))
			code = exitHarness
		}
	}()
	return f()
}

// run is main with its surroundings passed in; it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := interruptible()
	defer stop()
	root := newRoot(&app{stdout: stdout, stderr: stderr})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && !errors.As(err, new(quiet)) {
		tell(stderr, err)
	}
	return exitCode(ctx, err)
}

// tell writes an error. Faults in a scenario begin with their place, so that editors and
// CI find it.
func tell(w io.Writer, err error) {
	name := "sandtable: "
	if _, ok := errors.AsType[*scenarios.Errors](err); ok {
		name = ""
	}
	fmt.Fprintf(w, "%s%s\n", name, report.CleanText(err.Error()))
}

// signalError is the cause of a run that a signal ended.
type signalError struct{ sig syscall.Signal }

func (e *signalError) Error() string { return "interrupted by " + e.sig.String() }

// interruptible ends the work at the first signal, in order; a second one ends the
// program at once, and the supervisors then end the agents.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(&signalError{s.(syscall.Signal)})
		case <-done:
		}
	}()
	return ctx, func() { signal.Stop(signals); close(done); cancel(nil) }
}

// The exit codes that are decided before anything runs; the others are results'.
const (
	exitUsage   = 2
	exitHarness = 3
	exitNothing = 5
)

// usageError is a bad command line or a bad file.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// nothingError says that nothing matched.
type nothingError struct{ error }

// quiet is a result that has been told already; only its code is left to say.
type quiet struct{ code int }

func (q quiet) Error() string { return fmt.Sprintf("exit code %d", q.code) }

// exitCode is the one place where exit codes are decided: usage and nothing matched
// before anything runs, an interrupt before everything else after.
func exitCode(ctx context.Context, err error) int {
	var sig *signalError
	if errors.As(context.Cause(ctx), &sig) {
		return 128 + int(sig.sig)
	}
	var q quiet
	switch {
	case err == nil:
		return 0
	case errors.As(err, &q):
		return q.code
	case errors.As(err, new(usageError)):
		return exitUsage
	case errors.As(err, new(nothingError)):
		return exitNothing
	}
	return exitHarness
}
