package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/memory"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/recipe"
)

// open reads the samples that c names, for one training.
func (a *app) open(ctx context.Context, c *recipe.Config, m limits) (recipe.Data, error) {
	d, err := a.openShared(ctx, c, m)
	return d.Once(), err
}

// openShared reads the samples that c names, for several trainings.
func (a *app) openShared(ctx context.Context, c *recipe.Config, m limits) (recipe.Data, error) {
	s := c.Source
	if l := c.Options.Loss; l != nil && s.Task == "" && loss.IsFor(l, loss.Values) {
		s.Task = dataset.Regression
	}
	s.MaxMemory, s.Progress, s.Comm = float64(m.most), a.follow(ctx), c.Options.SamplesOf(a.job)
	d, err := within(ctx, func() (recipe.Data, error) { return recipe.Open(ctx, s) })
	a.tell(d.Notes())
	return d, err
}

// quietFlag is the flag of commands that tell how far they are.
func (a *app) quietFlag(fl *pflag.FlagSet) {
	fl.BoolVar(&a.quiet, "quiet", false, "no progress")
}

// follow tells how much of a file has been read or downloaded, once a second.
func (a *app) follow(ctx context.Context) func(string, int64, int64) {
	if a.quiet {
		return nil
	}
	told := time.Now()
	return func(file string, done, total int64) {
		if time.Since(told) < time.Second || ctx.Err() != nil {
			return
		}
		told = time.Now()
		of := ""
		if total > 0 {
			of = " of " + memory.Size(float64(total))
		}
		a.say("%s: %s%s", file, memory.Size(float64(done)), of)
	}
}

// read reads a file, or named data, as o says, if there is room for it.
func (a *app) read(ctx context.Context, s *recipe.Source, path string, o dataset.Options, m limits) (dataset.Split, error) {
	o.Progress = a.follow(ctx)
	split, err := within(ctx, func() (dataset.Split, error) { return s.Read(ctx, path, o) }) // making room for samples heeds no context
	var large *memory.Error
	if errors.As(err, &large) {
		return split, m.tooLarge(large)
	}
	a.tell(slices.Concat(split.Train.Notes, split.Test.Notes))
	return split, err
}

// tell tells people how data was taken.
func (a *app) tell(notes []string) {
	for _, n := range notes {
		a.say("%s", n)
	}
}
