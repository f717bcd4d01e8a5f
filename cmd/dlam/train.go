package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/model"
)

// trainFlags are what dlam train is told beside the run's settings.
type trainFlags struct {
	run, config, resume, initFrom, tensorboard, every string
	evaluate                                          int
	json, quiet, dryRun, certify                      bool
}

func newTrainCommand(a *app) *cobra.Command {
	c, f := defaultConfig(), trainFlags{}
	c.memory = trainingMemory()
	c.memory.advice += ", or keep IDX samples in a file (--scratch)"
	cmd := &cobra.Command{
		Use: "train", Short: "Train a network", Args: cobra.NoArgs,
		Long: `Train a network and write a run folder: config.toml (every setting), trace.jsonl
(a record of each iteration), model.safetensors. Ctrl-C stops after the current
iteration and saves; --resume goes on from there.`,
		Example: `  dlam train
  dlam train --data mnist --pool 2 --limit 55000 --hidden 100,100 --iterations 150
  dlam train --data table.csv --label price --loss squared
  dlam train --config runs/digits-dlam/config.toml --seed 2
  dlam train --resume runs/mnist-dlam`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.resume != "" {
				if f.config != "" || f.run != "" || f.initFrom != "" {
					return usagef("--resume takes its settings from the run: it does not go with --config, --run or --init-from")
				}
				f.run, f.config = f.resume, filepath.Join(f.resume, configName)
			}
			if f.config != "" {
				if err := c.load(f.config, cmd.Flags()); err != nil {
					return err
				}
			}
			if n := a.job.Local(); n > 1 && f.config == "" && !cmd.Flags().Changed("threads") {
				c.Threads = max(1, c.Threads/n)
			}
			return a.train(cmd.Context(), &c, &f)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	c.addFlags(fl)
	completeOperators(cmd)
	fl.StringVar(&f.run, "run", "", "run folder (default runs/DATA-SOLVER, numbered)")
	fl.StringVar(&f.config, "config", "", "settings from a run's config.toml; flags given win")
	fl.StringVar(&f.resume, "resume", "", "go on with a run that was interrupted")
	fl.StringVar(&f.initFrom, "init-from", "", "start from the weights of a model (ours, or PyTorch's of an MLP, as safetensors)")
	fl.StringVar(&f.every, "checkpoint-every", "60s", "save the state every so many iterations or so long; never")
	fl.IntVar(&f.evaluate, "evaluate-every", 1, "measure accuracies every so many iterations; 0: at the end only")
	fl.StringVar(&f.tensorboard, "tensorboard", "", "also write TensorBoard event files to this folder")
	fl.BoolVar(&f.certify, "certify", false, "check the theory's promises at every iteration; stop at a violation")
	fl.BoolVar(&f.dryRun, "dry-run", false, "say what would be done, and how much memory it takes")
	c.memory.addFlag(fl)
	fl.StringVar(&c.scratch, "scratch", "", "keep the samples of an IDX file in a file in this folder, mapped, instead of in memory; what the method adds is in memory")
	fl.BoolVar(&f.json, "json", false, "end with a JSON object on standard output")
	fl.BoolVar(&f.quiet, "quiet", false, "no progress")
	return cmd
}

// training is a run that is ready to start.
type training struct {
	c       *config
	f       *trainFlags
	data    *loaded
	problem *dlam.Problem
	network *dlam.Network
	solver  dlam.Solver

	validation *dlam.Validation // nil for none
	config     string           // config.toml
	need       float64
}

// train is the command: nothing is written before everything is checked.
func (a *app) train(ctx context.Context, c *config, f *trainFlags) error {
	t, err := a.prepare(ctx, c, f)
	if err != nil {
		return err
	}
	if f.dryRun {
		a.describe(t)
		return nil
	}
	identity, err := c.identity()
	if err != nil {
		return err
	}
	check := &checkpointer{job: a.job, config: digest(identity + settingsText(t.solver))}
	if err := check.setEvery(f.every); err != nil {
		return err
	}
	if check.data, err = fingerprint(t.data.split.Train, a.job); err != nil {
		return err
	}
	if a.job.Rank() > 0 {
		return a.follow(ctx, t, check)
	}
	if f.run == "" {
		f.run = newRunName(c)
	}
	check.path = filepath.Join(f.run, model.CheckpointName)
	if f.resume != "" {
		return a.resume(ctx, t, check)
	}
	folder, err := createRun(f.run, t.config)
	if err != nil {
		return err
	}
	defer folder.close()
	err = a.execute(ctx, t, folder, check, nil)
	if errors.As(err, &errUsage{}) {
		folder.discard()
	}
	return err
}

// resume goes on with the run of t.f.run: from its checkpoint, or from the
// start if it was killed before it saved one.
func (a *app) resume(ctx context.Context, t *training, check *checkpointer) error {
	folder, err := lockRun(t.f.run)
	if err != nil {
		return err
	}
	defer folder.close()
	from, err := check.load()
	if err != nil {
		return err
	}
	done := 0
	if from != nil {
		done = from.Iteration
	}
	if done > t.c.Iterations {
		return usagef("--iterations: got %d, and %s has done %d", t.c.Iterations, folder.path, done)
	}
	if err := folder.goOn(done, t.config); err != nil {
		return err
	}
	return a.execute(ctx, t, folder, check, from)
}

func digest(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// prepare checks settings, reads data and makes the network.
func (a *app) prepare(ctx context.Context, c *config, f *trainFlags) (*training, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if err := c.completeSettings(); err != nil {
		return nil, err
	}
	if f.evaluate < 0 {
		return nil, usagef("--evaluate-every: got %d, want 0 or more", f.evaluate)
	}
	m, err := findMethod(c.Solver)
	if err != nil {
		return nil, err
	}
	if f.certify && !c.promises() {
		return nil, usagef("nothing to certify: %s with these settings promises nothing of an iteration; dlam, mdlam, and sync with --batch 0 do", c.Solver)
	}
	if c.Init == auto {
		c.Init = string(m.init)
	}
	t := &training{c: c, f: f}
	if v, ok := m.make(c).(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return nil, errUsage{err}
		}
	}
	if t.data, err = a.load(ctx, c); err != nil {
		return nil, err
	}
	if _, c.samples, err = comm.Offset(a.job, t.data.split.Train.Rows()); err != nil {
		return nil, err
	}
	c.values = t.data.split.Train.Class == nil
	if c.Iterations == 0 {
		c.Iterations = m.iterations(c)
	}
	if c.Hidden == nil {
		c.Hidden = c.hidden(t.data.split.Train)
	}
	t.solver = m.make(c)
	if t.config, err = c.text(); err != nil {
		return nil, err
	}
	l, err := c.loss(!c.values)
	if err != nil {
		return nil, err
	}
	t.problem = t.data.problem(l, c.Threads)
	t.problem.Comm = a.job
	t.validation = c.validation(t.data.validation)
	t.problem.Regularizer = c.regularizer()
	t.problem.Y.Smoothing = c.smoothing()
	if t.problem.Jitter, err = c.jitter(t.data.split.Train); err != nil {
		return nil, err
	}
	w := append([]int{t.problem.X.Cols}, c.Hidden...)
	w = append(w, t.problem.Y.Width())
	t.need = estimate(t.solver, w, t.problem.X.Rows, c.Threads)
	if f.certify && c.Solver != "sync" { // which has no iterate to check
		t.need += certificateSize(w, t.problem.X.Rows)
	}
	if err := a.room(c.memory, samplesSize(t.data.split.Train, t.data.split.Test, t.data.validation), t.need); err != nil {
		return nil, err
	}
	if t.network, err = startNetwork(c, f, w); err != nil || f.dryRun {
		return t, err
	}
	return t, a.chooseRate(ctx, t)
}

// startNetwork draws the first weights, or reads them.
func startNetwork(c *config, f *trainFlags, w []int) (*dlam.Network, error) {
	n, err := c.draw(w, dlam.Initializer(c.Init))
	if err != nil || f.initFrom == "" {
		return n, err
	}
	if n, err = model.Weights(f.initFrom, n); err != nil {
		return nil, usagef("--init-from: %w (widths follow from the data and --hidden, activations from --activation)", err)
	}
	return n, nil
}

// describe says what a run would do.
func (a *app) describe(t *training) {
	p := t.problem
	a.say("%s on %s: %d samples of %d features, %d test samples; layers %v, %d parameters; %d iterations on %d threads",
		t.solver, t.c.Data, t.c.samples, p.X.Cols, p.TestX.Rows, t.network.Widths(), t.network.Parameters(), t.c.Iterations, t.c.Threads)
	if n := a.job.Size(); n > 1 {
		a.say("on %d ranks, %d of them on this machine; each has about %d samples and takes what follows", n, a.job.Local(), p.X.Rows)
	}
	a.say("memory beside the samples (%s): %s", size(4*float64(p.X.Rows+p.TestX.Rows)*float64(p.X.Cols)), size(t.need))
	a.say("  dlam: 4 bytes × samples × (3 × hidden units − the first layer's units + 2 × outputs), and what does not grow with the samples (docs/performance.md)")
}
