package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/recipe"
)

// cvFlags are what dlam cv is told beside the settings of a run.
type cvFlags struct {
	limits
	folds       recipe.Folds
	group, time string
	epochs      int
	json        bool
}

func newCVCommand(a *app) *cobra.Command {
	c, f := newConfig(), &cvFlags{limits: trainingLimits()}
	cmd := &cobra.Command{
		Use: "cv", Short: "Judge settings by cross-validation", Args: cobra.NoArgs,
		Long: `Train on all but a part of the samples and judge the model on that part, for each
part in turn: each figure's mean and standard error. Every training is that of dlam
train on those samples, with the same settings and what suits them; no model is kept.
Parts are drawn by --seed, with the same share of each class; --group keeps the rows of
a person, a site or a machine together; --in-order and --time train on the past and
test on what follows. The standard error is s/√n over the folds: they share training
rows, so that it is rather too small. docs/judging.md says what each figure is.
Ctrl-C ends it, with the means of the folds that are done.`,
		Example: `  dlam cv --data titanic.csv --label survived --drop alive
  dlam cv --data visits.csv --label ill --group patient --repeat 3
  dlam cv --data sales.csv --label sold --task regression --time day --folds 8`,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.told(cmd, a.cv(cmd, c, f)) },
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.IntVar(&f.folds.Number, "folds", 5, "parts, each of which is tested on once")
	fl.IntVar(&f.folds.Repeat, "repeat", 1, "divisions into folds; the second divides and trains by --seed + 1, and so on")
	fl.StringVar(&f.group, "group", "", "column of a table, by name or number: rows with one value are in one fold together, of sequences those whose steps all have it; it is no feature")
	fl.BoolVar(&f.folds.InOrder, "in-order", false, "train on the rows before, and test on those that follow: the file is in the order of time")
	fl.StringVar(&f.time, "time", "", "--in-order by a column of numbers or dates; it is a feature as any other, unless you --drop it")
	addTraining(fl, c, &f.epochs)
	f.addFlag(fl)
	fl.BoolVar(&f.json, "json", false, "end with a JSON object on standard output")
	a.quietFlag(fl)
	completeSettings(cmd, c)
	groupFlags(cmd)
	return cmd
}

// addTraining binds c's settings to the flags of commands that train several times and
// divide the samples themselves.
func addTraining(fl *pflag.FlagSet, c *recipe.Config, epochs *int) {
	addSettings(fl, c, "test-data", "test-split", // the command divides
		"evaluate-every", // nobody sees it
		"start")          // which files have
	addEpochs(fl, epochs)
}

func (a *app) cv(cmd *cobra.Command, c *recipe.Config, f *cvFlags) error {
	data, err := a.foldable(cmd, c, f)
	if err != nil {
		return err
	}
	if !a.quiet {
		a.showColumns(data.Columns())
		a.sayWeighted(c)
	}
	r, err := recipe.CrossValidate(cmd.Context(), data, c.Options, f.folds, func(one recipe.Fold) { a.showFold(f, one) })
	if r == nil {
		return err
	}
	a.tell(r.Notes)
	interrupted := errors.Is(err, context.Canceled)
	if len(r.Folds) > 0 && (err == nil || interrupted) {
		a.showMeans(r)
		if f.json {
			if err := a.object(cvSummary(c, r)); err != nil {
				return err
			}
		}
	}
	if interrupted {
		a.say("interrupted: %d of %d folds are done", len(r.Folds), r.Planned)
		return errInterrupted
	}
	return err
}

// foldable checks what the flags say and reads the samples, with the groups or times.
func (a *app) foldable(cmd *cobra.Command, c *recipe.Config, f *cvFlags) (d recipe.Data, err error) {
	ctx := cmd.Context()
	if err := a.severalTimes(cmd, c, f.epochs, f.limits); err != nil {
		return d, err
	}
	for _, n := range []struct {
		name       string
		got, least int
	}{{"folds", f.folds.Number, 2}, {"repeat", f.folds.Repeat, 1}} {
		if n.got < n.least {
			return d, usagef("--%s: got %d, want at least %d", n.name, n.got, n.least)
		}
	}
	if f.time != "" {
		f.folds.InOrder = true
	}
	if f.group != "" {
		if f.group == c.Source.Weight {
			return d, usagef("--group: column %q has the rows' weights (--weight-column)", f.group)
		}
		if f.group == c.Source.Sequence {
			return d, usagef("--group: column %q says which sequence a row is a step of (--sequence-column), and a sequence is in one fold without it", f.group)
		}
		if f.folds.InOrder {
			return d, usagef("--group does not go with --in-order and --time: the past is the group")
		}
		if f.folds.Groups, _, err = a.column(ctx, c, "group", f.group, f.limits); err != nil {
			return d, err
		}
		c.Source.Drop = append(c.Source.Drop, f.group)
	}
	if f.time != "" {
		if _, f.folds.Times, err = a.column(ctx, c, "time", f.time, f.limits); err != nil {
			return d, err
		}
		if f.folds.Times == nil {
			return d, usagef("--time: column %q of %s has values that are neither numbers nor dates", f.time, c.Source.Data)
		}
	}
	if d, err = a.openShared(ctx, c, f.limits); err != nil {
		return d, err
	}
	return d, f.folds.Check(d)
}

// severalTimes checks the settings of a command that trains several times.
func (a *app) severalTimes(cmd *cobra.Command, c *recipe.Config, epochs int, m limits) error {
	if cmd.Flags().Changed("epochs") {
		if err := setEpochs(&c.Options, epochs, cmd.Flags().Changed("iterations")); err != nil {
			return err
		}
	}
	c.Options.MaxMemory, c.Options.Warn = float64(m.most), a.warn
	if err := contradictions(cmd, c); err != nil {
		return err
	}
	return c.Validate()
}

// column reads a column by which the rows are divided.
func (a *app) column(ctx context.Context, c *recipe.Config, flag, called string, m limits) (texts []string, numbers []float64, err error) {
	c.Source.MaxMemory = float64(m.most)
	o := c.Source.Reading()
	o.Progress = a.follow(ctx)
	if texts, numbers, err = dataset.ReadColumn(ctx, c.Source.Data, called, o); err != nil {
		return nil, nil, fmt.Errorf("--%s: %w", flag, err)
	}
	return texts, numbers, nil
}

// showFold is a line on a fold that is done, and one on what is wrong with it.
func (a *app) showFold(f *cvFlags, one recipe.Fold) {
	name := fmt.Sprintf("fold %d of %d", one.Fold, f.folds.Number)
	if f.folds.Repeat > 1 {
		name += fmt.Sprintf(", division %d of %d", one.Repeat, f.folds.Repeat)
	}
	var parts []string
	for _, fig := range one.Report.Figures() {
		if fig.Value != nil && len(parts) < 4 {
			parts = append(parts, fig.About+" "+figure(fig.Value))
		}
	}
	if !a.quiet {
		a.say("%s: %d samples to train on, %d to test: %s", name, one.Train, len(one.Test), strings.Join(parts, ", "))
	}
	if one.Failure != "" {
		a.say("warning: %s: %s (the figures are those of its last good network)", name, one.Failure)
	}
	if one.Warning != "" {
		a.say("warning: %s: %s", name, one.Warning)
	}
}

// showMeans tells people the means.
func (a *app) showMeans(r *recipe.CrossValidation) {
	w := a.table("figure", "mean", "± standard error", "folds")
	for _, m := range r.Means() {
		if m.Mean != nil {
			w.AppendRow(table.Row{m.About, figure(m.Mean), figure(m.Error), m.Folds})
		}
	}
	w.Render()
	if len(r.Folds) > 0 {
		a.tellOmitted(r)
	}
}

// tellOmitted says which figures some folds leave undefined.
func (a *app) tellOmitted(r *recipe.CrossValidation) {
	seen := map[string]bool{}
	for _, f := range r.Folds {
		for _, why := range f.Report.Omitted() {
			if !seen[why] {
				a.say("left out, in some folds or all: %s", why)
			}
			seen[why] = true
		}
	}
}

// cvSummary is what --json tells.
func cvSummary(c *recipe.Config, r *recipe.CrossValidation) map[string]any {
	var folds []map[string]any
	for _, one := range r.Folds {
		figures := map[string]any{}
		for _, fig := range one.Report.Figures() {
			figures[fig.Name] = fig.Value
		}
		folds = append(folds, map[string]any{
			"repeat": one.Repeat, "fold": one.Fold, "train_samples": one.Train, "test_samples": len(one.Test), "figures": figures,
			"seconds": one.Seconds, "status": one.Status, "failure": one.Failure, "warning": one.Warning,
		})
	}
	mean, se := map[string]any{}, map[string]any{}
	for _, m := range r.Means() {
		mean[m.Name], se[m.Name] = m.Mean, m.Error
	}
	return map[string]any{"dataset": c.Source.Data, "folds": folds, "planned": r.Planned, "mean": mean, "standard_error": se, "seed": c.Options.Seed}
}
