package multiconvex

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
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

// TestExtrapolatedStep: the W-step of mDLAM is DLAM's from W + ω(W − W_old):
// the gradient is the one there.
func TestExtrapolatedStep(t *testing.T) {
	p := testprob.Blobs(40, 4, 3, 1)
	set := DefaultSettings()
	set.Momentum, set.Rho = true, 0.1
	st, err := Solver{set}.Init(p, testprob.Network(p, []int{5}, activation.Tanh{}, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := st.(stepper).Blocks
	for range 3 {
		if _, err := st.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.nesterov.omega = 0.5
	ly := &s.layers[0]
	testprob.Normal(ly.prev.W, 0.3, testprob.Rng(2))
	w, old := ly.net.W.Clone(), ly.prev.W.Clone()
	if err := s.updateW(ly); err != nil {
		t.Fatal(err)
	}
	for i := range w.Rows {
		at, g := make([]float64, w.Cols), make([]float64, w.Cols)
		for j := range at {
			at[j] = float64(w.At(i, j)) + 0.5*(float64(w.At(i, j))-float64(old.At(i, j)))
		}
		for j := range g { // EᵀA at W, and the move times the Gram matrix
			g[j] = float64(ly.sums.g.At(i, j))
			for k := range at {
				g[j] += (at[k] - float64(w.At(i, k))) * float64(ly.sums.gram.At(min(j, k), max(j, k)))
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
			want := at[j] - g[j]/float64(ly.step.scale[j])*norm/curve
			if got := float64(ly.prev.next.At(i, j)); math.Abs(got-want) > 1e-3*(1+math.Abs(want)) { // a few dozen float32 terms
				t.Errorf("W[%d,%d] from the extrapolated point: %g, want %g", i, j, got, want)
			}
		}
	}
}
