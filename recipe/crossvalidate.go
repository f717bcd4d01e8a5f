package recipe

import (
	"context"
	"fmt"
	"math"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/judge"
)

// Fold is one training of CrossValidate, and how good its model is on the samples that
// it was not trained on.
type Fold struct {
	Repeat, Fold int   // from 1
	Train        int   // samples that it was trained on
	Test         []int // the numbers, from 0 and in order, of those that it was judged on
	Iterations   int   // that it was to train for
	Report       judge.Report
	Status       dlam.Status
	Seconds      float64 // of training alone
	// Failure is why the training failed or is of no use; "" for none. The report is
	// then that of its last good network.
	Failure string
	Warning string // what is to be known of the model; see Result.Warning
}

// Mean is a figure's mean over folds.
type Mean struct {
	Name, About string   // as judge.Figure has them
	Mean        *float64 // nil: undefined in every fold
	// Error is the standard error of the mean, s/√Folds with s the standard deviation
	// between folds; nil for fewer than two. Folds share most of their training samples,
	// so that it is rather too small.
	Error *float64
	Folds int // in which the figure is defined
}

// CrossValidation is what CrossValidate found.
type CrossValidation struct {
	Folds   []Fold // that were done, in order
	Planned int    // how many there are to be
	// Notes are what people are to be told of the division, a line each.
	Notes []string
}

// Means are the figures' means over the folds that were done; nil without any.
func (c *CrossValidation) Means() []Mean {
	var list []Mean
	values := map[string][]float64{}
	for i, f := range c.Folds {
		for _, fig := range f.Report.Figures() {
			if i == 0 {
				list = append(list, Mean{Name: fig.Name, About: fig.About})
			}
			if fig.Value != nil {
				values[fig.Name] = append(values[fig.Name], *fig.Value)
			}
		}
	}
	for k := range list {
		m := &list[k]
		m.Mean, m.Error, m.Folds = meanOf(values[m.Name])
	}
	return list
}

// meanOf is the mean of values and its standard error.
func meanOf(values []float64) (mean, se *float64, n int) {
	n = len(values)
	if n == 0 {
		return nil, nil, 0
	}
	var sum, squares float64
	for _, v := range values {
		sum += v / float64(n)
	}
	for _, v := range values {
		squares += (v - sum) * (v - sum)
	}
	if n > 1 {
		se = new(math.Sqrt(squares / float64(n*(n-1))))
	}
	return &sum, se, n
}

// CrossValidate trains on all but a part of data's training samples and judges the
// model on that part, for each part in turn: how good a model is that Train makes of so
// many samples. Each fold's training is Train's, with o as it is and what suits the
// fold's own training samples: nothing of the others has a say in its scaling or in
// anything else that is fitted. The r-th repetition divides and trains by the seed
// o.Seed + r − 1. tell is told of each fold as it is done; nil for nobody.
//
// o must not ask for a share to test on, a folder, or ranks. Once ctx ends, so does
// CrossValidate: it gives the folds that were done, and ctx's error; an iteration of a
// method without mini-batches goes on in the background to its end, and nobody is told
// of it. Samples of a fold that no model can be trained on, as of one class alone, are
// an error.
func CrossValidate(ctx context.Context, data Data, o Options, f Folds, tell func(Fold)) (*CrossValidation, error) {
	d, err := data.whole(&o, "cross-validation")
	if err != nil {
		return nil, err
	}
	if err := f.validate(d.Rows()); err != nil {
		return nil, err
	}
	if _, err := o.classFactors(d); err != nil {
		return nil, err
	}
	out := &CrossValidation{Planned: f.number() * f.repeat(), Notes: f.notes(d)}
	if n := data.split.Test.Rows(); n > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("the %d test samples that the data has by itself are left out", n))
	}
	seed := o.Seed
	for r := range f.repeat() {
		o.Seed = seed + uint64(r)
		for k, part := range f.divide(d, o.Seed) {
			one, err := trainPart(ctx, d, part, o, 1)
			if ctx.Err() != nil {
				return out, ctx.Err()
			}
			if err != nil {
				return out, fmt.Errorf("fold %d: %w", k+1, err)
			}
			one.Repeat, one.Fold = r+1, k+1
			out.Folds = append(out.Folds, one)
			if tell != nil {
				tell(one)
			}
		}
	}
	return out, nil
}

// whole is the samples of d that are divided again and again, for work of that name,
// which refuses what only one training can have.
func (d Data) whole(o *Options, work string) (dataset.Dataset, error) {
	if d.err != nil {
		return dataset.Dataset{}, d.err
	}
	v := check.Of(work)
	v.That(o.TestSplit == nil, "test-split", orElse(o.TestSplit, 0), "none: folds are tested on")
	v.That(o.Folder == "", "run", o.Folder, "none: its models are not kept")
	v.That(o.ranks().Size() == 1, "ranks", o.ranks().Size(), "one process")
	if err := v.Err(); err != nil {
		return dataset.Dataset{}, refuse(err)
	}
	if err := o.Validate(); err != nil {
		return dataset.Dataset{}, err
	}
	if err := d.suits(o.Loss); err != nil {
		return dataset.Dataset{}, refuse(err)
	}
	return d.split.Train, d.split.Train.Trainable()
}

// notes tell of classes that are in fewer samples than there are folds.
func (f *Folds) notes(d dataset.Dataset) (list []string) {
	counts := make([]int, len(d.Classes))
	for _, c := range d.Class {
		counts[c]++
	}
	for c, n := range counts {
		if n > 0 && n < f.number() {
			list = append(list, fmt.Sprintf("class %q has %d samples, so that some of %d folds test none of it", d.Classes[c], n, f.number()))
		}
	}
	return list
}

// trainPart trains on a part of d, for a share of the iterations that o asks for or that
// suit, and judges the model on the other part. It ends when ctx does.
func trainPart(ctx context.Context, d dataset.Dataset, part division, o Options, share float64) (Fold, error) {
	type result struct {
		fold Fold
		err  error
	}
	done := make(chan result, 1)
	go func() {
		f, err := trainFold(ctx, d, part, o, share)
		done <- result{f, err}
	}()
	select {
	case r := <-done:
		return r.fold, r.err
	case <-ctx.Done():
		return Fold{}, ctx.Err()
	}
}

// matrixBytes is what a copy of some of d's samples leaves in memory of d: all of a
// matrix, and of a table's columns, which copies share, nothing more.
func matrixBytes(d dataset.Dataset) float64 { return 4 * float64(d.X.Rows) * float64(d.X.Cols) }

func trainFold(ctx context.Context, d dataset.Dataset, part division, o Options, share float64) (Fold, error) {
	var split dataset.Split
	var err error
	if split.Train, err = d.Pick(part.train); err != nil {
		return Fold{}, err
	}
	if split.Test, err = d.Pick(part.test); err != nil {
		return Fold{}, err
	}
	if o.MaxMemory > 0 { // d stays beside its copies
		o.MaxMemory = max(1, o.MaxMemory-matrixBytes(d))
	}
	o.Grace = -1 // nothing is kept of an epoch
	if o.Evaluate == nil {
		o.Evaluate = new(0) // scores at the end alone: they have no say in the training
	}
	samples, err := From(split).Once().Ready(&o)
	if err != nil {
		return Fold{}, err
	}
	p, err := samples.Plan(o)
	if err == nil && share < 1 {
		o.Iterations = max(1, int(math.Ceil(share*float64(p.Options.Iterations))))
		p, err = samples.Plan(o)
	}
	if err != nil {
		return Fold{}, err
	}
	run, err := p.Start(ctx)
	if err != nil {
		return Fold{}, err
	}
	defer run.Close()
	r, err := run.Train(ctx)
	f := Fold{Train: len(part.train), Test: part.test, Iterations: p.Options.Iterations}
	switch {
	case r == nil:
		return f, err
	case err != nil:
		f.Failure = err.Error()
	}
	f.Status, f.Seconds, f.Warning = r.Status, r.Last.Elapsed, r.Warning
	f.Report, err = judge.Model(r.Model, p.Samples.Test, p.Options.Threads)
	return f, err
}
