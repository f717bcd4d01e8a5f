package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/model"
)

// checkpointer saves the run's state every so often.
type checkpointer struct {
	path     string
	every    int           // iterations between two; 0 for by time
	interval time.Duration // time between two; 0 for never
	flush    func() error  // makes the records so far last: the state must not outlive them
	config   string        // fingerprints of what the state belongs to
	data     string

	stepper dlam.Stepper
	k       int     // iterations done
	elapsed float64 // seconds of training
	savedK  int
	savedAt time.Time
}

var (
	_ dlam.Observer = (*checkpointer)(nil)
	_ dlam.Recorder = (*checkpointer)(nil)
)

// setEvery parses --checkpoint-every: a number of iterations, a duration, or
// "never".
func (c *checkpointer) setEvery(text string) error {
	if text == "never" {
		return nil
	}
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		c.every = n
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return usagef("--checkpoint-every: got %q, want a number of iterations, a duration as 60s, or never", text)
	}
	c.interval = d
	return nil
}

// Record keeps the time spent training.
func (c *checkpointer) Record(r dlam.Record) error {
	c.elapsed = r.Elapsed
	return nil
}

// Observe saves a checkpoint if one is due.
func (c *checkpointer) Observe(k int, s dlam.Stepper) error {
	if c.stepper == nil {
		c.savedK, c.savedAt = k, time.Now()
	}
	c.stepper, c.k = s, k
	due := c.every > 0 && k-c.savedK >= c.every || c.interval > 0 && time.Since(c.savedAt) >= c.interval
	if !due {
		return nil
	}
	return c.save()
}

// save writes the state after the last iteration. A method that cannot be
// resumed leaves none.
func (c *checkpointer) save() error {
	st, ok := c.stepper.(dlam.Resumable)
	if !ok {
		return nil
	}
	if err := c.flush(); err != nil {
		return err
	}
	p := model.Checkpoint{Network: st.Network(), State: st.State(), Iteration: c.k, Elapsed: c.elapsed, Config: c.config, Data: c.data}
	if err := p.Save(c.path); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	c.savedK, c.savedAt = c.k, time.Now()
	return nil
}

// load reads the state that a run goes on from; nil if the run was killed, or
// failed, before it saved one.
func (c *checkpointer) load(h activation.Func) (*model.Checkpoint, error) {
	p, err := model.LoadCheckpoint(c.path, h)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, startsOver(filepath.Dir(c.path))
	case err != nil:
		return nil, errUsage{err}
	case p.Config != c.config:
		return nil, usagef("%s: saved under other settings than this run's", c.path)
	case p.Data != c.data:
		return nil, usagef("%s: saved on other data than this run's", c.path)
	}
	c.elapsed = p.Elapsed
	return p, nil
}

// startsOver refuses to do a run without a checkpoint again if it has ended.
func startsOver(folder string) error {
	m, err := model.Load(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return errUsage{err}
	}
	switch s := dlam.Status(m.Training.Status); s {
	case dlam.Failed, dlam.Interrupted, dlam.TimedOut:
		return nil
	default:
		return usagef("%s: the run has ended: there is nothing to go on with", folder)
	}
}
