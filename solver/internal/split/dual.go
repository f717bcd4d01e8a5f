package split

import (
	"math"
	"slices"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
)

// dualFit is the memory of a layer's (W, b)-step where inputs outnumber samples, so
// that the equations have an unknown a sample instead. With
// c = α + λ + ridge, c_b = α + ridge, Ŵ = (α/c)W_l and b̂ = (α/c_b)b_l the objective is,
// but for a constant,
//
//	(β/2)‖Z − AWᵀ − 1bᵀ‖² + (c/2)‖W − Ŵ‖² + (c_b/2)‖b − b̂‖²
//
// and with K = AAᵀ + (c/β)I, by the identity of Woodbury, its minimiser is
//
//	W = Ŵ + (R − uδᵀ)ᵀA,  b = b̂ + δ,  KR = Z − AŴᵀ − 1b̂ᵀ,  Ku = 1,  δ = Rᵀ1/(c_b/c + uᵀ1)
//
// which takes a matrix with a row a sample, in the place of one with a row an input.
// With weights of the samples, Z, A and the ones of the intercept stand for those times
// the roots of their weights.
type dualFit struct {
	it     *Iterate
	ly     *Layer
	gram   []float64 // AAᵀ, row-major, the upper triangle
	known  bool      // gram is that of X, which never changes
	chol   []float64 // what is factorised
	factor mat.Cholesky
	rhs    []float64 // the right sides, then R and u beside it
	delta  []float64 // δ
	root   []float64 // of each sample's weight
	left   mat.Dense // R − uδᵀ, the left factor of W − Ŵ

	shareW, shareB float64 // α/c, α/c_b
	product        pass.Product
	rows           rowGram
	residual       residualPass
}

func newDualFit(it *Iterate, ly *Layer) *dualFit {
	f := &dualFit{it: it, ly: ly, delta: make([]float64, ly.Net.Units())}
	f.rows.f, f.residual.f = f, f
	f.renew()
	return f
}

// renew makes room for the samples as they are.
func (f *dualFit) renew() {
	n, out := f.ly.In.Rows, f.ly.Net.Units()
	f.known = false
	f.root, f.gram, f.chol = resized(f.root, n), resized(f.gram, n*n), resized(f.chol, n*n)
	f.rhs = resized(f.rhs, n*(out+1))
	f.left = mat.FromSlice(n, out, resized(f.left.Data, n*out))
	for i := range f.root {
		f.root[i] = math.Sqrt(f.it.P.Y.WeightOf(i))
	}
}

// resized is n elements, in the memory of s if that is enough.
func resized[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

func (f *dualFit) sums() (mean float64, err error) {
	n := f.ly.In.Rows
	if !f.known {
		if err := f.it.Run(&f.rows); err != nil {
			return 0, err
		}
		f.known = f.ly.L == 1
	}
	k := float64(f.ly.In.Cols + 1)
	for i := range n {
		mean += (f.gram[i*n+i] + f.root[i]*f.root[i]) / k
	}
	return mean, nil
}

// rowGram is the pass that makes AAᵀ: each row of it is one sample's work.
type rowGram struct {
	NoSums
	f *dualFit
}

// Block makes rows lo to hi-1 of the upper triangle, in float64, from some columns of A
// at a time: those of all samples stay in cache.
func (r *rowGram) Block(_ *pass.Worker, lo, hi int) {
	const columns = 1024
	in := r.f.ly.In
	n := in.Rows
	clear(r.f.gram[lo*n : hi*n])
	for at := 0; at < in.Cols; at += columns {
		part := in.ColRange(at, min(at+columns, in.Cols))
		for i := lo; i < hi; i++ {
			row := r.f.gram[i*n : (i+1)*n]
			for j := i; j < n; j++ {
				row[j] += r.f.root[i] * r.f.root[j] * kernel.Dot(part.Row(i), part.Row(j))
			}
		}
	}
}

func (f *dualFit) solve(beta, alpha, lambda, ridge float64) (bool, error) {
	c, cb := alpha+lambda+ridge, alpha+ridge
	if !(c > 0) {
		return false, nil
	}
	n := f.ly.In.Rows
	for i := range n {
		row := f.chol[i*n+i : (i+1)*n]
		copy(row, f.gram[i*n+i:])
		row[0] += c / beta
	}
	if !f.factor.Factor(f.chol, n) {
		return false, nil
	}
	f.shareW, f.shareB = alpha/c, 0
	if alpha > 0 {
		f.shareB = alpha / cb
	}
	if err := f.it.Run(&f.residual); err != nil {
		return false, err
	}
	f.factor.Solve(f.rhs, f.ly.Net.Units()+1)
	f.split(cb / c)
	if err := f.it.Run(f); err != nil {
		return false, err
	}
	f.store()
	return true, nil
}

// split makes δ and R − uδᵀ; ratio is c_b/c.
func (f *dualFit) split(ratio float64) {
	out := len(f.delta)
	clear(f.delta)
	for i := 0; i < len(f.rhs); i += out + 1 {
		root := f.root[i/(out+1)]
		for j := range out {
			f.delta[j] += root * f.rhs[i+j]
		}
		ratio += root * f.rhs[i+out]
	}
	for j := range f.delta {
		f.delta[j] /= ratio
	}
	for i := range f.left.Rows {
		row := f.rhs[i*(out+1) : (i+1)*(out+1)]
		for j, d := range f.delta {
			f.left.Data[i*out+j] = float32((row[j] - row[out]*d) / f.root[i]) // the product has the weight
		}
	}
}

// residualPass makes the right sides: Z − AŴᵀ − 1b̂ᵀ, and 1 beside it.
type residualPass struct {
	NoSums
	f *dualFit
}

// Block makes those of samples lo to hi-1.
func (r *residualPass) Block(w *pass.Worker, lo, hi int) {
	f := r.f
	b := f.ly.Net.B
	var v mat.Dense
	if f.shareW > 0 {
		v = f.it.Scratch(w).Affine(0, f.ly, lo, hi)
	}
	target := f.it.target(w, f.ly, lo, hi)
	for i := lo; i < hi; i++ {
		row := f.rhs[i*(len(b)+1) : (i+1)*(len(b)+1)]
		row[len(b)] = f.root[i]
		for j, z := range target.Row(i - lo) {
			if row[j] = float64(z); f.shareW > 0 {
				intercept := float64(b[j])
				row[j] -= f.shareW*(float64(v.At(i-lo, j))-intercept) + f.shareB*intercept
			}
			row[j] *= f.root[i]
		}
	}
}

// Plan names (R − uδᵀ)ᵀA.
func (f *dualFit) Plan(p *pass.Plan) { f.product = p.Product(f.ly.Net.W.Rows, f.ly.Net.W.Cols) }

// Block adds samples lo to hi-1.
func (f *dualFit) Block(w *pass.Worker, lo, hi int) {
	w.AddProduct(f.product, f.left.RowRange(lo, hi), f.ly.In.RowRange(lo, hi))
}

// store makes W and b.
func (f *dualFit) store() {
	sum := f.it.Sums.Product(f.product)
	in := f.ly.Net.W.Cols
	for i := range f.ly.Net.W.Rows {
		row := f.ly.Net.W.Row(i)
		for j, w := range row {
			row[j] = float32(f.shareW*float64(w) + sum.At(i*in+j))
		}
	}
	for j, b := range f.ly.Net.B {
		f.ly.Net.B[j] = float32(f.shareB*float64(b) + f.delta[j])
	}
}
