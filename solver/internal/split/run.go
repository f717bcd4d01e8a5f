package split

import (
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/objective"
	"github.com/dlam-go/dlam/mat"
)

// Op is what a pass does to each block of samples.
type Op interface {
	Begin(w *Worker)
	Block(w *Worker, lo, hi int) // samples lo to hi-1
	End(w *Worker)
}

// NoEnds is the Begin and End of an Op that needs none.
type NoEnds struct{}

// Begin does nothing.
func (NoEnds) Begin(*Worker) {}

// End does nothing.
func (NoEnds) End(*Worker) {}

const (
	scratches = 4 // blocks of scratch that a worker has
	scalars   = 8 // scalar sums that any pass may use
)

// Worker is one goroutine's scratch.
type Worker struct {
	Part        []float64 // its sums
	Fitter      activation.Fitter
	Cross, Gram objective.Outer
	scratch     [scratches][]float32
}

// Buf is scratch block i, of the given shape, with anything in it.
func (w *Worker) Buf(i, rows, cols int) mat.Dense {
	return mat.FromSlice(rows, cols, w.scratch[i][:rows*cols])
}

// Linear computes V_l of samples lo to hi-1 into scratch block i.
func (w *Worker) Linear(i int, ly *Layer, lo, hi int) mat.Dense {
	v := w.Buf(i, hi-lo, ly.Net.W.Rows)
	objective.Affine(v, ly.In.RowRange(lo, hi), &ly.wT, ly.Net.B)
	return v
}

// Back computes dst = e·W_l, which pulls a residual of layer l back to its
// input.
func (ly *Layer) Back(dst, e mat.Dense) { ly.w.Mul(dst, e) }

// Forward computes dst = d·W_lᵀ, what a change d of the layer's input does.
func (ly *Layer) Forward(dst, d mat.Dense) { ly.wT.Mul(dst, d) }

// Run runs op over all samples. The result is the first length sums over all
// workers and ranks, valid until the next Run.
func (it *Iterate) Run(op Op, length int) ([]float64, error) {
	it.op = op
	it.sums.Reset(length)
	it.e.Pool.Run(it)
	if length == 0 {
		return nil, nil
	}
	return it.sums.Reduce()
}

// Do is worker's share of the pass.
func (it *Iterate) Do(worker int) {
	w := &it.workers[worker]
	w.Part = it.sums.Part(worker)
	it.op.Begin(w)
	lo, hi := it.e.Rows(it.P.X.Rows, worker)
	for ; lo < hi; lo += objective.Block {
		it.op.Block(w, lo, min(lo+objective.Block, hi))
	}
	it.op.End(w)
}

var _ kernel.Job = (*Iterate)(nil)

// forward makes z_l and a_l from a_{l-1}.
type forward struct {
	NoEnds
	ly *Layer
}

func (f *forward) Block(w *Worker, lo, hi int) {
	z := f.ly.Z.RowRange(lo, hi)
	z.CopyFrom(w.Linear(0, f.ly, lo, hi))
	if f.ly.A.Rows > 0 {
		f.ly.Net.H.Apply(f.ly.A.RowRange(lo, hi).Elements(), z.Elements())
	}
}
