package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"golang.org/x/term"

	"github.com/dlam-go/dlam/internal/atomicfile"
)

func newManCommand(a *app) *cobra.Command {
	var f force
	man := &cobra.Command{
		Use: "man FOLDER", Short: "Write manual pages", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := atomicfile.MkdirAll(args[0]); err != nil {
				return errUsage{err}
			}
			return a.writeManual(c.Context(), c.Root(), args[0], f)
		},
	}
	f.addFlag(man.Flags())
	return man
}

// writeManual writes a page for c, and one for each command under it.
func (a *app) writeManual(ctx context.Context, c *cobra.Command, folder string, f force) error {
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := a.writeManual(ctx, sub, folder, f); err != nil {
			return err
		}
	}
	name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
	return a.write(ctx, filepath.Join(folder, name), markPaper, f, func(w io.Writer) error {
		return doc.GenMan(c, &doc.GenManHeader{Title: "DLAM", Section: "1"}, w)
	})
}

func isTerminal(fd int) bool { return term.IsTerminal(fd) }
