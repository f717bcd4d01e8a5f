package activation

import "math"

// Fitter computes the entrywise step of methods that split a network by
// quadratic penalties: z-steps of ADMM, dlADMM and block coordinate descent.
// It holds scratch, so that each goroutine needs its own.
type Fitter struct {
	z, h, best, lo, hi [fitChunk]float32
}

const (
	fitChunk = 256
	// fitGrid is the number of intervals in which Fit looks for the lowest
	// point of an activation that is not piecewise linear, fitRefine how
	// often it then halves the interval around it.
	fitGrid, fitRefine = 16, 10
)

// piece is a range of z on which h(z) = slope·z + offset.
type piece struct{ lo, hi, slope, offset float32 }

// piecewise is an activation made of up to three such pieces.
type piecewise interface{ pieces() ([3]piece, int) }

func (ReLU) pieces() ([3]piece, int) {
	return [3]piece{{-inf32, 0, 0, 0}, {0, inf32, 1, 0}}, 2
}

func (f LeakyReLU) pieces() ([3]piece, int) {
	return [3]piece{{-inf32, 0, f.Slope, 0}, {0, inf32, 1, 0}}, 2
}

func (HardTanh) pieces() ([3]piece, int) {
	return [3]piece{{-inf32, -1, 0, -1}, {-1, 1, 1, 0}, {1, inf32, 0, 1}}, 3
}

func (Identity) pieces() ([3]piece, int) { return [3]piece{{-inf32, inf32, 1, 0}}, 1 }

func (Sign) pieces() ([3]piece, int) {
	return [3]piece{{-inf32, belowZero, 0, -1}, {0, inf32, 0, 1}}, 2
}

// Fit computes dst = argmin_z (γ/2)(a − h(z))² + (κ/2)(z − c)², γ, κ > 0,
// entry by entry. The problem is not convex; for a piecewise linear h the
// result is the global minimiser, the best of each piece's. Otherwise it is
// the best point found by a grid between c and the farthest that a minimiser
// can be, √(γ/κ)|a − h(c)| away, refined by bisection: then never worse than
// dst on entry, the current point. Of a Monotone h the grid lies on the side of
// c on which h comes closer to a, of another on both. dst may be c only if h is
// piecewise linear.
func (f *Fitter) Fit(h Func, dst, c, a []float32, gamma, kappa float32) {
	if p, ok := h.(piecewise); ok {
		list, n := p.pieces()
		fitPieces(list[:n], dst, c, a, gamma, kappa)
		return
	}
	for len(dst) > 0 {
		n := min(fitChunk, len(dst))
		f.search(h, dst[:n], c[:n], a[:n], gamma, kappa)
		dst, c, a = dst[n:], c[n:], a[n:]
	}
}

func fitPieces(list []piece, dst, c, a []float32, gamma, kappa float32) {
	dst, a = dst[:len(c)], a[:len(c)]
	for i, x := range c {
		best, at := inf32, x
		for _, p := range list {
			z := clip((gamma*p.slope*(a[i]-p.offset)+kappa*x)/(gamma*p.slope*p.slope+kappa), p.lo, p.hi)
			r, d := a[i]-p.slope*z-p.offset, z-x
			if cost := gamma*r*r + kappa*d*d; cost < best {
				best, at = cost, z
			}
		}
		dst[i] = at
	}
}

// search is Fit for up to fitChunk entries and any h.
func (f *Fitter) search(h Func, dst, c, a []float32, gamma, kappa float32) {
	n := len(dst)
	z, hz, best, lo, hi := f.z[:n], f.h[:n], f.best[:n], f.lo[:n], f.hi[:n]
	try := func(z []float32) {
		h.Apply(hz, z)
		for i, x := range z {
			r, d := a[i]-hz[i], x-c[i]
			if cost := gamma*r*r + kappa*d*d; cost < best[i] {
				best[i], dst[i] = cost, x
			}
		}
	}
	h.Apply(hz, c)
	reach := float32(math.Sqrt(float64(gamma / kappa)))
	for i := range hi {
		hi[i] = reach * (a[i] - hz[i]) / fitGrid // the grid's spacing, with its sign
		best[i] = inf32
	}
	copy(z, dst)
	try(z)
	first := 0
	if _, ok := h.(Monotone); !ok {
		first = -fitGrid
	}
	for k := first; k <= fitGrid; k++ {
		for i := range z {
			z[i] = c[i] + float32(k)*hi[i]
		}
		try(z)
	}
	for range fitRefine {
		for _, side := range [2]float32{-0.5, 0.5} {
			for i := range z {
				if side < 0 {
					lo[i] = dst[i]
				}
				z[i] = lo[i] + side*hi[i]
			}
			try(z)
		}
		for i := range hi {
			hi[i] /= 2
		}
	}
}
