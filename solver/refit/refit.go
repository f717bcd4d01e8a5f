// Package refit fits the last layer of a network to the outputs of the others: with A =
// A_{L-1} of the network's own forward pass, which stays as it is,
//
//	F(W, b) = Σ R(AWᵀ + 1bᵀ; Y) + Ω(W).
//
// F is convex. Methods that split a network minimise R over variables that lag behind the
// forward pass, so that their last layer is not the best for it: this one is. It says
// little of what the other layers have learnt: with random ones it is good too.
//
// An iteration is least squares to the moved target of R (package split) from a point
// extrapolated as in Nesterov's method. Where F would rise it starts again from the last
// point, without extrapolation, from which F falls. The run ends where an iteration lowers F
// by less than a millionth of it; of separable classes, where F has no minimiser, after the
// iterations given.
package refit

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// Iterations are enough for most.
const Iterations = 300

// enough is the share of F that an iteration must lower it by.
const enough = 1e-6

// Solver fits the last layer.
type Solver struct{}

var _ dlam.Solver = Solver{}

func (Solver) String() string { return "refit" }

var variables = split.Options{NoZ: true}

// Memory is about how many bytes a run takes beside the samples.
func (Solver) Memory(widths []int, samples, threads int) float64 {
	last := widths[max(0, len(widths)-2):]
	return 4*float64(samples*last[0]) + split.Memory(last, samples, threads, variables)
}

// Takes reports a loss or a regulariser that it does not take.
func Takes(p *dlam.Problem) error {
	err := split.Quadratic(p.Regularizer)
	if _, ok := p.Loss.(loss.Smooth); !ok {
		err = errors.Join(err, fmt.Errorf("loss %v has no bound of its curvature (loss.Smooth), which the fit of the last layer needs", p.Loss.Spec()))
	}
	if err != nil {
		return fmt.Errorf("refit: %w", err)
	}
	return nil
}

// Init runs the layers before the last one forward. It refuses regularisers that are not
// quadratic, and losses whose curvature has no bound.
func (Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := errors.Join(Takes(p), p.Fits(n)); err != nil {
		return nil, err
	}
	s := &stepper{net: n.Clone()}
	before, last := s.net.Layers[:len(n.Layers)-1], s.net.Layers[len(n.Layers)-1:]
	if last[0].Places() > 1 {
		return nil, fmt.Errorf("refit: %w", n.FullyConnected())
	}
	q := *p
	if len(before) > 0 {
		x, err := (&dlam.Network{Layers: before}).Predict(p.X, max(1, p.Threads))
		if err != nil {
			return nil, err
		}
		q.X = x
	}
	q.X = last[0].Rows(q.X, mat.Dense{}) // of averages, or the last step of a sequence
	dense := dlam.Layer{W: last[0].W, B: last[0].B, H: last[0].H}
	it, err := split.New(&q, &dlam.Network{Layers: []dlam.Layer{dense}}, variables)
	if err != nil {
		return nil, fmt.Errorf("refit: the last layer: %w", err)
	}
	s.Iterate = it
	s.Last().Term = split.NewRisk(it)
	s.at, s.step = &it.Net.Clone().Layers[0], &it.Net.Clone().Layers[0]
	r, err := s.RecordTerms(&s.tally)
	s.f = r.Objective
	if err != nil {
		it.Close()
		return nil, err
	}
	return s, nil
}

// stepper is a run.
type stepper struct {
	*split.Iterate               // of the last layer alone
	net            *dlam.Network // with all layers
	at             *dlam.Layer   // the last point
	step           *dlam.Layer   // the last move
	momentum       float64       // t of Nesterov's method; 0 where the next step starts at the last point
	f              float64       // F at the last point
	tally          split.Tally
}

var _ dlam.Resumable = (*stepper)(nil)

// Step is one iteration.
func (s *stepper) Step(context.Context) (r dlam.Record, err error) {
	ly, was := s.Last(), s.f
	t := (1 + math.Sqrt(1+4*s.momentum*s.momentum)) / 2
	if s.momentum > 0 {
		s.extrapolate(float32((s.momentum - 1) / t))
	}
	raised, err := s.FitMoved(ly, 0)
	if err == nil {
		r, err = s.RecordTerms(&s.tally)
	}
	if err == nil && s.momentum > 0 && !(r.Objective <= was) {
		t = 1
		ly.Net.W.CopyFrom(s.at.W)
		copy(ly.Net.B, s.at.B)
		ly.Products.Pack()
		var again int
		again, err = s.FitMoved(ly, 0)
		if raised += again; err == nil {
			r, err = s.RecordTerms(&s.tally)
		}
	}
	if err != nil {
		return r, err
	}
	s.f, s.momentum = r.Objective, t
	move(s.step.W.Elements(), s.at.W.Elements(), ly.Net.W.Elements())
	move(s.step.B, s.at.B, ly.Net.B)
	r.Trials = raised
	s.Done++
	if was-s.f <= enough*math.Abs(was) {
		err = dlam.ErrStop
	}
	return r, err
}

// extrapolate goes on from the last point by a share of the last move.
func (s *stepper) extrapolate(share float32) {
	ly := s.Last()
	ahead := func(x, step []float32) {
		for i, d := range step {
			x[i] += share * d
		}
	}
	ahead(ly.Net.W.Elements(), s.step.W.Elements())
	ahead(ly.Net.B, s.step.B)
	ly.Products.Pack()
}

// move makes step the way from at to x, and at x.
func move(step, at, x []float32) {
	for i, y := range x {
		step[i], at[i] = y-at[i], y
	}
}

// Network is the network with the last layer as it is.
func (s *stepper) Network() *dlam.Network {
	last := &s.net.Layers[len(s.net.Layers)-1]
	last.W.CopyFrom(s.Net.Layers[0].W)
	copy(last.B, s.Net.Layers[0].B)
	return s.net
}

// State is the last move and t, and F.
func (s *stepper) State() dlam.State {
	return dlam.State{
		Float32: map[string][]float32{"w": s.step.W.Elements(), "b": s.step.B},
		Float64: map[string][]float64{"momentum": {s.momentum, s.f, float64(s.Done)}},
	}
}

// Restore puts a State back.
func (s *stepper) Restore(n *dlam.Network, st dlam.State) error {
	ly, m := s.Last(), st.Float64["momentum"]
	if len(m) != 3 || len(st.Float32["w"]) != len(s.step.W.Elements()) || len(st.Float32["b"]) != len(s.step.B) {
		return errors.New("state: of another last layer")
	}
	s.net.CopyFrom(n)
	last := n.Layers[len(n.Layers)-1]
	for _, to := range []*dlam.Layer{ly.Net, s.at} {
		to.W.CopyFrom(last.W)
		copy(to.B, last.B)
	}
	ly.Products.Pack()
	copy(s.step.W.Elements(), st.Float32["w"])
	copy(s.step.B, st.Float32["b"])
	s.momentum, s.f, s.Done = m[0], m[1], int(m[2])
	return nil
}
