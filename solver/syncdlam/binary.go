package syncdlam

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// binary is what a layer with Settings.BinaryWeights keeps beside the real W that moves
// along V: the magnitude s_i of each row of the network's weights, diag(s)·sign(W), and
// the averages of both, whose binary weights are the average network's.
type binary struct {
	s     []float32
	limit float32 // W is within ±limit

	meanW mat.Dense
	meanS []float32
}

// reach is how many times nn.BinaryLimit the real weights reach: moves by least squares are
// far longer than those by first-order rules, and change too many signs of shorter weights.
const reach = 30

func newBinary(w mat.Dense) *binary {
	return &binary{
		s: make([]float32, w.Rows), limit: reach * nn.BinaryLimit(w),
		meanW: mat.New(w.Rows, w.Cols), meanS: make([]float32, w.Rows),
	}
}

// signs takes W of from, and makes the network's weights to the binary ones nearest to it.
func (ly *layer) signs(to, from mat.Dense) {
	b := ly.binary
	for i := range b.s {
		b.s[i] = nn.Magnitude(from.Row(i))
		copy(ly.w.Row(i), from.Row(i))
		nn.Clip(ly.w.Row(i), b.limit)
		nn.Binarize(to.Row(i), b.s[i], ly.w.Row(i))
	}
	b.startMean(ly.w)
}

// startMean makes the averages what they are of.
func (b *binary) startMean(w mat.Dense) {
	b.meanW.CopyFrom(w)
	copy(b.meanS, b.s)
}

// advanceRow takes row i of W, and its magnitude, by step along V, and makes to the
// network's: s moves as the row's length along its signs does. Where W is clipped, or
// changes a sign, the same way back leads beside where it came from.
func (ly *layer) advanceRow(to []float32, i int, step float32) {
	b, w, v := ly.binary, ly.w.Row(i), ly.v.W.Row(i)
	var along float64
	for j, x := range w {
		if x < 0 {
			along -= float64(v[j])
		} else {
			along += float64(v[j])
		}
	}
	b.s[i] += step * float32(along/float64(len(w)))
	kernel.Axpy(w, step, v)
	nn.Clip(w, b.limit)
	nn.Binarize(to, b.s[i], w)
}

// averageRow takes row i into the averages, and makes to the average network's.
func (ly *layer) averageRow(to []float32, i int, share float32) {
	b := ly.binary
	kernel.Axpby(b.meanW.Row(i), 1-share, share, ly.w.Row(i))
	b.meanS[i] += share * (b.s[i] - b.meanS[i])
	nn.Binarize(to, b.meanS[i], b.meanW.Row(i))
}
