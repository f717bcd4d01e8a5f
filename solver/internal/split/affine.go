package split

import (
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

// affineFit is the memory of a layer's (W, b)-step. With Ã = [A_{l-1} 1], its
// normal equations are with S = ÃᵀÃ and C = ÃᵀZ.
type affineFit struct {
	it     *Iterate
	ly     *Layer
	gram   []float64 // S of k+1 columns, row-major; of its first k, the upper triangle
	known  bool      // gram is that of X, which only another batch changes
	chol   []float64 // what is factorised
	factor mat.Cholesky
	rhs    []float64 // (k+1)×d_l

	weight        pass.Scalar  // of a batch's samples
	cross, square pass.Product // ZᵀA with Z's columns; AᵀA with A's columns
}

func newAffineFit(it *Iterate, ly *Layer) *affineFit {
	out, k := ly.Net.W.Rows, ly.Net.W.Cols+1
	return &affineFit{it: it, ly: ly, gram: make([]float64, k*k), chol: make([]float64, k*k), rhs: make([]float64, k*out)}
}

// Plan names the sums: the product with and columns of the target, and unless
// it is known the Gram matrix and columns of the input.
func (f *affineFit) Plan(p *pass.Plan) {
	out, k := f.ly.Net.W.Rows, f.ly.Net.W.Cols
	f.cross = p.Product(out, k)
	if !f.known {
		f.square = p.Gram(k)
	}
	if f.it.Batches != nil {
		f.weight = p.Scalar()
	}
}

// Block adds samples lo to hi-1.
func (f *affineFit) Block(w *pass.Worker, lo, hi int) {
	in := f.ly.In.RowRange(lo, hi)
	w.AddProduct(f.cross, f.it.target(w, f.ly, lo, hi), in)
	if !f.known {
		w.AddGram(f.square, in)
	}
	for i := 0; f.it.Batches != nil && i < in.Rows; i++ {
		w.Add(f.weight, w.Weight(i))
	}
}

// target is what V_l is fitted to, of samples lo to hi-1: in scratch blocks 1 and 2 where
// it is moved.
func (it *Iterate) target(w *pass.Worker, ly *Layer, lo, hi int) mat.Dense {
	if ly.Term == nil {
		return ly.Z.RowRange(lo, hi)
	}
	s := it.Scratch(w)
	v, g := s.Affine(1, ly, lo, hi), s.Block(2, hi-lo, ly.Net.Units())
	ly.Term.Gradient(g, v, lo, hi)
	inverse, to := float32(1/ly.Term.Curvature()), v.Elements()
	for i, x := range g.Elements() {
		to[i] -= inverse * x
	}
	return v
}

// normalEquations are those of a layer's (W, b)-step.
type normalEquations interface {
	// sums makes the sums over samples; mean is the Gram matrix's mean diagonal.
	sums() (mean float64, err error)
	// solve solves the equations and stores (W, b); false if there is no Cholesky
	// factor. λ is Ω's.
	solve(beta, alpha, lambda, ridge float64) (bool, error)
	// renew tells that the samples are others.
	renew()
}

// Wide reports whether so many inputs outnumber the samples, all of which this process
// has: a layer's normal equations are then smaller with an unknown a sample.
func (it *Iterate) Wide(inputs int) bool {
	return float64(inputs) > it.count && it.e.Comm.Size() == 1
}

// FitAffine solves
//
//	argmin (β/2)‖Z_l − A_{l-1}Wᵀ − 1bᵀ‖² + (α/2)(‖W − W_l‖² + ‖b − b_l‖²) + Ω(W) + (βδs̄/2)‖(W, b)‖²
//
// with the moved target of the layer's Term, if it has one, in the place of Z_l, for the
// layer's (W, b) by one Cholesky factorisation. δ = ridge is relative to s̄, the mean
// diagonal of the Gram matrix: a tiny one with α = 0 gives the pseudo-inverse's solution,
// the least of all minimisers. Where rounding leaves the matrix indefinite, βδs̄ is raised
// tenfold at a time, from 1e-9βs̄ at least; the number of times is the result.
func (it *Iterate) FitAffine(ly *Layer, beta, alpha, ridge float64) (raised int, err error) {
	mean, err := it.sumsOf(ly)
	if err != nil {
		return 0, err
	}
	return it.solve(ly, beta, alpha, ridge, mean)
}

// FitMoved lowers the objective of a layer's Term, Ω and (α/2)‖(W, b) − (W_l, b_l)‖² by
// least squares to its moved target.
func (it *Iterate) FitMoved(ly *Layer, alpha float64) (raised int, err error) {
	const damping = 1e-4 // of s̄: equations that float32 products can tell, and a step that is all but the same
	mean, err := it.sumsOf(ly)
	if err != nil {
		return 0, err
	}
	c := ly.Term.Curvature()
	return it.solve(ly, c, alpha+c*damping*mean, 0, mean)
}

// FitDamped is FitAffine with α = βλs̄ and no ridge.
func (it *Iterate) FitDamped(ly *Layer, beta, lambda float64) (raised int, err error) {
	mean, err := it.sumsOf(ly)
	if err != nil {
		return 0, err
	}
	return it.solve(ly, beta, beta*lambda*mean, 0, mean)
}

// sumsOf makes the sums of a layer's normal equations; mean is s̄.
func (it *Iterate) sumsOf(ly *Layer) (mean float64, err error) {
	switch {
	case ly.affine != nil:
	case it.Wide(ly.Net.W.Cols):
		ly.affine = newDualFit(it, ly)
	default:
		ly.affine = newAffineFit(it, ly)
	}
	return ly.affine.sums()
}

// solve solves a layer's normal equations, whose sums there are.
func (it *Iterate) solve(ly *Layer, beta, alpha, ridge, mean float64) (raised int, err error) {
	lambda := it.P.Regularizer.(prox.Smooth).Strong()
	for {
		solved, err := ly.affine.solve(beta, alpha, lambda, beta*ridge*mean)
		if err != nil {
			return raised, err
		}
		if solved {
			ly.Products.Pack()
			return raised, nil
		}
		if raised++; raised > 12 {
			return raised, fmt.Errorf("layer %d, block W: %w: the normal equations have no Cholesky factor", ly.L, dlam.ErrDiverged)
		}
		ridge = max(10*ridge, 1e-9)
	}
}

func (f *affineFit) sums() (mean float64, err error) {
	if err := f.it.Run(f); err != nil {
		return 0, err
	}
	if !f.known {
		f.takeGram()
		f.known = f.ly.L == 1
	}
	k := f.ly.Net.W.Cols + 1
	for i := range k {
		mean += f.gram[i*k+i] / float64(k)
	}
	return mean, nil
}

// takeGram stores S from its sums.
func (f *affineFit) takeGram() {
	in := f.ly.Net.W.Cols
	k := in + 1
	gram, columns := f.it.Sums.Product(f.square), f.it.Sums.Columns(f.square)
	v := gram.Float64()
	for i := range in {
		copy(f.gram[i*k:i*k+in], v[i*in:(i+1)*in])
		f.gram[i*k+in] = columns[i]
	}
	if f.gram[in*k+in] = f.it.N; f.it.Batches != nil {
		f.gram[in*k+in] = f.it.Sums.Scalar(f.weight)
	}
}

func (f *affineFit) renew() { f.known = false }

// equations sets (βS + (α + λ + ridge)I)X = βC + αX_l, λ not for b.
func (f *affineFit) equations(beta, alpha, lambda, ridge float64) {
	out, in := f.ly.Net.W.Rows, f.ly.Net.W.Cols
	k := in + 1
	cross, columns := f.it.Sums.Product(f.cross), f.it.Sums.Columns(f.cross)
	for i, s := range f.gram {
		f.chol[i] = beta * s
	}
	for i := range k {
		f.chol[i*k+i] += alpha + ridge
		if i < in {
			f.chol[i*k+i] += lambda
		}
	}
	for i := range out {
		for j, w := range f.ly.Net.W.Row(i) {
			f.rhs[j*out+i] = beta*cross.At(i*in+j) + alpha*float64(w)
		}
		f.rhs[in*out+i] = beta*columns[i] + alpha*float64(f.ly.Net.B[i])
	}
}

func (f *affineFit) solve(beta, alpha, lambda, ridge float64) (bool, error) {
	f.equations(beta, alpha, lambda, ridge)
	out, k := f.ly.Net.W.Rows, f.ly.Net.W.Cols+1
	if !f.factor.Factor(f.chol, k) {
		return false, nil
	}
	f.factor.Solve(f.rhs, out)
	f.store()
	return true, nil
}

func (f *affineFit) store() {
	out, in := f.ly.Net.W.Rows, f.ly.Net.W.Cols
	for i := range out {
		row := f.ly.Net.W.Row(i)
		for j := range row {
			row[j] = float32(f.rhs[j*out+i])
		}
		f.ly.Net.B[i] = float32(f.rhs[in*out+i])
	}
}

// Quadratic reports whether the regulariser keeps FitAffine's problem linear:
// it must be a multiple of ‖W‖², or nothing.
func Quadratic(r prox.Regularizer) error {
	if _, ok := r.(prox.Smooth); !ok {
		return fmt.Errorf("regulariser %v: want none or l2, which are quadratic", r.Spec())
	}
	return nil
}
