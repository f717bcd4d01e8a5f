package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"golang.org/x/term"

	"github.com/dlam-go/dlam/internal/atomicfile"
)

func newManCommand(_ *app) *cobra.Command {
	return &cobra.Command{
		Use: "man FOLDER", Short: "Write manual pages", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return errUsage{err}
			}
			return writeManual(c.Root(), args[0])
		},
	}
}

// writeManual writes a page for c, and one for each command under it.
func writeManual(c *cobra.Command, folder string) error {
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := writeManual(sub, folder); err != nil {
			return err
		}
	}
	name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
	return atomicfile.Write(filepath.Join(folder, name), func(w io.Writer) error {
		return doc.GenMan(c, &doc.GenManHeader{Title: "DLAM", Section: "1"}, w)
	})
}

func isTerminal(fd int) bool { return term.IsTerminal(fd) }
