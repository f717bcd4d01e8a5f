package dladmm

import (
	"context"
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// Settings are the method's.
type Settings struct {
	Nu  float64 // ν > 0, weight of the hidden layers' equations
	Rho float64 // ρ > 0, weight of the output layer's
}

// DefaultSettings are weights that work on MNIST.
func DefaultSettings() Settings { return Settings{Nu: 1e-3, Rho: 1e-3} }

// Validate reports every setting outside its range.
func (s Settings) Validate() error {
	v := check.Of("dladmm settings")
	v.Above(0, "nu", s.Nu)
	v.Above(0, "rho", s.Rho)
	return v.Err()
}

// Solver is dlADMM with its settings.
type Solver struct{ Settings Settings }

var _ dlam.Solver = Solver{}

func (Solver) String() string { return "dladmm" }

// Validate reports every setting outside its range.
func (s Solver) Validate() error { return s.Settings.Validate() }

var variables = split.Options{Dual: true}

// Memory is about how many bytes a run takes beside the samples.
func (Solver) Memory(widths []int, samples, threads int) float64 {
	return split.Memory(widths, samples, threads, variables)
}

// Numbers is how many an iterate has.
func (Solver) Numbers(n *dlam.Network, samples int) float64 {
	return split.Numbers(n, samples, variables)
}

// Init starts from a forward pass.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := s.Settings.Validate(); err != nil {
		return nil, err
	}
	it, err := split.New(p, n, variables)
	if err != nil {
		return nil, fmt.Errorf("dladmm: %w", err)
	}
	st := &stepper{Settings: s.Settings, Iterate: it, layers: make([]layer, len(it.Layers))}
	for l := range st.layers {
		st.layers[l].allocate(st, l)
	}
	return st, nil
}

// stepper is a run of dlADMM.
type stepper struct {
	Settings
	*split.Iterate
	layers []layer
	tally  split.Tally
	trials int
}

// layer is what the updates of one layer remember.
type layer struct {
	*split.Layer
	weight float64 // ν_l
	affine *split.LinearisedFit
	a      activationStep
}

func (ly *layer) allocate(s *stepper, l int) {
	ly.Layer, ly.weight = &s.Layers[l], s.Nu
	if ly.Next == nil {
		ly.weight = s.Rho
	} else {
		ly.a = activationStep{s: s, ly: ly, next: &s.layers[l+1]}
	}
	ly.affine = s.NewLinearisedFit(ly.Layer, ly.weight)
}

var _ dlam.Mixable = (*stepper)(nil)

// Step is one iteration: the sweep backwards, the sweep forwards, the
// multiplier.
func (s *stepper) Step(context.Context) (dlam.Record, error) {
	s.trials = 0
	for l := len(s.layers) - 1; l >= 0; l-- {
		if err := s.backward(&s.layers[l]); err != nil {
			return dlam.Record{}, err
		}
	}
	for l := range s.layers {
		if err := s.forward(&s.layers[l]); err != nil {
			return dlam.Record{}, err
		}
	}
	if err := s.Ascend(s.Rho); err != nil {
		return dlam.Record{}, err
	}
	s.Done++
	return s.record()
}

func (s *stepper) backward(ly *layer) error {
	if ly.Next != nil {
		if err := s.updateA(ly); err != nil {
			return err
		}
	}
	if err := s.updateZ(ly); err != nil {
		return err
	}
	if err := ly.affine.Sum(); err != nil {
		return err
	}
	ly.affine.FitB()
	return s.updateW(ly)
}

func (s *stepper) forward(ly *layer) error {
	if err := ly.affine.Sum(); err != nil {
		return err
	}
	if err := s.updateW(ly); err != nil {
		return err
	}
	ly.affine.FitB()
	if err := s.updateZ(ly); err != nil {
		return err
	}
	if ly.Next == nil {
		return nil
	}
	return s.updateA(ly)
}

func (s *stepper) updateW(ly *layer) error {
	trials, err := ly.affine.FitW()
	s.trials += trials
	return err
}

func (s *stepper) updateZ(ly *layer) error {
	if ly.Next == nil {
		_, err := s.FitOutput(s.Rho)
		return err
	}
	return s.FitZ(ly.Layer, s.Nu, s.Nu, s.Nu)
}

// record sums up the iteration. A layer's Penalty is its quadratic terms, and
// the output layer's its part with the multiplier too.
func (s *stepper) record() (dlam.Record, error) {
	t := &s.tally
	if err := s.Measure(t); err != nil {
		return dlam.Record{}, err
	}
	for l := range t.Penalty {
		t.Penalty[l] = s.layers[l].weight / 2 * (t.Activation[l] + t.Linear[l])
	}
	return s.Record(t, s.trials), nil
}

// Moved takes the variables as they have been changed.
func (s *stepper) Moved() (dlam.Record, error) {
	s.Pack()
	return s.record()
}
