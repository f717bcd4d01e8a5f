package split

import (
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
)

// NoSums is the Plan of a pass that adds nothing up.
type NoSums struct{}

// Plan names no sums.
func (NoSums) Plan(*pass.Plan) {}

// scratches is the number of blocks of scratch that a worker has.
const scratches = 4

// Scratch is one goroutine's.
type Scratch struct {
	Fitter activation.Fitter
	blocks [scratches][]float32
}

// Scratch is that of worker w.
func (it *Iterate) Scratch(w *pass.Worker) *Scratch { return &it.scratch[w.Index] }

// Block is scratch block i, of the given shape, with anything in it.
func (s *Scratch) Block(i, rows, cols int) mat.Dense {
	return mat.FromSlice(rows, cols, s.blocks[i][:rows*cols])
}

// Affine computes V_l of samples lo to hi-1 into scratch block i.
func (s *Scratch) Affine(i int, ly *Layer, lo, hi int) mat.Dense {
	v := s.Block(i, hi-lo, ly.Net.Units())
	ly.Products.Affine(v, ly.In.RowRange(lo, hi), nil)
	return v
}

// Run runs op over all samples; Sums then has its sums.
func (it *Iterate) Run(op pass.Op) error { return it.Sums.Run(op, it.P.X.Rows) }

// forward makes z_l, if there is one, and a_l from a_{l-1}.
type forward struct {
	NoSums
	it *Iterate
	ly *Layer
}

// Block makes those of samples lo to hi-1.
func (f *forward) Block(w *pass.Worker, lo, hi int) {
	z := f.it.Scratch(w).Affine(0, f.ly, lo, hi)
	if f.ly.Z.Rows > 0 {
		f.ly.Z.RowRange(lo, hi).CopyFrom(z)
	}
	if f.ly.A.Rows > 0 {
		f.ly.Net.H.Apply(f.ly.A.RowRange(lo, hi).Elements(), z.Elements())
	}
}
