package recipe

import (
	"context"
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
)

// heldForL2 is the share of the training samples by which Options.TryL2 judges, and
// l2Times what it tries, as multiples of what suits; plainDecay stands for what suits,
// a sample, where that is none, and none is tried too.
const heldForL2, plainDecay = 0.2, 0.001

var l2Times = []float64{0.3, 1, 3, 10}

// L2Trial is a run that Options.TryL2 takes.
type L2Trial struct {
	L2     float64 // λ for all training samples; the trial's has as much a sample
	Status dlam.Status
	Held   dlam.Score // on the samples held back; zero if the run diverged or was of no use
}

// l2Tried is λ of what TryL2 tries.
func (f facts) l2Tried() []float64 {
	var tried []float64
	suits := f.weightDecayThatSuits()
	if suits == 0 {
		tried, suits = append(tried, 0), plainDecay*float64(f.samples)*f.meanWeight
	}
	for _, times := range l2Times {
		tried = append(tried, times*suits)
	}
	return tried
}

// chooseL2 trains with each weight decay that TryL2 tries, on four fifths of the
// training samples of each class, and takes the one with the least risk on the others.
// It is the run's setting from then on.
func (p *Plan) chooseL2(ctx context.Context) error {
	if !p.Options.TryL2 {
		return nil
	}
	held, err := dataset.Divide(p.Samples.Train, heldForL2, p.Options.Seed+2) // not the draws that made other samples
	if err != nil {
		return refuse(fmt.Errorf("l2: %s takes training samples to judge by: %w", Best, err))
	}
	best, least := -1.0, 0.0
	tried := p.facts.l2Tried()
	for _, l2 := range tried {
		t, err := p.tryL2(ctx, held, l2)
		if err != nil {
			return err
		}
		if p.Options.L2Tried != nil {
			p.Options.L2Tried(t)
		}
		if t.learnt() && (best < 0 || t.Held.Risk < least) {
			best, least = l2, t.Held.Risk
		}
	}
	if best < 0 {
		return fmt.Errorf("l2: with none of the weight decays tried, %.4g, the network was better on the samples that it was trained on than one output for all: "+
			"train with a number in place of %s, as 0, which keeps the network, to see why; weights of classes or rows that differ by powers of ten, the learning rate, or too few iterations may be why", tried, Best)
	}
	p.Options.L2, p.Options.TryL2 = &best, false
	p.Problem.Regularizer = p.facts.regularizer(&p.Options)
	return nil
}

func (t L2Trial) learnt() bool { return t.Status != dlam.Diverged && t.Status != dlam.Useless }

// tryL2 is a run on a part of the samples, with as much decay a sample as λ is of all.
func (p *Plan) tryL2(ctx context.Context, held dataset.Split, l2 float64) (t L2Trial, err error) {
	all := p.Samples
	s := &Samples{Train: held.Train, Test: held.Test, Transform: all.Transform, name: all.name, raw: all.raw + all.Train.Bytes() + all.Test.Bytes() + all.Validation.Bytes()}
	o := p.Options
	o.TryL2, o.L2 = false, new(l2*(1-heldForL2))
	o.Validation, o.Patience, o.Certify = 0, 0, false
	o.Folder, o.Resume, o.Force, o.Checkpoint = "", false, false, nil
	trial, err := s.Plan(o)
	if err != nil {
		return t, err
	}
	r, err := dlam.Run(ctx, trial.Solver, trial.Problem, trial.Network, dlam.Options{Iterations: o.Iterations})
	t.L2 = l2
	if r != nil {
		t.Status = r.Status
	}
	switch {
	case r != nil && !t.learnt():
		return t, nil
	case err != nil:
		return t, err
	case r.Status == dlam.Interrupted:
		return t, ctx.Err()
	}
	t.Held = *r.Last.Test
	return t, nil
}
