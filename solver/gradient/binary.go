package gradient

import (
	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// binary is what a run with Settings.BinaryWeights keeps of a layer beside its network,
// whose weights are W_b = diag(g)·H·sign(W). The gradient is that at W_b, of the whole
// objective: ∂/∂g_i = H Σ_j sign(w_ij) ∂/∂W_b,ij is exact; g_i ∂/∂W_b,ij, the exact one
// for H·sign(w_ij), stands for that of w_ij (the straight-through estimate).
type binary struct {
	w     mat.Dense // W, real, within ±H
	gain  []float32 // g, of each unit
	was   []float32 // g before the update under way, which W and g are moved by at a time
	slope []float32 // the mean objective's gradient in g, for the update under way
	limit float32   // H
}

// newBinary begins with the signs of a layer's weights, and with gains that make each row
// of W_b the nearest to that row.
func newBinary(ly *dlam.Layer) *binary {
	b := &binary{w: ly.W.Clone(), limit: nn.BinaryLimit(ly.W)}
	b.gain, b.was, b.slope = make([]float32, ly.W.Rows), make([]float32, ly.W.Rows), make([]float32, ly.W.Rows)
	for i := range b.gain {
		b.gain[i] = nn.Magnitude(ly.W.Row(i)) / b.limit
	}
	return b
}

// scaleRows multiplies g, elements lo and on of a matrix as W, by the gains of their rows.
func (b *binary) scaleRows(g []float32, lo int) {
	for len(g) > 0 {
		row, end := lo/b.w.Cols, (lo/b.w.Cols+1)*b.w.Cols
		part := g[:min(len(g), end-lo)]
		kernel.Axpby(part, b.was[row], 0, part)
		g, lo = g[len(part):], end
	}
}

// binaryJob does for the rows of all layers what an update with binary weights does
// beside the rule's: before it the gains' gradients, and after it the network's weights.
type binaryJob struct {
	s     *stepper
	after bool
}

func (j *binaryJob) Do(worker int) {
	s := j.s
	for l, b := range s.binary {
		lo, hi := kernel.Range(b.w.Rows, 1, worker, s.e.Pool.Threads())
		for i := lo; i < hi; i++ {
			if j.after {
				s.finishRow(l, i)
			} else {
				b.was[i], b.slope[i] = b.gain[i], s.gainSlope(l, i, s.grads[worker][:b.w.Cols])
			}
		}
	}
}

// gainSlope is the mean objective's gradient in the gain of row i of layer l; buf is room
// for a row.
func (s *stepper) gainSlope(l, i int, buf []float32) float32 {
	b, t := s.binary[l], &s.tensors[2*l]
	clear(buf)
	s.omega.AddGrad(buf, s.net.Layers[l].W.Row(i))
	t.sum.AddTo(buf, s.r, i*b.w.Cols, s.inv)
	var sum float64
	for j, w := range b.w.Row(i) {
		if w < 0 {
			sum -= float64(buf[j])
		} else {
			sum += float64(buf[j])
		}
	}
	return float32(float64(b.limit) * sum)
}

// finishRow clips row i of layer l's W and writes the network's; of the schedule-free rule
// also that of the network in its place, whose weights follow from the averages of W and g.
func (s *stepper) finishRow(l, i int) {
	b, t := s.binary[l], &s.tensors[2*l]
	lo, hi := i*b.w.Cols, (i+1)*b.w.Cols
	nn.Clip(b.w.Row(i), b.limit)
	nn.Binarize(s.net.Layers[l].W.Row(i), b.gain[i]*b.limit, b.w.Row(i))
	if s.mean != nil {
		nn.Clip(t.m[0][lo:hi], b.limit) // and so their average
		nn.Binarize(s.mean.Layers[l].W.Row(i), s.gains(l).m[2][i]*b.limit, t.m[2][lo:hi])
	}
}

// gains is the tensor of layer l's gains.
func (s *stepper) gains(l int) *tensor { return &s.tensors[2*len(s.net.Layers)+l] }

// runBinary runs the job, with binary weights.
func (s *stepper) runBinary(after bool) {
	if s.binary != nil {
		s.around.s, s.around.after = s, after
		s.e.Pool.Run(&s.around)
	}
}
