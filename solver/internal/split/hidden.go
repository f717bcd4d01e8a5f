package split

import (
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
)

// activationFit is the memory of a layer's closed-form a-step.
type activationFit struct {
	NoSums
	it                 *Iterate
	ly                 *Layer
	m, inverse64       []float64 // the d_l×d_l matrix that is inverted, and its inverse
	factor             mat.Cholesky
	inverse32          mat.Dense
	inverse            mat.Panel
	gamma, beta, alpha float32
}

func newActivationFit(it *Iterate, ly *Layer) activationFit {
	if ly.Next == nil {
		return activationFit{}
	}
	d := ly.Net.W.Rows
	return activationFit{it: it, ly: ly, m: make([]float64, d*d), inverse64: make([]float64, d*d), inverse32: mat.New(d, d)}
}

// FitA solves
//
//	argmin (γ/2)‖A − h(Z_l)‖² + (β/2)‖Z_{l+1} − AW_{l+1}ᵀ − 1b_{l+1}ᵀ‖² + (α/2)‖A − A_l‖²
//
// for A_l of a hidden layer: a product with (βW_{l+1}ᵀW_{l+1} + (γ+α)I)⁻¹.
func (it *Iterate) FitA(ly *Layer, gamma, beta, alpha float64) error {
	f := &ly.aStep
	if err := f.invert(gamma+alpha, beta); err != nil {
		return err
	}
	f.gamma, f.beta, f.alpha = float32(gamma), float32(beta), float32(alpha)
	return it.Run(f)
}

func (f *activationFit) invert(diagonal, beta float64) error {
	d, w := f.ly.Net.W.Rows, f.ly.Next.Net.W
	clear(f.m)
	for r := range w.Rows {
		row := w.Row(r)
		for i, wi := range row {
			b := beta * float64(wi)
			m := f.m[i*d : (i+1)*d]
			for j := i; j < d; j++ {
				m[j] += b * float64(row[j])
			}
		}
	}
	for i := range d {
		f.m[i*d+i] += diagonal
	}
	if !f.factor.Factor(f.m, d) {
		return fmt.Errorf("layer %d, block a: %w: βWᵀW + (γ+α)I has no Cholesky factor", f.ly.L, dlam.ErrDiverged)
	}
	f.factor.Inverse(f.inverse64)
	for i, x := range f.inverse64 {
		f.inverse32.Data[i] = float32(x)
	}
	f.inverse.Pack(f.inverse32)
	return nil
}

func (f *activationFit) Block(w *pass.Worker, lo, hi int) {
	ly, next := f.ly, f.ly.Next
	rows, d := hi-lo, ly.Net.W.Rows
	s := f.it.Scratch(w)
	target := s.Block(0, rows, next.Net.W.Rows) // β(Z_{l+1} − 1bᵀ)
	zn := next.Z.RowRange(lo, hi)
	for i := range rows {
		t := target.Row(i)
		for j, z := range zn.Row(i) {
			t[j] = f.beta * (z - next.Net.B[j])
		}
	}
	rhs, h := s.Block(1, rows, d), s.Block(2, rows, d)
	next.Products.Back(rhs, target, nil, nil)
	a := ly.A.RowRange(lo, hi)
	ly.Net.H.Apply(h.Elements(), ly.Z.RowRange(lo, hi).Elements())
	r, old := rhs.Elements(), a.Elements()
	for i, x := range h.Elements() {
		r[i] += f.gamma*x + f.alpha*old[i]
	}
	f.inverse.Mul(a, rhs)
}

// movedActivation is the memory of a layer's a-step to a moved target.
type movedActivation struct {
	NoSums
	fit    *activationFit
	rounds int
}

// FitMovedA lowers
//
//	(γ/2)‖A − h(V_l) − Λ_l/γ‖² + T(AW_{l+1}ᵀ + 1b_{l+1}ᵀ)
//
// with z_l in the place of V_l, if there is one, and the Term T of layer l+1, rounds times:
// each time by the minimiser of T's quadratic around its moved target, which is a product of
// the gradient with (cW_{l+1}ᵀW_{l+1} + γI)⁻¹.
func (it *Iterate) FitMovedA(ly *Layer, gamma float64, rounds int) error {
	if err := ly.aStep.invert(gamma, ly.Next.Term.Curvature()); err != nil {
		return err
	}
	ly.aStep.gamma, ly.moved.rounds = float32(gamma), rounds
	return it.Run(&ly.moved)
}

func (f *movedActivation) Block(w *pass.Worker, lo, hi int) {
	it, ly, next := f.fit.it, f.fit.ly, f.fit.ly.Next
	rows, s := hi-lo, it.Scratch(w)
	h := s.Block(0, rows, ly.Net.Units())
	if ly.Z.Rows > 0 {
		ly.Net.H.Apply(h.Elements(), ly.Z.RowRange(lo, hi).Elements())
	} else {
		h = s.Affine(0, ly, lo, hi)
		ly.Net.H.Apply(h.Elements(), h.Elements())
	}
	if ly.Lambda.Rows > 0 {
		to, inverse := h.Elements(), 1/f.fit.gamma
		for i, x := range ly.Lambda.RowRange(lo, hi).Elements() {
			to[i] += inverse * x
		}
	}
	a, v, g := ly.A.RowRange(lo, hi), s.Block(1, rows, next.Net.Units()), s.Block(2, rows, next.Net.Units())
	d, move := s.Block(3, rows, a.Cols), s.Block(1, rows, a.Cols)
	for range f.rounds {
		next.Products.Affine(v, a, nil)
		next.Term.Gradient(g, v, lo, hi)
		next.Products.Back(d, g, nil, nil)
		to, own, at := d.Elements(), h.Elements(), a.Elements()
		for i := range to {
			to[i] += f.fit.gamma * (at[i] - own[i])
		}
		f.fit.inverse.Mul(move, d)
		for i, x := range move.Elements() {
			at[i] -= x
		}
	}
}

// misfitFit is the memory of a layer's entrywise z-step.
type misfitFit struct {
	NoSums
	it                 *Iterate
	ly                 *Layer
	gamma, beta, alpha float32
}

// FitZ solves
//
//	argmin (γ/2)‖A_l − h(Z)‖² + (β/2)‖Z − V_l‖² + (α/2)‖Z − Z_l‖²
//
// for Z_l, entry by entry: the two quadratics in Z are one around their mean. With
// Options.Multipliers, V_l − U_l/β stands for V_l and A_l − Λ_l/γ for A_l.
func (it *Iterate) FitZ(ly *Layer, gamma, beta, alpha float64) error {
	f := &ly.zStep
	f.gamma, f.beta, f.alpha = float32(gamma), float32(beta), float32(alpha)
	return it.Run(f)
}

func (f *misfitFit) Block(w *pass.Worker, lo, hi int) {
	s := f.it.Scratch(w)
	v := s.Affine(0, f.ly, lo, hi)
	z := f.ly.Z.RowRange(lo, hi).Elements()
	c, kappa := v.Elements(), f.beta+f.alpha
	a := f.ly.A.RowRange(lo, hi).Elements()
	if f.it.options.Multipliers {
		inverse, to := 1/f.gamma, s.Block(1, hi-lo, v.Cols).Elements()
		lambda, u := f.ly.Lambda.RowRange(lo, hi).Elements(), f.ly.U.RowRange(lo, hi).Elements()
		for i, x := range a {
			to[i] = x - inverse*lambda[i]
			c[i] -= u[i] / f.beta
		}
		a = to
	}
	if f.alpha > 0 {
		for i, old := range z {
			c[i] = (f.beta*c[i] + f.alpha*old) / kappa
		}
	}
	s.Fitter.Fit(f.ly.Net.H, z, c, a, f.gamma, kappa)
}
