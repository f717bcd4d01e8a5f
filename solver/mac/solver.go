package mac

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// Settings are the method's.
type Settings struct {
	Mu     float64 // 0 < μ₀ ≤ 1e12, first weight of A_l = h(V_l)
	Growth float64 // ≥ 1: factor by which μ grows
	Every  int     // ≥ 1: iterations after which it does
	Rounds int     // ≥ 1: a-steps of a layer one after another
}

// DefaultSettings are for 60 iterations.
func DefaultSettings() Settings { return Settings{Mu: 0.1, Growth: 10, Every: 20, Rounds: 3} }

// Validate reports every setting outside its range.
func (s Settings) Validate() error {
	v := check.Of("mac settings")
	v.That(s.Mu > 0 && s.Mu <= maxMu, "mu", s.Mu, fmt.Sprintf("above 0 and at most %g", maxMu))
	v.That(s.Growth >= 1 && !math.IsInf(s.Growth, 0), "mu-growth", s.Growth, "a finite number of at least 1")
	v.AtLeast(1, "mu-every", s.Every, "")
	v.AtLeast(1, "rounds", s.Rounds, "")
	return v.Err()
}

// Solver is the method of auxiliary coordinates with its settings.
type Solver struct{ Settings Settings }

var _ dlam.Solver = Solver{}

func (Solver) String() string { return "mac" }

// Validate reports every setting outside its range.
func (s Solver) Validate() error { return s.Settings.Validate() }

var variables = split.Options{NoZ: true}

// Memory is about how many bytes a run takes beside the samples.
func (Solver) Memory(widths []int, samples, threads int) float64 {
	return split.Memory(widths, samples, threads, variables)
}

// Numbers is how many an iterate has.
func (Solver) Numbers(n *dlam.Network, samples int) float64 {
	return split.Numbers(n, samples, variables)
}

// Init starts from a forward pass. It refuses regularisers that are not quadratic, losses
// whose curvature has no bound, and activations with kinks.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := errors.Join(s.Settings.Validate(), split.Quadratic(p.Regularizer)); err != nil {
		return nil, err
	}
	it, err := split.New(p, n, variables)
	if err != nil {
		return nil, fmt.Errorf("mac: %w", err)
	}
	st := &stepper{Settings: s.Settings, Iterate: it}
	for l := range it.Layers {
		ly := &it.Layers[l]
		if ly.Next == nil {
			ly.Term = split.NewRisk(it)
			break
		}
		h, ok := ly.Net.H.(activation.Fitted)
		if !ok {
			it.Close()
			return nil, fmt.Errorf("mac: layer %d: activation %v has a kink, so that the curvature of ‖a − h(v)‖² has no bound (activation.Fitted), and where its derivative is 0 no step moves v; tanh, sigmoid and identity have none, and lifted takes activations with kinks", ly.L, ly.Net.H.Spec())
		}
		m := split.NewMisfit(it, ly, h, s.Settings.Mu)
		ly.Term, st.misfits = m, append(st.misfits, m)
	}
	if err := st.bound(); err != nil {
		it.Close()
		return nil, err
	}
	return st, nil
}

// stepper is a run of the method.
type stepper struct {
	Settings
	*split.Iterate
	misfits []*split.Misfit // of the hidden layers
	tally   split.Tally
}

var _ dlam.Mixable = (*stepper)(nil)

// mu is μ of the iteration after so many.
func (s *stepper) mu(done int) float64 {
	return min(s.Mu*math.Pow(s.Growth, float64(done/s.Every)), maxMu)
}

// maxMu keeps μ within what float32 has room for.
const maxMu = 1e12

// Step is one iteration.
func (s *stepper) Step(context.Context) (r dlam.Record, err error) {
	mu := s.mu(s.Done)
	for _, m := range s.misfits {
		m.Mu = mu // on which the range of A, without multipliers, does not depend
	}
	trials := 0
	for l := len(s.Layers) - 1; l >= 0; l-- {
		raised, err := s.FitMoved(&s.Layers[l], 0)
		if err != nil {
			return r, err
		}
		trials += raised
	}
	for l := len(s.misfits) - 1; l >= 0; l-- {
		if err := s.FitMovedA(&s.Layers[l], mu, s.Rounds); err != nil {
			return r, err
		}
		if err := s.misfits[l].Bound(); err != nil {
			return r, err
		}
	}
	if r, err = s.RecordTerms(&s.tally); err != nil {
		return r, err
	}
	r.Trials = trials
	r.EpsilonChanged = s.Done > 0 && mu != s.mu(s.Done-1)
	s.Done++
	return r, nil
}

// bound finds the ranges of all A.
func (s *stepper) bound() error {
	for _, m := range s.misfits {
		if err := m.Bound(); err != nil {
			return err
		}
	}
	return nil
}

// Restore puts a State back.
func (s *stepper) Restore(n *dlam.Network, st dlam.State) error {
	if err := s.Iterate.Restore(n, st); err != nil {
		return err
	}
	return s.bound()
}

// Moved takes the variables as they have been changed.
func (s *stepper) Moved() (dlam.Record, error) {
	s.Pack()
	if err := s.bound(); err != nil {
		return dlam.Record{}, err
	}
	return s.RecordTerms(&s.tally)
}
