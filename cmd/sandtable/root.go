package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sandtable/sandtable/results/report"
	"github.com/sandtable/sandtable/scenarios"
)

// app is what all commands share.
type app struct {
	stdout, stderr io.Writer
	logLevel       string
	logFormat      string
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "sandtable",
		Short:         "Many agent processes in one shared workspace, turn by turn",
		Version:       versionOf(buildInfo()),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return a.checkLog()
		},
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().StringVar(&a.logLevel, "log-level", "warn", "trace, debug, info, warn, error or off")
	root.PersistentFlags().StringVar(&a.logFormat, "log-format", "text", "text or json")
	root.SuggestionsMinimumDistance = 2
	root.SetHelpCommand(helpCommand(root))
	root.AddCommand(a.runCommand(), a.validateCommand(), a.initCommand(), a.schemaCommand(), a.logCommand(), a.filesCommand(), a.reportCommand())
	for _, c := range root.Commands() {
		c.Args = asUsage(c.Args)
	}
	root.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(root, args[0])
		}
		return c.Help()
	}
	root.Args = cobra.ArbitraryArgs // RunE names what it does not know
	return root
}

func unknownCommand(root *cobra.Command, name string) error {
	if near := root.SuggestionsFor(name); name != "" && len(near) > 0 {
		return usageError{fmt.Errorf("unknown command %q; did you mean %s? See sandtable --help", name, strings.Join(near, " or "))}
	}
	return usageError{fmt.Errorf("unknown command %q; see sandtable --help", name)}
}

// helpCommand is cobra's, but for a command that does not exist, which ends with 2.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(_ *cobra.Command, args []string) error {
			about, _, err := root.Find(args)
			if err != nil || len(args) > 0 && about == root {
				return unknownCommand(root, args[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// asUsage makes a wrong number of arguments a usage error.
func asUsage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usageError{fmt.Errorf("%w; usage: %s", err, c.UseLine())}
		}
		return nil
	}
}

func (a *app) checkLog() error {
	if hclog.LevelFromString(a.logLevel) == hclog.NoLevel {
		return usageError{fmt.Errorf("--log-level %q: want trace, debug, info, warn, error or off", a.logLevel)}
	}
	if a.logFormat != "text" && a.logFormat != "json" {
		return usageError{fmt.Errorf("--log-format %q: want text or json", a.logFormat)}
	}
	return nil
}

// log writes to standard error: human on a terminal, JSON where it is asked for.
func (a *app) log() hclog.Logger {
	o := hclog.LoggerOptions{Name: "sandtable", Level: hclog.LevelFromString(a.logLevel), Output: a.stderr, JSONFormat: a.logFormat == "json"}
	if !o.JSONFormat { // hclog escapes what moves a cursor, but not what a CI runner obeys
		_, tty := terminal(a.stderr)
		o.Output = cleaned{to: a.stderr, erase: tty && obedient()}
	}
	return hclog.New(&o)
}

// cleaned makes whole texts harmless on their way, and takes a progress line away that
// may stand where they go: it comes back by itself.
type cleaned struct {
	to    io.Writer
	erase bool
}

func (c cleaned) Write(p []byte) (int, error) {
	text := report.CleanText(string(p))
	if c.erase {
		text = "\r\x1b[K" + text
	}
	if _, err := io.WriteString(c.to, text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// terminal reports whether w is a terminal, and how wide it is.
func terminal(w io.Writer) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return width, err == nil
}

// obedient reports whether the terminal can be expected to move its cursor and to colour
// when it is told to.
func obedient() bool { return os.Getenv("TERM") != "" && os.Getenv("TERM") != "dumb" }

// colourful reports whether a terminal should be coloured: https://no-color.org.
func colourful() bool { return obedient() && os.Getenv("NO_COLOR") == "" }

// load reads a scenario; every fault in it is the user's to mend.
func load(path string, sets []scenarios.Set) (*scenarios.Scenario, error) {
	s, err := scenarios.Load(path, scenarios.LoadOptions{Sets: sets})
	if err != nil {
		return nil, usageError{err}
	}
	return s, nil
}
