package lifted

import (
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// raise is the factor of τ beyond what a move that did not pass would have needed: near 1, so
// that rounding, which decides whether a move passes, does not decide how far it goes. The
// search ends below raise·c‖W‖².
const raise = 1.1

// activationStep is the a-step of a hidden layer, block by block of samples.
type activationStep struct {
	s  *stepper
	ly *split.Layer
	h  activation.Conjugated

	trials pass.Scalar
	within within
}

// Plan names the sum.
func (f *activationStep) Plan(p *pass.Plan) { f.trials = p.Scalar() }

// buffers is how many blocks of samples a room has.
const buffers = 4

// room is one worker's scratch for a block of samples, beside split.Scratch.
type room struct {
	start, inverse []float32 // a before the step, h⁻¹(a)
	as, moves      []float32 // candidates of the samples under trial, and Δa
	tau            [pass.Block]float64
	under          [pass.Block]int // samples under trial
}

func newRoom(width int) *room {
	buf := func() []float32 { return make([]float32, pass.Block*width) }
	return &room{start: buf(), inverse: buf(), as: buf(), moves: buf()}
}

func matrix(buf []float32, rows, cols int) mat.Dense {
	return mat.FromSlice(rows, cols, buf[:rows*cols])
}

// Block updates samples lo to hi-1.
func (f *activationStep) Block(w *pass.Worker, lo, hi int) {
	r, a := f.s.rooms[w.Index], f.ly.A.RowRange(lo, hi)
	v := f.s.Scratch(w).Affine(0, f.ly, lo, hi)
	start := matrix(r.start, a.Rows, a.Cols)
	start.CopyFrom(a)
	for range f.s.Rounds {
		f.round(w, r, lo, hi, v, a)
	}
	if f.s.Theta < 1 {
		average(a.Elements(), start.Elements(), float32(f.s.Theta))
	}
}

// round is one a-step from a. v is V_l.
func (f *activationStep) round(w *pass.Worker, r *room, lo, hi int, v, a mat.Dense) {
	s, next, rows := f.s.Scratch(w), f.ly.Next, a.Rows
	ahead, slope := s.Block(1, rows, next.Net.Units()), s.Block(2, rows, next.Net.Units())
	next.Products.Affine(ahead, a, nil)
	next.Term.Gradient(slope, ahead, lo, hi)
	g := s.Block(3, rows, a.Cols)
	next.Products.Back(g, slope, nil, nil)
	u := matrix(r.inverse, rows, a.Cols)
	f.h.Inverse(u.Elements(), a.Elements())

	// The block's gradient: the move along it is what a first τ is for.
	down, gamma := matrix(r.moves, rows, a.Cols), float32(f.s.Gamma)
	d, vs, gs := down.Elements(), v.Elements(), g.Elements()
	for i, x := range u.Elements() {
		d[i] = gamma*(x-vs[i]) + gs[i]
	}
	next.Products.Image(ahead, down, nil)
	c := next.Term.Curvature()
	for i := range rows {
		r.tau[i], r.under[i] = split.MinCurvature, i
		if norm := kernel.SumSquares(down.Row(i)); norm > 0 {
			r.tau[i] = max(split.MinCurvature, c*kernel.SumSquares(ahead.Row(i))/norm*(1+split.Pad))
		}
	}
	n := rows
	for trial := 0; n > 0 && trial < split.MaxTrials; trial++ {
		n = f.try(w, r, n, c, a, v, g)
	}
}

// try finds the candidates of the n samples under trial, takes those whose move passes and
// raises τ of the others, whose number it returns.
func (f *activationStep) try(w *pass.Worker, r *room, n int, c float64, a, v, g mat.Dense) (left int) {
	as, moves := matrix(r.as, n, a.Cols), matrix(r.moves, n, a.Cols)
	for k, i := range r.under[:n] {
		f.candidate(as.Row(k), v.Row(i), g.Row(i), r.inverse[i*a.Cols:], r.start[i*a.Cols:], r.tau[i])
		old, move := a.Row(i), moves.Row(k)
		for j, x := range as.Row(k) {
			move[j] = x - old[j]
		}
	}
	next := f.ly.Next
	image := f.s.Scratch(w).Block(1, n, next.Net.Units())
	next.Products.Image(image, moves, nil)
	for k, i := range r.under[:n] {
		norm, curved := kernel.SumSquares(moves.Row(k)), c*kernel.SumSquares(image.Row(k))
		if curved <= r.tau[i]*norm*(1+split.Accept) {
			copy(a.Row(i), as.Row(k))
			continue
		}
		r.tau[i] = raise * curved / norm
		r.under[left] = i
		left++
		w.Add(f.trials, 1)
	}
	return left
}

// candidate computes dst = argmin γ(Φ*(a) − av) + ⟨g, a⟩ + τ sup h' B(a, A) + (α/2)‖a − start‖²,
// α with the penalty quadratic alone; u is h⁻¹(A).
func (f *activationStep) candidate(dst, v, g, u, start []float32, tau float64) {
	pull := tau * f.h.Steepest()
	alpha := f.s.Alpha
	if f.s.Batch > 0 {
		alpha = 0
	}
	sum := f.s.Gamma + pull + alpha
	own, last, near, slope := float32(f.s.Gamma/sum), float32(pull/sum), float32(alpha/sum), float32(1/sum)
	v, g, u, start = v[:len(dst)], g[:len(dst)], u[:len(dst)], start[:len(dst)]
	for j := range dst {
		dst[j] = own*v[j] - slope*g[j] + last*u[j] + near*start[j]
	}
	f.h.Apply(dst, dst)
}
