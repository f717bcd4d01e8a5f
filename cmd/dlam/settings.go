package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam/internal/memory"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/solver/gradient"
)

// settingFlag is the flag of one of a run's settings.
type settingFlag struct{ recipe.Entry }

var _ pflag.Value = settingFlag{}

func (f settingFlag) String() string { return f.Text() }

// Set reads the setting, which is empty only where that means something: in a file it is
// what suits, and who says nothing on the command line leaves the flag out.
func (f settingFlag) Set(text string) error {
	if k := f.Kind(); (k == "names" || k == "NAME=WEIGHT") && f.Get() != nil {
		return errors.New("given twice: write all of them in one, with commas between")
	}
	if text != "" || f.TakesEmpty() {
		return f.Entry.Set(text)
	}
	want := "a value: " + f.About
	if choices := f.Usage(); choices != nil {
		if !slices.Contains(f.Choices(), f.Default()) {
			choices = append([]string{f.Default()}, choices...)
		}
		want = "one of " + strings.Join(choices, ", ")
	} else if err := f.Entry.Set(text); err != nil {
		return err
	}
	return fmt.Errorf(`got "", want %s`, want)
}

// Type is how the help calls the values.
func (f settingFlag) Type() string {
	if k := f.Kind(); k != "" {
		return k
	}
	return "bool"
}

// addSettings binds c's settings to flags, but for those to leave out.
func addSettings(f *pflag.FlagSet, c *recipe.Config, leave ...string) {
	for _, e := range c.Entries() {
		if slices.Contains(leave, e.Name) {
			continue
		}
		fl := addSetting(f, e)
		fl.Annotations = map[string][]string{groupOf: {string(e.Group)}}
		if e.Group == recipe.OfMethod {
			fl.DefValue = "" // another for each method
		}
	}
}

// addSetting binds a setting to a flag.
func addSetting(f *pflag.FlagSet, e recipe.Entry) *pflag.Flag {
	fl := f.VarPF(settingFlag{e}, e.Name, "", about(e))
	if e.Kind() == "" {
		fl.NoOptDefVal = "true"
	}
	return fl
}

// addTable binds what s says of tables to flags.
func addTable(f *pflag.FlagSet, s *recipe.Source) {
	for _, e := range s.TableEntries() {
		addSetting(f, e)
	}
}

// addColumns binds what s says of the columns of tables to train on to flags.
func addColumns(f *pflag.FlagSet, s *recipe.Source) {
	for _, e := range s.ColumnEntries() {
		addSetting(f, e)
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
	if usage := strings.Join(e.Usage(), "|"); len(usage) > 80 {
		text = strings.Join(e.Usage(), ", ") + ": " + text
	} else if usage != "" {
		text = usage + "; " + text
	}
	if e.Group != recipe.OfMethod {
		return text
	}
	names, defaults := readers(e)
	return names + ": " + text + defaults
}

// reading is a setting that a method reads.
type reading struct {
	method string
	recipe.Read
}

// readings are all methods' by the setting's name. Each command's flags ask for them.
var readings = sync.OnceValue(func() map[string][]reading {
	all := map[string][]reading{}
	for _, m := range recipe.Methods() {
		for _, r := range m.Reads(&recipe.Options{}) {
			all[r.Name] = append(all[r.Name], reading{m.Name, r})
		}
	}
	return all
})

// readers names the methods that read a setting, with what they need to read it,
// and the values that they have by default, if those do not follow from the data.
func readers(e recipe.Entry) (methods, defaults string) {
	var names, values []string
	of := map[string][]string{} // methods by value
	rules := 0                  // of backpropagation
	valueless := false          // some method has no fixed value
	for _, r := range readings()[e.Name] {
		text := r.method
		if r.Needs != "" {
			text += " with " + r.Needs
		}
		names = append(names, text)
		if slices.Contains(gradient.Rules, gradient.Rule(r.method)) {
			rules++
		}
		if v := fmt.Sprint(r.Value); r.Value != nil {
			if of[v] == nil {
				values = append(values, v)
			}
			of[v] = append(of[v], r.method)
		} else {
			valueless = true
		}
	}
	if n := len(gradient.Rules); rules == n { // they are the last
		names = append(names[:len(names)-n], "backpropagation")
	}
	if !e.Fixed() {
		values = nil
	}
	if len(values) > 1 || valueless && len(values) == 1 {
		for i, v := range values {
			values[i] = v + " of " + strings.Join(of[v], ", ")
		}
	}
	if values != nil {
		defaults = " (default " + strings.Join(values, "; ") + ")"
	}
	return strings.Join(names, ", "), defaults
}

// newConfig is what a run is told if nothing is said on the command line.
func newConfig() *recipe.Config {
	c := new(recipe.Config)
	c.Source.Data, c.Source.DataDir = "digits", os.Getenv("DLAM_DATA_DIR")
	return c
}

// loadConfig reads a settings file under the flags given: those win.
func (a *app) loadConfig(ctx context.Context, c *recipe.Config, path string, f *pflag.FlagSet) error {
	text, err := readSettings(ctx, path)
	if err != nil {
		return errUsage{err}
	}
	given := func(name string) bool { return f.Changed(name) || name == "iterations" && f.Changed("epochs") }
	notes, err := c.Load(text, given)
	if err != nil {
		return usagef("%s: %w", path, err)
	}
	for _, n := range notes {
		a.say("%s: not taken: %s", path, n)
	}
	return nil
}

// contradictions refuses flags that nothing would read beside the others.
func contradictions(cmd *cobra.Command, c *recipe.Config) error {
	o, given := &c.Options, cmd.Flags().Changed
	if given("init") && o.StartFile != "" && !given("resume") && !o.Refit { // a refit draws weights to compare with
		return usagef("--init: the first weights are given (--init-from), and none are drawn")
	}
	if given("activation") && !takesActivation(o) {
		return usagef("--activation: no hidden layer takes it: there is none, or each of --layers has its own")
	}
	return nil
}

// takesActivation reports whether there is a hidden layer that has the activation that is said
// for all.
func takesActivation(o *recipe.Options) bool {
	if o.Layers == nil {
		return o.Hidden == nil || len(o.Hidden) > 0
	}
	return slices.ContainsFunc(o.Layers, func(s nn.LayerSpec) bool {
		return s.Activation == nil && (s.Kind == nn.KindDense || s.Kind == nn.KindConv || s.Kind == nn.KindRNN)
	})
}

// refuseSplit refuses --test-split of data that is divided already.
func refuseSplit(cmd *cobra.Command, d recipe.Data) error {
	if cmd.Flags().Changed("test-split") && d.Tested() {
		return usagef("--test-split: the data has test samples already, its own or those of --test-data, and none are held back")
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
	case errors.Is(err, recipe.ErrForeign):
		return usagef("%w: name another (--run), or replace what stands in the way (--force)", err)
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
