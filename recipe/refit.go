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
	Random Scores
	// RandomError is why Random has no scores; nil if it has. It is no failure of the run.
	RandomError error
	Converged   bool // the fit found nothing left to gain; else it had gone on for refit.Iterations
}

// Scores are those of a network.
type Scores struct{ Train, Test *dlam.Score } // Test is nil without test samples

// checkRefit reports what Options.Refit does not go with.
func (o *Options) checkRefit(v *check.Violations) {
	if !o.Refit {
		return
	}
	v.That(o.ensemble() == 1, "refit", o.Refit, "off with an ensemble, whose last layer is the mean of several")
	v.That(!o.Settings.binary(), "refit", o.Refit, "off with binary-weights: the last layer would be of real ones")
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

// refit fits the last layer of n on its forward pass.
func (p *Plan) refit(ctx context.Context, n *dlam.Network) (*dlam.Result, error) {
	o := dlam.Options{Iterations: refit.Iterations}
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

// errInterruptedRefit is that of a refit whose context ended: the run, resumed, does it again.
var errInterruptedRefit = errors.New("the fit of the last layer was interrupted")

// refits reports whether a run that ended so has its last layer fitted anew, if that is
// asked for.
func refits(s dlam.Status) bool {
	return s == dlam.Completed || s == dlam.Stopped || s == dlam.TimedOut
}

// refitted fits the last layer anew, if that is asked for and the run has ended. The network
// and its scores in res are then those of the fit. Interrupted, it leaves them as they were.
func (r *Run) refitted(ctx context.Context, res *dlam.Result) (*Refit, error) {
	if !r.Plan.Options.Refit || !refits(res.Status) {
		return nil, nil
	}
	best, err := r.Plan.refit(ctx, res.Network)
	f := &Refit{Trained: Scores{res.Last.Train, res.Last.Test}}
	if err == nil {
		f.Converged = best.Status == dlam.Stopped
		f.Random, f.RandomError = r.Plan.refitRandom(ctx)
	}
	if errors.Is(err, errInterruptedRefit) || errors.Is(f.RandomError, errInterruptedRefit) {
		res.Status = dlam.Interrupted
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	res.Network, res.Constant = best.Network, best.Constant
	res.Last.Train, res.Last.Test, res.Last.Validation = best.Last.Train, best.Last.Test, best.Last.Validation
	return f, nil
}

// refitRandom is the scores of random first weights with a last layer fitted to them.
func (p *Plan) refitRandom(ctx context.Context) (s Scores, err error) {
	n, err := p.draw(p.Network, 0)
	if err != nil {
		return s, err
	}
	r, err := p.refit(ctx, n)
	if err != nil {
		return s, err
	}
	return Scores{r.Last.Train, r.Last.Test}, nil
}
