package objective

import (
	"math"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// Layer is an affine map and its activation: a = h(W·x + b).
type Layer struct {
	W mat.Dense
	B []float32
	H activation.Func
}

// Score is how well a network does; see dlam.Score.
type Score struct{ Risk, Accuracy, RMSE, R2 float64 }

// Packed is a network made ready for forward passes. Several goroutines may use
// it at once.
type Packed struct {
	layers []Layer
	panels []mat.Panel
	width  int // of the widest layer
}

// Pack packs the weights; the intercepts stay the layers' own.
func Pack(layers []Layer) *Packed {
	p := &Packed{layers: layers, panels: make([]mat.Panel, len(layers))}
	for l, ly := range layers {
		p.panels[l].PackT(ly.W)
		p.width = max(p.width, ly.W.Rows)
	}
	return p
}

// Scratch is how much Predict needs for some rows at a time.
func (p *Packed) Scratch(rows int) int { return 2 * min(rows, Block) * p.width }

// Predict gives the outputs for the rows of a, at most Block, in scratch.
func (p *Packed) Predict(a mat.Dense, scratch []float32) mat.Dense {
	half := len(scratch) / 2
	for l, ly := range p.layers {
		z := mat.FromSlice(a.Rows, ly.W.Rows, scratch[l%2*half:][:a.Rows*ly.W.Rows])
		Affine(z, a, &p.panels[l], ly.B)
		ly.H.Apply(z.Elements(), z.Elements())
		a = z
	}
	return a
}

// forward is a forward pass over blocks of rows.
type forward struct {
	e   *Engine
	net *Packed
	x   mat.Dense
	use func(worker, lo int, z mat.Dense) // takes the outputs of rows lo…
}

func (e *Engine) forward(layers []Layer, x mat.Dense, use func(worker, lo int, z mat.Dense)) {
	e.Pool.Run(&forward{e: e, net: Pack(layers), x: x, use: use})
}

// Do runs the worker's rows through the network.
func (f *forward) Do(worker int) {
	lo, hi := f.e.Rows(f.x.Rows, worker)
	scratch := make([]float32, f.net.Scratch(hi-lo))
	for ; lo < hi; lo += Block {
		f.use(worker, lo, f.net.Predict(f.x.RowRange(lo, min(lo+Block, hi)), scratch))
	}
}

// Affine computes dst = a·Wᵀ + 1bᵀ for a block of rows, with w the packed Wᵀ.
func Affine(dst, a mat.Dense, w *mat.Panel, b []float32) {
	w.MulRow(dst, a, b)
}

// Predict writes the network's outputs for x to dst.
func (e *Engine) Predict(dst mat.Dense, layers []Layer, x mat.Dense) {
	e.forward(layers, x, func(_, lo int, z mat.Dense) {
		dst.RowRange(lo, lo+z.Rows).CopyFrom(z)
	})
}

// Score measures the network on all ranks' samples.
func (e *Engine) Score(layers []Layer, x mat.Dense, y loss.Target, l loss.Loss) (Score, error) {
	width := y.Width()
	// per worker: rows, risk, right, squared error, then Σy and Σy² a column
	size := 4 + 2*width
	parts := make([]float64, size*e.Pool.Threads())
	e.forward(layers, x, func(worker, lo int, z mat.Dense) {
		s := parts[worker*size : (worker+1)*size]
		t := y.RowRange(lo, lo+z.Rows)
		s[0] += float64(z.Rows)
		s[1] += l.Value(z, t)
		if t.Class != nil {
			s[2] += float64(correct(z, t.Class))
			return
		}
		s[3] += residuals(z, t.Value, s[4:4+width], s[4+width:])
	})
	sum := parts[:size]
	for w := 1; w < e.Pool.Threads(); w++ {
		for i, v := range parts[w*size : (w+1)*size] {
			sum[i] += v
		}
	}
	if err := e.Comm.Sum(sum); err != nil {
		return Score{}, err
	}
	n := sum[0]
	s := Score{Risk: sum[1] / n}
	if y.Class != nil {
		s.Accuracy = sum[2] / n
		return s, nil
	}
	var total float64
	for j := range width {
		total += sum[4+width+j] - sum[4+j]*sum[4+j]/n
	}
	s.RMSE = math.Sqrt(sum[3] / (n * float64(width)))
	if total > 0 {
		s.R2 = 1 - sum[3]/total
	}
	return s, nil
}

// correct counts the rows whose largest entry is the class.
func correct(z mat.Dense, class []int32) int {
	right := 0
	for i := range z.Rows {
		if ArgMax(z.Row(i)) == int(class[i]) {
			right++
		}
	}
	return right
}

// ArgMax is the index of the first largest entry.
func ArgMax(x []float32) int {
	best := 0
	for j, v := range x {
		if v > x[best] {
			best = j
		}
	}
	return best
}

// residuals adds Σy and Σy² of each column and returns ‖z − y‖².
func residuals(z, y mat.Dense, sum, square []float64) float64 {
	var s float64
	for i := range z.Rows {
		yi := y.Row(i)
		for j, v := range z.Row(i) {
			t := float64(yi[j])
			d := float64(v) - t
			s += d * d
			sum[j] += t
			square[j] += t * t
		}
	}
	return s
}

var _ kernel.Job = (*forward)(nil)
