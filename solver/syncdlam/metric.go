package syncdlam

import (
	"fmt"
	"math"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// inputMetric is a layer's least squares: averages of the moments of its inputs,
// and the inverse of their damped covariance, base·I + UᵀR with a lowRank and
// else one matrix.
type inputMetric struct {
	square    []float64 // mean of aaᵀ, upper triangle; with rows, what those keep of it
	mean      []float64 // mean of a
	energy    []float64 // mean of Moments.Energy, one number, where some layer shares its weights
	seen      bool
	ok        bool      // it has an inverse
	c         mat.Dense // the covariance C
	work      mat.Inverse
	rows      rowMetric // nil: all follows from the moments
	low       *lowRank  // nil: the inverse is exact, and one matrix
	base      float32   // 0 where it is exact
	panel     mat.Panel // the inverse, or R
	meanMove  mat.Dense // the inverse times the mean: a row
	mean32, t mat.Dense // the mean as a row; scratch
}

// allocate makes room for a layer of in inputs and out outputs; rank 0 is the
// exact inverse.
func (m *inputMetric) allocate(in, out, rank int) {
	m.square, m.mean = make([]float64, in*in), make([]float64, in)
	m.c, m.mean32, m.meanMove = mat.New(in, in), mat.New(1, in), mat.New(1, in)
	if rank > 0 {
		m.low = newLowRank(rank, in)
		m.t = mat.New(out, rank)
	}
}

// forget makes the next moments the first.
func (m *inputMetric) forget() {
	m.seen = false
	if m.low != nil {
		m.low.begin()
	}
}

// memory is decay, or 0 where there is nothing to remember.
func (m *inputMetric) memory(decay float64) float64 {
	if !m.seen {
		return 0
	}
	return decay
}

// average takes new moments into the averages.
func (m *inputMetric) average(square, sum []float64, n, decay float64) {
	decay = m.memory(decay)
	averageSums(m.square, square, n, decay)
	averageSums(m.mean, sum, n, decay)
}

// averageSums takes sums over n into their averages. A memory of 0 keeps nothing, not even
// what is no number.
func averageSums(averages, sums []float64, n, decay float64) {
	if decay == 0 {
		clear(averages)
	}
	for i, v := range sums {
		averages[i] = decay*averages[i] + (1-decay)*v/n
	}
}

// averageEnergy takes a new energy into its average.
func (m *inputMetric) averageEnergy(energy, decay float64) {
	averageSums(m.energy, []float64{energy}, 1, m.memory(decay))
}

// invert makes the inverse from the averages. Constant inputs (dead units,
// constant features) have no covariance: damping alone stands for them, and
// since their gradients vanish too, their weights stay. Where rounding makes
// the matrix indefinite, the damping is raised until it is not; moments that
// are not finite have no inverse, which is the result false. A lowRank follows
// C by so many turns.
func (m *inputMetric) invert(lambda float64, turns int) bool {
	for damping := lambda; damping < maxDamping*lambda; damping *= 10 {
		trace := m.covariance()
		scale := trace / float64(len(m.mean))
		if !(scale > 0) {
			scale = 1
		}
		if m.solve(damping*scale, trace, turns) {
			m.apply(m.meanMove, m.mean32, 0, 0)
			return true
		}
	}
	return false
}

// maxDamping is how often λ the damping may be: it is far beyond the rounding
// of a float32 matrix of any size.
const maxDamping = 1e12

// noise is the relative rounding of the moments: inputs that vary less are
// constant, and what their variance seems to be is no scale for the damping.
const noise = 1e-6

// covariance makes C, and returns its trace, at least that of the noise.
func (m *inputMetric) covariance() (trace float64) {
	if m.rows != nil {
		return m.rowTrace()
	}
	n := len(m.mean)
	var moment float64
	for i, mean := range m.mean {
		row := m.c.Row(i)
		for j := i; j < n; j++ {
			row[j] = float32(m.square[i*n+j] - mean*m.mean[j])
		}
		row[i] = max(0, row[i])
		trace += float64(row[i])
		moment += m.square[i*n+i]
		m.mean32.Row(0)[i] = float32(mean)
	}
	kernel.MirrorUpper(m.c.Data, m.c.Stride, n)
	return max(trace, noise*moment)
}

// solve makes (C + dI)⁻¹ and reports whether it could.
func (m *inputMetric) solve(d, trace float64, turns int) bool {
	if m.rows != nil {
		return m.rows.solve(m, d, trace)
	}
	if m.low != nil {
		var ok bool
		m.base, ok = m.low.solve(&m.panel, m.c, d, trace, turns)
		return ok
	}
	for i := range m.c.Rows {
		m.c.Row(i)[i] += float32(d)
	}
	if !m.work.Invert(m.c, m.c) {
		return false
	}
	m.panel.Pack(m.c)
	return true
}

// apply computes v = βv + g(C + dI)⁻¹ for rows of g; those of scratch from lo on
// are for it alone.
func (m *inputMetric) apply(v, g mat.Dense, beta float32, lo int) {
	for i := range v.Rows {
		kernel.Axpby(v.Row(i), beta, m.base, g.Row(i))
	}
	if m.low != nil {
		t := m.t.RowRange(lo, lo+g.Rows)
		m.low.panel.Mul(t, g)
		g = t
	}
	m.panel.AddMul(v, g)
}

// metricJob brings all layers' metrics up to date, a layer a worker.
type metricJob struct {
	c     *core
	gram  *backprop.Moments // new moments, or nil to invert alone
	first int
	decay float64
}

func (j *metricJob) Do(worker int) {
	for l := j.first + worker; l < len(j.c.layers); l += j.c.e.Pool.Threads() {
		m, turns := &j.c.layers[l].metric, 0
		if j.gram != nil {
			turns = 1
			if !m.seen {
				turns = firstTurns
			}
			if m.rows == nil {
				m.average(j.gram.Square[l], j.gram.Sum[l], j.gram.Rows[l], j.decay)
			}
			if j.gram.Energy != nil {
				m.averageEnergy(j.gram.Energy[l], j.decay)
			}
			if o := j.c.layers[l].output; o != nil {
				m.averageEnergy(o.average(j.gram.Output[l], j.gram.Rows[len(j.c.layers)-1], m.memory(j.decay)), j.decay)
			}
			m.seen = true
		}
		m.ok = m.invert(j.c.Lambda, turns)
		if o := j.c.layers[l].output; o != nil && m.ok {
			m.ok = o.invert()
		}
	}
}

// scaleLayers makes each layer's scale f of its moves. Rows of U of one sample go
// together, so that a mean over rows and a sum over them differ by more than a number for
// all layers; of the choices between, the root of the curvatures that Kronecker-factored
// approximations give (Grosse & Martens, 2016), f_l = √(E_L/E_l), does best
// (docs/layers.md). With dense layers alone f is 1, but in deep networks (outputMetric),
// whose layers' curvatures go apart.
func (c *core) scaleLayers() {
	last := c.layers[len(c.layers)-1].metric.energy
	for l := range c.layers {
		ly := &c.layers[l]
		ly.scale = 1
		if last != nil && last[0] > 0 && ly.metric.energy[0] > 0 {
			ly.scale = math.Sqrt(last[0] / ly.metric.energy[0])
		}
	}
}

// refreshMetrics brings the metrics of layers first, first+1, … up to date.
func (c *core) refreshMetrics(gram *backprop.Moments, first int, decay float64) error {
	c.metrics = metricJob{c: c, gram: gram, first: first, decay: decay}
	c.e.Pool.Run(&c.metrics)
	if gram != nil && gram.Energy != nil {
		for l := range first { // their inputs never change, but what comes back to them does
			c.layers[l].metric.averageEnergy(gram.Energy[l], decay)
		}
	}
	c.scaleLayers()
	for l := first; l < len(c.layers); l++ {
		if !c.layers[l].metric.ok {
			return fmt.Errorf("layer %d, block W: %w: the moments of its inputs are not finite", l+1, dlam.ErrDiverged)
		}
	}
	return nil
}
