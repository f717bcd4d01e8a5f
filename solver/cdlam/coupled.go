package cdlam

import (
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/solver/internal/split"
)

const (
	// kappa is κ: the weight of the coupled block's proximal terms.
	kappa = 1e-3
	// raise is the factor of τ where a move does not pass.
	raise = 2
)

// coupledFit is the coupled block of a hidden layer, block by block of samples.
type coupledFit struct {
	s  *stepper
	ly *split.Layer

	trials pass.Scalar
	band   band
}

// Plan names the sums.
func (f *coupledFit) Plan(p *pass.Plan) { f.trials = p.Scalar() }

// room is one worker's scratch for a block of samples, beside split.Scratch.
type room struct {
	zs, as            []float32 // candidates of the samples under trial
	moves             []float32 // and Δa
	center, target, h []float32 // of one sample: where z and a would go, h(z)
	tau               [pass.Block]float64
	under             [pass.Block]int // samples under trial
}

func newRoom(width int) *room {
	buf := func() []float32 { return make([]float32, pass.Block*width) }
	row := func() []float32 { return make([]float32, width) }
	return &room{zs: buf(), as: buf(), moves: buf(), center: row(), target: row(), h: row()}
}

func matrix(buf []float32, rows, cols int) mat.Dense {
	return mat.FromSlice(rows, cols, buf[:rows*cols])
}

// Block updates samples lo to hi-1.
func (f *coupledFit) Block(w *pass.Worker, lo, hi int) {
	ly, next, r := f.ly, f.ly.Next, f.s.rooms[w.Index]
	rows, d, out := hi-lo, ly.Net.Units(), next.Net.Units()
	z, a := ly.Z.RowRange(lo, hi), ly.A.RowRange(lo, hi)
	s := f.s.Scratch(w)
	v, e := s.Affine(0, ly, lo, hi), s.Block(1, rows, out)
	next.Products.Affine(e, a, nil)
	split.Subtract(e, e, next.Z.RowRange(lo, hi))
	g, image := s.Block(2, rows, d), s.Block(3, rows, out)
	next.Products.Back(g, e, nil, nil)
	next.Products.Image(image, g, nil)
	for i := range rows { // the least τ that passes if the band does not cut
		r.tau[i] = split.MinCurvature
		if norm := kernel.SumSquares(g.Row(i)); norm > 0 {
			r.tau[i] = max(split.MinCurvature, f.s.Rho*kernel.SumSquares(image.Row(i))/norm*(1+split.Pad))
		}
		r.under[i] = i
	}
	n := rows
	for trial := 0; n > 0 && trial < split.MaxTrials; trial++ {
		n = f.try(w, r, n, z, a, v, g)
	}
}

// try finds the candidates of the n samples under trial, takes those whose move passes
// and raises τ of the others, whose number it returns.
func (f *coupledFit) try(w *pass.Worker, r *room, n int, z, a, v, g mat.Dense) (left int) {
	d, s := a.Cols, f.s.Scratch(w)
	zs, as, moves := matrix(r.zs, n, d), matrix(r.as, n, d), matrix(r.moves, n, d)
	for k, i := range r.under[:n] {
		f.candidate(r, &s.Fitter, zs.Row(k), as.Row(k), z.Row(i), a.Row(i), v.Row(i), g.Row(i), r.tau[i])
		old, move := a.Row(i), moves.Row(k)
		for j, x := range as.Row(k) {
			move[j] = x - old[j]
		}
	}
	image := s.Block(3, n, f.ly.Next.Net.Units())
	f.ly.Next.Products.Image(image, moves, nil)
	for k, i := range r.under[:n] {
		norm, curved := kernel.SumSquares(moves.Row(k)), f.s.Rho*kernel.SumSquares(image.Row(k))
		if curved <= r.tau[i]*norm*(1+split.Accept) {
			copy(z.Row(i), zs.Row(k))
			copy(a.Row(i), as.Row(k))
			continue
		}
		r.tau[i] = max(r.tau[i]*raise, curved/norm)
		r.under[left] = i
		left++
		w.Add(f.trials, 1)
	}
	return left
}

// candidate finds the minimiser of each entry of a sample, given τ. The two quadratics
// in z are one around their mean, and so are those in a. Where the free minimiser is not
// in the band, a is on its edge, s = ±ε from h(z), and z fits h(z) to â − s. An entry for
// which that is worse than where it is, stays: sign jumps, so that the other edge may be
// the better one, and smooth activations are fitted on a grid.
func (f *coupledFit) candidate(r *room, fitter *activation.Fitter, zs, as, z, a, v, g []float32, tau float64) {
	h, eps, step := f.ly.Net.H, float32(f.s.Epsilon), float32(f.s.Rho/tau)
	c, t, hz := r.center[:len(z)], r.target[:len(z)], r.h[:len(z)]
	for j := range z {
		c[j] = (v[j] + kappa*z[j]) / (1 + kappa)
		t[j] = a[j] - step/(1+kappa)*g[j]
	}
	h.Apply(hz, c)
	for j, x := range t { // as: what h(z) is fitted to, and h(c) where that needs no fit
		switch {
		case x > hz[j]+eps:
			as[j] = x - eps
		case x < hz[j]-eps:
			as[j] = x + eps
		default:
			as[j] = hz[j]
		}
	}
	copy(zs, z)
	fitter.Fit(h, zs, c, as, float32(tau), float32(f.s.Rho))
	for j, to := range as {
		if to == hz[j] {
			zs[j] = c[j]
		}
	}
	h.Apply(hz, zs)
	for j, x := range t {
		as[j] = max(hz[j]-eps, min(x, hz[j]+eps))
		if f.cost(zs[j]-c[j], as[j]-x, tau) > f.cost(z[j]-c[j], a[j]-x, tau) {
			zs[j], as[j] = z[j], a[j]
		}
	}
}

// cost is an entry's objective at a point so far from the two centres.
func (f *coupledFit) cost(dz, da float32, tau float64) float64 {
	return f.s.Rho*float64(dz)*float64(dz) + tau*float64(da)*float64(da)
}
