package bcd

import (
	"context"
	"errors"
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// Settings are the method's.
type Settings struct {
	Gamma float64 // γ > 0, weight of A_l = h(Z_l)
	Rho   float64 // ρ > 0, weight of Z_l = V_l
	Alpha float64 // α ≥ 0, weight of the proximal terms; 0 is the plain form
}

// DefaultSettings are weights that work on MNIST with a summed cross-entropy.
// The authors' γ = ρ = 1, α = 5 are for least squares on much wider networks,
// and many times slower here.
func DefaultSettings() Settings { return Settings{Gamma: 0.3, Rho: 0.1, Alpha: 0.01} }

// Validate reports every setting outside its range.
func (s Settings) Validate() error {
	v := check.Of("bcd settings")
	v.Above(0, "gamma", s.Gamma)
	v.Above(0, "rho", s.Rho)
	v.NotNegative("alpha", s.Alpha)
	return v.Err()
}

// Solver is block coordinate descent with its settings.
type Solver struct{ Settings Settings }

var _ dlam.Solver = Solver{}

func (Solver) String() string { return "bcd" }

// Validate reports every setting outside its range.
func (s Solver) Validate() error { return s.Settings.Validate() }

var variables = split.Options{OutputA: true}

// Memory is about how many bytes a run takes beside the samples.
func (Solver) Memory(widths []int, samples, threads int) float64 {
	return split.Memory(widths, samples, threads, variables)
}

// Numbers is how many an iterate has.
func (Solver) Numbers(n *dlam.Network, samples int) float64 {
	return split.Numbers(n, samples, variables)
}

// Init starts from a forward pass. It refuses regularisers that are not
// quadratic.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := errors.Join(s.Settings.Validate(), split.Quadratic(p.Regularizer)); err != nil {
		return nil, err
	}
	it, err := split.New(p, n, variables)
	if err != nil {
		return nil, fmt.Errorf("bcd: %w", err)
	}
	return &stepper{Settings: s.Settings, Iterate: it}, nil
}

// stepper is a run of block coordinate descent.
type stepper struct {
	Settings
	*split.Iterate
	tally split.Tally
}

var _ dlam.Mixable = (*stepper)(nil)

// Step is one sweep over all blocks, from the output to the input.
func (s *stepper) Step(context.Context) (dlam.Record, error) {
	trials := 0
	for l := len(s.Layers) - 1; l >= 0; l-- {
		ly := &s.Layers[l]
		if err := s.updateA(ly); err != nil {
			return dlam.Record{}, err
		}
		if err := s.FitZ(ly, s.Gamma, s.Rho, s.Alpha); err != nil {
			return dlam.Record{}, err
		}
		raised, err := s.FitAffine(ly, s.Rho, s.Alpha, 0)
		if err != nil {
			return dlam.Record{}, err
		}
		trials += raised
	}
	s.Done++
	return s.record(trials)
}

func (s *stepper) updateA(ly *split.Layer) error {
	if ly.Next == nil {
		_, err := s.FitOutputA(s.Gamma, s.Alpha)
		return err
	}
	return s.FitA(ly, s.Gamma, s.Rho, s.Alpha)
}

// record sums up the sweep. A layer's Penalty is both its quadratic terms.
func (s *stepper) record(trials int) (dlam.Record, error) {
	t := &s.tally
	if err := s.Measure(t); err != nil {
		return dlam.Record{}, err
	}
	for l := range t.Penalty {
		t.Penalty[l] = (s.Gamma*t.Activation[l] + s.Rho*t.Linear[l]) / 2
	}
	return s.Record(t, trials), nil
}

// Moved takes the variables as they have been changed.
func (s *stepper) Moved() (dlam.Record, error) {
	s.Pack()
	return s.record(0)
}
