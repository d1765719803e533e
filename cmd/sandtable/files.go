package main

import (
	"errors"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/report"
)

func (a *app) filesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "files RUN [PATH]",
		Short: "List the files of a run, or every version of one: who wrote it, and the bytes",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := results.OpenRun(args[0]); err != nil {
				return usageError{err}
			}
			name := ""
			if len(args) == 2 {
				name = path.Clean(filepath.ToSlash(args[1]))
			}
			err := report.Files(a.stdout, args[0], name)
			var none *report.NoSuchFileError
			if errors.As(err, &none) {
				return nothingError{err}
			}
			return err
		},
	}
}
