package multiconvex

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
)

// TestExtrapolation: Nesterov's weights of the first sweeps, and a restart.
func TestExtrapolation(t *testing.T) {
	var x extrapolation
	for i, want := range []float64{0, 0, 0.281754, 0.434043, 0.531064} {
		x.advance(false)
		if math.Abs(x.omega-want) > 1e-6 {
			t.Errorf("sweep %d: ω = %.6f, want %.6f", i+1, x.omega, want)
		}
	}
	if x.advance(true); x.omega != 0 {
		t.Errorf("after a restart: ω = %g, want 0", x.omega)
	}
}

// inertia is TIAM's further weights; the first are mDLAM's.
var inertia = []struct{ centre, result float64 }{{1, 0}, {0, 0}, {0.5, 0}, {1, 1}, {1.5, 0.5}}

// accelerated is a run of mDLAM or TIAM some sweeps on, that goes on from weights and
// activations far from the last ones.
func accelerated(t *testing.T, centre, result float64) *Blocks {
	t.Helper()
	p := testprob.Blobs(40, 4, 3, 1)
	set := DefaultSettings()
	set.Momentum, set.Rho, set.Centre, set.Result = true, 0.1, centre, result
	set.Epsilon, set.EpsilonRule = 0.2, Fixed
	st, err := Solver{set}.Init(p, testprob.Network(p, []int{5}, activation.Tanh{}, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	s := st.(stepper).Blocks
	for range 3 {
		if _, err := st.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.nesterov.omega = 0.5
	testprob.Normal(s.layers[0].prev.W, 0.3, testprob.Rng(2))
	testprob.Normal(s.layers[0].prev.A, 0.3, testprob.Rng(3))
	return s
}

// TestExtrapolatedStep: the W-step of TIAM, with the gradient at W + ω(W − W_old), from the
// centre and beyond the result by their shares of ω. mDLAM's is DLAM's from that point.
func TestExtrapolatedStep(t *testing.T) {
	for _, c := range inertia {
		s := accelerated(t, c.centre, c.result)
		ly := &s.layers[0]
		w, old := ly.net.W.Clone(), ly.prev.W.Clone()
		if err := s.updateW(ly); err != nil {
			t.Fatal(err)
		}
		for i := range w.Rows {
			move, g := make([]float64, w.Cols), make([]float64, w.Cols)
			for j := range move {
				move[j] = 0.5 * (float64(w.At(i, j)) - float64(old.At(i, j)))
			}
			for j := range g { // EᵀA at W, and the move times the Gram matrix
				g[j] = float64(ly.sums.g.At(i, j))
				for k, m := range move {
					g[j] += m * float64(ly.sums.gram.At(min(j, k), max(j, k)))
				}
			}
			var curve, norm float64
			for j := range g {
				dj := g[j] / float64(ly.step.scale[j])
				norm += float64(ly.step.scale[j]) * dj * dj
				for k := range g {
					curve += dj * float64(ly.sums.gram.At(min(j, k), max(j, k))) * g[k] / float64(ly.step.scale[k])
				}
			}
			for j := range g {
				at := c.centre*move[j] - g[j]/float64(ly.step.scale[j])*norm/curve
				want := float64(w.At(i, j)) + (1+0.5*c.result)*at
				if got := float64(ly.prev.next.At(i, j)); math.Abs(got-want) > 1e-3*(1+math.Abs(want)) { // a few dozen float32 terms
					t.Errorf("%+v: W[%d,%d] from the extrapolated point: %g, want %g", c, i, j, got, want)
				}
			}
		}
	}
}

// extrapolation of a in a block alone.
type extrapolateOp struct {
	s    *Blocks
	move [][]float32 // of each sample
}

func (*extrapolateOp) Plan(*pass.Plan) {}

func (o *extrapolateOp) Block(w *pass.Worker, lo, hi int) {
	b := o.s.block(w, &o.s.layers[0], lo, hi)
	b.extrapolateA()
	for i := range hi - lo {
		o.move[lo+i] = slices.Clone(b.scratch(b.extrapolated.move, b.A.Cols).Row(i))
	}
}

// TestExtrapolatedActivations: the a-step of TIAM, as in TestExtrapolatedStep, each of its
// two ends cut to the band.
func TestExtrapolatedActivations(t *testing.T) {
	for _, c := range inertia {
		s := accelerated(t, c.centre, c.result)
		ly := &s.layers[0]
		a, old, w, z := ly.A.Clone(), ly.prev.A.Clone(), ly.next.net.W, ly.Z
		o := &extrapolateOp{s, make([][]float32, a.Rows)}
		e := ly.next.E.Clone()
		if err := s.run(o); err != nil {
			t.Fatal(err)
		}
		h := mat.New(z.Rows, z.Cols)
		ly.net.H.Apply(h.Data, z.Elements())
		beyond := 1 + 0.5*c.result
		cut := 0
		for i := range a.Rows {
			move, g, image := make([]float64, a.Cols), make([]float64, a.Cols), make([]float64, w.Rows)
			for j := range move {
				move[j] = 0.5 * (float64(a.At(i, j)) - float64(old.At(i, j)))
			}
			var norm, curve float64
			for k := range w.Rows {
				for j, m := range move {
					image[k] += m * float64(w.At(k, j))
				}
				for j := range g {
					g[j] += (float64(e.At(i, k)) + image[k]) * float64(w.At(k, j))
				}
			}
			for _, x := range g {
				norm += x * x
			}
			for k := range w.Rows {
				var x float64
				for j := range g {
					x += g[j] * float64(w.At(k, j))
				}
				curve += x * x
			}
			for j := range move {
				band := func(x float64) float64 {
					hj := float64(h.At(i, j))
					if in := min(max(x, hj-0.2), hj+0.2); in != x {
						cut++
						return in
					}
					return x
				}
				at := float64(a.At(i, j))
				to := band(at + c.centre*move[j] - g[j]*norm/curve)
				want := band(at+beyond*(to-at)) - at
				if got := float64(o.move[i][j]); math.Abs(got-want) > 1e-3*(1+math.Abs(want)) { // as above
					t.Errorf("%+v: the move of a[%d,%d]: %g, want %g", c, i, j, got, want)
				}
			}
		}
		if cut == 0 || cut == 2*len(a.Data) {
			t.Errorf("%+v: the band cuts %d entries, want some", c, cut)
		}
	}
}

// TestInertiaRefused: weights below 0, and weights that DLAM has no use for.
func TestInertiaRefused(t *testing.T) {
	for want, change := range map[string]func(*Settings){
		"inertia-centre: got -1":                  func(s *Settings) { s.Momentum, s.Centre = true, -1 },
		"inertia-result: got -1":                  func(s *Settings) { s.Momentum, s.Result = true, -1 },
		"inertia-centre: got 0.5, want 1 without": func(s *Settings) { s.Centre = 0.5 },
		"inertia-result: got 0.5, want 0 without": func(s *Settings) { s.Result = 0.5 },
	} {
		set := DefaultSettings()
		change(&set)
		if err := set.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
