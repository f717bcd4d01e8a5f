package multiconvex

import (
	"math"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/nn"
)

// binarize makes the first weights binary: each row the nearest to the one given.
func (s *Blocks) binarize() {
	for l := range s.net.Layers {
		w := s.net.Layers[l].W
		for i := range w.Rows {
			nn.Binarize(w.Row(i), nn.Magnitude(w.Row(i)), w.Row(i))
		}
	}
}

// flipJob searches the rows of a layer: φ separates over them.
type flipJob struct {
	s    *Blocks
	ly   *layer
	rows [][]float64 // scratch of each worker: three of a row's length
}

func (j *flipJob) Do(worker int) {
	lo, hi := kernel.Range(j.ly.net.W.Rows, 1, worker, j.s.e.Pool.Threads())
	for i := lo; i < hi; i++ {
		j.row(i, j.rows[worker])
	}
}

// leastGain is the share of the terms of a flip's change of φ that the change must be, to be
// one and not the rounding of g and S, which are float32.
const leastGain = 1e-6

// row solves argmin φ over W_i = s_i·(±1, …, ±1), an integer least squares, as far as single
// flips lead, and writes the row to trial. With g = ∇φ/ρ and S the Gram matrix of U(A_{l-1}),
// flipping w_j changes φ/ρ by 2w_j(w_j S_jj − g_j), and then g by −2w_j S_j: it flips the best
// while that lowers φ, then takes s_i = argmin φ given the signs, and both again until no
// single flip lowers φ. Each is a move downhill, and there are finitely many signs.
func (j *flipJob) row(i int, scratch []float64) {
	old := j.ly.net.W.Row(i)
	n := len(old)
	g, w, ds := scratch[:n], scratch[n:2*n], scratch[2*n:3*n]
	for k, x := range old {
		g[k], w[k] = float64(j.ly.sums.g.At(i, k)), float64(x)
	}
	for moved := true; moved; moved = j.rescale(g, w, ds) {
		for j.flip(g, w) {
		}
	}
	for k, x := range w {
		j.ly.step.trial.Row(i)[k] = float32(x)
		j.ly.step.delta.Row(i)[k] = j.ly.step.trial.At(i, k) - old[k]
	}
}

// flip changes the sign that lowers φ most, and reports whether there is one.
func (j *flipJob) flip(g, w []float64) bool {
	gram := j.ly.sums.gram
	best, least := -1, 0.0
	for k, x := range w {
		square := x * x * float64(gram.At(k, k))
		if change := square - x*g[k]; change < least && change < -leastGain*(square+math.Abs(x*g[k])) {
			best, least = k, change
		}
	}
	if best < 0 {
		return false
	}
	move := -2 * w[best]
	for k, x := range gram.Row(best) {
		g[k] += move * float64(x)
	}
	w[best] = -w[best]
	return true
}

// rescale takes the magnitude with the least φ given the signs, and reports whether it
// moved; a negative one changes all signs. ds is room for the signs' product with S.
func (j *flipJob) rescale(g, w, ds []float64) bool {
	var slope, curvature float64
	for k, x := range w {
		sign := math.Copysign(1, x)
		ds[k] = 0
		for m, v := range j.ly.sums.gram.Row(k) {
			ds[k] += math.Copysign(1, w[m]) * float64(v)
		}
		slope += sign * g[k]
		curvature += sign * ds[k]
	}
	if !(curvature > 0) || !(math.Abs(slope) > leastGain*math.Abs(w[0])*curvature) || math.IsInf(slope, 0) {
		return false // a slope that is no number would have no end: the decrease of F says that the run has diverged
	}
	delta := -slope / curvature
	for k, x := range w {
		g[k] += delta * ds[k]
		w[k] = x + delta*math.Copysign(1, x)
	}
	return true
}

// searchSigns finds the rows of W with binary weights.
func (s *Blocks) searchSigns(ly *layer) error {
	s.flips.ly = ly
	s.e.Pool.Run(&s.flips)
	return s.quadratic(ly, ly.step.delta)
}
