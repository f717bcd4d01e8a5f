package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/experiment"
	"github.com/dlam-go/dlam/report"
)

// comparison is what dlam compare is told beside the settings of a run.
type comparison struct {
	solvers    []string
	iterations int
	seconds    float64
	evaluate   int
	targets    []float64
	out        string
}

func newCompareCommand(a *app) *cobra.Command {
	cfg := defaultConfig()
	cfg.memory = trainingMemory()
	o := comparison{solvers: solverNames(), iterations: 100, evaluate: 1, targets: defaultTargets(), out: "comparison"}
	c := &cobra.Command{
		Use: "compare", Short: "Train several methods from one start, and report",
		Long: `Train several methods one after another from the same start, on the same data
and threads, for a number of iterations or of seconds, and write a report:
curves against iterations and time, when each reached given accuracies, and
where each ended.`,
		Example: `  dlam compare
  dlam compare --data mnist --pool 2 --solvers dlam,mdlam --hidden 100,100 --seconds 60`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cfg.validate(); err != nil {
				return err
			}
			if err := cfg.completeSettings(); err != nil {
				return err
			}
			if err := o.validate(c.Flags()); err != nil {
				return err
			}
			return a.compare(c, &cfg, o)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&o.solvers, "solvers", o.solvers, "methods: "+strings.Join(solverNames(), ", "))
	f.IntVar(&o.iterations, "iterations", o.iterations, "iterations of each method")
	f.Float64Var(&o.seconds, "seconds", o.seconds, "training time of each method, instead of --iterations or beside it; 0: no bound")
	f.IntVar(&o.evaluate, "evaluate", o.evaluate, "measure accuracies every so many iterations")
	f.Float64SliceVar(&o.targets, "targets", o.targets, "test accuracies whose time to tell, as shares of 1")
	f.StringVar(&o.out, "out", o.out, "folder for the report and the traces")
	cfg.memory.addFlag(f)
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	cfg.addFlags(all)
	all.VisitAll(func(fl *pflag.Flag) {
		switch fl.Name {
		case "solver", "iterations": // in their place: --solvers and its own --iterations
		case "validation", "patience": // every method goes to its end
		default:
			f.AddFlag(fl)
		}
	})
	completeOperators(c)
	return c
}

func (o *comparison) validate(f *pflag.FlagSet) error {
	if !(o.seconds >= 0) || math.IsInf(o.seconds, 0) {
		return usagef("--seconds: got %g, want 0 or more", o.seconds)
	}
	if o.seconds > 0 && !f.Changed("iterations") {
		o.iterations = math.MaxInt32 // the time ends it
	}
	return nil
}

func (a *app) compare(c *cobra.Command, cfg *config, o comparison) error {
	if cfg.Extra.Rate == rateAuto {
		return usagef("--lr auto is for dlam train; a comparison takes each method at one rate")
	}
	if cfg.Extra.Jitter > 0 {
		return usagef("--jitter is for dlam train; a comparison takes the samples as they are")
	}
	ms, err := chosenMethods(o.solvers)
	if err != nil {
		return err
	}
	data, err := a.load(c.Context(), cfg)
	if err != nil {
		return err
	}
	cfg.Iterations = o.iterations
	p, n, init, err := a.comparisonStart(cfg, data, ms)
	if err != nil {
		return err
	}
	e := experiment.Comparison{
		Title:   fmt.Sprintf("%s, %s", data.split.Train.Name, strings.Join(o.solvers, ", ")),
		Command: strings.Join(append([]string{"dlam"}, os.Args[1:]...), " "),
		Problem: p, Start: n, Iterations: o.iterations, Evaluate: o.evaluate, Targets: o.targets,
		Budget: time.Duration(o.seconds * float64(time.Second)),
		Facts: []report.Fact{
			{Name: "data", Value: data.split.Train.Name}, {Name: "training samples", Value: fmt.Sprint(p.X.Rows)},
			{Name: "test samples", Value: fmt.Sprint(p.TestX.Rows)}, {Name: "network", Value: strings.Trim(strings.ReplaceAll(fmt.Sprint(n.Widths()), " ", "–"), "[]")},
			{Name: "activation, loss", Value: fmt.Sprintf("%s, %v", cfg.Activation, p.Loss.Spec())},
			{Name: "start", Value: fmt.Sprintf("%s, seed %d", init, cfg.Seed)},
		},
		Recorders: func(e experiment.Entry) []dlam.Recorder {
			return []dlam.Recorder{&ticker{app: a, name: e.Name, live: terminal(a.err)}}
		},
	}
	for _, m := range ms {
		s := m.make(cfg)
		e.Entries = append(e.Entries, experiment.Entry{Name: m.name, Solver: s, Settings: settingsText(s)})
	}
	return a.runComparison(c, e, o.out)
}

// comparisonStart is the problem that all methods get, the network that all
// start from, and how that was drawn.
func (a *app) comparisonStart(cfg *config, data *loaded, ms []method) (*dlam.Problem, *dlam.Network, dlam.Initializer, error) {
	l, err := cfg.loss(data.split.Train.Class != nil)
	if err != nil {
		return nil, nil, "", err
	}
	p := data.problem(l, cfg.Threads)
	if cfg.Hidden == nil {
		cfg.Hidden = paperHidden
	}
	cfg.L2, cfg.Extra.Smoothing = max(0, cfg.L2), max(0, cfg.Extra.Smoothing) // the same problem for all
	p.Regularizer, p.Y.Smoothing = cfg.regularizer(), cfg.smoothing()
	cfg.samples, cfg.values = p.X.Rows, !p.Classification()
	init := commonInit(cfg.Init, ms)
	widths := append(append([]int{p.X.Cols}, cfg.Hidden...), p.Y.Width())
	var need float64 // of the method that takes most: one trains after another
	for _, m := range ms {
		need = max(need, estimate(m.make(cfg), widths, p.X.Rows, cfg.Threads))
	}
	if err := a.room(cfg.memory, samplesSize(data.split.Train, data.split.Test), need); err != nil {
		return nil, nil, "", err
	}
	n, err := cfg.draw(widths, init)
	return p, n, init, err
}

func (a *app) runComparison(c *cobra.Command, e experiment.Comparison, out string) error {
	if err := e.Validate(); err != nil {
		return errUsage{err}
	}
	outcomes, err := e.Run(c.Context(), out)
	if c.Context().Err() != nil {
		a.say("interrupted; the traces so far are in %s", out)
		return errInterrupted
	}
	if err != nil {
		return err
	}
	for _, o := range outcomes {
		a.say("%-10s %s", o.Name, outcomeLine(o))
	}
	a.say("report: %s", filepath.Join(out, report.PageFile))
	return a.object(outcomes)
}

func outcomeLine(o experiment.Outcome) string {
	s := fmt.Sprintf("%d iterations, %s, %s", o.Last.Iteration, report.Seconds(o.Last.Elapsed), o.Status)
	if t := o.Last.Test; t != nil && t.RMSE == 0 {
		s += ", test accuracy " + report.Percent(t.Accuracy)
	} else if t != nil {
		s += fmt.Sprintf(", test RMSE %.4g", t.RMSE)
	}
	if o.Error != "" {
		s += ": " + o.Error
	}
	return s
}

func chosenMethods(names []string) ([]method, error) {
	var ms []method
	var errs []error
	for _, name := range names {
		m, err := findMethod(name)
		ms, errs = append(ms, m), append(errs, err)
	}
	return ms, errors.Join(errs...)
}

// commonInit is the initialiser of all methods: what was asked for, else what
// they agree on by default, else He.
func commonInit(asked string, ms []method) dlam.Initializer {
	if asked != auto {
		return dlam.Initializer(asked)
	}
	for _, m := range ms {
		if m.init != ms[0].init {
			return dlam.He
		}
	}
	return ms[0].init
}

// settingsText writes a solver's settings, its exported fields, for the report.
func settingsText(s dlam.Solver) string {
	v := reflect.Indirect(reflect.ValueOf(s))
	var parts []string
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() && f.Type.Kind() == reflect.Struct {
			parts = append(parts, strings.Trim(fmt.Sprintf("%+v", v.Field(i)), "{}"))
		} else if f.IsExported() {
			parts = append(parts, fmt.Sprintf("%s:%v", f.Name, v.Field(i)))
		}
	}
	return strings.Join(parts, " ")
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
