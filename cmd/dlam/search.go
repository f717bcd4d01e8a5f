package main

import (
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam/recipe"
)

// searchFlags are what dlam search is told beside the settings of a run.
type searchFlags struct {
	limits
	space         string
	budget, folds int
	seconds       float64
	run           string
	epochs        int
	json          bool
	force         force
}

func newSearchCommand(a *app) *cobra.Command {
	c, f := newConfig(), &searchFlags{limits: trainingLimits()}
	cmd := &cobra.Command{
		Use: "search", Short: "Find settings by held-back samples, and train with them", Args: cobra.NoArgs,
		Long: `Try settings on parts of the training samples, and train with the best on all of them,
into a run folder as dlam train makes it. --space names settings as the flags of train
are called, each with its values: commas between them, or bars for values that have
commas themselves. Without --space, one around what suits the data and the method is
searched, and printed. By successive halving: all are trained for a quarter of their
epochs, the better half for a half, the better half of those for all; what train would
take without a search is kept to the end. They are judged by log-loss, RMSE, or, of several values, 1 − R², on the
parts held back; the test samples are looked at once, by the training at the end.
The same --seed finds the same, unless --seconds ends it. Ctrl-C ends it, with the table
of what was tried.`,
		Example: `  dlam search --data titanic.csv --label survived --drop alive
  dlam search --data prices.csv --label price --space 'l2=1,3,10; lambda=1,10; hidden=50|100,100' --budget 10`,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.told(cmd, a.search(cmd, c, f)) },
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.space, "space", "", "settings and their values, as 'l2=1,3,10; hidden=50|100,100'; default one around what suits")
	fl.IntVar(&f.budget, "budget", 20, "settings of the space that are tried, by chance if it has more; what train takes comes on top")
	fl.Float64Var(&f.seconds, "seconds", 0, "end the search after so many seconds, before the last training; 0: no bound")
	fl.IntVar(&f.folds, "folds", 3, "parts of the training samples, on each of which settings are judged in turn; 1 holds a fifth back once")
	addSettings(fl, c, "start", "evaluate-every", "validation", "patience") // every setting goes to its end
	addEpochs(fl, &f.epochs)
	fl.StringVar(&f.run, "run", "", "run folder (default runs/DATA-SOLVER, numbered)")
	f.addFlag(fl)
	f.force.addFlag(fl)
	fl.BoolVar(&f.json, "json", false, "end with a JSON object on standard output")
	a.quietFlag(fl)
	completeSettings(cmd, c)
	groupFlags(cmd)
	return cmd
}

func (a *app) search(cmd *cobra.Command, c *recipe.Config, f *searchFlags) error {
	s, err := a.searching(cmd, c, f)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	data, err := a.openShared(ctx, c, f.limits)
	if err != nil {
		return err
	}
	if err := refuseSplit(cmd, data); err != nil {
		return err
	}
	if s.Space == nil {
		if s.Space, err = within(ctx, func() (recipe.Space, error) { return recipe.DefaultSpace(data, c.Options) }); err != nil {
			return err
		}
	}
	s.Tell = func(t recipe.Trial) { a.showTrial(t) }
	if err := s.Check(data, c.Options); err != nil {
		return err
	}
	if !a.quiet {
		a.showColumns(data.Columns())
		a.sayWeighted(c)
		a.say("space: %s", s.Space)
	}
	found, err := recipe.Search(ctx, data, c.Options, s)
	if found == nil {
		return err
	}
	a.showTrials(found)
	if found.Interrupted {
		return a.endSearch(f, found)
	}
	if err != nil {
		return err
	}
	return a.refit(cmd, c, f, data, found)
}

// searching checks what the flags say.
func (a *app) searching(cmd *cobra.Command, c *recipe.Config, f *searchFlags) (s recipe.Searching, err error) {
	if err := a.severalTimes(cmd, c, f.epochs, f.limits); err != nil {
		return s, err
	}
	switch {
	case f.budget < 1:
		return s, usagef("--budget: got %d, want at least 1", f.budget)
	case f.folds < 1:
		return s, usagef("--folds: got %d, want at least 1", f.folds)
	case !(f.seconds >= 0 && f.seconds < 1e9):
		return s, usagef("--seconds: got %g, want 0 or more, and less than 1e9", f.seconds)
	}
	if f.run != "" {
		if err := recipe.CheckFolder(f.run, bool(f.force)); err != nil {
			return s, err
		}
	}
	s = recipe.Searching{Budget: f.budget, Folds: f.folds, Time: time.Duration(f.seconds * float64(time.Second))}
	if f.space != "" {
		s.Space, err = recipe.ParseSpace(f.space)
	}
	return s, err
}

// refit trains with what was found on all training samples.
func (a *app) refit(cmd *cobra.Command, c *recipe.Config, f *searchFlags, data recipe.Data, found *recipe.Found) error {
	c.Options = found.Options
	if f.run == "" {
		f.run = newRunName(c)
	}
	c.Options.Folder, c.Options.Force = f.run, bool(f.force)
	p, err := within(cmd.Context(), func() (*recipe.Plan, error) { return recipe.Prepare(data, c.Options) })
	if err != nil {
		return err
	}
	if !a.quiet {
		a.say("training on all %d training samples with: %s", p.Total, found.Best.Text())
	}
	command := p.About().Command
	t := &trainFlags{limits: f.limits, run: f.run, json: f.json, more: map[string]any{"search": searchSummary(found), "command": command}}
	err = a.execute(cmd.Context(), p, t)
	if err == nil {
		a.say("the same without a search: %s", command)
	}
	return err
}

// endSearch ends one that was interrupted.
func (a *app) endSearch(f *searchFlags, found *recipe.Found) error {
	if f.json {
		if err := a.object(map[string]any{"search": searchSummary(found)}); err != nil {
			return err
		}
	}
	best := "nothing was tried to the end"
	if len(found.Trials) > 0 {
		best = "the best so far: " + found.Best.Text()
	}
	a.say("interrupted, and nothing was trained on all samples; %s", best)
	return errInterrupted
}

// showTrial is a line on a trial that is done; of one that failed also where no progress is
// asked for.
func (a *app) showTrial(t recipe.Trial) {
	if a.quiet && t.Failure == "" {
		return
	}
	risk := figure(t.Risk)
	if t.Failure != "" {
		risk += " (" + strings.ReplaceAll(t.Failure, "\n", "; ") + ")"
	}
	a.say("%d iterations, %s: %s", t.Iterations, t.Text(), risk)
}

// showTrials tells people what was tried, the best first.
func (a *app) showTrials(found *recipe.Found) {
	w := a.table("settings", "iterations", "share", found.Measure, "± standard error", "seconds")
	for _, t := range found.Ranking() {
		w.AppendRow(table.Row{t.Text(), t.Iterations, t.Share, figure(t.Risk), figure(t.Error), figure(&t.Seconds)})
	}
	w.Render()
	if found.TimedOut {
		a.say("the search ended by --seconds, before all was tried")
	}
}

// searchSummary is what --json tells of a search.
func searchSummary(found *recipe.Found) map[string]any {
	return map[string]any{
		"space": found.Space, "size": found.Size, "measure": found.Measure, "trials": found.Ranking(), "best": found.Best,
		"timed_out": found.TimedOut, "interrupted": found.Interrupted,
	}
}
