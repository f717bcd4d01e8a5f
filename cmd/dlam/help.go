package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam/recipe"
)

// groupOf is the annotation of a flag that names what it is about.
const groupOf = "group"

// helpWidth is how wide the lines about flags are at most.
const helpWidth = 100

// groupFlags makes c's help list its flags by what they are about, those without
// a group last. It is called when c has all its flags.
func groupFlags(c *cobra.Command) {
	c.InitDefaultHelpFlag()
	var b strings.Builder
	for _, g := range []struct {
		group recipe.Group
		title string
	}{
		{recipe.OfData, "Data"}, {recipe.OfNetwork, "Network"}, {recipe.OfTraining, "Training"},
		{recipe.OfMethod, "Method; each for the methods named, and refused with others"}, {"", "Run and output"},
	} {
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		f.SortFlags = false
		c.Flags().VisitAll(func(fl *pflag.Flag) {
			group := ""
			if a := fl.Annotations[groupOf]; a != nil {
				group = a[0]
			}
			if group == string(g.group) {
				f.AddFlag(fl)
			}
		})
		b.WriteString("\n" + g.title + ":\n" + f.FlagUsagesWrapped(helpWidth))
	}
	c.SetUsageTemplate(strings.Replace(c.UsageTemplate(), "\nFlags:\n{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}", strings.TrimRight(b.String(), "\n"), 1))
}
