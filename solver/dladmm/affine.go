package dladmm

import (
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

const (
	pad       = 1e-6 // widens a curvature in closed form beyond its rounding
	accept    = 1e-5 // tolerance of the acceptance test: rounding of float32 products
	growth    = 2    // of a curvature that did not pass
	maxTrials = 200
)

// affineStep is the memory of a layer's W- and b-steps. Its sums over samples
// are about the layer's input A and residual E.
type affineStep struct {
	s  *stepper
	ly *layer

	g     mat.Dense // EᵀA, so that ∇φ = ν_l g
	e, a  []float64 // columns of E and A
	gram  mat.Dense // AᵀA; empty where inputs outnumber samples
	panel mat.Panel // gram, packed
	have  bool      // gram and a are those of X, which never changes

	d, delta, product, trial mat.Dense // direction, move, either times gram, candidate
	theta, q                 []float64 // curvatures; ‖Ad_iᵀ‖² or ‖AΔ_iᵀ‖²

	cross, square pass.Product // EᵀA with E's columns; AᵀA with A's columns
	columns       pass.Vector  // A's, without a Gram matrix
}

func newAffineStep(s *stepper, ly *layer) affineStep {
	out, in := ly.Net.W.Rows, ly.Net.W.Cols
	m := func() mat.Dense { return mat.New(out, in) }
	f := affineStep{
		s: s, ly: ly, g: m(), e: make([]float64, out), a: make([]float64, in),
		d: m(), delta: m(), trial: m(), theta: make([]float64, out), q: make([]float64, out),
	}
	if !s.Wide(in) {
		f.gram, f.product = mat.New(in, in), m()
	}
	return f
}

// wide reports whether inputs outnumber samples: curvatures then come from the samples
// themselves, and not from their Gram matrix.
func (f *affineStep) wide() bool { return f.gram.Rows == 0 }

// Plan names the sums.
func (f *affineStep) Plan(p *pass.Plan) {
	out, in := f.ly.Net.W.Rows, f.ly.Net.W.Cols
	f.cross = p.Product(out, in)
	switch {
	case f.have:
	case f.wide():
		f.columns = p.Vector(in)
	default:
		f.square = p.Gram(in)
	}
}

// Block adds some samples.
func (f *affineStep) Block(w *pass.Worker, lo, hi int) {
	in := f.ly.In.RowRange(lo, hi)
	w.AddProduct(f.cross, f.s.residual(f.s.Scratch(w), 0, f.ly, lo, hi), in)
	switch {
	case f.have:
	case f.wide():
		w.AddColumns(f.columns, in)
	default:
		w.AddGram(f.square, in)
	}
}

// sumAffine makes the sums that the layer's W- and b-steps need.
func (s *stepper) sumAffine(ly *layer) error {
	f := &ly.affine
	if err := s.Run(f); err != nil {
		return err
	}
	cross := s.Sums.Product(f.cross)
	cross.CopyTo(f.g)
	copy(f.e, s.Sums.Columns(f.cross))
	if f.wide() && !f.have {
		copy(f.a, s.Sums.Vector(f.columns))
		f.have = ly.L == 1
	} else if !f.have {
		square := s.Sums.Product(f.square)
		square.CopyTo(f.gram)
		mat.MirrorUpper(f.gram)
		f.panel.Pack(f.gram)
		copy(f.a, s.Sums.Columns(f.square))
		f.have = ly.L == 1
	}
	return nil
}

// updateB solves argmin φ over b_l: b less the mean residual.
func (s *stepper) updateB(ly *layer) {
	f := &ly.affine
	for i, old := range ly.Net.B {
		ly.Net.B[i] = float32(float64(old) - f.e[i]/s.N)
		d := float64(ly.Net.B[i]) - float64(old)
		f.e[i] += s.N * d
		for j, g := range f.g.Row(i) {
			f.g.Row(i)[j] = float32(float64(g) + d*f.a[j])
		}
	}
}

// updateW takes the least θ_i, row by row, with which the approximation
// passes: ν_l‖AΔ_iᵀ‖² ≤ θ_i‖Δ_i‖². A quadratic Ω's step is along the gradient
// d_i, where that θ_i is ν_l‖Ad_iᵀ‖²/‖d_i‖²; another's search starts there.
func (s *stepper) updateW(ly *layer) error {
	f := &ly.affine
	s.direction(ly)
	if err := f.squares(f.d); err != nil {
		return err
	}
	for i := range f.theta {
		f.theta[i] = 0
		if norm := kernel.SumSquares(f.d.Row(i)); norm > 0 {
			f.theta[i] = max(ly.weight*f.q[i]/norm*(1+pad), minCurvature)
		}
	}
	for trial := 1; trial <= maxTrials; trial++ {
		s.trials++
		for i := range f.theta {
			s.candidate(ly, i)
		}
		passed, err := f.passes(s.P.Regularizer)
		if err != nil {
			return err
		}
		if passed {
			ly.Net.W.CopyFrom(f.trial)
			for i := range f.e {
				for j, d := range f.delta.Row(i) {
					f.e[i] += float64(d) * f.a[j]
				}
			}
			ly.Products.Pack()
			return nil
		}
	}
	return fmt.Errorf("layer %d, block W: %w: no step passed the test in %d trials", ly.L, dlam.ErrDiverged, maxTrials)
}

// minCurvature keeps θ positive where the input hardly moves the output.
const minCurvature = 1e-30

// direction writes ν_l g, and ∇Ω where Ω is quadratic, to d. Where g is 0, a
// subgradient of Ω stands for it: Ω alone moves that row.
func (s *stepper) direction(ly *layer) {
	f := &ly.affine
	weight := float32(ly.weight)
	for i := range f.d.Rows {
		d := f.d.Row(i)
		for j, g := range f.g.Row(i) {
			d[j] = weight * g
		}
		prox.AddSlope(s.P.Regularizer, d, ly.Net.W.Row(i))
	}
}

// candidate writes row i's minimiser at θ_i to trial, its move to delta. A row
// with θ_i = 0 is at its minimum and stays.
func (s *stepper) candidate(ly *layer, i int) {
	f := &ly.affine
	old, trial, delta := ly.Net.W.Row(i), f.trial.Row(i), f.delta.Row(i)
	copy(trial, old)
	if theta := f.theta[i]; theta > 0 {
		step := float32(ly.weight / theta)
		for j, g := range f.g.Row(i) {
			trial[j] -= step * g
		}
		s.P.Regularizer.Prox(trial, trial, theta)
	}
	for j, x := range trial {
		delta[j] = x - old[j]
	}
}

// passes tests every row, and raises the curvature of those that fail.
func (f *affineStep) passes(omega prox.Regularizer) (bool, error) {
	if _, ok := omega.(prox.Smooth); ok {
		return true, nil // by the choice of θ
	}
	if err := f.squares(f.delta); err != nil {
		return false, err
	}
	passed := true
	for i := range f.theta {
		if q := f.ly.weight * f.q[i]; q > f.theta[i]*kernel.SumSquares(f.delta.Row(i))*(1+accept) {
			f.theta[i] *= growth
			passed = false
		}
	}
	return passed, nil
}

// squares writes ‖Ax_iᵀ‖² of each row of x to q.
func (f *affineStep) squares(x mat.Dense) error {
	if f.wide() {
		f.panel.PackT(x)
		op := &f.s.lengths
		op.f = f
		if err := f.s.Run(op); err != nil {
			return err
		}
		copy(f.q, f.s.Sums.Vector(op.sums))
		return nil
	}
	f.panel.Mul(f.product, x)
	for i := range f.q {
		f.q[i] = kernel.Dot(f.product.Row(i), x.Row(i))
	}
	return nil
}

// lengths is the pass that adds up the squares of Ax_iᵀ, with x packed.
type lengths struct {
	s    *stepper
	f    *affineStep
	sums pass.Vector
}

// Plan names the sums.
func (o *lengths) Plan(p *pass.Plan) { o.sums = p.Vector(len(o.f.q)) }

// Block adds samples lo to hi-1.
func (o *lengths) Block(w *pass.Worker, lo, hi int) {
	v := o.s.Scratch(w).Block(0, hi-lo, len(o.f.q))
	o.f.panel.Mul(v, o.f.ly.In.RowRange(lo, hi))
	w.AddColumnSquares(o.sums, v)
}
