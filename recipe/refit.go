package recipe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/solver/refit"
)

// Refit is what to hold the scores of a network against whose last layer was fitted anew.
type Refit struct {
	Trained Scores // of the network as it was trained
	// Random is of the random first weights, with a last layer fitted in the same way:
	// what is no better has learnt nothing in the layers before.
	Random    Scores
	Converged bool // the fit found nothing left to gain; else it had gone on for refit.Iterations
}

// Scores are those of a network.
type Scores struct{ Train, Test *dlam.Score } // Test is nil without test samples

// checkRefit reports what Options.Refit does not go with.
func (o *Options) checkRefit(v *check.Violations) {
	if !o.Refit {
		return
	}
	v.That(o.ensemble() == 1, "refit", o.Refit, "off with an ensemble, whose last layer is the mean of several")
	v.That(!o.dividesLayers(), "refit", o.Refit, "off with parallel layers, since it is of samples")
	if m, err := Find(o.Method); o.Solver == nil && err == nil && !m.lags {
		var names []string
		for _, m := range Methods() {
			if m.lags {
				names = append(names, m.Name)
			}
		}
		v.Also(fmt.Errorf("refit: %s trains the last layer on the forward pass already; it is for %s", m.Name, strings.Join(names, ", ")))
	}
}

// refit fits the last layer of res.Network on its forward pass. The network and its scores
// in res are then those of the fit. Interrupted, it leaves them as they were.
func (p *Plan) refit(ctx context.Context, res *dlam.Result) (*Refit, error) {
	random, err := p.draw(p.Network, 0)
	if err != nil {
		return nil, err
	}
	o := dlam.Options{Iterations: refit.Iterations}
	fit := func(n *dlam.Network) (*dlam.Result, error) {
		if v := p.Validation; v != nil {
			o.Validation = &dlam.Validation{X: v.X, Y: v.Y}
		}
		r, err := dlam.Run(ctx, refit.Solver{}, p.Problem, n, o)
		if err != nil {
			return nil, fmt.Errorf("refit: %w", err)
		}
		if r.Status == dlam.Interrupted {
			return nil, errInterruptedRefit
		}
		return r, nil
	}
	base, err := fit(random)
	if err != nil {
		return nil, err
	}
	best, err := fit(res.Network)
	if err != nil {
		return nil, err
	}
	f := &Refit{
		Trained:   Scores{res.Last.Train, res.Last.Test},
		Random:    Scores{base.Last.Train, base.Last.Test},
		Converged: best.Status == dlam.Stopped,
	}
	res.Network = best.Network
	res.Last.Train, res.Last.Test, res.Last.Validation = best.Last.Train, best.Last.Test, best.Last.Validation
	return f, nil
}

// errInterruptedRefit is the end of a refit by its context: the run goes on with it.
var errInterruptedRefit = errors.New("the fit of the last layer was interrupted")

// refitted fits the last layer anew, if that is asked for and the run has ended.
func (r *Run) refitted(ctx context.Context, res *dlam.Result) (*Refit, error) {
	if !r.Plan.Options.Refit || res.Status != dlam.Completed && res.Status != dlam.Stopped {
		return nil, nil
	}
	f, err := r.Plan.refit(ctx, res)
	if errors.Is(err, errInterruptedRefit) {
		res.Status = dlam.Interrupted
		return nil, nil
	}
	return f, err
}
