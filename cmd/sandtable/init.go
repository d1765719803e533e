package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sandtable/sandtable/scenarios"
)

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init DIR",
		Short: "Write a small scenario that runs",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := scenarios.Init(args[0]); err != nil {
				return usageError{err}
			}
			_, err := fmt.Fprintf(a.stdout, "%s is ready: sandtable run %s\n", args[0], args[0])
			return err
		},
	}
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of scenario files, for editors",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.stdout.Write(scenarios.JSONSchema())
			return err
		},
	}
}
