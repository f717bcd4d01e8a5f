package split

import (
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

// What steps with a curvature of their own, θ of a row or τ of a sample, hold it to.
const (
	// Pad widens a curvature in closed form beyond its own rounding.
	Pad = 1e-6
	// Accept is the relative tolerance of the test on a move: the rounding of float32
	// products of a few thousand terms.
	Accept = 1e-5
	// MinCurvature keeps a curvature positive where a gradient all but vanishes, or moves
	// the output hardly at all.
	MinCurvature = 1e-30
	// MaxTrials bounds a search: 2^200 is past any curvature.
	MaxTrials = 200
)

const growth = 2 // of a curvature that did not pass

// LinearisedFit is a layer's W- and b-steps where W moves by a quadratic approximation
// of φ = (ν/2)‖V_l − Z_l − U/ν‖², U being 0 but in the last layer of methods with Options.Dual.
// Its sums over samples are about the layer's input A and that residual E.
type LinearisedFit struct {
	it *Iterate
	ly *Layer
	nu float64

	g     mat.Dense // EᵀA, so that ∇φ = νg
	e, a  []float64 // columns of E and A
	gram  mat.Dense // AᵀA; empty where inputs outnumber samples
	panel mat.Panel // gram, packed
	have  bool      // gram and a are those of X, which never changes

	d, delta, product, trial mat.Dense // direction, move, either times gram, candidate
	theta, q                 []float64 // curvatures; ‖Ad_iᵀ‖² or ‖AΔ_iᵀ‖²

	cross, square pass.Product // EᵀA with E's columns; AᵀA with A's columns
	columns       pass.Vector  // A's, without a Gram matrix
	lengths       lengths
}

// NewLinearisedFit is that of a layer with the weight ν.
func (it *Iterate) NewLinearisedFit(ly *Layer, nu float64) *LinearisedFit {
	out, in := ly.Net.W.Rows, ly.Net.W.Cols
	m := func() mat.Dense { return mat.New(out, in) }
	f := &LinearisedFit{
		it: it, ly: ly, nu: nu, g: m(), e: make([]float64, out), a: make([]float64, in),
		d: m(), delta: m(), trial: m(), theta: make([]float64, out), q: make([]float64, out),
	}
	f.lengths.f = f
	if !it.Wide(in) {
		f.gram, f.product = mat.New(in, in), m()
	}
	return f
}

// wide reports whether inputs outnumber samples: curvatures then come from the samples
// themselves, and not from their Gram matrix.
func (f *LinearisedFit) wide() bool { return f.gram.Rows == 0 }

// Plan names the sums.
func (f *LinearisedFit) Plan(p *pass.Plan) {
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
func (f *LinearisedFit) Block(w *pass.Worker, lo, hi int) {
	in := f.ly.In.RowRange(lo, hi)
	w.AddProduct(f.cross, f.it.Residual(f.it.Scratch(w), 0, f.ly, f.nu, lo, hi), in)
	switch {
	case f.have:
	case f.wide():
		w.AddColumns(f.columns, in)
	default:
		w.AddGram(f.square, in)
	}
}

// Residual computes V_l − Z_l − U/ν of samples lo to hi-1 into scratch block i.
func (it *Iterate) Residual(scratch *Scratch, i int, ly *Layer, nu float64, lo, hi int) mat.Dense {
	e := scratch.Affine(i, ly, lo, hi)
	es := e.Elements()
	for i, z := range ly.Z.RowRange(lo, hi).Elements() {
		es[i] -= z
	}
	if ly.Next == nil && it.Dual.Rows > 0 {
		inv := float32(1 / nu)
		for i, u := range it.Dual.RowRange(lo, hi).Elements() {
			es[i] -= inv * u
		}
	}
	return e
}

// Sum makes the sums that the W- and b-steps need, at the current iterate.
func (f *LinearisedFit) Sum() error {
	if err := f.it.Run(f); err != nil {
		return err
	}
	sums := f.it.Sums
	cross := sums.Product(f.cross)
	cross.CopyTo(f.g)
	copy(f.e, sums.Columns(f.cross))
	if f.wide() && !f.have {
		copy(f.a, sums.Vector(f.columns))
		f.have = f.ly.L == 1
	} else if !f.have {
		square := sums.Product(f.square)
		square.CopyTo(f.gram)
		mat.MirrorUpper(f.gram)
		f.panel.Pack(f.gram)
		copy(f.a, sums.Columns(f.square))
		f.have = f.ly.L == 1
	}
	return nil
}

// FitB solves argmin φ over b_l: b less the mean residual. The sums follow.
func (f *LinearisedFit) FitB() {
	b, n := f.ly.Net.B, f.it.N
	for i, old := range b {
		b[i] = float32(float64(old) - f.e[i]/n)
		d := float64(b[i]) - float64(old)
		f.e[i] += n * d
		for j, g := range f.g.Row(i) {
			f.g.Row(i)[j] = float32(float64(g) + d*f.a[j])
		}
	}
}

// FitW solves
//
//	argmin φ(W_l) + ⟨∇φ, W − W_l⟩ + Σ (θ_i/2)‖w_i − w_{l,i}‖² + Ω(W)
//
// with the least θ_i, row by row, with which the approximation passes:
// ν‖AΔ_iᵀ‖² ≤ θ_i‖Δ_i‖². A quadratic Ω's step is along the gradient d_i, where that
// θ_i is ν‖Ad_iᵀ‖²/‖d_i‖²; another's search starts there. Of the sums, E's columns
// follow. The result is the number of trials.
func (f *LinearisedFit) FitW() (trials int, err error) {
	f.direction()
	if err := f.squares(f.d); err != nil {
		return 0, err
	}
	for i := range f.theta {
		f.theta[i] = 0
		if norm := kernel.SumSquares(f.d.Row(i)); norm > 0 {
			f.theta[i] = max(f.nu*f.q[i]/norm*(1+Pad), MinCurvature)
		}
	}
	for trial := 1; trial <= MaxTrials; trial++ {
		for i := range f.theta {
			f.candidate(i)
		}
		passed, err := f.passes()
		if err != nil {
			return trial, err
		}
		if passed {
			f.ly.Net.W.CopyFrom(f.trial)
			for i := range f.e {
				for j, d := range f.delta.Row(i) {
					f.e[i] += float64(d) * f.a[j]
				}
			}
			f.ly.Products.Pack()
			return trial, nil
		}
	}
	return MaxTrials, fmt.Errorf("layer %d, block W: %w: no step passed the test in %d trials", f.ly.L, dlam.ErrDiverged, MaxTrials)
}

// direction writes νg, and ∇Ω where Ω is quadratic, to d. Where g is 0, a
// subgradient of Ω stands for it: Ω alone moves that row.
func (f *LinearisedFit) direction() {
	nu := float32(f.nu)
	for i := range f.d.Rows {
		d := f.d.Row(i)
		for j, g := range f.g.Row(i) {
			d[j] = nu * g
		}
		prox.AddSlope(f.it.P.Regularizer, d, f.ly.Net.W.Row(i))
	}
}

// candidate writes row i's minimiser at θ_i to trial, its move to delta. A row
// with θ_i = 0 is at its minimum and stays.
func (f *LinearisedFit) candidate(i int) {
	old, trial, delta := f.ly.Net.W.Row(i), f.trial.Row(i), f.delta.Row(i)
	copy(trial, old)
	if theta := f.theta[i]; theta > 0 {
		step := float32(f.nu / theta)
		for j, g := range f.g.Row(i) {
			trial[j] -= step * g
		}
		f.it.P.Regularizer.Prox(trial, trial, theta)
	}
	for j, x := range trial {
		delta[j] = x - old[j]
	}
}

// passes tests every row, and raises the curvature of those that fail.
func (f *LinearisedFit) passes() (bool, error) {
	if _, ok := f.it.P.Regularizer.(prox.Smooth); ok {
		return true, nil // by the choice of θ
	}
	if err := f.squares(f.delta); err != nil {
		return false, err
	}
	passed := true
	for i := range f.theta {
		if q := f.nu * f.q[i]; q > f.theta[i]*kernel.SumSquares(f.delta.Row(i))*(1+Accept) {
			f.theta[i] *= growth
			passed = false
		}
	}
	return passed, nil
}

// squares writes ‖Ax_iᵀ‖² of each row of x to q.
func (f *LinearisedFit) squares(x mat.Dense) error {
	if f.wide() {
		f.panel.PackT(x)
		if err := f.it.Run(&f.lengths); err != nil {
			return err
		}
		copy(f.q, f.it.Sums.Vector(f.lengths.sums))
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
	f    *LinearisedFit
	sums pass.Vector
}

// Plan names the sums.
func (o *lengths) Plan(p *pass.Plan) { o.sums = p.Vector(len(o.f.q)) }

// Block adds samples lo to hi-1.
func (o *lengths) Block(w *pass.Worker, lo, hi int) {
	v := o.f.it.Scratch(w).Block(0, hi-lo, len(o.f.q))
	o.f.panel.Mul(v, o.f.ly.In.RowRange(lo, hi))
	w.AddColumnSquares(o.sums, v)
}
