package sync

import (
	"math"

	"github.com/dlam-go/dlam"
)

// maxHalvings bounds the search for a step: below 2^-40 of the model's step
// there is nothing to gain.
const maxHalvings = 40

// evaluate makes what follows from the parameters with full batches: F, its
// gradient, and the metric. The first layer's inputs never change.
func (s *stepper) evaluate() error {
	if s.Batch > 0 {
		return nil
	}
	first := 0
	if s.layers[0].metric.seen {
		first = 1
	}
	g, gram, err := s.back.GradientAndGram(s.p.X, s.p.Y, first)
	if err != nil {
		return err
	}
	s.grad, s.f = g, g.Risk+s.regularization()
	if s.f-s.f != 0 { // no step is accepted here
		return nil
	}
	if s.bad = s.refresh(gram, first, 0); s.bad != nil {
		s.f = math.Inf(1)
	}
	return nil
}

// update goes down along V, or along the least squares' move alone where V
// leads up, as far as F falls: it never rises.
func (s *stepper) update() (dlam.Record, error) {
	if s.f-s.f != 0 {
		return s.report(), s.bad
	}
	s.safe.CopyFrom(s.net)
	for _, momentum := range s.attempts() {
		slope, curve, err := s.aim(momentum)
		if err != nil {
			return dlam.Record{}, err
		}
		if !(slope > 0) || !(curve > 0) {
			continue
		}
		done, err := s.descend(s.Factor * slope / curve)
		if err != nil {
			return dlam.Record{}, err
		}
		if done {
			return s.report(), nil
		}
	}
	s.t = 0
	return s.report(), dlam.ErrStop
}

// attempts are the momenta tried: the setting, then none.
func (s *stepper) attempts() []float64 {
	s.tries = [2]float64{s.Momentum, 0}
	if s.Momentum == 0 {
		return s.tries[:1]
	}
	return s.tries[:]
}

// aim makes V and the model along it. Mode Prox without momentum falls back to
// the gradient's targets where its own lead up.
func (s *stepper) aim(momentum float64) (slope, curve float64, err error) {
	if s.target != nil {
		g, err := s.target.Gradient(s.p.X, s.p.Y)
		if err != nil {
			return 0, 0, err
		}
		s.direct(g, momentum)
		if _, slope, curve, err = s.measure(s.p.X, s.p.Y); err != nil || slope > 0 || momentum > 0 {
			return slope, curve, err
		}
	}
	s.direct(s.grad, momentum)
	_, slope, curve, err = s.measure(s.p.X, s.p.Y)
	return slope, curve, err
}

// descend takes the step t, halved until F falls, and reports whether it did;
// if not, the parameters are as before.
func (s *stepper) descend(t float64) (bool, error) {
	before := s.f
	for range maxHalvings {
		s.advance(t)
		if err := s.evaluate(); err != nil {
			return false, err
		}
		if s.f <= before {
			s.t = t
			return true, nil
		}
		s.net.CopyFrom(s.safe)
		t /= 2
	}
	return false, s.evaluate()
}

// report is the record of a full-batch update.
func (s *stepper) report() dlam.Record {
	return dlam.Record{Objective: s.f, Risk: s.grad.Risk / s.batches.N, Regularization: s.f - s.grad.Risk, Step: s.t}
}
