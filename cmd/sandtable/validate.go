package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sandtable/sandtable/coordinator"
	"github.com/sandtable/sandtable/scenarios"
)

func (a *app) validateCommand() *cobra.Command {
	var sets []string
	c := &cobra.Command{
		Use:   "validate SCENARIO...",
		Short: "Explain every mistake in a scenario, at its place; plays one turn of it in memory",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			parsed, err := scenarios.ParseSet(sets)
			if err != nil {
				return usageError{err}
			}
			var errs []error
			for _, path := range args {
				errs = append(errs, a.validate(c, path, parsed))
			}
			return errors.Join(errs...)
		},
	}
	c.Flags().StringArrayVar(&sets, "set", nil, setUsage)
	return c
}

func (a *app) validate(c *cobra.Command, path string, sets []scenarios.Set) error {
	s, err := load(path, sets)
	if err != nil {
		return err
	}
	plan, err := s.Expand(scenarios.ExpandOptions{})
	if err != nil {
		return usageError{err}
	}
	if _, err := coordinator.Needs(plan); err != nil {
		return usageError{fmt.Errorf("%s: %w", path, err)}
	}
	if err := coordinator.Rehearse(c.Context(), plan); err != nil {
		return usageError{fmt.Errorf("%s: %w", path, err)}
	}
	_, err = fmt.Fprintf(a.stdout, "%s: valid; %s, %s\n", path, count(len(plan.Cells), "cell"), count(len(plan.Runs), "run"))
	return err
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
