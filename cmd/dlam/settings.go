package main

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam/internal/memory"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/solver/gradient"
)

// auto is the value of a setting that follows from the data or the method.
const auto = recipe.Auto

// settingFlag is the flag of one of a run's settings.
type settingFlag struct{ recipe.Entry }

var _ pflag.Value = settingFlag{}

func (f settingFlag) String() string { return f.Text() }

// Type is how the help calls the values.
func (f settingFlag) Type() string {
	if k := f.Kind(); k != "" {
		return k
	}
	return "bool"
}

// groupOf is the annotation of a flag that names its group in the help text.
const groupOf = "group"

// addSettings binds c's settings to flags, but for those to leave out.
func addSettings(f *pflag.FlagSet, c *recipe.Config, leave ...string) {
	for _, e := range c.Entries() {
		if slices.Contains(leave, e.Name) {
			continue
		}
		fl := f.VarPF(settingFlag{e}, e.Name, "", about(e))
		fl.Annotations = map[string][]string{groupOf: {string(e.Group)}}
		if e.Kind() == "" {
			fl.NoOptDefVal = "true"
		}
		if e.Group == recipe.OfMethod {
			fl.DefValue = "" // another for each method
		}
	}
}

// completeSettings has a shell offer the choices of c's settings.
func completeSettings(cmd *cobra.Command, c *recipe.Config) {
	for _, e := range c.Entries() {
		if e.Choices() == nil || cmd.Flags().Lookup(e.Name) == nil {
			continue
		}
		if err := cmd.RegisterFlagCompletionFunc(e.Name, cobra.FixedCompletions(e.Choices(), cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic(err) // it has a completion already
		}
	}
}

// about is the help text of a setting's flag: who reads it, what it may be, what
// it is.
func about(e recipe.Entry) string {
	text := e.About
	if usage := e.Usage(); usage != nil {
		text = strings.Join(usage, "|") + "; " + text
	}
	if e.Group == recipe.OfMethod {
		text = readers(e.Name) + ": " + text
	}
	return text
}

// readers names the methods that read a setting, and what they need to read it.
func readers(name string) string {
	var names []string
	rules := 0 // of backpropagation
	for _, m := range recipe.Methods() {
		i := slices.IndexFunc(m.Reads(&recipe.Options{}), func(r recipe.Read) bool { return r.Name == name })
		if i < 0 {
			continue
		}
		text := m.Name
		if needs := m.Reads(&recipe.Options{})[i].Needs; needs != "" {
			text += " with " + needs
		}
		if slices.Contains(gradient.Rules, gradient.Rule(m.Name)) {
			rules++
		}
		names = append(names, text)
	}
	if n := len(gradient.Rules); rules == n { // they are the last
		names = append(names[:len(names)-n], "backpropagation")
	}
	return strings.Join(names, ", ")
}

// newConfig is what a run is told if nothing is said on the command line.
func newConfig() *recipe.Config {
	c := new(recipe.Config)
	c.Source.Data, c.Source.DataDir = "digits", os.Getenv("DLAM_DATA_DIR")
	return c
}

// loadConfig reads a settings file under the flags given: those win.
func (a *app) loadConfig(c *recipe.Config, path string, f *pflag.FlagSet) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return errUsage{err}
	}
	notes, err := c.Load(string(raw), f.Changed)
	if err != nil {
		return usagef("%s: %w", path, err)
	}
	for _, n := range notes {
		a.say("%s: not taken: %s", path, n)
	}
	return nil
}

// parseEvery parses --checkpoint-every: a number of iterations, a duration, or
// "never".
func parseEvery(text string) (*recipe.Every, error) {
	if text == "never" {
		return &recipe.Every{}, nil
	}
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return &recipe.Every{Iterations: n}, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return nil, usagef("--checkpoint-every: got %q, want a number of iterations, a duration as 60s, or never", text)
	}
	return &recipe.Every{Time: d}, nil
}

// told is an error of package recipe as the command line tells it: settings are
// flags, and memory has advice.
func (m limits) told(cmd *cobra.Command, err error) error {
	var large *memory.Error
	switch {
	case errors.As(err, &errUsage{}): // told already
		return err
	case errors.As(err, &large):
		return m.tooLarge(large)
	case !errors.Is(err, recipe.ErrRefused):
		return err
	}
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		if name, _, ok := strings.Cut(line, ": "); ok && cmd.Flags().Lookup(name) != nil {
			lines[i] = "--" + line
		}
	}
	return usagef("%s", strings.Join(lines, "; "))
}
