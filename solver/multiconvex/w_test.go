package multiconvex

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam/internal/fixedseed"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
	"pgregory.net/rapid"
)

func drawOmega(t *rapid.T) prox.Regularizer {
	return rapid.SampledFrom([]prox.Regularizer{prox.None{}, prox.L1{Lambda: 0.01}, prox.L1{Lambda: 1}, prox.L2{Lambda: 0.1}, prox.L2{Lambda: 10}}).Draw(t, "regularizer")
}

// weights is one W-step seen from outside: everything in float64, from raw
// iterates.
type weights struct {
	t         *rapid.T
	s         *Blocks
	ly        *layer
	old       before
	g, size   table // ρEᵀA, and the sum of its terms' sizes
	e, image  table // the residual before, and the move's image A·Δᵀ
	terms     table // the residual's terms' sizes
	norm, wmx float64
}

func weighStep(t *rapid.T, s *Blocks, ly *layer, old before) *weights {
	w := &weights{t: t, s: s, ly: ly, old: old}
	e, size := residual(old.in, old.W, old.B, old.Z)
	w.e, w.terms, w.g, w.size = e, size, transposed(e, old.in, false), transposed(size, old.in, true)
	for i := range w.g {
		for j := range w.g[i] {
			w.g[i][j] *= s.Rho
			w.size[i][j] *= s.Rho
			w.wmx = math.Max(w.wmx, math.Abs(float64(old.W.At(i, j)))+math.Abs(float64(ly.net.W.At(i, j))))
		}
	}
	for i := range old.in.Rows {
		for _, a := range old.in.Row(i) {
			w.norm += float64(a) * float64(a)
		}
	}
	w.image = affine(old.in, w.delta(), nil)
	return w
}

func (w *weights) delta() mat.Dense {
	d := w.ly.net.W.Clone()
	for i := range d.Rows {
		for j, x := range w.old.W.Row(i) {
			d.Row(i)[j] -= x
		}
	}
	return d
}

func (w *weights) theta(i, j int) float64 {
	if w.ly.step.scale == nil {
		return w.ly.step.theta[i]
	}
	return w.ly.step.theta[i] * float64(w.ly.step.scale[j])
}

// minimiser is argmin P(W; θ) + Ω(W) in entry (i, j), as a move from W, by
// bisection of its derivative: P = φ + ⟨∇φ, Δ⟩ + Σ½θ∘Δ² separates.
func (w *weights) minimiser(i, j int, theta float64) float64 {
	x, g := float64(w.old.W.At(i, j)), w.g[i][j]
	r := w.s.p.Regularizer
	far := (math.Abs(g) + lambdaOf(r)*(1+math.Abs(x))) / theta
	return bisect(func(d float64) float64 { return g + theta*d + slopeOf(r, x+d) }, -far, far)
}

// minimal checks that the step is eq. 2's minimiser for the θ reported.
func (w *weights) minimal() {
	for i := range w.g {
		for j := range w.g[i] {
			x, got := float64(w.old.W.At(i, j)), float64(w.ly.net.W.At(i, j))
			theta := w.theta(i, j)
			if theta == 0 { // a row without a gradient
				if got != x || math.Abs(w.g[i][j]) > resid*w.size[i][j] {
					w.t.Fatalf("layer %d, row %d: θ = 0 but ∇φ = %g, move %g", w.ly.l, i, w.g[i][j], got-x)
				}
				continue
			}
			want := x + w.minimiser(i, j, theta)
			tol := resid*w.size[i][j]/theta + 4e-7*(math.Abs(x)+math.Abs(want)) + 1e-7*math.Abs(want-x)
			if math.Abs(got-want) > tol+1e-30 {
				w.t.Fatalf("layer %d, W[%d,%d] from %g: got %g, argmin P + Ω is %g (θ = %g, ∇φ = %g, tolerance %g)",
					w.ly.l, i, j, x, got, want, theta, w.g[i][j], tol)
			}
		}
	}
}

// sides are the two sides of Algorithm 2's test for row i: φ(W+Δ) ≤ P(W+Δ; θ)
// says ρ‖AΔᵀ‖² ≤ Σθ∘Δ², the left less the rounding of a float32 Gram matrix.
// slack is what rounding W to float32 costs in the square root of either.
func (w *weights) sides(i int) (curved, quad, slack float64) {
	for n := range w.image {
		curved += w.s.Rho * w.image[n][i] * w.image[n][i]
	}
	d := w.delta()
	var worst float64
	for j, x := range d.Row(i) {
		curved = math.Max(0, curved-0x1p-21*w.s.Rho*w.norm*float64(x)*float64(x))
		quad += w.theta(i, j) * float64(x) * float64(x)
		worst = math.Max(worst, w.theta(i, j))
	}
	return curved, quad, 0x1p-22 * w.wmx * math.Sqrt(w.s.Rho*w.norm+float64(d.Cols)*worst)
}

// phi is row i's part of φ + Ω at W + tΔ.
func (w *weights) phi(i int, t float64) float64 {
	var f float64
	for n := range w.e {
		r := w.e[n][i] + t*w.image[n][i]
		f += w.s.Rho / 2 * r * r
	}
	d := w.delta()
	for j, x := range w.old.W.Row(i) {
		f += omegaOf(w.s.p.Regularizer, float64(x)+t*float64(d.At(i, j)))
	}
	return f
}

// noise is what the float32 residuals cost in row i's φ.
func (w *weights) noise(i int) float64 {
	var s float64
	for n := range w.e {
		d := resid * w.terms[n][i]
		s += w.s.Rho * d * (math.Abs(w.e[n][i]) + d)
	}
	return s
}

// unknown is the relative error of ∇φ in rows lo to hi-1.
func (w *weights) unknown(lo, hi int) float64 {
	var g, d float64
	for i := lo; i < hi; i++ {
		for j, x := range w.g[i] {
			g += x * x
			d += resid * resid * w.size[i][j] * w.size[i][j]
		}
	}
	return math.Sqrt(d / g)
}

// TestUpdateWExact restates the W-step: "W_l ← argmin P_l(W_l; θ_l) + Ω_l(W_l)"
// (eq. 2), with the θ "until the condition in Line 3 is satisfied" (Algorithm
// 2), here the least in each row.
func TestUpdateWExact(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		omega := drawOmega(t)
		s := tiny(t, DefaultSettings(), loss.Squared{}, omega)
		defer s.Close()
		sweep(t, s, look{W: func(ly *layer, old before) {
			w := weighStep(t, s, ly, old)
			w.minimal()
			for i := range ly.net.W.Rows {
				curved, quad, slack := w.sides(i)
				if math.Sqrt(curved) > math.Sqrt(quad)*(1+1e-5)+slack {
					t.Fatalf("layer %d, row %d: Algorithm 2's test fails: ρ‖AΔᵀ‖² = %g, Σθ∘Δ² = %g", ly.l, i, curved, quad)
				}
				if _, smooth := omega.(prox.Smooth); smooth {
					w.leastAlong(i)
				} else {
					w.leastStart(i)
				}
			}
		}})
	})
}

// leastAlong: the least θ gives the longest step, the minimiser of φ + Ω along
// it.
func (w *weights) leastAlong(i int) {
	best := golden(func(t float64) float64 { return w.phi(i, t) }, 0, 4)
	full, got := w.phi(i, 0)-w.phi(i, best), w.phi(i, 0)-w.phi(i, 1)
	if got < full*(1-1e-4)-1e-7*w.phi(i, 0)-w.noise(i) {
		w.t.Fatalf("layer %d, row %d: φ + Ω falls by %g, and by %g at %g times the step", w.ly.l, i, got, full, best)
	}
}

// leastStart: without a closed form, θ is α* = ρ‖Ag_iᵀ‖²/‖g_i‖² or γ times one
// whose step fails the test.
func (w *weights) leastStart(i int) {
	theta, cols := w.ly.step.theta[i], w.old.W.Cols
	if theta == 0 {
		return
	}
	dir := mat.New(1, cols)
	var norm float64
	for j, g := range w.g[i] {
		dir.Set(0, j, float32(g))
		norm += g * g
	}
	start := 0.0
	for _, r := range affine(w.old.in, dir, nil) {
		start += w.s.Rho * r[0] * r[0] / norm
	}
	// θ's relative error is ∇φ's, twice, as far as it is known.
	var noise float64
	for j := range w.g[i] {
		noise += resid * w.size[i][j] / math.Sqrt(norm)
	}
	if noise > 1e-2 || theta <= start*(1+1e-3+4*noise) {
		return
	}
	if ratio := w.trial(i, theta/w.s.Gamma); ratio < 1-1e-2-4*noise {
		w.t.Fatalf("layer %d, row %d: θ = %g, from %g, although θ/γ passes (%g)", w.ly.l, i, theta, start, ratio)
	}
}

// trial is the ratio of the two sides of Algorithm 2's test for row i's step
// under another θ.
func (w *weights) trial(i int, theta float64) float64 {
	d := mat.New(1, w.old.W.Cols)
	var quad, curved float64
	for j := range d.Cols {
		x := w.minimiser(i, j, theta)
		d.Set(0, j, float32(x))
		quad += theta * x * x
	}
	for _, r := range affine(w.old.in, d, nil) {
		curved += w.s.Rho * r[0] * r[0]
	}
	if quad == 0 {
		return 0
	}
	return curved / quad
}

// TestUpdateWBacktracking restates Algorithm 2 to the letter: θ = α from α₀,
// "α ← αγ" while φ(ζ) > P(ζ; θ), one α for all of W_l.
func TestUpdateWBacktracking(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		set := DefaultSettings()
		set.LineSearch = Backtracking
		set.Gamma = rapid.SampledFrom([]float64{1.5, 2, 10}).Draw(t, "gamma")
		s := tiny(t, set, loss.Squared{}, drawOmega(t))
		defer s.Close()
		sweep(t, s, look{W: func(ly *layer, old before) {
			w := weighStep(t, s, ly, old)
			w.minimal()
			got := ly.step.theta[0]
			for i, theta := range ly.step.theta {
				if theta != got {
					t.Fatalf("layer %d: θ = %g in row 0, %g in row %d", ly.l, got, theta, i)
				}
			}
			k := math.Log(got/set.Alpha0) / math.Log(set.Gamma)
			if math.Abs(k-math.Round(k)) > 1e-6 || ly.updates[0].Trials != int(math.Round(k))+1 {
				t.Fatalf("layer %d: θ = %g is α₀γ^%g after %d trials", ly.l, got, k, ly.updates[0].Trials)
			}
			var curved, quad, slack float64
			for i := range ly.net.W.Rows {
				c, q, d := w.sides(i)
				curved, quad, slack = curved+c, quad+q, slack+d
			}
			if math.Sqrt(curved) > math.Sqrt(quad)*(1+1e-5)+slack {
				t.Fatalf("layer %d: α = %g fails Algorithm 2's test: %g > %g", ly.l, got, curved, quad)
			}
			if k < 0.5 || w.unknown(0, len(w.g)) > 1e-3 {
				return
			}
			if r := w.trialLayer(got / set.Gamma); r < 1-1e-2 {
				t.Fatalf("layer %d: α = %g taken although the one before passes, %g", ly.l, got, r)
			}
		}})
	})
}

// trialLayer is trial with one θ for the whole layer.
func (w *weights) trialLayer(theta float64) float64 {
	d := mat.New(w.old.W.Rows, w.old.W.Cols)
	var quad, curved float64
	for i := range d.Rows {
		for j := range d.Cols {
			x := w.minimiser(i, j, theta)
			d.Set(i, j, float32(x))
			quad += theta * x * x
		}
	}
	for _, r := range affine(w.old.in, d, nil) {
		for _, x := range r {
			curved += w.s.Rho * x * x
		}
	}
	if quad == 0 {
		return 0
	}
	return curved / quad
}

// TestMomentumFallsFarther: with momentum, each row's φ + Ω falls at least as
// far as by the best step along DLAM's own direction.
func TestMomentumFallsFarther(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		set := DefaultSettings()
		set.Momentum = true
		omega := rapid.SampledFrom([]prox.Regularizer{prox.None{}, prox.L2{Lambda: 0.1}}).Draw(t, "regularizer")
		s := tiny(t, set, loss.Squared{}, omega)
		defer s.Close()
		sweep(t, s, look{W: func(ly *layer, old before) {
			w := weighStep(t, s, ly, old)
			plain := weighStep(t, s, ly, old)
			dir := w.delta()
			for i := range dir.Rows {
				for j := range dir.Cols {
					scale := 1.0
					if ly.step.scale != nil {
						scale = float64(ly.step.scale[j])
					}
					g := w.g[i][j] + lambdaOf(omega)*float64(old.W.At(i, j))
					dir.Set(i, j, float32(-g/scale))
				}
			}
			plain.image = affine(old.in, dir, nil)
			for i := range dir.Rows {
				f := func(k float64) float64 { return plain.phi64(i, k, dir) }
				hi := 1.0
				for f(2*hi) < f(hi) && hi < 1e12 {
					hi *= 2
				}
				best := golden(f, 0, 2*hi)
				// Where S is all but singular, float32 leaves two digits of α*.
				share := 1 - 2e-2 - 10*w.unknown(i, i+1)
				if want, got := f(0)-f(best), w.phi(i, 0)-w.phi(i, 1); got < want*share-1e-7*f(0)-w.noise(i) {
					t.Fatalf("layer %d, row %d: φ + Ω falls by %g, by %g without momentum", ly.l, i, got, want)
				}
			}
		}})
	})
}

// phi64 is phi along another direction, whose image is in w.
func (w *weights) phi64(i int, t float64, dir mat.Dense) float64 {
	var f float64
	for n := range w.e {
		r := w.e[n][i] + t*w.image[n][i]
		f += w.s.Rho / 2 * r * r
	}
	for j, x := range w.old.W.Row(i) {
		f += omegaOf(w.s.p.Regularizer, float64(x)+t*float64(dir.At(i, j)))
	}
	return f
}

// TestUpdateB restates eq. 3, "b_l ← b_l − ∇φ/ρ" for one sample: with n
// samples, the minimiser of φ over b_l.
func TestUpdateB(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		s := tiny(t, DefaultSettings(), loss.Squared{}, drawOmega(t))
		defer s.Close()
		sweep(t, s, look{b: func(ly *layer, old before) {
			e, size := residual(old.in, old.W, old.B, old.Z)
			for j := range old.B {
				var far float64
				for i := range e {
					far = math.Max(far, size[i][j])
				}
				best := golden(func(d float64) float64 {
					var f float64
					for i := range e {
						f += (e[i][j] + d) * (e[i][j] + d)
					}
					return f
				}, -far, far)
				want, got := float64(old.B[j])+best, float64(ly.net.B[j])
				if math.Abs(got-want) > resid*far+1e-6*math.Abs(want) {
					t.Fatalf("layer %d, b[%d] from %g: got %g, argmin φ is %g", ly.l, j, old.B[j], got, want)
				}
			}
		}})
	})
}
