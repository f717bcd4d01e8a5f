package anderson

import (
	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
)

// variable is one of the method's, and what it was in the iterates that are kept, by their
// places.
type variable struct {
	x    mat.Dense   // the method's own
	g, f []mat.Dense // G(x_i), and f_i; of the iterate under way f is x_i
}

func newVariables(list []mat.Dense, depth int) (variables []variable) {
	for _, x := range list {
		v := variable{x: x}
		for range depth {
			v.g, v.f = append(v.g, mat.New(x.Rows, x.Cols)), append(v.f, mat.New(x.Rows, x.Cols))
		}
		variables = append(variables, v)
	}
	return variables
}

// stage is what is done with all variables.
type stage int

const (
	begin stage = iota // keeps x_k
	end                // keeps G(x_k) and f_k, and makes the inner products of f_k
	mix                // makes x the mixture
	back               // makes x G(x_k)
)

// each does what a stage has to do with all variables.
func (s *stepper) each(stage stage) error {
	s.mixing.stage = stage
	if len(s.samples) > 0 {
		if err := s.sums.Run(&s.mixing, s.mixing.problem.X.Rows); err != nil {
			return err
		}
	}
	for i := range s.shared {
		s.advance(stage, &s.shared[i], 0, s.shared[i].x.Rows)
	}
	if stage == end {
		s.takeProducts()
	}
	return nil
}

// takeProducts keeps ⟨f_k, f_i⟩: sums over samples, and of what all ranks have alike once.
func (s *stepper) takeProducts() {
	depth := len(s.alpha)
	for before := range s.held {
		k := s.place(before)
		var sum float64
		if len(s.samples) > 0 {
			sum = s.sums.Vector(s.mixing.inner)[k]
		}
		for _, v := range s.shared {
			sum += kernel.Dot(v.f[s.newest].Elements(), v.f[k].Elements())
		}
		s.inner[s.newest*depth+k], s.inner[k*depth+s.newest] = sum, sum
	}
}

// advance does what a stage has to do with rows lo to hi-1 of a variable.
func (s *stepper) advance(stage stage, v *variable, lo, hi int) {
	x, g, f := v.x.RowRange(lo, hi).Elements(), v.g[s.newest].RowRange(lo, hi).Elements(), v.f[s.newest].RowRange(lo, hi).Elements()
	switch stage {
	case begin:
		copy(f, x)
	case end:
		copy(g, x)
		for i, y := range x {
			f[i] = y - f[i]
		}
	case mix: // from G(x_k), since the α of others may all but cancel
		copy(x, g)
		for before := 1; before < s.held; before++ {
			k := s.place(before)
			alpha := float32(s.alpha[k])
			for i, y := range v.g[k].RowRange(lo, hi).Elements() {
				x[i] += alpha * (y - g[i])
			}
		}
	case back:
		copy(x, g)
	}
}

// mixing is a stage of the variables of samples.
type mixing struct {
	*stepper
	problem *dlam.Problem
	stage   stage
	inner   pass.Vector // ⟨f_k, f_i⟩ of each place
}

// Plan names the inner products.
func (m *mixing) Plan(p *pass.Plan) {
	if m.stage == end {
		m.inner = p.Vector(len(m.alpha))
	}
}

// Block does samples lo to hi-1.
func (m *mixing) Block(w *pass.Worker, lo, hi int) {
	for i := range m.samples {
		m.advance(m.stage, &m.samples[i], lo, hi)
	}
	if m.stage != end {
		return
	}
	y, sums := m.problem.Y.RowRange(lo, hi), w.Vector(m.inner)
	for at := lo; at < hi; {
		to, weight := y.Run(at - lo)
		for _, v := range m.samples {
			f := v.f[m.newest].RowRange(at, lo+to).Elements()
			for before := range m.held {
				k := m.place(before)
				sums[k] += weight * kernel.Dot(f, v.f[k].RowRange(at, lo+to).Elements())
			}
		}
		at = lo + to
	}
}
