package multiconvex

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// block is a block of samples, and one worker's scratch for it: small enough
// that what a pass touches stays in cache.
type block struct {
	s     *Blocks
	ly    *layer
	in    mat.Dense // A_{l-1}
	Z, A  mat.Dense // of layer l
	E     mat.Dense // of layer l; of the first layer in scratch
	nextE mat.Dense // E_{l+1}
	nextA mat.Dense // A_{l+1}, of a recurrent layer
	oldA  mat.Dense // A_l before its last update, for mDLAM
	y     loss.Target
	tau   []float64 // of each sample

	// scratch
	first        []float32 // E_1
	old          []float32 // old z, or new
	h            []float32 // h(z)
	grad         []float32 // E_{l+1}W_{l+1}
	image, own   []float32 // a move's image under W_{l+1}, and under a recurrent layer's R
	rows         []float32 // rows of a layer's map
	cut          rows      // samples whose a-step the band cuts
	curvature    [pass.Block]float64
	extrapolated *extrapolatedStep // for mDLAM, or nil
}

// rows is a gathered set of rows of a block.
type rows struct {
	index            [pass.Block]int
	n                int
	move, image, own []float32
}

func (b *block) allocate(s *Blocks) {
	width, maps, recurrent := 0, 0, false
	for l := range s.layers {
		width = max(width, s.layers[l].Z.Cols)
		maps = max(maps, s.layers[l].products.Scratch(pass.Block))
		recurrent = recurrent || s.layers[l].recurrent
	}
	buf := func() []float32 { return make([]float32, pass.Block*width) }
	b.s = s
	b.first = make([]float32, pass.Block*s.layers[0].Z.Cols)
	b.old, b.h, b.grad, b.image = buf(), buf(), buf(), buf()
	b.rows = make([]float32, maps)
	b.cut.move, b.cut.image = buf(), buf()
	if s.Momentum {
		b.extrapolated = &extrapolatedStep{move: buf(), image: buf(), oldE: buf()}
	}
	if recurrent {
		b.own, b.cut.own = buf(), buf()
		if s.Momentum {
			b.extrapolated.oldOwn = buf()
		}
	}
}

// block is samples lo to hi-1 of layer ly.
func (s *Blocks) block(w *pass.Worker, ly *layer, lo, hi int) *block {
	b := &s.workers[w.Index]
	b.ly = ly
	b.in, b.Z = ly.in.RowRange(lo, hi), ly.Z.RowRange(lo, hi)
	if !ly.keepsE() {
		b.E = b.scratch(b.first, b.Z.Cols)
	} else {
		b.E = ly.E.RowRange(lo, hi)
	}
	b.y = s.p.Y.RowRange(lo, hi)
	if ly.next != nil {
		b.A, b.nextE = ly.A.RowRange(lo, hi), ly.next.E.RowRange(lo, hi)
		if ly.next.recurrent {
			b.nextA = ly.next.A.RowRange(lo, hi)
		}
	}
	b.tau = b.curvature[:hi-lo]
	if ly.tau != nil {
		b.tau = ly.tau[lo:hi]
	}
	if ly.prev.A.Rows > 0 {
		b.oldA = ly.prev.A.RowRange(lo, hi)
	}
	return b
}

// scratch is buf as a matrix of the block's rows.
func (b *block) scratch(buf []float32, cols int) mat.Dense {
	return mat.FromSlice(b.Z.Rows, cols, buf[:b.Z.Rows*cols])
}

// affine writes V_l = U(A_{l-1})W_lᵀ + 1b_lᵀ where E is.
func (b *block) affine() {
	if b.ly.recurrent {
		b.ly.products.AffineAt(b.E, b.in, b.A, nil, b.rows)
		return
	}
	b.ly.products.Affine(b.E, b.in, b.rows)
}

// evaluateE makes E = V − Z, and adds ‖E‖² to phi: as a z-step does, to the bit.
func (b *block) evaluateE(w *pass.Worker, phi pass.Scalar) {
	b.affine()
	for lo := 0; lo < b.Z.Rows; {
		hi, weight := b.y.Run(lo)
		z := b.Z.RowRange(lo, hi).Elements()
		_, square, _ := kernel.Move(b.E.RowRange(lo, hi).Elements(), z, z)
		w.Add(phi, weight*square)
		lo = hi
	}
}

// band writes h(z_l) to scratch.
func (b *block) band() mat.Dense {
	h := b.scratch(b.h, b.A.Cols)
	b.activate(h)
	return h
}

// activate writes h(z_l), with max pooling of the largest in each window, to dst.
func (b *block) activate(dst mat.Dense) {
	var w *nn.Windows
	if b.ly.pool != nil {
		w = b.ly.pool.Windows
	}
	w.Activate(b.ly.net.H, dst, b.Z)
}

// row is room for the move of the next gathered row.
func (r *rows) row(cols int) []float32 { return r.move[r.n*cols : (r.n+1)*cols] }

func (r *rows) add(i int) {
	r.index[r.n] = i
	r.n++
}

// cutImages are those of the gathered moves.
func (b *block) cutImages() images {
	r, cols := &b.cut, b.A.Cols
	return b.imagesOf(mat.FromSlice(r.n, cols, r.move[:r.n*cols]), r.image, r.own)
}

// cutToBand cuts A to the band around h(Z) where ε has shrunk, and carries that
// over to E_{l+1}; a recurrent layer's E_l is made anew after it.
func (b *block) cutToBand() {
	if !b.s.narrowed || b.ly.next == nil {
		return
	}
	h, eps, cols := b.band(), float32(b.s.epsilon), b.A.Cols
	b.cut.n = 0
	for i := range h.Rows {
		a := b.A.Row(i)
		if cut, _ := kernel.BandStep(b.cut.row(cols), a, a, h.Row(i), 0, eps); cut {
			b.cut.add(i)
		}
	}
	image := b.cutImages()
	for r, i := range b.cut.index[:b.cut.n] {
		kernel.ClipAdd(b.A.Row(i), b.cut.move[r*cols:(r+1)*cols], h.Row(i), eps)
		kernel.Add(b.nextE.Row(i), image.next.Row(r))
	}
}
