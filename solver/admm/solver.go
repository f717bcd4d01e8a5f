package admm

import (
	"context"
	"errors"
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// Form is whose ADMM it is.
type Form string

// The forms.
const (
	Taylor Form = "taylor" // Taylor et al. 2016
	Zeng   Form = "zeng"   // Zeng, Lin & Yao 2019, of smooth activations
)

// Forms lists the choices.
var Forms = []Form{Taylor, Zeng}

// Multipliers says which equations of Taylor's form have multipliers.
type Multipliers string

// The choices.
const (
	Last Multipliers = "last" // the last layer's
	All  Multipliers = "all"  // all: the graph form
)

// AllMultipliers lists the choices.
var AllMultipliers = []Multipliers{Last, All}

// Settings are the method's.
type Settings struct {
	Form        Form
	Multipliers Multipliers // of Taylor's form
	Beta        float64     // β > 0, weight of Z_l = V_l, and in Zeng's form of A_l = h(V_l)
	Gamma       float64     // γ > 0, weight of A_l = h(Z_l), in Taylor's form
	Warm        int         // iterations before the multipliers first move, at least 0, in Taylor's form
	Ridge       float64     // relative to the Gram matrix's mean diagonal, what is taken for 0 in the pseudo-inverse of Taylor's form; in (0, 1)
}

// DefaultSettings are Taylor's form with weights that work on MNIST with a summed
// cross-entropy, and a short warm start. The paper's β = 1, γ = 10, for another loss, are
// many times slower here.
func DefaultSettings() Settings {
	return Settings{Form: Taylor, Multipliers: Last, Beta: 0.01, Gamma: 0.01, Warm: 10, Ridge: 1e-6}
}

// ZengSettings are Zeng's form with a weight that works on MNIST.
func ZengSettings() Settings {
	s := DefaultSettings()
	s.Form, s.Beta = Zeng, 0.1
	return s
}

// Validate reports every setting outside its range.
func (s Settings) Validate() error {
	v := check.Of("admm settings")
	check.OneOf(v, "form", s.Form, Forms...)
	check.OneOf(v, "multipliers", s.Multipliers, AllMultipliers...)
	v.That(s.Form != Zeng || s.Multipliers != All, "multipliers", s.Multipliers, "last with form zeng, which has one of each equation as it is")
	v.Above(0, "beta", s.Beta)
	v.Above(0, "gamma", s.Gamma)
	v.AtLeast(0, "warm", s.Warm, "")
	v.Within("ridge", s.Ridge)
	return v.Err()
}

// variables are those of the form.
func (s Settings) variables() split.Options {
	switch {
	case s.Form == Zeng:
		return split.Options{NoZ: true, OutputA: true, Multipliers: true}
	case s.Multipliers == All:
		return split.Options{Multipliers: true}
	}
	return split.Options{Dual: true}
}

// Solver is ADMM with its settings.
type Solver struct{ Settings Settings }

var _ dlam.Solver = Solver{}

func (Solver) String() string { return "admm" }

// Validate reports every setting outside its range.
func (s Solver) Validate() error { return s.Settings.Validate() }

// Memory is about how many bytes a run takes beside the samples.
func (s Solver) Memory(widths []int, samples, threads int) float64 {
	return split.Memory(widths, samples, threads, s.Settings.variables())
}

// Numbers is how many an iterate has.
func (s Solver) Numbers(n *dlam.Network, samples int) float64 {
	return split.Numbers(n, samples, s.Settings.variables())
}

// Init starts from a forward pass. It refuses regularisers that are not
// quadratic, and in Zeng's form activations with kinks.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := errors.Join(s.Settings.Validate(), split.Quadratic(p.Regularizer)); err != nil {
		return nil, err
	}
	it, err := split.New(p, n, s.Settings.variables())
	if err != nil {
		return nil, fmt.Errorf("admm: %w", err)
	}
	st := &stepper{Settings: s.Settings, Iterate: it}
	switch {
	case s.Settings.Form == Zeng:
		err = st.beginZeng()
	case s.Settings.Multipliers == All:
		st.beginAll()
	}
	if err != nil {
		it.Close()
		return nil, err
	}
	return st, nil
}

// stepper is a run of ADMM.
type stepper struct {
	Settings
	*split.Iterate
	tally split.Tally

	misfits []*split.Misfit // of Zeng's form
	ascents []ascent        // of forms with all multipliers
	risk    riskMeasure
}

var _ dlam.Mixable = (*stepper)(nil)

// Step is one iteration.
func (s *stepper) Step(context.Context) (dlam.Record, error) {
	switch {
	case s.Form == Zeng:
		return s.stepZeng()
	case s.Multipliers == All:
		return s.stepAll()
	}
	return s.stepTaylor()
}

// stepTaylor is one sweep of the paper's Algorithm 1, from the input to the output.
func (s *stepper) stepTaylor() (dlam.Record, error) {
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
	for l := range t.Penalty {
		t.Penalty[l] = (s.Gamma*t.Activation[l] + s.Beta*t.Linear[l]) / 2
	}
	return s.Record(t, trials), nil
}

// Moved takes the variables as they have been changed.
func (s *stepper) Moved() (dlam.Record, error) {
	s.Pack()
	if s.ascents != nil { // forms with all multipliers
		return s.recordAll(0)
	}
	return s.record(0)
}
