package multiconvex

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/fixedseed"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
	"pgregory.net/rapid"
)

// TestUpdateZ restates eq. 4: "z_l ← argmin V_l(z_l; ρ) + I(h(z_l) − ε ≤ a_l ≤
// h(z_l) + ε)", the point of the band nearest to V = W_l a_{l-1} + b_l. The
// band is an interval that holds the old z, so that the minimiser is the
// farthest point from there towards V that is still in it.
func TestUpdateZ(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		s := tiny(t, DefaultSettings(), loss.Squared{}, prox.None{})
		defer s.Close()
		sweep(t, s, look{samples: func(ly *layer, old before) {
			if ly.next == nil {
				return
			}
			v := affine(old.in, old.W, old.B)
			_, size := residual(old.in, old.W, old.B, old.Z)
			for i := range v {
				for j, to := range v[i] {
					zAt(t, s, ly, old, i, j, to, size[i][j])
				}
			}
		}})
	})
}

func zAt(t *rapid.T, s *Blocks, ly *layer, old before, i, j int, to, size float64) {
	t.Helper()
	a, from, got := float64(old.A.At(i, j)), float64(old.Z.At(i, j)), float64(ly.Z.At(i, j))
	width := activation.BandTolerance * (1 + math.Abs(a) + s.epsilon)
	excess := func(z float64) float64 { return math.Abs(hard(ly.net.H, z)-a) - s.epsilon }
	if excess(got) > width && got != from {
		t.Fatalf("layer %d, z[%d,%d] = %g: h = %g leaves the band of %g around a = %g", ly.l, i, j, got, hard(ly.net.H, got), s.epsilon, a)
	}
	in, out := 0.0, 1.0 // shares of the way
	if excess(to) <= -width {
		in = 1
	}
	for range 60 {
		mid := (in + out) / 2
		if excess(from+mid*(to-from)) <= -width { // clearly inside
			in = mid
		} else {
			out = mid
		}
	}
	best := from + in*(to-from)
	if excess(from) > -width && in == 0 {
		best = from
	}
	scale := size + math.Abs(best)
	if far := math.Abs(got - to); far > math.Abs(best-to)+resid*scale {
		t.Fatalf("layer %d, z[%d,%d] from %g, V = %g, a = %g, ε = %g: got %g, but %g is in the band and nearer",
			ly.l, i, j, from, to, a, s.epsilon, got, best)
	}
}

// TestUpdateOutput restates eq. 5: "z_L ← argmin V_L(z_L; ρ) + R(z_L; y)", with
// V_L(z; ρ) the distance to W_L a_{L-1} + b_L.
func TestUpdateOutput(t *testing.T) {
	for _, l := range []loss.Loss{loss.CrossEntropy{}, loss.CrossEntropy{Solver: loss.FISTA}, loss.Squared{}, loss.Hinge{}} {
		fixedseed.Check(t, func(t *rapid.T) {
			s := tiny(t, DefaultSettings(), l, prox.None{})
			defer s.Close()
			sweep(t, s, look{samples: func(ly *layer, old before) {
				if ly.next != nil {
					return
				}
				v := affine(old.in, old.W, old.B)
				for i := range v {
					outputAt(t, s, ly, v[i], i)
				}
			}})
		})
	}
}

func outputAt(t *rapid.T, s *Blocks, ly *layer, v []float64, i int) {
	t.Helper()
	y, want, rho := make([]float32, len(v)), make([]float64, len(v)), s.Rho
	// A prox moves no farther than V is off, but for the solver's own error:
	// a gradient of at most g is at most g/ρ from the minimiser.
	var scale float64
	for _, x := range v {
		scale = math.Max(scale, 1+math.Abs(x)+1/rho)
	}
	tol := 2 * resid * scale
	switch s.p.Loss.(type) {
	case loss.CrossEntropy:
		s.p.Y.Distribution(y, i)
		want = softmaxProx(v, y, rho)
	case loss.Squared:
		s.p.Y.Code(y, i, 0, 1)
		for j, x := range v {
			want[j] = golden(func(z float64) float64 { return sq(z-float64(y[j]))/2 + rho/2*sq(z-x) }, -scale, scale)
		}
	case loss.Hinge:
		s.p.Y.Code(y, i, -1, 1)
		for j, x := range v {
			want[j] = golden(func(z float64) float64 { return math.Max(0, 1-z*float64(y[j])) + rho/2*sq(z-x) }, -2*scale, 2*scale)
		}
	}
	for j := range want {
		if got := float64(ly.Z.At(i, j)); math.Abs(got-want[j]) > tol {
			t.Fatalf("%v, ρ = %g: z[%d,%d]: got %g, argmin R + φ is %g (V = %g, y = %g)", s.p.Loss, rho, i, j, got, want[j], v[j], y[j])
		}
	}
}

func sq(x float64) float64 { return x * x }

// softmaxProx is argmin logsumexp(z) − ⟨y, z⟩ + (ρ/2)‖z − v‖² by bisection
// alone: for a given s = logsumexp(z), exp(z_j − s) + ρz_j = y_j + ρv_j rises
// in z_j; and logsumexp of those z, less s, falls in s.
func softmaxProx(v []float64, y []float32, rho float64) []float64 {
	z := make([]float64, len(v))
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, x := range v { // z is within y/ρ above and 1/ρ below v
		lo, hi = math.Min(lo, x-1/rho), math.Max(hi, x+1/rho)
	}
	bisect(func(s float64) float64 {
		var sum float64
		for j, x := range v {
			z[j] = bisect(func(z float64) float64 { return math.Exp(z-s) - float64(y[j]) + rho*(z-x) }, lo-1, hi+1)
			sum += math.Exp(z[j] - s)
		}
		return 1 - sum
	}, lo, hi+math.Log(float64(len(v))))
	return z
}

// activations is one a-step seen from outside, in float64.
type activations struct {
	t       *rapid.T
	s       *Blocks
	ly      *layer
	old     before
	g, size table // ρE_{l+1}W_{l+1}, and the sum of its terms' sizes
	norm2   float64
}

func activate(t *rapid.T, s *Blocks, ly *layer, old before) *activations {
	next := ly.next
	e, terms := residual(old.A, next.net.W, next.net.B, next.Z)
	a := &activations{t: t, s: s, ly: ly, old: old, g: newTable(len(e), old.A.Cols), size: newTable(len(e), old.A.Cols)}
	for k := range next.net.W.Rows {
		for j, w := range next.net.W.Row(k) {
			a.norm2 += sq(float64(w))
			for i := range e {
				a.g[i][j] += s.Rho * e[i][k] * float64(w)
				a.size[i][j] += s.Rho * terms[i][k] * math.Abs(float64(w))
			}
		}
	}
	return a
}

// minimiser is argmin Q(a; τ) under the band, in entry (i, j), as a move from
// a, by brute force: Q = φ + ⟨∇φ, Δ⟩ + (τ/2)‖Δ‖² and the band separate.
func (a *activations) minimiser(i, j int, tau float64) (move float64, cut bool) {
	from, h := float64(a.old.A.At(i, j)), hard(a.ly.net.H, float64(a.ly.Z.At(i, j)))
	lo, hi := h-a.s.epsilon-from, h+a.s.epsilon-from
	g := a.g[i][j]
	far := math.Abs(g) / tau * 2
	d := golden(func(d float64) float64 { return g*d + tau/2*d*d }, math.Max(lo, -far), math.Min(hi, far))
	if hi < -far || lo > far { // rounding put a out of the band
		d = math.Max(lo, math.Min(hi, 0))
	}
	return d, -g/tau <= lo || -g/tau >= hi
}

// minimal checks that row i's step is eq. 6's minimiser for τ.
func (a *activations) minimal(i int, tau float64) {
	for j := range a.old.A.Cols {
		from, got := float64(a.old.A.At(i, j)), float64(a.ly.A.At(i, j))
		move, _ := a.minimiser(i, j, tau)
		want := from + move
		tol := resid*a.size[i][j]/tau + 1e-6*(1+math.Abs(from)+a.s.epsilon) + 1e-7*math.Abs(move)
		if math.Abs(got-want) > tol {
			a.t.Fatalf("layer %d, a[%d,%d] from %g: got %g, argmin Q is %g (τ = %g, ∇φ = %g, ε = %g)",
				a.ly.l, i, j, from, got, want, tau, a.g[i][j], a.s.epsilon)
		}
	}
}

// cut reports whether the band cuts row i's step with the least τ that passes
// without a band, ρ‖gW_{l+1}ᵀ‖²/‖g‖², or comes close to it.
func (a *activations) cut(i int) bool {
	curved, norm, _ := a.sides(i, a.g[i], 1)
	if norm == 0 {
		return true
	}
	for j := range a.g[i] {
		if _, cut := a.minimiser(i, j, curved/norm*(1-1e-3)); cut {
			return true
		}
	}
	return false
}

// sides are the two sides of Algorithm 3's test for row i: φ(a+Δ) ≤ Q(a+Δ; τ)
// says ρ‖Δ W_{l+1}ᵀ‖² ≤ τ‖Δ‖². slack is what rounding a to float32, and into
// its band, costs in the square root of either.
func (a *activations) sides(i int, move []float64, tau float64) (curved, quad, slack float64) {
	w := a.ly.next.net.W
	for k := range w.Rows {
		var s float64
		for j, x := range w.Row(k) {
			s += float64(x) * move[j]
		}
		curved += a.s.Rho * s * s
	}
	var most float64
	for j, x := range move {
		quad += tau * x * x
		most = math.Max(most, math.Abs(float64(a.old.A.At(i, j))))
	}
	return curved, quad, activation.BandTolerance * (1 + most + a.s.epsilon) * math.Sqrt((a.s.Rho*a.norm2+tau)*float64(len(move)))
}

func (a *activations) move(i int) []float64 {
	m := make([]float64, a.old.A.Cols)
	for j := range m {
		m[j] = float64(a.ly.A.At(i, j)) - float64(a.old.A.At(i, j))
	}
	return m
}

// passes checks Algorithm 3's test on the step taken.
func (a *activations) passes(i int, tau float64) {
	curved, quad, slack := a.sides(i, a.move(i), tau)
	if math.Sqrt(curved) > math.Sqrt(quad)*(1+1e-5)+slack {
		a.t.Fatalf("layer %d, row %d: Algorithm 3's test fails: ρ‖ΔWᵀ‖² = %g, τ‖Δ‖² = %g", a.ly.l, i, curved, quad)
	}
}

// residuals checks that E_{l+1}, kept up to date, is still V − Z.
func (a *activations) residuals() {
	next := a.ly.next
	e, size := residual(a.ly.A, next.net.W, next.net.B, next.Z)
	for i := range e {
		for k := range e[i] {
			if got := float64(next.E.At(i, k)); math.Abs(got-e[i][k]) > 10*resid*(1+size[i][k]+math.Sqrt(a.norm2)*(1+a.s.epsilon)) {
				a.t.Fatalf("layer %d: E[%d,%d] = %g, V − Z = %g", next.l, i, k, got, e[i][k])
			}
		}
	}
}

// TestUpdateAExact restates eq. 6, "a_l ← argmin Q_l(a_l; τ_l) + I(h(z_l) − ε ≤
// a_l ≤ h(z_l) + ε)", with a τ for each sample that passes Algorithm 3's test.
func TestUpdateAExact(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		s := tiny(t, DefaultSettings(), loss.Squared{}, prox.None{})
		defer s.Close()
		sweep(t, s, look{samples: func(ly *layer, old before) {
			if ly.next == nil {
				return
			}
			a := activate(t, s, ly, old)
			a.residuals()
			if n := ly.updates[3].Unmoved; n != 0 {
				t.Fatalf("layer %d: %d samples without a step", ly.l, n)
			}
			for i, tau := range ly.tau {
				if tau == 0 {
					a.still(i)
					continue
				}
				a.minimal(i, tau)
				a.passes(i, tau)
				if most := s.Rho * a.norm2 * s.Eta * 1.01; tau > math.Max(most, 1e-29) {
					t.Fatalf("layer %d, row %d: τ = %g, but ρ‖W‖² = %g always passes", ly.l, i, tau, s.Rho*a.norm2)
				}
				if !a.cut(i) {
					a.longest(i)
				}
			}
		}})
	})
}

// still checks a row with τ = 0: no gradient, no move but into the band.
func (a *activations) still(i int) {
	for j, d := range a.move(i) {
		if d != 0 || math.Abs(a.g[i][j]) > resid*a.size[i][j] {
			a.t.Fatalf("layer %d, row %d: τ = 0 but ∇φ = %g, move %g", a.ly.l, i, a.g[i][j], d)
		}
	}
}

// longest: where the band does not cut, the least τ gives the longest step,
// the minimiser of φ_{l+1} along it.
func (a *activations) longest(i int) {
	next := a.ly.next
	row := func(m mat.Dense) mat.Dense { return m.RowRange(i, i+1) }
	e, size := residual(row(a.old.A), next.net.W, next.net.B, row(next.Z))
	image, _ := residual(row(a.ly.A), next.net.W, next.net.B, row(next.Z))
	phi := func(t float64) float64 {
		var f float64
		for k, x := range e[0] {
			f += a.s.Rho / 2 * sq(x+t*(image[0][k]-x))
		}
		return f
	}
	var noise float64
	for k, x := range e[0] {
		d := 2 * resid * (size[0][k] + math.Sqrt(a.norm2)*(1+a.s.epsilon))
		noise += a.s.Rho * d * (math.Abs(x) + d)
	}
	best := golden(phi, 0, 4)
	if full, got := phi(0)-phi(best), phi(0)-phi(1); got < full*(1-1e-3)-noise {
		a.t.Fatalf("layer %d, row %d: φ falls by %g, and by %g at %g times the step", a.ly.l, i, got, full, best)
	}
}

// TestUpdateABacktracking restates Algorithm 3 to the letter: τ = t from t₀,
// "t ← tη" while φ(β) > Q(β; τ), one t for all of a_l.
func TestUpdateABacktracking(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		set := DefaultSettings()
		set.LineSearch = Backtracking
		set.Eta = rapid.SampledFrom([]float64{1.5, 2, 10}).Draw(t, "eta")
		s := tiny(t, set, loss.Squared{}, prox.None{})
		defer s.Close()
		sweep(t, s, look{samples: func(ly *layer, old before) {
			if ly.next != nil {
				activate(t, s, ly, old).letter()
			}
		}})
	})
}

func (a *activations) letter() {
	a.residuals()
	tau, set := a.ly.tau[0], a.s.Settings
	k := math.Round(math.Log(tau/set.Alpha0) / math.Log(set.Eta))
	if want := set.Alpha0 * math.Pow(set.Eta, k); math.Abs(tau-want) > 1e-9*want || a.ly.updates[3].Trials != int(k)+1 {
		a.t.Fatalf("layer %d: τ = %g, want t₀η^%g; %d trials", a.ly.l, tau, k, a.ly.updates[3].Trials)
	}
	var curved, quad, slack, before, beforeQuad, unknown float64
	for i, each := range a.ly.tau {
		if each != tau {
			a.t.Fatalf("layer %d: τ = %g in row 0, %g in row %d", a.ly.l, tau, each, i)
		}
		a.minimal(i, tau)
		c, q, d := a.sides(i, a.move(i), tau)
		curved, quad, slack = curved+c, quad+q, slack+d
		trial := make([]float64, a.old.A.Cols)
		for j := range trial {
			trial[j], _ = a.minimiser(i, j, tau/set.Eta)
			unknown = math.Max(unknown, resid*a.size[i][j]/tau)
		}
		c, q, d = a.sides(i, trial, tau/set.Eta)
		before, beforeQuad, unknown = before+c, beforeQuad+q, unknown+d
	}
	if math.Sqrt(curved) > math.Sqrt(quad)*(1+1e-5)+slack {
		a.t.Fatalf("layer %d: τ = %g fails Algorithm 3's test: %g > %g", a.ly.l, tau, curved, quad)
	}
	// Where the moves are far above rounding, the t before did not pass.
	if k > 0 && unknown < 1e-4*math.Sqrt(beforeQuad) && before < beforeQuad*(1-1e-2) {
		a.t.Fatalf("layer %d: τ = %g taken although the one before passes: %g ≤ %g", a.ly.l, tau, before, beforeQuad)
	}
}

// TestAdaptEpsilon restates section 4.1.2: ε is raised to max(2ε, 1) if
// R > 10ε, and lowered to min(ε/2, 0.01) if ε > 10R, with R the mean risk.
func TestAdaptEpsilon(t *testing.T) {
	for _, c := range []struct{ risk, epsilon, want float64 }{
		{2, 10, 10}, {0.9, 10, 0.01}, {1, 10, 10}, {0.0005, 0.01, 0.005}, {0.001, 0.01, 0.01},
		{0.11, 0.01, 1}, {0.1, 0.01, 0.01}, {20, 1, 2}, {5, 0.4, 1}, {0, 1, 0.01},
	} {
		fixedseed.Check(t, func(t *rapid.T) {
			s := tiny(t, DefaultSettings(), loss.CrossEntropy{}, prox.None{})
			defer s.Close()
			s.EpsilonRule, s.sweeps = Adaptive, max(s.sweeps, 1)
			s.risk, s.epsilon = c.risk, c.epsilon
			s.adaptEpsilon()
			cutAll(s)
			if s.epsilon != c.want || s.changed != (c.want != c.epsilon) {
				t.Fatalf("R = %g, ε = %g: got ε = %g (changed: %v), want %g", c.risk, c.epsilon, s.epsilon, s.changed, c.want)
			}
			for l := range s.layers[:len(s.layers)-1] {
				ly := &s.layers[l]
				for i := range ly.A.Rows {
					for j, x := range ly.A.Row(i) {
						far := math.Abs(hard(ly.net.H, float64(ly.Z.At(i, j))) - float64(x))
						if c.want < c.epsilon && far > s.epsilon+activation.BandTolerance*(1+math.Abs(float64(x))+s.epsilon) {
							t.Fatalf("layer %d: a[%d,%d] is %g from h(z) in a band of %g", ly.l, i, j, far, s.epsilon)
						}
					}
				}
			}
		})
	}
}

// The first sweep has no risk to go by, and the fixed rule none at all.
func TestEpsilonStays(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		s := tiny(t, DefaultSettings(), loss.CrossEntropy{}, prox.None{})
		defer s.Close()
		old := s.epsilon
		s.risk = 1e9
		if rapid.Bool().Draw(t, "fixed") {
			s.EpsilonRule = Fixed
		} else {
			s.EpsilonRule, s.sweeps = Adaptive, 0
		}
		if s.adaptEpsilon(); s.epsilon != old || s.changed {
			t.Fatalf("ε went from %g to %g", old, s.epsilon)
		}
	})
}
