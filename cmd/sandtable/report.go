package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/report"
)

func (a *app) reportCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "report BATCH",
		Short: "Print the table of a batch again",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := results.ReadSummary(args[0])
			if err != nil {
				return usageError{err}
			}
			return a.show(s, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print summary.json instead of the table")
	return c
}

// show prints a summary as a table, or as JSON.
func (a *app) show(s *results.Summary, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(s)
	}
	width, tty := terminal(a.stdout)
	return report.Table(a.stdout, s, report.Options{Width: width, Color: tty})
}
