package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"golang.org/x/term"
)

func newManCommand(_ *app) *cobra.Command {
	return &cobra.Command{
		Use: "man FOLDER", Short: "Write manual pages", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return errUsage{err}
			}
			return doc.GenManTree(c.Root(), &doc.GenManHeader{Title: "DLAM", Section: "1"}, args[0])
		},
	}
}

func isTerminal(fd int) bool { return term.IsTerminal(fd) }
