package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/certify"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/trace"
)

// execute trains and saves.
func (a *app) execute(ctx context.Context, t *training, folder *runFolder, check *checkpointer, from *model.Checkpoint) (err error) {
	check.flush = folder.trace.Sync
	o, start, err := t.options(check, from)
	if err != nil {
		return err
	}
	if start != t.network {
		a.say("saved by %d ranks, going on with %d: z and a start again from the network's forward pass", from.Ranks, a.job.Size())
	}
	o.Recorders = append([]dlam.Recorder{trace.NewWriter(folder.trace)}, o.Recorders...)
	if t.f.tensorboard != "" {
		b, fault := report.NewTensorBoard(t.f.tensorboard, t.problem, max(1, t.c.Iterations/50))
		if fault != nil {
			return errUsage{fault}
		}
		defer func() {
			if fault := b.Close(); fault != nil && (err == nil || errors.Is(err, errInterrupted)) {
				err = fault
			}
		}()
		o.Recorders, o.Observers = append(o.Recorders, b), append(o.Observers, b)
	}
	p := &progress{w: a.err, live: terminal(a.err), iterations: t.c.Iterations, first: o.First, started: time.Now(), unit: t.unit()}
	if !t.f.quiet {
		o.Recorders = append(o.Recorders, p)
	}
	r, err := dlam.Run(ctx, t.solver, t.problem, start, o)
	if !t.f.quiet {
		p.end()
	}
	if r != nil && r.Last.Iteration == folder.last.Iteration { // nothing was left to do
		scored := r.Last
		r.Last = folder.last
		r.Last.Train, r.Last.Test = scored.Train, scored.Test
	}
	return a.finish(t, folder, check, r, err)
}

// options are what every rank's run has in common, and the network that it
// starts from.
func (t *training) options(check *checkpointer, from *model.Checkpoint) (dlam.Options, *dlam.Network, error) {
	check.validation = t.validation
	o := dlam.Options{
		Iterations: t.c.Iterations, Evaluate: t.f.evaluate, Recorders: []dlam.Recorder{check}, Observers: []dlam.Observer{check},
		Validation: check.validation,
	}
	if t.f.certify {
		c := &certify.Certificate{Problem: t.problem, Stop: true}
		o.Recorders, o.Observers = append(o.Recorders, c), append(o.Observers, c)
	}
	from, err := check.agree(from)
	if err != nil || from == nil {
		return o, t.network, err
	}
	if err := restoreBest(from.State, t.validation, t.network); err != nil {
		return o, nil, errUsage{err}
	}
	o.First, o.Elapsed = from.Iteration, time.Duration(from.Elapsed*float64(time.Second))
	if from.State.OfSamples && from.Ranks != check.job.Size() {
		return o, from.Network, nil // synchronised anew: the samples are divided otherwise
	}
	o.Resume = func(s dlam.Stepper) error { return s.(dlam.Resumable).Restore(from.Network, from.State) }
	return o, t.network, nil
}

// follow is execute in every rank but 0, which alone draws and writes: it
// trains, and saves its own state when rank 0 does.
func (a *app) follow(ctx context.Context, t *training, check *checkpointer) error {
	o, start, err := t.options(check, nil)
	if err != nil {
		return err
	}
	r, err := dlam.Run(ctx, t.solver, t.problem, start, o)
	if r == nil {
		return errUsage{err}
	}
	if err != nil {
		return err
	}
	if r.Status == dlam.Interrupted || r.Status == dlam.TimedOut {
		if err := check.save(); err != nil {
			return err
		}
	}
	if r.Status == dlam.Interrupted {
		return errInterrupted
	}
	return nil
}

// unit is the factor from the network's scale of values to the data's.
func (t *training) unit() float64 {
	if f := t.data.transform.TargetFactor; f != 0 {
		return 1 / float64(f)
	}
	return 1
}

// finish saves the model, or the last good one, and tells the result.
func (a *app) finish(t *training, folder *runFolder, check *checkpointer, r *dlam.Result, failed error) error {
	if r == nil {
		return errUsage{failed} // what the problem or the method does not take
	}
	if r.Last.Iteration == 0 && failed != nil {
		return failed
	}
	if err := save(t.model(r, check.data), folder, check); err != nil {
		return errors.Join(failed, err)
	}
	if !t.f.quiet {
		a.result(t, folder.path, r)
	}
	if t.f.json {
		if err := a.object(t.summary(folder.path, r)); err != nil {
			return err
		}
	}
	if failed != nil {
		return fmt.Errorf("%s: %w (the last good network is in %s)", r.Status, failed, folder.path)
	}
	if r.Status == dlam.Interrupted {
		return errInterrupted
	}
	return nil
}

// save writes the model, and the state if the run can go on. A run that has
// ended needs none; one that failed keeps what it saved before.
func save(m *model.Model, folder *runFolder, check *checkpointer) error {
	if err := m.Save(folder.file(model.FileName)); err != nil {
		return err
	}
	switch dlam.Status(m.Training.Status) {
	case dlam.Interrupted, dlam.TimedOut:
		if err := check.save(); err != nil {
			return err
		}
	case dlam.Completed, dlam.Stopped:
		if err := folder.endTrace(); err != nil {
			return err
		}
		if err := os.Remove(check.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return removeParts(folder.path, -1)
	}
	return nil
}

func (t *training) model(r *dlam.Result, data string) *model.Model {
	return &model.Model{
		Network: r.Network, Loss: t.problem.Loss, Classes: t.data.split.Train.Classes, Features: t.data.features,
		Transform: t.data.transform,
		Training: model.Training{
			Solver: t.solver.String(), Dataset: t.c.Data, Samples: t.c.samples, Data: data,
			Seed: t.c.Seed, Iterations: r.Last.Iteration, Config: t.config, Status: string(r.Status),
		},
	}
}
