package sync

import (
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// metric is a layer's least squares: averages of the moments of its inputs,
// and the inverse of their damped covariance, base·I + UᵀR with a lowRank and
// else one matrix.
type metric struct {
	square    []float64 // mean of aaᵀ, upper triangle
	mean      []float64 // mean of a
	seen      bool
	ok        bool      // it has an inverse
	c         mat.Dense // the covariance C
	work      mat.Inverse
	low       *lowRank  // nil: the inverse is exact
	base      float32   // 0 where it is exact
	panel     mat.Panel // the inverse, or R
	meanMove  mat.Dense // the inverse times the mean: a row
	mean32, t mat.Dense // the mean as a row; scratch
}

// allocate makes room for a layer of in inputs and out outputs; rank 0 is the
// exact inverse.
func (m *metric) allocate(in, out, rank int) {
	m.square, m.mean = make([]float64, in*in), make([]float64, in)
	m.c, m.mean32, m.meanMove = mat.New(in, in), mat.New(1, in), mat.New(1, in)
	if rank > 0 {
		m.low = newLowRank(rank, in)
		m.t = mat.New(out, rank)
	}
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
// are not finite have no inverse, which is the result false. A lowRank follows
// C by so many turns.
func (m *metric) invert(lambda float64, turns int) bool {
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
func (m *metric) covariance() (trace float64) {
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
func (m *metric) solve(d, trace float64, turns int) bool {
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
func (m *metric) apply(v, g mat.Dense, beta float32, lo int) {
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
	s     *stepper
	gram  *backprop.Gram // new moments, or nil to invert alone
	first int
	decay float64
}

func (j *metricJob) Do(worker int) {
	for l := j.first + worker; l < len(j.s.layers); l += j.s.e.Pool.Threads() {
		m, turns := &j.s.layers[l].metric, 0
		if j.gram != nil {
			turns = 1
			if !m.seen {
				turns = firstTurns
			}
			m.average(j.gram.Square[l], j.gram.Sum[l], j.gram.Rows[l], j.decay)
		}
		m.ok = m.invert(j.s.Lambda, turns)
	}
}

// refresh runs the job.
func (s *stepper) refresh(gram *backprop.Gram, first int, decay float64) error {
	s.metrics = metricJob{s: s, gram: gram, first: first, decay: decay}
	s.e.Pool.Run(&s.metrics)
	for l := first; l < len(s.layers); l++ {
		if !s.layers[l].metric.ok {
			return fmt.Errorf("layer %d, block W: %w: the moments of its inputs are not finite", l+1, dlam.ErrDiverged)
		}
	}
	return nil
}

// moveJob makes the direction and takes a step along it, or a step alone, and
// averages parameters, rows of each layer by worker.
type moveJob struct {
	s        *stepper
	g        *backprop.Gradient // makes the direction; nil for a step alone
	momentum float32
	back, t  float32 // step back along the old direction, and on along the new one
	ahead    float32 // what of t is ahead of the parameters that are averaged
	share    float32 // of the parameters in the average; 0 leaves it
}

// norms are the sums of squares of a row of W_l and of V's.
type norms struct{ w, v float64 }

// chunk is the number of rows that are moved at a time: they stay in cache.
const chunk = 48

func (j *moveJob) Do(worker int) {
	threads := j.s.e.Pool.Threads()
	for l := range j.s.layers {
		ly := &j.s.layers[l]
		lo, hi := kernel.Range(ly.w.Rows, 4, worker, threads)
		for ; lo < hi; lo += chunk {
			end := min(lo+chunk, hi)
			if j.g != nil {
				j.step(l, lo, end, -j.back)
				j.direct(l, lo, end, j.s.scratch[worker])
			}
			j.step(l, lo, end, j.t)
			if j.share > 0 {
				j.average(l, lo, end)
			}
			for i := lo; i < end; i++ {
				ly.norms[i] = norms{kernel.SumSquares(ly.w.Row(i)), kernel.SumSquares(ly.v.W.Row(i))}
			}
		}
	}
}

// step takes rows lo to hi-1 of layer l by t along V.
func (j *moveJob) step(l, lo, hi int, t float32) {
	if ly := &j.s.layers[l]; t != 0 {
		kernel.Axpy(ly.w.RowRange(lo, hi).Elements(), t, ly.v.W.RowRange(lo, hi).Elements())
		kernel.Axpy(ly.b[lo:hi], t, ly.v.B[lo:hi])
	}
}

// average takes rows lo to hi-1 of layer l into their average.
func (j *moveJob) average(l, lo, hi int) {
	ly, mean := &j.s.layers[l], j.s.mean.Layers[l]
	add := func(dst, x, v []float32) {
		kernel.Axpby(dst, 1-j.share, j.share, x)
		kernel.Axpy(dst, -j.share*j.ahead, v)
	}
	add(mean.W.RowRange(lo, hi).Elements(), ly.w.RowRange(lo, hi).Elements(), ly.v.W.RowRange(lo, hi).Elements())
	add(mean.B[lo:hi], ly.b[lo:hi], ly.v.B[lo:hi])
}

// direct solves layer l's least squares for rows lo to hi-1: with G and g the
// means of D aᵀ and D, ΔW = (G − g āᵀ)(C + λs̄)⁻¹ and Δb = g − ΔW ā; and adds
// the move to μV. The right side is made in scratch.
func (j *moveJob) direct(l, lo, hi int, scratch []float32) {
	s, ly := j.s, &j.s.layers[l]
	m, in, share := &ly.metric, ly.w.Cols, float32(1/j.g.N)
	rhs := mat.FromSlice(hi-lo, in, scratch[:(hi-lo)*in])
	omega := float32(1 / s.batches.N)
	for i := lo; i < hi; i++ {
		row, g := rhs.Row(i-lo), -share*float32(j.g.B[l].At(i))
		clear(row)
		s.omega.AddGrad(row, ly.w.Row(i))
		j.g.W[l].AddTo(row, -omega, i*in, -share)
		kernel.Axpy(row, -g, m.mean32.Row(0))
		db := g - float32(kernel.Dot(row, m.meanMove.Row(0)))
		ly.v.B[i] = j.momentum*ly.v.B[i] + db
	}
	m.apply(ly.v.W.RowRange(lo, hi), rhs, j.momentum, lo)
}

// direct makes V ← momentum·V + the least squares' moves for gradient g.
func (s *stepper) direct(g *backprop.Gradient, momentum float64) {
	s.move(moveJob{g: g, momentum: float32(momentum)})
}

// turn makes V as direct does, takes the step t along it and is then ahead by
// lead; share is the weight of the step's end in the average.
func (s *stepper) turn(g *backprop.Gradient, momentum, t, lead, share float64) {
	s.move(moveJob{
		g: g, momentum: float32(momentum),
		back: float32(s.lead), t: float32(t + lead), ahead: float32(lead), share: float32(share),
	})
	s.lead = lead
}

// advance takes the step t along V.
func (s *stepper) advance(t float64) { s.move(moveJob{t: float32(t)}) }

// average takes the parameters into their average.
func (s *stepper) average(share float64) { s.move(moveJob{share: float32(share)}) }

// move runs the job.
func (s *stepper) move(j moveJob) {
	j.s = s
	s.moves = j
	s.e.Pool.Run(&s.moves)
}
