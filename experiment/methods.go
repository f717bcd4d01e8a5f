package experiment

import (
	"fmt"

	"github.com/dlam-go/dlam"
	sdlam "github.com/dlam-go/dlam/solver/dlam"
)

// method is a method of the paper's comparison.
type method struct {
	name  string
	label string    // as in the paper's legend
	paper string    // what the paper's text says of its curves
	rates []float64 // the grid that the learning rate is chosen from; nil for methods without one
	solve func(Cell) (dlam.Solver, error)
}

// methods are those of Figures 2 and 3, in the order of the paper's legend.
func methods() []method {
	return []method{
		{"dlam", "DLAM", "0.7 early, then 0.8 or more", nil, func(c Cell) (dlam.Solver, error) {
			s := sdlam.DefaultSettings()
			s.Rho, s.LineSearch = c.Rho, c.LineSearch
			return sdlam.Solver{Settings: s}, nil
		}},
	}
}

func (c Cell) solver() (dlam.Solver, error) {
	for _, m := range methods() {
		if m.name == c.Method {
			return m.solve(c)
		}
	}
	return nil, fmt.Errorf("experiment: no method %q", c.Method)
}
