package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gonum.org/v1/gonum/stat"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/experiment"
	"github.com/dlam-go/dlam/internal/shell"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/trace"
)

// comparison is what dlam compare is told beside the settings of a run.
type comparison struct {
	limits
	solvers    []string
	iterations int
	seconds    float64
	evaluate   int
	targets    []float64
	seeds      int
	out        string
	json       bool
	force      force
	left       []experiment.Outcome // methods that take no part
}

func newCompareCommand(a *app) *cobra.Command {
	cfg := newConfig()
	o := comparison{limits: trainingLimits(), solvers: recipe.MethodNames(), iterations: 100, evaluate: 1, targets: defaultTargets(), seeds: 1, out: "comparison"}
	c := &cobra.Command{
		Use: "compare", Short: "Train several methods side by side, and report",
		Long: `Train several methods one after another, the same network on the same data and
threads, for a number of iterations or of seconds, and write a report: curves
against iterations and time, when each reached given accuracies, and where each
ended. Each method has its own recipe, as dlam train gives it: first weights,
mini-batch, weight decay, label smoothing, moves of pictures. A setting that is
given holds for the methods that read it. With --seeds each method is trained from
several first weights, on the same samples, and its mean and spread are told.`,
		Example: `  dlam compare
  dlam compare --solvers sync,adam --iterations 20 --seeds 5
  dlam compare --data mnist --pool 2 --solvers dlam,mdlam --hidden 100,100 --seconds 60`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.told(c, a.compare(c, cfg, o)) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringSliceVar(&o.solvers, "solvers", o.solvers, "methods: "+strings.Join(recipe.MethodNames(), ", ")+"; methods that do not train the network are left out, and it is said")
	f.IntVar(&o.iterations, "iterations", o.iterations, "iterations of each method")
	f.Float64Var(&o.seconds, "seconds", o.seconds, "training time of each method, instead of --iterations or beside it; 0: no bound")
	f.IntVar(&o.evaluate, "evaluate", o.evaluate, "measure accuracies every so many iterations")
	f.Float64SliceVar(&o.targets, "targets", o.targets, "test accuracies whose time to tell, as shares of 1")
	f.IntVar(&o.seeds, "seeds", o.seeds, "how many times each method is trained: with --seed and those that follow it")
	f.StringVar(&o.out, "out", o.out, "folder for the report and the traces")
	f.BoolVar(&o.json, "json", false, "write how each run ended, and why methods are left out, as JSON to standard output")
	o.force.addFlag(f)
	o.addFlag(f)
	addSettings(f, cfg, "solver", "iterations", "evaluate-every", // in their place: --solvers, and its own --iterations and --evaluate
		"start",                           // which files have
		"validation", "patience", "refit") // every method goes to its end, and is judged as it is there
	completeSettings(c, cfg)
	groupFlags(c)
	return c
}

// validate reports what is out of range, and leaves methods out that do not train such hidden
// layers.
func (o *comparison) validate(f *pflag.FlagSet, layers []nn.LayerSpec, h []activation.Func) error {
	if !(o.seconds >= 0) || math.IsInf(o.seconds, 0) {
		return usagef("--seconds: got %g, want 0 or more", o.seconds)
	}
	if o.seeds < 1 {
		return usagef("--seeds: got %d, want at least 1", o.seeds)
	}
	if o.seconds > 0 && !f.Changed("iterations") {
		o.iterations = math.MaxInt32 // the time ends it
	}
	for i, name := range o.solvers {
		if slices.Contains(o.solvers[:i], name) {
			return usagef("--solvers: got %s twice; --seeds trains each several times", name)
		}
	}
	o.solvers = slices.DeleteFunc(o.solvers, func(name string) bool {
		m, err := recipe.Find(name)
		if err != nil {
			return false // it is refused with the settings
		}
		if err = m.Takes(layers, h); err != nil {
			o.left = append(o.left, experiment.Outcome{Name: name, Status: experiment.LeftOut, Error: err.Error()})
		}
		return err != nil
	})
	switch {
	case len(o.solvers) == 0 && o.left != nil:
		var why []string
		for _, l := range o.left {
			why = append(why, l.Error)
		}
		return usagef("--solvers: none is left: %s", strings.Join(why, "; "))
	case len(o.solvers) == 0:
		return usagef("--solvers: none, want some of %s", strings.Join(recipe.MethodNames(), ", "))
	}
	return nil
}

func (a *app) compare(c *cobra.Command, cfg *recipe.Config, o comparison) error {
	h := cfg.Options.Activation
	if len(h) == 0 {
		h = []activation.Func{recipe.StandardActivation()}
	}
	if cfg.Options.Hidden != nil && len(cfg.Options.Hidden) == 0 && cfg.Options.Layers == nil {
		h = nil // there are no hidden layers
	}
	if err := contradictions(c, cfg); err != nil {
		return err
	}
	if err := o.validate(c.Flags(), cfg.Options.Layers, h); err != nil {
		return err
	}
	if cfg.Options.Settings.TryRates {
		return usagef("--lr auto is for dlam train; a comparison takes each method at one rate")
	}
	if cfg.Options.TryL2 {
		return usagef("--l2 best is for dlam train; a comparison takes each method at one weight decay")
	}
	common := cfg.Options
	common.Iterations, common.MaxMemory = o.iterations, float64(o.most)
	if common.Hidden == nil && common.Layers == nil {
		common.Hidden = recipe.PaperHidden() // one network for all
	}
	plans, err := a.plans(c, cfg, common, o)
	if err != nil {
		return err
	}
	e := a.definition(plans, o)
	if err := e.Validate(); err != nil {
		return errUsage{err}
	}
	for _, l := range o.left {
		a.say("left out: %s", l.Error)
	}
	a.sayWeights(plans[0].Samples.Transform.Table.Weight, plans[0].Samples.Train.Classes, plans[0].ClassWeights)
	a.say("each method by its own recipe, on one network:")
	for i := 0; i < len(e.Entries); i += o.seeds {
		a.say("  %-13s %s", plans[i].Options.Method, e.Entries[i].Settings)
	}
	a.sayUnit(plans[0].Samples.Transform)
	return a.runComparison(c, e, o, unitOf(plans[0]))
}

// definition is the comparison of the plans' runs.
func (a *app) definition(plans []*recipe.Plan, o comparison) experiment.Comparison {
	e := experiment.Comparison{
		Title:   fmt.Sprintf("%s, %s", plans[0].Samples.Name(), methodsNamed(o.solvers)),
		Lead:    "Methods trained one after another, the same network on the same data and threads. Each has its own recipe, as dlam train gives it: first weights, mini-batch, weight decay, label smoothing, moves of pictures; see Settings.",
		Command: shell.Join(append([]string{"dlam"}, os.Args[1:]...)...),
		Facts:   comparisonFacts(plans[0], o.seeds), Threads: plans[0].Options.Threads,
		Left: o.left, Iterations: o.iterations, Evaluate: o.evaluate, Targets: o.targets,
		Budget: time.Duration(o.seconds * float64(time.Second)),
		Recorders: func(e experiment.Entry) []dlam.Recorder {
			return []dlam.Recorder{&ticker{app: a, name: e.Name, live: terminal(a.err)}}
		},
	}
	for _, p := range plans {
		name, group := p.Options.Method, ""
		if o.seeds > 1 {
			name, group = fmt.Sprintf("%s-%d", name, p.Options.Seed), name
		}
		about := p.About()
		about.Command = e.Command // dlam train would divide the samples by the run's own seed
		if about.Iterations == math.MaxInt32 {
			about.Iterations = 0
			about.Settings = slices.DeleteFunc(about.Settings, func(s trace.Setting) bool { return s.Name == "iterations" })
		}
		e.Entries = append(e.Entries, experiment.Entry{Name: name, Group: group, About: about, Solver: p.Solver, Problem: p.Problem, Start: p.Network, Settings: p.Settings(), Suspect: p.Suspect})
	}
	return e
}

// methodsNamed names methods in a title, or says how many they are.
func methodsNamed(names []string) string {
	if len(names) > 6 {
		return fmt.Sprintf("%d methods", len(names))
	}
	return strings.Join(names, ", ")
}

// plans are the methods' runs, each by its own recipe and on the same samples: of
// each method one a seed.
func (a *app) plans(c *cobra.Command, cfg *recipe.Config, common recipe.Options, o comparison) ([]*recipe.Plan, error) {
	ctx := c.Context()
	each, err := recipe.ForEach(common, o.solvers)
	if err != nil {
		return nil, err
	}
	for i := range each {
		if err := (&recipe.Config{Source: cfg.Source, Options: each[i]}).Validate(); err != nil {
			return nil, err
		}
	}
	if err := o.force.checkResults(o.out); err != nil {
		return nil, err
	}
	data, err := a.open(ctx, cfg, o.limits)
	if err == nil {
		err = refuseSplit(c, data)
	}
	if err != nil {
		return nil, err
	}
	s, err := within(ctx, func() (*recipe.Samples, error) { return data.Ready(&common) })
	if err != nil {
		return nil, err
	}
	var plans []*recipe.Plan
	for _, one := range each {
		for seed := range o.seeds {
			of := one
			of.Seed += uint64(seed)
			p, err := s.Plan(of)
			if err != nil {
				return nil, err
			}
			plans = append(plans, p)
		}
	}
	return plans, nil
}

// comparisonFacts are what all methods have in common.
func comparisonFacts(p *recipe.Plan, seeds int) []report.Fact {
	seed := fmt.Sprint(p.Options.Seed)
	if seeds > 1 {
		seed = fmt.Sprintf("%s to %d, in the runs' names", seed, p.Options.Seed+uint64(seeds)-1)
	}
	return []report.Fact{
		{Name: "data", Value: p.Samples.Name()}, {Name: "training samples", Value: fmt.Sprint(p.Problem.X.Rows)},
		{Name: "test samples", Value: fmt.Sprint(p.Problem.TestX.Rows)},
		{Name: "network", Value: strings.Trim(strings.ReplaceAll(fmt.Sprint(p.Network.Widths()), " ", "–"), "[]")},
		{Name: "activation, loss", Value: fmt.Sprintf("%s, %v", p.Activation(), p.Problem.Loss.Spec())},
		{Name: "seed", Value: seed},
	}
}

// runComparison runs it, and tells people how each run ended: errors of values times unit.
func (a *app) runComparison(c *cobra.Command, e experiment.Comparison, o comparison, unit float64) error {
	outcomes, err := e.Run(c.Context(), o.out)
	if c.Context().Err() != nil {
		a.say("interrupted; the traces so far are in %s", o.out)
		return errInterrupted
	}
	if err != nil {
		return err
	}
	for _, one := range outcomes {
		a.say("%-13s %s", one.Name, outcomeLine(one, unit))
	}
	for _, one := range outcomes {
		if one.Warning != "" {
			a.say("warning: %s: %s", one.Name, one.Warning)
		}
	}
	for i := 0; o.seeds > 1 && i < len(outcomes); i += o.seeds {
		a.say("%-13s %s", o.solvers[i/o.seeds], spreadLine(outcomes[i:i+o.seeds], unit))
	}
	a.say("report: %s", filepath.Join(o.out, report.PageFile))
	if o.json {
		return a.object(slices.Concat(outcomes, o.left))
	}
	return nil
}

// spreadLine is the mean and the standard deviation of the scores of a method's runs.
func spreadLine(runs []experiment.Outcome, unit float64) string {
	var scores []float64
	what := "test accuracy %.2f ± %.2f %%"
	for _, one := range runs {
		switch t := one.Last.Test; {
		case t == nil:
		case t.RMSE != 0:
			scores, what = append(scores, t.RMSE*unit), "test RMSE %.4g ± %.2g"
		default:
			scores = append(scores, 100*t.Accuracy)
		}
	}
	if len(scores) < 2 {
		return fmt.Sprintf("%d of %d runs have a score: no spread", len(scores), len(runs))
	}
	mean, deviation := stat.MeanStdDev(scores, nil)
	return fmt.Sprintf("%d runs: "+what, len(scores), mean, deviation)
}

func outcomeLine(o experiment.Outcome, unit float64) string {
	s := fmt.Sprintf("%d iterations, %s, %s", o.Last.Iteration, report.Seconds(o.Last.Elapsed), o.Status)
	if t := o.Last.Test; t != nil && t.RMSE == 0 {
		s += ", test accuracy " + report.Percent(t.Accuracy)
	} else if t != nil {
		s += fmt.Sprintf(", test RMSE %.4g", t.RMSE*unit)
	}
	if o.Error != "" {
		s += ": " + o.Error
	}
	return s
}

// ticker shows how far an entry is.
type ticker struct {
	app  *app
	name string
	live bool
	last time.Time
}

// Record writes a line, on a terminal one that changes.
func (t *ticker) Record(r dlam.Record) error {
	if !t.live || time.Since(t.last) < 100*time.Millisecond {
		return nil
	}
	t.last = time.Now()
	acc := ""
	if r.Train != nil {
		acc = ", training accuracy " + report.Percent(r.Train.Accuracy)
	}
	_, err := fmt.Fprintf(t.app.err, "\r\x1b[K%s: iteration %d, F %.5g%s\r", t.name, r.Iteration, r.Objective, acc)
	return err
}
