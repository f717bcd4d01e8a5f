package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/judge"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
)

func newEvalCommand(a *app) *cobra.Command {
	u := newUseFlags("measuring", "measure on fewer samples (--data)")
	u.judged, u.weighs = true, true
	c := &cobra.Command{
		Use: "eval MODEL", Short: "Measure a model on labelled data", Args: cobra.ExactArgs(1),
		Long: `Measure a model. Of classes: accuracy and balanced accuracy, log-loss, ROC-AUC,
average precision, precision, recall and F1 of each class, Brier score, calibration
curve and confusion matrix; of values: root mean squared and mean absolute error, R².
docs/judging.md says what each is. What the model or the samples leave undefined is
left out, and said. Without --data on the test part of the data that it was trained
on, divided as then; that data is refused once it has more or fewer rows. Of a named
data set the test part is used. MODEL is a run folder or a model file. With --codes also
how well samples find those of their class among the training samples by the signs of the
last hidden layer (docs/family.md, hash codes).`,
		Example: "  dlam eval runs/mnist-dlam\n  dlam eval runs/digits-dlam --data new.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			if u.layers = u.codes; u.codes && u.train {
				return usagef("--codes: goes without --train: the training samples are what is looked in")
			}
			return u.told(cmd, a.eval(cmd.Context(), args[0], u))
		},
	}
	c.Flags().StringVar(&u.source.Data, "data", "", "data to measure on (default: the test part of what the model was trained on)")
	c.Flags().BoolVar(&u.train, "train", false, "use the training part instead of the test part")
	c.Flags().BoolVar(&u.codes, "codes", false, "also the mean average precision of retrieval by Hamming distance, of models of classes")
	u.add(c)
	c.Flags().BoolVar(&u.json, "json", false, "end with a JSON object on standard output")
	return c
}

func (a *app) eval(ctx context.Context, path string, u *useFlags) error {
	m, err := a.openModel(path, u.limits)
	if err != nil {
		return err
	}
	if u.codes && m.Classes == nil {
		return usagef("--codes: %s predicts values, and retrieval is of classes", path)
	}
	started, given := time.Now(), *u
	d, err := a.measured(ctx, m, u)
	if err != nil {
		return err
	}
	if !d.Labelled() || (d.Class != nil) != (m.Classes != nil) {
		return usagef("%s: no labels of the model's kind to measure on", u.source.Data)
	}
	column := m.Transform.Table.Weight
	if d.Table.Weight == "" {
		column = ""
	}
	a.sayWeights(column, m.Classes, m.Training.ClassWeights)
	trained := d.WeighClasses(m.Training.ClassWeights)
	score, err := dlam.Evaluate(m.Network, trained.X, trained.Target(), m.Loss, u.threads)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	r, err := judge.Model(m, d, u.threads)
	if err != nil {
		return err
	}
	a.showScore(m, d, score)
	if m.Training.ClassWeights != nil {
		a.say("the figures that follow are not weighted by class")
	}
	a.showReport(r)
	var found *judge.Retrieval
	if u.codes {
		if found, err = a.retrieval(ctx, m, d, &given); err != nil {
			return err
		}
	}
	if !u.json {
		return nil
	}
	s := evaluation(m, trained, u.train, score, r)
	s["run"], s["dataset"], s["seconds"] = path, u.source.Data, time.Since(started).Seconds()
	if found != nil {
		s["retrieval"] = found
	}
	return a.object(s)
}

// evaluation is the JSON object of a model's score and figures on samples of a part.
func evaluation(m *model.Model, d dataset.Dataset, train bool, score *dlam.Score, r judge.Report) map[string]any {
	s := map[string]any{
		"solver": m.Training.Solver, "layers": m.Network.Widths(), "iterations": m.Training.Iterations,
		"objective": score.Risk * d.Target().TotalWeight(), "risk": score.Risk, "seconds_per_iteration": nil,
		"status": dlam.Completed, "samples": d.Rows(), "figures": r,
	}
	if d.Weight != nil {
		s["weighted"] = true
	}
	part := map[bool]string{true: "train", false: "test"}
	unit, common := m.Transform.TargetUnit()
	scores(s, part[train], score, m.Classes != nil, unit)
	scores(s, part[!train], nil, m.Classes != nil, unit)
	if m.Classes == nil && !common {
		s[part[train]+"_rmse"], s[part[train]+"_r2"] = nil, r.Values.R2
	}
	return s
}

// retrieval is how well the samples d find those of their class among m's training samples,
// and tells people.
func (a *app) retrieval(ctx context.Context, m *model.Model, d dataset.Dataset, u *useFlags) (*judge.Retrieval, error) {
	u.source.Data = ""
	s, err := a.trainedOn(ctx, m, u)
	if err == nil && !slices.Equal(s.Train.Classes, m.Classes) {
		err = usagef("%s: classes %q, the model has %q: the data has changed since", u.source.Data, s.Train.Classes, m.Classes)
	}
	if err != nil {
		return nil, fmt.Errorf("--codes looks in the training samples: %w", err)
	}
	database, err := a.apply(ctx, m, s, s.Train, u)
	if err != nil {
		return nil, err
	}
	of, err := judge.CodesOf(m, d.X, u.threads)
	if err != nil {
		return nil, errUsage{err}
	}
	in, err := judge.CodesOf(m, database.X, u.threads)
	if err != nil {
		return nil, errUsage{err}
	}
	r, err := judge.Retrieve(of, in, d.Class, database.Class, u.threads)
	if err != nil {
		return nil, errUsage{err}
	}
	a.say("codes of %d bits: mean average precision %.4f, %d samples looked for in %d", r.Bits, r.MAP, r.Queries, r.Database)
	if r.Without > 0 {
		a.say("%d of them are of a class that none there has, and are left out", r.Without)
	}
	return &r, nil
}

// measured is the data to measure m on: what --data names, else a part of what
// the model was trained on, divided as then.
func (a *app) measured(ctx context.Context, m *model.Model, u *useFlags) (dataset.Dataset, error) {
	if u.source.Data != "" {
		return a.dataFor(ctx, m, u.source.Data, u, true)
	}
	s, err := a.trainedOn(ctx, m, u)
	if err != nil {
		return dataset.Dataset{}, err
	}
	d := s.Test
	if u.train {
		d = s.Train
	}
	switch {
	case d.Rows() == 0:
		return d, usagef("%s: the model was trained without test data: name some with --data, or use --train", u.source.Data)
	case !slices.Equal(d.Classes, m.Classes):
		return d, usagef("%s: classes %q, the model has %q: the data has changed since", u.source.Data, d.Classes, m.Classes)
	}
	return a.apply(ctx, m, s, d, u)
}

// trainedOn is the raw data that m was trained on, divided as then.
func (a *app) trainedOn(ctx context.Context, m *model.Model, u *useFlags) (dataset.Split, error) {
	var c recipe.Config
	if _, err := c.Load(m.Training.Config, nil); err != nil {
		return dataset.Split{}, usagef("the model's settings: %w", err)
	}
	if c.Source.Data == "" {
		return dataset.Split{}, usagef("the model was trained on samples in a program's memory: name some with --data")
	}
	for _, name := range []string{c.Source.Data, c.Source.TestData} {
		if readOnce(name) {
			advice := ": name some with dlam eval --data"
			if u.codes { // among those that are not kept
				advice = ""
			}
			return dataset.Split{}, usagef("the model was trained on samples from %q, a pipe, which are not kept%s", name, advice)
		}
	}
	if u.source.DataDir != "" {
		c.Source.DataDir = u.source.DataDir
	}
	c.Source.Offline, u.source.Data = u.source.Offline, c.Source.Data
	o := &c.Options
	held := o.Validation
	o.MaxMemory, o.Validation, o.Pool = float64(u.most), 0, 1 // none are held back, and the model pools
	data, err := a.open(ctx, &c, u.limits)
	if err != nil {
		return dataset.Split{}, err
	}
	s, err := within(ctx, func() (dataset.Split, error) { return data.Divide(o) })
	if err != nil {
		return s, err
	}
	n := s.Train.Rows()
	if held > 0 {
		n -= dataset.HeldBack(s.Train, held)
	}
	if n != m.Training.Samples { // the division is another: test samples would be ones that it was trained on
		return s, usagef("%s: %d training samples, the model was trained on %d: the data has changed since, and the test samples of then are not known; name new ones with dlam eval --data", u.source.Data, n, m.Training.Samples)
	}
	return s, nil
}

// readOnce reports whether data are standard input or another pipe, which to open again
// would wait for somebody who writes.
func readOnce(name string) bool {
	info, err := os.Stat(name)
	return name == "-" || err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeCharDevice|os.ModeSocket) != 0
}

// showScore tells people the score in a line.
func (a *app) showScore(m *model.Model, d dataset.Dataset, s *dlam.Score) {
	unit, common := m.Transform.TargetUnit()
	switch {
	case m.Classes != nil:
		a.say("%d samples: accuracy %.2f %%, loss %.5g", d.Rows(), 100*s.Accuracy, s.Risk)
	case common:
		a.say("%d samples: RMSE %.5g, R² %.5g", d.Rows(), s.RMSE*unit, s.R2)
	default: // several values, whose figures the table has
		a.say("%d samples", d.Rows())
	}
}
