package experiment

import (
	"fmt"

	"github.com/dlam-go/dlam/solver/admm"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/multiconvex"
)

// settings are those of a cell's method, all of them, so that a cell whose
// outcome could differ has another key. Only one is there.
type settings struct {
	DLAM     *multiconvex.Settings `json:"dlam,omitempty"`
	Gradient *gradient.Settings    `json:"gradient,omitempty"`
	ADMM     *admm.Settings        `json:"admm,omitempty"`
}

// method is a method of the paper's comparison.
type method struct {
	name     string
	label    string    // as in the paper's legend
	paper    string    // what the paper's text says of its curves
	rates    []float64 // the grid that the learning rate is chosen from; nil for methods without one
	settings func(rate float64) settings
}

// methods are those of Figures 2 and 3; DLAM comes first.
func methods() []method {
	const slower = "moves more slowly than DLAM"
	return []method{
		{"dlam", "DLAM", "0.7 early, then 0.8 or more", nil, func(float64) settings {
			s := multiconvex.DefaultSettings()
			return settings{DLAM: &s}
		}},
		{"sgd", "SGD", slower, []float64{0.3, 1, 3}, rule(gradient.SGD)},
		{"adadelta", "Adadelta", slower, []float64{1, 3, 10}, rule(gradient.Adadelta)},
		{"adagrad", "Adagrad", slower, []float64{0.01, 0.03, 0.1}, rule(gradient.Adagrad)},
		{"admm", "ADMM", "about 0.8 early, slightly lower later", nil, func(float64) settings {
			s := admm.DefaultSettings()
			return settings{ADMM: &s}
		}},
	}
}

// rule is a first-order method on the full batch.
func rule(r gradient.Rule) func(float64) settings {
	return func(rate float64) settings {
		s := gradient.DefaultSettings(r)
		s.Rate = rate
		return settings{Gradient: &s}
	}
}

func (c Cell) solver() (estimator, error) {
	switch s := c.Settings; {
	case s.DLAM != nil:
		return multiconvex.Solver{Settings: *s.DLAM}, nil
	case s.Gradient != nil:
		return gradient.Solver{Settings: *s.Gradient}, nil
	case s.ADMM != nil:
		return admm.Solver{Settings: *s.ADMM}, nil
	}
	return nil, fmt.Errorf("experiment: no settings for %q", c.Method)
}

// rate is the learning rate, of methods that have one.
func (c Cell) rate() float64 {
	if g := c.Settings.Gradient; g != nil {
		return g.Rate
	}
	return 0
}
