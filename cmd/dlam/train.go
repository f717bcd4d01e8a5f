package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/memory"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/solver/gradient"
)

// trainFlags are what dlam train is told beside the run's settings.
type trainFlags struct {
	limits
	run, config, resume, initFrom, tensorboard, every string
	epochs                                            int
	json, dryRun, certify                             bool
	force                                             force
	more                                              map[string]any // that --json tells
}

func newTrainCommand(a *app) *cobra.Command {
	c, f := newConfig(), &trainFlags{limits: trainingLimits()}
	f.advice += ", or keep IDX samples in a file (--scratch)"
	cmd := &cobra.Command{
		Use: "train", Short: "Train a network", Args: cobra.NoArgs,
		Long: `Train a network and write a run folder: config.toml (the settings), about.json (what is
run where), trace.jsonl (a record of each iteration), model.safetensors. Ctrl-C stops after the current
iteration and saves; --resume goes on from there. An epoch of mini-batches that takes
more than five seconds to end is given up, and done again. SIGTERM, SIGHUP and a closed
standard error do the same. Tables are taken as they are, with texts, dates and missing
values: what each column was taken for is shown.`,
		Example: `  dlam train
  dlam train --data mnist --pool 2 --limit 55000 --hidden 100,100 --iterations 150
  dlam train --data titanic.csv --label survived --drop alive
  dlam train --data prices.csv --label price --task regression
  dlam train --data mnist --layers 'conv 16 5x5, max 2, conv 32 5x5, max 2, dense 128' --epochs 4
  dlam train --config runs/digits-dlam/config.toml --seed 2
  dlam train --resume runs/mnist-dlam`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.trainSettings(cmd, c, f); err != nil {
				return err
			}
			return f.told(cmd, a.train(cmd, c, f))
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	addSettings(fl, c, "start") // which files have
	addEpochs(fl, &f.epochs)
	fl.StringVar(&f.run, "run", "", "run folder (default runs/DATA-SOLVER, numbered)")
	fl.StringVar(&f.config, "config", "", "settings from a run's config.toml; flags given win")
	fl.StringVar(&f.resume, "resume", "", "go on with a run that was interrupted")
	fl.StringVar(&f.initFrom, "init-from", "", "start from the weights of a model (ours, or PyTorch's parameters as safetensors; see dlam import)")
	fl.StringVar(&f.every, "checkpoint-every", "60s", "save the state every so many iterations or so long; never")
	fl.StringVar(&f.tensorboard, "tensorboard", "", "also write TensorBoard event files to this folder")
	fl.BoolVar(&f.certify, "certify", false, "check the theory's promises at every iteration; stop at a violation")
	fl.BoolVar(&f.dryRun, "dry-run", false, "say what would be done, and how much memory it takes")
	f.addFlag(fl)
	f.force.addFlag(fl)
	fl.StringVar(&c.Source.Scratch, "scratch", "", "keep the samples of an IDX file, or of a table, in a file in this folder, mapped, instead of in memory; what the method adds is in memory")
	fl.BoolVar(&f.json, "json", false, "end with a JSON object on standard output")
	a.quietFlag(fl)
	completeSettings(cmd, c)
	groupFlags(cmd)
	return cmd
}

// addEpochs binds what setEpochs takes to a flag.
func addEpochs(fl *pflag.FlagSet, epochs *int) {
	fl.IntVar(epochs, "epochs", 0, "another name of --iterations, for methods that take mini-batches")
	fl.Lookup("epochs").Annotations = map[string][]string{groupOf: {string(recipe.OfTraining)}}
}

// trainSettings completes c by the settings file, if one is named, and by the
// flags that are not settings.
func (a *app) trainSettings(cmd *cobra.Command, c *recipe.Config, f *trainFlags) (err error) {
	if f.resume != "" {
		if f.config != "" || f.run != "" || f.initFrom != "" {
			return usagef("--resume takes its settings from the run: it does not go with --config, --run or --init-from")
		}
		if err := known(f.resume); err != nil {
			return err
		}
		f.run, f.config = f.resume, filepath.Join(f.resume, recipe.ConfigName)
	}
	if f.config != "" {
		if err := a.loadConfig(cmd.Context(), c, f.config, cmd.Flags()); err != nil {
			return err
		}
	}
	switch {
	case f.initFrom != "":
		c.Options.StartFile, c.Options.StartDigest = f.initFrom, ""
	case c.Options.StartDigest != "": // they lie beside the settings
		c.Options.StartFile = filepath.Join(filepath.Dir(f.config), recipe.StartName)
	}
	if cmd.Flags().Changed("epochs") {
		if err := setEpochs(&c.Options, f.epochs, cmd.Flags().Changed("iterations")); err != nil {
			return err
		}
	}
	o := &c.Options
	o.MaxMemory, o.Certify, o.Comm, o.Force = float64(f.most), f.certify, a.job, bool(f.force)
	if o.Checkpoint, err = parseEvery(f.every); err != nil {
		return err
	}
	o.Warn = a.warn
	o.L2Tried = func(t recipe.L2Trial) { a.l2Tried(t) }
	o.RateTried = func(t gradient.Trial) { a.rateTried(t) }
	return contradictions(cmd, c)
}

// setEpochs takes --epochs for what --iterations means where methods take
// mini-batches; iterations says whether that is given too.
func setEpochs(o *recipe.Options, epochs int, iterations bool) error {
	m, err := recipe.Find(o.Method)
	switch {
	case err != nil:
		return err
	case epochs < 1:
		return usagef("--epochs: got %d, want at least 1", epochs)
	case !m.MiniBatches(o):
		return usagef("--epochs: %s takes all samples at a time, as it is set, and has iterations; methods with mini-batches read it: sync, onlineam, and lifted and backpropagation with --batch", m.Name)
	case iterations && o.Iterations != epochs:
		return usagef("--epochs: got %d, and --iterations %d: they are two names of one number", epochs, o.Iterations)
	}
	o.Iterations = epochs
	return nil
}

// train is the command: nothing is written before everything is checked.
func (a *app) train(cmd *cobra.Command, c *recipe.Config, f *trainFlags) error {
	if err := c.Validate(); err != nil {
		return err
	}
	data, err := a.open(cmd.Context(), c, f.limits)
	if err != nil {
		return err
	}
	if err := refuseSplit(cmd, data); err != nil {
		return err
	}
	if f.run == "" && !f.dryRun {
		f.run = newRunName(c)
	}
	c.Options.Folder, c.Options.Resume = f.run, f.resume != ""
	p, err := within(cmd.Context(), func() (*recipe.Plan, error) { return recipe.Prepare(data, c.Options) })
	if err != nil {
		return err
	}
	if c.Source.Scratch != "" && !p.Samples.Train.Scratch.Used() {
		a.say("--scratch: all samples are in memory: those of such data are not kept in a file")
	}
	a.tell(p.Notes)
	if !a.quiet {
		a.showColumns(data.Columns())
		a.sayWeights(p.Samples.Transform.Table.Weight, p.Samples.Train.Classes, p.ClassWeights)
		a.sayUnit(p.Samples.Transform)
		if c.Options.Layers != nil {
			a.showLayers(p.Network)
		}
	}
	if c.Options.Settings.Parallel != nil && a.job.Size() == 1 {
		a.say("warning: one process shares nothing with others (--parallel): start several with mpirun (docs/scaling.md)")
	}
	if f.dryRun {
		a.describe(p, c)
		return nil
	}
	return a.execute(cmd.Context(), p, f)
}

// sayUnit tells people the unit of errors that have none.
func (a *app) sayUnit(t dataset.Transform) {
	if _, ok := t.TargetUnit(); !ok {
		a.say("RMSE is over the %d values together, each in standard deviations of its training samples; `dlam eval` tells each in its own units", len(t.TargetShift))
	}
}

// newRunName is a name that is not taken: runs/DATA-SOLVER, then -2, -3, ….
func newRunName(c *recipe.Config) string {
	method, err := recipe.Find(c.Options.Method)
	if err != nil {
		return "" // refused before
	}
	base := strings.TrimSuffix(filepath.Base(c.Source.Data), ".gz")
	base = filepath.Join("runs", strings.TrimSuffix(base, filepath.Ext(base))+"-"+method.Name)
	name := base
	for i := 2; ; i++ {
		if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
			return name
		}
		name = fmt.Sprintf("%s-%d", base, i)
	}
}

// execute trains and saves, and tells people and programs of it.
func (a *app) execute(ctx context.Context, p *recipe.Plan, f *trainFlags) (err error) {
	signal.Ignore(syscall.SIGPIPE) // to save when nobody reads any more
	run, err := p.Start(ctx)
	if err != nil {
		return err
	}
	defer run.Close()
	if run.Anew > 0 {
		a.say("saved by %d ranks, going on with %d: z and a start again from the network's forward pass", run.Anew, a.job.Size())
	}
	a.tell(run.Notes)
	var more []dlam.Recorder
	if f.tensorboard != "" && a.job.Rank() == 0 {
		b, fault := report.NewTensorBoard(f.tensorboard, p.Problem, max(1, p.Options.Iterations/50))
		if fault != nil {
			run.Discard()
			return errUsage{fault}
		}
		defer func() {
			if fault := b.Close(); fault != nil && (err == nil || errors.Is(err, errInterrupted)) {
				err = fault
			}
		}()
		more = append(more, b)
	}
	if !a.quiet && a.job.Rank() == 0 {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		shown := &progress{w: a.err, closed: stop, live: terminal(a.err), iterations: p.Options.Iterations, first: run.Done(), started: time.Now(), unit: unitOf(p), smoothing: p.Problem.Y.Smoothing}
		more = append(more, shown)
		r, err := run.Train(ctx, more...)
		shown.end()
		return a.finish(p, f, r, err)
	}
	r, err := run.Train(ctx, more...)
	return a.finish(p, f, r, err)
}

// finish tells the result.
func (a *app) finish(p *recipe.Plan, f *trainFlags, r *recipe.Result, failed error) error {
	if r == nil {
		return failed
	}
	if !a.quiet && a.job.Rank() == 0 {
		a.scored(p, r)
	}
	a.cautions(r)
	if !a.quiet {
		a.next(p, f.run, r)
	}
	if a.job.Rank() == 0 && f.json {
		s := summary(p, f.run, r)
		maps.Copy(s, f.more)
		if err := a.object(s); err != nil {
			return err
		}
	}
	if failed != nil {
		return fmt.Errorf("%w (the last good network is in %s)", failed, f.run)
	}
	if r.Status == dlam.Interrupted {
		return errInterrupted
	}
	return nil
}

// rateTried tells of a run that --lr auto took.
func (a *app) rateTried(t gradient.Trial) {
	switch {
	case a.quiet:
	case t.Status == dlam.Diverged:
		a.say("learning rate %g: diverged", t.Rate)
	default:
		a.say("learning rate %g: training accuracy %.2f %%, loss %.5g", t.Rate, 100*t.Train.Accuracy, t.Train.Risk)
	}
}

// l2Tried tells of a run that --l2 best took.
func (a *app) l2Tried(t recipe.L2Trial) {
	switch s := t.Held; {
	case a.quiet:
	case t.Status == dlam.Diverged || t.Status == dlam.Useless:
		a.say("weight decay %.4g: %s", t.L2, t.Status)
	case s.Accuracy > 0:
		a.say("weight decay %.4g: risk %.5g on training samples held back, accuracy %.2f %%", t.L2, s.Risk, 100*s.Accuracy)
	default:
		a.say("weight decay %.4g: risk %.5g on training samples held back", t.L2, s.Risk)
	}
}

// describe says what a run would do.
func (a *app) describe(t *recipe.Plan, c *recipe.Config) {
	p := t.Problem
	a.say("%s on %s: %d samples of %d features, %d test samples; layers %v, %d parameters; %d iterations on %d threads",
		t.Solver, c.Source.Data, t.Total, p.X.Cols, p.TestX.Rows, t.Network.Widths(), t.Network.Parameters(), t.Options.Iterations, t.Options.Threads)
	if n := a.job.Size(); n > 1 {
		each := fmt.Sprintf("about %d samples and takes", p.X.Rows)
		if c.Options.SamplesOf(a.job).Size() < n {
			each = fmt.Sprintf("all %d samples and some of the layers, of which all together take", p.X.Rows)
		}
		a.say("on %d ranks, %d of them on this machine; each has %s what follows", n, a.job.Local(), each)
	}
	a.say("memory beside the samples (%s): %s", memory.Size(4*float64(p.X.Rows+p.TestX.Rows)*float64(p.X.Cols)), memory.Size(t.Memory))
	a.say("  dlam: 4 bytes × samples × (3 × hidden units − the first layer's units + 2 × outputs), and what does not grow with the samples (docs/performance.md)")
}

// unitOf is the factor from the network's scale of values to the data's.
func unitOf(p *recipe.Plan) float64 {
	unit, _ := p.Samples.Transform.TargetUnit()
	return unit
}
