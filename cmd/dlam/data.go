package main

import (
	"context"
	"errors"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/picture"
)

// loaded is training data ready for a network.
type loaded struct {
	split      dataset.Split // transformed
	validation dataset.Dataset
	transform  dataset.Transform
	image      picture.Image
	features   []string // raw columns
}

// problem is the problem of fitting the training samples under l, reporting on the
// test samples.
func (d *loaded) problem(l loss.Loss, threads int) *dlam.Problem {
	p := dlam.NewProblem(d.split.Train.X, d.split.Train.Target(), l, threads)
	p.TestX, p.TestY = d.split.Test.X, d.split.Test.Target()
	return p
}

// options are how c says to read data.
func (a *app) options(c *config) dataset.Options {
	return dataset.Options{
		DataDir: c.DataDir, Offline: c.Offline, Label: c.Label, NoHeader: c.NoHeader,
		Regression: c.asksForValues(), Progress: a.downloading(), Limit: c.Limit, Comm: a.job,
		Scratch: &dataset.Scratch{Dir: c.scratch, Most: float64(c.memory.limit)},
	}
}

// downloading tells of a download once for every tenth of it.
func (a *app) downloading() func(string, int64, int64) {
	told := int64(-1)
	return func(file string, done, total int64) {
		if total <= 0 {
			return
		}
		if tenth := 10 * done / total; tenth != told {
			told = tenth
			a.say("downloading %s: %d of %d kB", file, done>>10, total>>10)
		}
	}
}

// open reads a source. Samples that say beforehand that there is no room for
// them are not read.
func (a *app) open(ctx context.Context, c *config, source string, o dataset.Options) (dataset.Split, error) {
	s, err := dataset.Open(ctx, source, o)
	var large dataset.TooLarge
	if errors.As(err, &large) {
		m := c.memory
		m.work = "reading " + large.Name
		return s, a.room(m, 0, large.Bytes)
	}
	return s, err
}

// load reads, splits and transforms the data that c names.
func (a *app) load(ctx context.Context, c *config) (*loaded, error) {
	split, err := a.divided(ctx, c)
	if err != nil {
		return nil, err
	}
	return transformed(c, split)
}

// divided is the raw data that c names, for training and for testing.
func (a *app) divided(ctx context.Context, c *config) (split dataset.Split, err error) {
	o := a.options(c)
	if split, err = a.open(ctx, c, c.Data, o); err != nil {
		return split, err
	}
	if split.Train.Labelled() {
		if err := c.takes(split.Train.Class != nil, c.Data); err != nil {
			return split, err
		}
	}
	if c.TestData != "" {
		o.Classes, o.Features, o.Limit = split.Train.Classes, split.Train.Features, 0
		test, err := a.open(ctx, c, c.TestData, o)
		if err != nil {
			return split, err
		}
		split.Test = test.Train
		if !split.Test.Labelled() || split.Test.X.Cols != split.Train.X.Cols {
			return split, usagef("%s: %d features, labelled: %t; want %d features and labels, as %s has", c.TestData, split.Test.X.Cols, split.Test.Labelled(), split.Train.X.Cols, c.Data)
		}
	}
	if err := split.Train.Trainable(); err != nil {
		return split, err
	}
	reading := c.memory
	reading.work = "reading " + c.Data
	if err := a.room(reading, samplesSize(split.Train, split.Test), c.copies(split)); err != nil {
		return split, err
	}
	if split.Test.Rows() == 0 && c.TestSplit > 0 {
		return dataset.Divide(split.Train, c.TestSplit, c.Seed)
	}
	return split, nil
}

// copies is the bytes of the samples that are copied to divide or pool them.
func (c *config) copies(s dataset.Split) float64 {
	if c.Validation > 0 || c.TestSplit > 0 && s.Test.Rows() == 0 {
		return samplesSize(s.Train)
	}
	if c.Pool > 1 {
		return samplesSize(s.Train, s.Test) / float64(c.Pool*c.Pool)
	}
	return 0
}

func transformed(c *config, split dataset.Split) (*loaded, error) {
	scale := dataset.Scaling(c.Scale)
	if c.Scale == auto {
		scale = dataset.ScaleStandard
		if split.Train.Image.Max > 0 {
			scale = dataset.ScaleUnit
		}
	}
	var held dataset.Dataset
	var err error
	if split.Train, held, err = c.holdBack(split); err != nil {
		return nil, err
	}
	t, err := dataset.Fit(split.Train, scale, c.Pool)
	if err != nil {
		return nil, err
	}
	l := &loaded{transform: t, image: split.Train.Image, features: split.Train.Features}
	if l.split.Train, err = t.Move(split.Train); err != nil {
		return nil, err
	}
	if held.Rows() > 0 {
		if l.validation, err = t.Move(held); err != nil {
			return nil, err
		}
	}
	if split.Test.Rows() > 0 {
		l.split.Test, err = t.Move(split.Test)
	}
	return l, err
}
