package admm

import (
	"context"
	"errors"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// Settings are the method's.
type Settings struct {
	Beta  float64 // β > 0, weight of Z_l = V_l
	Gamma float64 // γ > 0, weight of A_l = h(Z_l)
	Warm  int     // iterations before the multiplier first moves, at least 0
	Ridge float64 // relative to the Gram matrix's mean diagonal, what is taken for 0 in the pseudo-inverse; in (0, 1)
}

// DefaultSettings are weights that work on MNIST with a summed cross-entropy,
// and a short warm start. The paper's β = 1, γ = 10, for another loss, are many
// times slower here.
func DefaultSettings() Settings { return Settings{Beta: 0.01, Gamma: 0.01, Warm: 10, Ridge: 1e-6} }

// Validate reports every setting outside its range.
func (s Settings) Validate() error {
	v := check.Of("admm settings")
	v.Above(0, "beta", s.Beta)
	v.Above(0, "gamma", s.Gamma)
	v.AtLeast(0, "warm", s.Warm, "")
	v.Within("ridge", s.Ridge)
	return v.Err()
}

// Solver is ADMM with its settings.
type Solver struct{ Settings Settings }

var _ dlam.Solver = Solver{}

func (Solver) String() string { return "admm" }

// Validate reports every setting outside its range.
func (s Solver) Validate() error { return s.Settings.Validate() }

var variables = split.Options{Dual: true}

// Memory is about how many bytes a run takes beside the samples.
func (Solver) Memory(widths []int, samples, threads int) float64 {
	return split.Memory(widths, samples, threads, variables)
}

// Init starts from a forward pass. It refuses regularisers that are not
// quadratic.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := errors.Join(s.Settings.Validate(), split.Quadratic(p.Regularizer)); err != nil {
		return nil, err
	}
	it, err := split.New(p, n, variables)
	if err != nil {
		return nil, err
	}
	return &stepper{Settings: s.Settings, Iterate: it, penalty: make([]float64, len(it.Layers))}, nil
}

// stepper is a run of ADMM.
type stepper struct {
	Settings
	*split.Iterate
	tally   split.Tally
	penalty []float64
}

var _ dlam.Resumable = (*stepper)(nil)

// Step is one sweep of the paper's Algorithm 1, from the input to the output.
func (s *stepper) Step(context.Context) (dlam.Record, error) {
	trials := 0
	for l := range s.Layers {
		ly := &s.Layers[l]
		raised, err := s.FitAffine(ly, s.Beta, 0, s.Ridge)
		if err != nil {
			return dlam.Record{}, err
		}
		trials += raised
		if err := s.updateSamples(ly); err != nil {
			return dlam.Record{}, err
		}
	}
	s.Done++
	if s.Done > s.Warm {
		if err := s.Ascend(s.Beta); err != nil {
			return dlam.Record{}, err
		}
	}
	return s.record(trials)
}

func (s *stepper) updateSamples(ly *split.Layer) error {
	if ly.Next == nil {
		_, err := s.FitOutput(s.Beta)
		return err
	}
	if err := s.FitA(ly, s.Gamma, s.Beta, 0); err != nil {
		return err
	}
	return s.FitZ(ly, s.Gamma, s.Beta, 0)
}

// record sums up the sweep. A layer's Penalty is both its quadratic terms, and
// the output layer's its part with the multiplier too.
func (s *stepper) record(trials int) (dlam.Record, error) {
	t := &s.tally
	if err := s.Measure(t); err != nil {
		return dlam.Record{}, err
	}
	r := dlam.Record{Risk: t.Risk / s.N, Regularization: t.Regularization, Penalty: s.penalty, Trials: trials}
	r.Objective = t.Risk + t.Regularization
	for l := range s.penalty {
		s.penalty[l] = (s.Gamma*t.Activation[l] + s.Beta*t.Linear[l]) / 2
		if s.Layers[l].Next == nil {
			s.penalty[l] += t.Dual
		}
		r.Objective += s.penalty[l]
	}
	return r, nil
}
