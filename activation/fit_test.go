package activation_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/spec"
)

// swish is z·σ(z), which falls before it rises: an activation of a user's own,
// without a projection.
type swish struct{}

func (swish) Apply(dst, z []float32) {
	for i, x := range z {
		dst[i] = float32(float64(x) / (1 + math.Exp(-float64(x))))
	}
}

func (swish) Spec() spec.Spec { return spec.Spec{Kind: "swish"} }

// No point of a fine grid is better than Fit's.
func TestFitIsTheMinimiser(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var f activation.Fitter
	const n = 300 // more than a chunk
	for _, h := range append([]activation.Func{swish{}}, activation.All...) {
		c, a, dst := make([]float32, n), make([]float32, n), make([]float32, n)
		for i := range c {
			c[i], a[i], dst[i] = float32(2*rng.NormFloat64()), float32(2*rng.NormFloat64()), float32(rng.NormFloat64())
		}
		gamma, kappa := float32(1+9*rng.Float64()), float32(1)
		old := append([]float32(nil), dst...)
		f.Fit(h, dst, c, a, gamma, kappa)
		cost := func(i int, z float32) float64 {
			x := []float32{z}
			h.Apply(x, x)
			r, d := float64(a[i]-x[0]), float64(z-c[i])
			return float64(gamma)*r*r + float64(kappa)*d*d
		}
		for i := range c {
			got := cost(i, dst[i])
			if was := cost(i, old[i]); got > was*(1+1e-5) {
				t.Errorf("%v: entry %d rose from %g to %g", h, i, was, got)
			}
			best := math.Inf(1)
			for k := range 4001 {
				best = min(best, cost(i, float32(k-2000)/100))
			}
			// The search between grid points stops at 2⁻¹⁰ of their distance.
			if got > best+1e-4*(1+best) {
				t.Errorf("%v, c=%g a=%g γ=%g: cost %g at %g, a grid finds %g", h, c[i], a[i], gamma, got, dst[i], best)
				break
			}
		}
	}
}
