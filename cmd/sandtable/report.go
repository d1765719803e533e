package main

import (
	"encoding/json"
	"errors"
	"io/fs"

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
			b, err := results.OpenBatch(args[0])
			if err != nil {
				return usageError{err}
			}
			s, err := results.ReadSummary(b.Summary())
			if errors.Is(err, fs.ErrNotExist) {
				s, err = unfinished(b)
			}
			if err != nil {
				return usageError{err}
			}
			return a.show(s, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print summary.json instead of the table")
	return c
}

// unfinished sums up what there is of a batch that was killed before it had a summary.
// Nothing is judged: what was expected is not in a batch.
func unfinished(b *results.Batch) (*results.Summary, error) {
	res, err := results.ReadBatch(b.Dir)
	if err != nil {
		return nil, err
	}
	return results.Summarise(res, results.Options{Interrupted: true})
}

// show prints a summary as a table, or as JSON.
func (a *app) show(s *results.Summary, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(s)
	}
	width, tty := terminal(a.stdout)
	return report.Table(a.stdout, s, report.Options{Width: width, Color: tty && colourful()})
}
