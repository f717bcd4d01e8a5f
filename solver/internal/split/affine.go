package split

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/objective"
	"github.com/dlam-go/dlam/prox"
)

// affineFit is the memory of a layer's (W, b)-step. With Ã = [A_{l-1} 1], its
// normal equations are with S = ÃᵀÃ and C = ÃᵀZ.
type affineFit struct {
	NoEnds
	ly   *Layer
	gram []float64 // S of k+1 columns, row-major; of its first k, the upper triangle
	have bool      // gram is that of X, which never changes
	chol []float64 // what is factorised
	rhs  []float64 // (k+1)×d_l
}

func newAffineFit(ly *Layer) affineFit {
	out, k := ly.Net.W.Rows, ly.Net.W.Cols+1
	return affineFit{ly: ly, gram: make([]float64, k*k), chol: make([]float64, k*k), rhs: make([]float64, k*out)}
}

// affineLength is the number of sums: the Gram matrix and columns of the
// input, the product with and columns of the target.
func affineLength(ly *Layer) int {
	out, k := ly.Net.W.Rows, ly.Net.W.Cols
	return out*k + out + k*k + k
}

func (f *affineFit) Begin(w *Worker) {
	out, k := f.ly.Net.W.Rows, f.ly.Net.W.Cols
	w.Cross.Begin(w.Part, out, k)
	if !f.have {
		w.Gram.Begin(w.Part[out*k+out:], k, k)
	}
}

func (f *affineFit) Block(w *Worker, lo, hi int) {
	out, k := f.ly.Net.W.Rows, f.ly.Net.W.Cols
	in, z := f.ly.In.RowRange(lo, hi), f.ly.Z.RowRange(lo, hi)
	w.Cross.Add(z, in)
	objective.AddColumns(w.Part[out*k:out*k+out], z)
	if !f.have {
		w.Gram.AddGram(in)
		objective.AddColumns(w.Part[out*k+out+k*k:], in)
	}
}

func (f *affineFit) End(w *Worker) {
	w.Cross.Flush()
	if !f.have {
		w.Gram.Flush()
	}
}

// FitAffine solves
//
//	argmin (β/2)‖Z_l − A_{l-1}Wᵀ − 1bᵀ‖² + (α/2)(‖W − W_l‖² + ‖b − b_l‖²) + Ω(W) + (βδs̄/2)‖(W, b)‖²
//
// for the layer's (W, b) by one Cholesky factorisation. δ = ridge is relative
// to s̄, the mean diagonal of the Gram matrix: a tiny one with α = 0 gives the
// pseudo-inverse's solution, the least of all minimisers. Where rounding
// leaves the matrix indefinite, βδs̄ is raised tenfold at a time, from 1e-9βs̄
// at least; the number of times is the result.
func (it *Iterate) FitAffine(ly *Layer, beta, alpha, ridge float64) (raised int, err error) {
	f := &ly.affine
	out, k := ly.Net.W.Rows, ly.Net.W.Cols+1
	length := affineLength(ly)
	if f.have {
		length = out*(k-1) + out
	}
	v, err := it.Run(f, length)
	if err != nil {
		return 0, err
	}
	if !f.have {
		f.takeGram(v[out*k:], it.N)
		f.have = ly.L == 1
	}
	var mean float64
	for i := range k {
		mean += f.gram[i*k+i] / float64(k)
	}
	lambda := it.P.Regularizer.(prox.Smooth).Strong()
	for {
		f.equations(v, beta, alpha, lambda, beta*ridge*mean)
		if f.solve() {
			f.store()
			ly.Pack()
			return raised, nil
		}
		if raised++; raised > 12 {
			return raised, fmt.Errorf("layer %d, block W: %w: the normal equations have no Cholesky factor", ly.L, dlam.ErrDiverged)
		}
		ridge = max(10*ridge, 1e-9)
	}
}

// takeGram stores S from its sums.
func (f *affineFit) takeGram(v []float64, n float64) {
	in := f.ly.Net.W.Cols
	k := in + 1
	for i := range in {
		copy(f.gram[i*k:i*k+in], v[i*in:(i+1)*in])
		f.gram[i*k+in] = v[in*in+i]
	}
	f.gram[in*k+in] = n
}

// equations sets (βS + (α + λ + ridge)I)X = βC + αX_l, λ not for b.
func (f *affineFit) equations(v []float64, beta, alpha, lambda, ridge float64) {
	out, in := f.ly.Net.W.Rows, f.ly.Net.W.Cols
	k := in + 1
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
			f.rhs[j*out+i] = beta*v[i*in+j] + alpha*float64(w)
		}
		f.rhs[in*out+i] = beta*v[out*in+i] + alpha*float64(f.ly.Net.B[i])
	}
}

func (f *affineFit) solve() bool {
	out, k := f.ly.Net.W.Rows, f.ly.Net.W.Cols+1
	t, ok := lapack64.Potrf(blas64.Symmetric{N: k, Stride: k, Data: f.chol, Uplo: blas.Upper})
	if ok {
		lapack64.Potrs(t, blas64.General{Rows: k, Cols: out, Stride: out, Data: f.rhs})
	}
	return ok
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
		return fmt.Errorf("regulariser %v: the least-squares W-step takes only none and l2", r)
	}
	return nil
}
