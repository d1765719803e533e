package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/sandtable/sandtable/coordinator/agent/process"
)

func main() {
	// The coordinator executes this program again as its supervisor.
	if handled, code := process.Main(os.Args); handled {
		os.Exit(code)
	}
	debug.SetGCPercent(400) // as sandtable's own main does
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "agent":
			os.Exit(agentMain(os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
		case "child":
			os.Exit(childMain(os.Args[2:], os.Stdout, os.Stderr))
		}
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// flags are the program's options.
type flags struct {
	only     string
	quick    bool
	markdown string
	sandbox  string
	binary   string
	profile  string
	keep     bool
}

func (f *flags) parse(args []string, stderr io.Writer) error {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&f.only, "only", "", "sections to run, comma separated, of "+strings.Join(sectionNames(), ", ")+"; all if empty")
	fs.BoolVar(&f.quick, "quick", false, "fewer agents, turns and repetitions: to see that it works, not to quote")
	fs.StringVar(&f.markdown, "markdown", "", "also write the table as Markdown to this `file`; - is standard output")
	fs.StringVar(&f.sandbox, "dir", "", "`folder` for scenarios, run directories and sandboxes; default: the temporary directory")
	fs.StringVar(&f.binary, "binary", "bin/sandtable", "the built `program` whose start is timed")
	fs.BoolVar(&f.keep, "keep", false, "leave the folder with all run directories behind")
	fs.StringVar(&f.profile, "cpuprofile", "", "profile the measured turns of the first run that has any into this `file`")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: sections are chosen with -only", fs.Arg(0))
	}
	return nil
}

// run is main with its surroundings passed in.
func run(args []string, stdout, stderr io.Writer) int {
	var f flags
	if err := f.parse(args, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	todo, err := choose(f.only)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, &f, todo, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

func measure(ctx context.Context, f *flags, todo []section, stdout, stderr io.Writer) error {
	b, err := newBench(ctx, f, stderr)
	if err != nil {
		return err
	}
	defer b.close()
	failed := b.sections(todo)
	if err := b.table.text(stdout); err != nil {
		return err
	}
	if err := writeMarkdown(&b.table, f.markdown, stdout); err != nil {
		return err
	}
	return failed
}

func writeMarkdown(t *table, name string, stdout io.Writer) error {
	switch name {
	case "":
		return nil
	case "-":
		return t.markdown(stdout)
	}
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer out.Close()
	return t.markdown(out)
}
