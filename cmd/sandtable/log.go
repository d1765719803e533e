package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/report"
)

func (a *app) logCommand() *cobra.Command {
	var o report.LogOptions
	c := &cobra.Command{
		Use:   "log RUN",
		Short: "Tell the story of a run, turn by turn",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := results.OpenRun(args[0]); err != nil {
				return usageError{err}
			}
			if c.Flags().Changed("turn") && o.Turn < 1 {
				return usageError{fmt.Errorf("--turn %d: turns count from 1", o.Turn)}
			}
			err := report.Log(a.stdout, args[0], o)
			if errors.As(err, new(*report.NoSuchTurnError)) {
				return nothingError{err}
			}
			return err
		},
	}
	c.Flags().IntVar(&o.Turn, "turn", 0, "only this `turn`")
	c.Flags().BoolVar(&o.Prompts, "prompts", false, "show what every agent was asked")
	return c
}
