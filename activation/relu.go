package activation

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/spec"
)

// ReLU is h(z) = max(z, 0).
type ReLU struct{}

var (
	_ Monotone       = ReLU{}
	_ Differentiable = ReLU{}
)

// Apply computes dst = max(z, 0).
func (ReLU) Apply(dst, z []float32) { kernel.ReLU(dst, z) }

// ProjectBand clips v to [a−ε, a+ε], open below where a−ε ≤ 0.
func (ReLU) ProjectBand(dst, v, a []float32, eps float32) { kernel.ReLUBand(dst, v, a, eps) }

// MulDeriv computes dst = g where z > 0, else 0.
func (ReLU) MulDeriv(dst, g, z []float32) { kernel.ReLUDeriv(dst, g, z) }

// Spec is the kind relu.
func (ReLU) Spec() spec.Spec { return spec.Spec{Kind: "relu"} }

func (f ReLU) String() string { return f.Spec().String() }

// LeakyReLU is h(z) = z for z ≥ 0 and Slope·z below, 0 < Slope ≤ 1.
type LeakyReLU struct{ Slope float32 }

var (
	_ Monotone         = LeakyReLU{}
	_ Differentiable   = LeakyReLU{}
	_ spec.Maker[Func] = LeakyReLU{}
)

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

// Spec is the kind leaky-relu, with its slope.
func (f LeakyReLU) Spec() spec.Spec {
	return spec.Spec{Kind: "leaky-relu", Numbers: map[string]float64{"slope": spec.Float32(f.Slope)}}
}

func (f LeakyReLU) String() string { return f.Spec().String() }

// Parameters are the slope's name and range.
func (LeakyReLU) Parameters() []spec.Parameter {
	return []spec.Parameter{{Name: "slope", Min: 0, OpenMin: true, Max: 1}}
}

// With is a leaky ReLU with the slope that numbers give.
func (LeakyReLU) With(numbers map[string]float64) Func {
	return LeakyReLU{Slope: float32(numbers["slope"])}
}
