package main

import (
	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam/report"
)

func newUICommand(a *app) *cobra.Command {
	var port int
	targets := defaultTargets()
	c := &cobra.Command{
		Use: "ui [FOLDER]", Short: "Serve live pages of all runs in a folder on this machine",
		Long: `Serve the runs in FOLDER, by default runs, and in the folders in it, to a browser on
this machine: a list that can be sorted, the page of each run, and runs that are marked
side by side. All of them follow runs that go on, and new runs appear by themselves.
Only this machine can reach the pages. Ends with Ctrl-C.`,
		Example: `  dlam ui
  dlam ui experiments --port 7430`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			path := "runs"
			if len(args) > 0 {
				path = args[0]
			}
			if err := checkTargets(targets); err != nil {
				return err
			}
			pages, err := report.NewFolder(path, targets)
			if err != nil {
				return usagef("%w: name the folder that runs are in", err)
			}
			return a.serveLocally(c.Context(), pages, port, "the runs in "+path)
		},
	}
	addPort(c, &port)
	c.Flags().Float64SliceVar(&targets, "targets", targets, "test accuracies whose time comparisons tell, as shares of 1")
	return c
}
