package sync

import (
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/objective"
	"github.com/dlam-go/dlam/mat"
)

// metric is a layer's least squares: averages of the moments of its inputs,
// and the inverse of their damped covariance.
type metric struct {
	square []float64 // mean of aaᵀ, upper triangle
	mean   []float64 // mean of a
	mean32 []float32
	seen   bool
	ok     bool // it has an inverse
	damped mat.Dense
	work   mat.Inverse
	p      mat.Panel // (C + λs̄)⁻¹, packed
}

func (m *metric) allocate(in int) {
	m.square, m.mean, m.mean32 = make([]float64, in*in), make([]float64, in), make([]float32, in)
	m.damped = mat.New(in, in)
}

// average takes new moments into the averages.
func (m *metric) average(square, sum []float64, n, decay float64) {
	if !m.seen {
		decay, m.seen = 0, true
	}
	for i, v := range square {
		m.square[i] = decay*m.square[i] + (1-decay)*v/n
	}
	for i, v := range sum {
		m.mean[i] = decay*m.mean[i] + (1-decay)*v/n
	}
}

// invert makes the inverse from the averages. Constant inputs (dead units,
// constant features) have no covariance: damping alone stands for them, and
// since their gradients vanish too, their weights stay. Where rounding makes
// the matrix indefinite, the damping is raised until it is not; moments that
// are not finite have no inverse, which is the result false.
func (m *metric) invert(lambda float64) bool {
	n := len(m.mean)
	var trace float64
	for i := range n {
		trace += max(0, m.square[i*n+i]-m.mean[i]*m.mean[i])
		m.mean32[i] = float32(m.mean[i])
	}
	scale := trace / float64(n)
	if !(scale > 0) {
		scale = 1
	}
	for damping := lambda; damping < maxDamping*lambda; damping *= 10 {
		for i := range n {
			row := m.damped.Row(i)
			for j := range i + 1 {
				row[j] = float32(m.square[j*n+i] - m.mean[i]*m.mean[j])
			}
			row[i] = float32(max(0, m.square[i*n+i]-m.mean[i]*m.mean[i]) + damping*scale)
		}
		if m.work.Invert(m.damped, m.damped) {
			m.p.Pack(m.damped)
			return true
		}
	}
	return false
}

// maxDamping is how often λ the damping may be: it is far beyond the rounding
// of a float32 matrix of any size.
const maxDamping = 1e12

// metricJob brings all layers' metrics up to date, a layer a worker.
type metricJob struct {
	s     *stepper
	gram  *objective.Gram // new moments, or nil to invert alone
	first int
	decay float64
}

func (j *metricJob) Do(worker int) {
	for l := j.first + worker; l < len(j.s.layers); l += j.s.e.Pool.Threads() {
		m := &j.s.layers[l].metric
		if j.gram != nil {
			m.average(j.gram.Square[l], j.gram.Sum[l], j.gram.N, j.decay)
		}
		m.ok = m.invert(j.s.Lambda)
	}
}

// refresh runs the job.
func (s *stepper) refresh(gram *objective.Gram, first int, decay float64) error {
	s.metrics = metricJob{s: s, gram: gram, first: first, decay: decay}
	s.e.Pool.Run(&s.metrics)
	for l := first; l < len(s.layers); l++ {
		if !s.layers[l].metric.ok {
			return fmt.Errorf("layer %d, block W: %w: the moments of its inputs are not finite", l+1, dlam.ErrDiverged)
		}
	}
	return nil
}

// moveJob makes the direction, or takes a step along it, rows of each layer
// by worker.
type moveJob struct {
	s        *stepper
	g        *objective.Gradient // makes the direction; nil for a step
	momentum float32
	t        float32
}

func (j *moveJob) Do(worker int) {
	threads := j.s.e.Pool.Threads()
	for l := range j.s.layers {
		ly := &j.s.layers[l]
		lo, hi := kernel.Range(ly.w.Rows, 4, worker, threads)
		if j.g == nil {
			kernel.Axpy(ly.w.Elements()[lo*ly.w.Cols:hi*ly.w.Cols], j.t, ly.v.W.Elements()[lo*ly.w.Cols:hi*ly.w.Cols])
			kernel.Axpy(ly.b[lo:hi], j.t, ly.v.B[lo:hi])
			continue
		}
		j.direct(l, lo, hi)
	}
}

// direct solves layer l's least squares for rows lo to hi-1: with G and g the
// means of D aᵀ and D, ΔW = (G − g āᵀ)(C + λs̄)⁻¹ and Δb = g − ΔW ā; and adds
// the move to μV.
func (j *moveJob) direct(l, lo, hi int) {
	s, ly := j.s, &j.s.layers[l]
	in, share := ly.w.Cols, float32(1/j.g.N)
	omega := float32(1 / s.batches.N)
	for i := lo; i < hi; i++ {
		row, g := ly.rhs.Row(i), -share*float32(j.g.B[l][i])
		clear(row)
		s.omega.AddGrad(row, ly.w.Row(i))
		for k, v := range j.g.W[l][i*in : (i+1)*in] {
			row[k] = -share*float32(v) - omega*row[k] - g*ly.metric.mean32[k]
		}
	}
	move := ly.move.RowRange(lo, hi)
	ly.metric.p.Mul(move, ly.rhs.RowRange(lo, hi))
	for i := lo; i < hi; i++ {
		d, v := ly.move.Row(i), ly.v.W.Row(i)
		for k, x := range d {
			v[k] = j.momentum*v[k] + x
		}
		db := -share*float32(j.g.B[l][i]) - float32(kernel.Dot(d, ly.metric.mean32))
		ly.v.B[i] = j.momentum*ly.v.B[i] + db
	}
}

// direct makes V ← momentum·V + the least squares' moves for gradient g.
func (s *stepper) direct(g *objective.Gradient, momentum float64) {
	s.moves = moveJob{s: s, g: g, momentum: float32(momentum)}
	s.e.Pool.Run(&s.moves)
}

// advance takes the step t along V.
func (s *stepper) advance(t float64) {
	s.moves = moveJob{s: s, t: float32(t)}
	s.e.Pool.Run(&s.moves)
}
