package syncdlam

import (
	"slices"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// outputMetric is the other factor of the curvature of a layer of deep networks (Martens &
// Grosse, 2015), of what comes back to its outputs. Targets that have come down through
// many layers lie in the few directions that all of those stretch: their moments E = mean
// of δδᵀ have a few large eigenvalues, steps that suit these are too short for the rest,
// and the upper layers hardly move. Moves are therefore
//
//	P (G − g āᵀ)(C + λs̄ I)⁻¹ ,  P = f (E/ē + I)⁻¹ ,
//
// with ē the mean of E's diagonal and f the layer's scale (scaleLayers), and P acts
// on g alike. It is for classes: δ of values may have heavy tails, and E of a few batches
// knows nothing of those.
type outputMetric struct {
	square  []float64 // mean of δδᵀ, upper triangle
	inverse mat.Dense // (E/ē + I)⁻¹
	work    mat.Inverse
	sides   mat.Dense // right sides of all rows, with those of the intercepts as last column
	panel   mat.Panel // sides
}

const (
	deepWidth   = 1024 // outputs that their layers have at most: E is a square of that side
	deepStretch = 2    // times the step, as far as stability lets it: what would be too long for E's large directions does not go along them
	deepEdge    = 0.5  // times Edge: such steps are held farther from the edge, as noise makes them that long too
)

// deep reports whether dense layers of such widths, from the inputs' on, have outputMetrics.
func (s Settings) deep(widths []int) bool {
	return s.Batch > 0 && !s.BinaryWeights && s.OutputFactor > 0 && len(widths)-2 >= s.OutputFactor && slices.Max(widths[1:]) <= deepWidth
}

func newOutputMetric(in, out int) *outputMetric {
	m := &outputMetric{square: make([]float64, out*out), inverse: mat.New(out, out), sides: mat.New(out, in+1)}
	m.panel.Size(out, in+1)
	return m
}

// average takes the sums of n samples into the averages, and returns those samples' mean
// of ‖δ‖² an output.
func (m *outputMetric) average(square []float64, n, decay float64) (energy float64) {
	averageSums(m.square, square, n, decay)
	for i := range m.inverse.Rows {
		energy += square[i*m.inverse.Rows+i] / (n * float64(m.inverse.Rows))
	}
	return energy
}

// invert makes the inverse from the averages and reports whether it could. Where nothing
// comes back, all directions are alike.
func (m *outputMetric) invert() bool {
	n, mean := m.inverse.Rows, 0.0
	for i := range n {
		mean += m.square[i*n+i] / float64(n)
	}
	if !(mean > 0) {
		mean = 1
	}
	for i := range n {
		row := m.inverse.Row(i)
		for j := i; j < n; j++ {
			row[j] = float32(m.square[i*n+j] / mean)
		}
		row[i]++
	}
	kernel.MirrorUpper(m.inverse.Data, m.inverse.Stride, n)
	return m.work.Invert(m.inverse, m.inverse)
}

// sidesJob takes a moveJob's step, and makes the right sides of all layers, with the
// intercepts' as last column: rows of P times them need all rows.
type sidesJob moveJob

func (s *sidesJob) Do(worker int) {
	j := (*moveJob)(s)
	for l := range j.c.layers {
		sides := j.c.layers[l].output.sides
		lo, hi := kernel.Range(sides.Rows, 4, worker, j.c.e.Pool.Threads())
		j.advance(l, lo, hi)
		for i := lo; i < hi; i++ {
			in := sides.Cols - 1
			sides.Set(i, in, j.rightSide(l, i, sides.Row(i)[:in]))
		}
	}
}

// packJob packs the right sides.
type packJob moveJob

func (j *packJob) Do(worker int) {
	for l := range j.c.layers {
		o := j.c.layers[l].output
		o.panel.PackPart(o.sides, worker, j.c.e.Pool.Threads())
	}
}

// solveBoth is solve for a layer with an outputMetric, whose right sides are made. The
// rows of P times them are made in scratch.
func (j *moveJob) solveBoth(l, lo, hi int, scratch []float32) {
	ly, in := &j.c.layers[l], j.c.layers[l].w.Cols
	m, o := &ly.metric, ly.output
	moved := mat.FromSlice(hi-lo, in+1, scratch[:(hi-lo)*(in+1)])
	o.panel.Mul(moved, o.inverse.RowRange(lo, hi))
	left := moved.ColRange(0, in)
	for i := lo; i < hi; i++ {
		g := moved.At(i-lo, in)
		if j.sums {
			j.sumSlope(ly, i, o.sides.Row(i)[:in], float64(o.sides.At(i, in)), float64(g))
		}
		ly.v.B[i] = j.momentum*ly.v.B[i] + g - float32(kernel.Dot(left.Row(i-lo), m.meanMove.Row(0)))
	}
	m.apply(ly.v.W.RowRange(lo, hi), left, j.momentum, lo)
	for i := lo; j.sums && i < hi; i++ {
		j.sumMove(ly, i, o.sides.Row(i)[:in])
	}
}
