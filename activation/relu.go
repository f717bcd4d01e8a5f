package activation

import "github.com/dlam-go/dlam/internal/kernel"

// ReLU is h(z) = max(z, 0).
type ReLU struct{}

var _ Differentiable = ReLU{}

// Apply computes dst = max(z, 0).
func (ReLU) Apply(dst, z []float32) { kernel.ReLU(dst, z) }

// ProjectBand clips v to [a−ε, a+ε], open below where a−ε ≤ 0.
func (ReLU) ProjectBand(dst, v, a []float32, eps float32) { kernel.ReLUBand(dst, v, a, eps) }

// MulDeriv computes dst = g where z > 0, else 0.
func (ReLU) MulDeriv(dst, g, z []float32) { kernel.ReLUDeriv(dst, g, z) }

func (ReLU) String() string { return "relu" }

// LeakyReLU is h(z) = z for z ≥ 0 and Slope·z below, 0 < Slope ≤ 1.
type LeakyReLU struct{ Slope float32 }

var _ Differentiable = LeakyReLU{}

// Apply computes dst = h(z).
func (f LeakyReLU) Apply(dst, z []float32) {
	dst = dst[:len(z)]
	for i, x := range z {
		dst[i] = max(x, f.Slope*x)
	}
}

// ProjectBand clips v to [h⁻¹(a−ε), h⁻¹(a+ε)].
func (f LeakyReLU) ProjectBand(dst, v, a []float32, eps float32) {
	dst, a = dst[:len(v)], a[:len(v)]
	for i, x := range v {
		lo, hi := a[i]-eps, a[i]+eps
		dst[i] = clip(x, min(lo, lo/f.Slope), min(hi, hi/f.Slope))
	}
}

// MulDeriv computes dst = g where z > 0, else Slope·g.
func (f LeakyReLU) MulDeriv(dst, g, z []float32) {
	dst, g = dst[:len(z)], g[:len(z)]
	for i, x := range z {
		d := g[i]
		if x <= 0 {
			d *= f.Slope
		}
		dst[i] = d
	}
}

func (LeakyReLU) String() string { return "leaky-relu" }
