package syncdlam

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/prox"
)

// maxHalvings bounds the search for a step: below 2^-40 of the model's step
// there is nothing to gain.
const maxHalvings = 40

// monotone is a run with all samples at a time: F never rises.
type monotone struct {
	core
	target *backprop.Backprop    // with the targets of mode Prox, or nil
	model  *backprop.GaussNewton // the Gauss–Newton model of the risk along V
	before *dlam.Network         // the parameters that a step starts from

	grad      *backprop.Gradient // at the current parameters
	objective float64            // F there
	noMetric  error              // why the inputs have no metric there, or nil
	step      float64            // the last one's length
	momenta   [2]float64         // those that an update tries
}

var _ dlam.Mixable = (*monotone)(nil)

func (s *monotone) begin() error {
	curved, ok := s.p.Loss.(loss.Curved)
	if !ok {
		return fmt.Errorf("sync: loss %v has no curvature (loss.Curved), which the step length with all samples needs", s.p.Loss.Spec())
	}
	if err := s.core.begin(); err != nil {
		return err
	}
	if s.Mode == Prox {
		var err error
		if s.target, err = backprop.New(s.e, s.net.Layers, targets{s.p.Loss.(loss.Proximal), s.Rho, new(sync.Pool)}); err != nil {
			return err
		}
		s.target.MeanWeight = s.back.MeanWeight
	}
	var moves []backprop.Direction
	for _, ly := range s.layers {
		moves = append(moves, ly.v)
	}
	s.model = s.back.NewGaussNewton(moves, curved)
	s.before = s.net.Clone()
	return s.evaluate()
}

// evaluate makes what follows from the parameters: F, its gradient, and the
// metric. The first layer's inputs never change, but for the states of a recurrent one.
func (s *monotone) evaluate() error {
	first := 0
	if s.layers[0].metric.seen && !s.net.Layers[0].Recurrent() {
		first = 1
	}
	g, gram, err := s.back.GradientAndMoments(s.p.X, s.p.Y, max(first, s.moments))
	if err != nil {
		return err
	}
	s.grad, s.objective = g, g.Risk+s.regularization(s.net)
	if s.objective-s.objective != 0 { // no step is accepted here
		return nil
	}
	if s.noMetric = s.refreshMetrics(gram, first, 0); s.noMetric != nil {
		s.objective = math.Inf(1)
	}
	return nil
}

// Step goes down along V, or along the least squares' move alone where V leads
// up, as far as F falls: it never rises.
func (s *monotone) Step(context.Context) (dlam.Record, error) {
	if s.objective-s.objective != 0 {
		return s.record(), s.noMetric
	}
	s.before.CopyFrom(s.net)
	for _, momentum := range s.attempts() {
		slope, curvature, err := s.direction(momentum)
		if err != nil {
			return dlam.Record{}, err
		}
		if !(slope > 0) || !(curvature > 0) {
			continue
		}
		done, err := s.descend(s.Factor * slope / curvature)
		if err != nil {
			return dlam.Record{}, err
		}
		if done {
			return s.record(), nil
		}
	}
	s.step = 0
	return s.record(), dlam.ErrStop
}

// attempts are the momenta tried: the setting, then none.
func (s *monotone) attempts() []float64 {
	s.momenta = [2]float64{s.Momentum, 0}
	if s.Momentum == 0 {
		return s.momenta[:1]
	}
	return s.momenta[:]
}

// direction makes V and the model along it. Mode Prox without momentum falls back
// to the gradient's targets where its own lead up.
func (s *monotone) direction(momentum float64) (slope, curvature float64, err error) {
	if s.target != nil {
		g, err := s.target.Gradient(s.p.X, s.p.Y)
		if err != nil {
			return 0, 0, err
		}
		s.solveMoves(g, momentum)
		if slope, curvature, err = s.measure(); err != nil || slope > 0 || momentum > 0 {
			return slope, curvature, err
		}
	}
	s.solveMoves(s.grad, momentum)
	return s.measure()
}

// measure is the model of F along V, a sample.
func (s *monotone) measure() (slope, curvature float64, err error) {
	m, err := s.model.Measure(s.p.X, s.p.Y)
	if err != nil {
		return 0, 0, err
	}
	slope, curvature = s.regularizerModel()
	return m.Slope/m.N + slope/s.weight, m.Curvature/m.N + curvature/s.weight, nil
}

// regularizerModel is −⟨∇Ω, V⟩, and ⟨V, ∇²Ω V⟩ where Ω is smooth.
func (s *monotone) regularizerModel() (slope, curvature float64) {
	smooth, _ := s.omega.(prox.Smooth)
	for l := range s.layers {
		ly := &s.layers[l]
		for i := range ly.w.Rows {
			g := s.scratch[0][:ly.w.Cols]
			clear(g)
			s.omega.AddGrad(g, ly.w.Row(i))
			slope -= kernel.Dot(g, ly.v.W.Row(i))
			if smooth != nil {
				curvature += smooth.Strong() * kernel.SumSquares(ly.v.W.Row(i))
			}
		}
	}
	return slope, curvature
}

// descend takes a step, halved until F falls, and reports whether it did; if not,
// the parameters are as before.
func (s *monotone) descend(step float64) (bool, error) {
	before := s.objective
	for range maxHalvings {
		s.moveAlong(step)
		if err := s.evaluate(); err != nil {
			return false, err
		}
		if s.objective <= before {
			s.step = step
			return true, nil
		}
		s.net.CopyFrom(s.before)
		step /= 2
	}
	return false, s.evaluate()
}

// record is that of an update.
func (s *monotone) record() dlam.Record {
	return dlam.Record{
		Objective: s.objective, Risk: s.grad.Risk / s.weight, Regularization: s.objective - s.grad.Risk, Step: s.step,
	}
}

// Network is the parameters.
func (s *monotone) Network() *dlam.Network { return s.net }
