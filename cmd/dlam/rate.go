package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/solver/gradient"
)

// rate is a learning rate: a number, or one of the two below.
type rate float64

const (
	rateSuits rate = -1 // what suits the rule
	rateAuto  rate = -2 // the best of gradient.Grid by training accuracy
)

// Set parses a rate, as flags do.
func (r *rate) Set(text string) error {
	if text == auto {
		*r = rateAuto
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v > 0 || rate(v) == rateSuits) {
		return fmt.Errorf("got %q, want a number above 0, auto, or -1 for what suits the rule", text)
	}
	*r = rate(v)
	return nil
}

func (r *rate) String() string {
	if *r == rateAuto {
		return auto
	}
	return strconv.FormatFloat(float64(*r), 'g', -1, 64)
}

// Type is how the help calls a rate.
func (r *rate) Type() string { return "float" }

// MarshalText and UnmarshalText keep a rate in config files.
func (r rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil } //nolint:unparam // encoding.TextMarshaler

// UnmarshalText is Set.
func (r *rate) UnmarshalText(text []byte) error { return r.Set(string(text)) }

// chooseRate is the paper's protocol for --lr auto: a whole run with each rate
// of the grid. The one chosen is the run's setting from then on.
func (a *app) chooseRate(ctx context.Context, t *training) error {
	s, ok := t.solver.(gradient.Solver)
	if !ok || t.c.Extra.Rate != rateAuto {
		return nil
	}
	tell := func(r gradient.Trial) {
		if t.f.quiet {
			return
		}
		if r.Status == dlam.Diverged {
			a.say("learning rate %g: diverged", r.Rate)
			return
		}
		a.say("learning rate %g: training accuracy %.2f %%, loss %.5g", r.Rate, 100*r.Train.Accuracy, r.Train.Risk)
	}
	chosen, err := gradient.ChooseRate(ctx, s.Settings, t.problem, t.network, t.c.Iterations, gradient.Grid, tell)
	if err != nil {
		return err
	}
	t.solver, t.c.Extra.Rate = gradient.Solver{Settings: chosen}, rate(chosen.Rate)
	t.config, err = t.c.text()
	return err
}
