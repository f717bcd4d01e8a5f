package main

import (
	"context"
	"errors"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/memory"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/recipe"
)

// open reads the samples that c names, for one training.
func (a *app) open(ctx context.Context, c *recipe.Config, m limits) (recipe.Data, error) {
	s := c.Source
	s.Values = c.Options.Loss != nil && loss.IsFor(c.Options.Loss, loss.Values)
	s.MaxMemory, s.Progress, s.Comm = float64(m.most), a.downloading(), a.job
	d, err := recipe.Open(ctx, s)
	return d.Once(), err
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

// read reads a file, or named data, as o says, if there is room for it.
func (a *app) read(ctx context.Context, s *recipe.Source, path string, o dataset.Options, m limits) (dataset.Split, error) {
	o.Progress = a.downloading()
	split, err := s.Read(ctx, path, o)
	var large *memory.Error
	if errors.As(err, &large) {
		return split, m.tooLarge(large)
	}
	return split, err
}
