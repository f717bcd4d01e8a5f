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
	_ Conjugated     = ReLU{}
)

// Apply computes dst = max(z, 0).
func (ReLU) Apply(dst, z []float32) { kernel.ReLU(dst, z) }

// ProjectBand clips v to [a−ε, a+ε], open below where a−ε ≤ 0.
func (ReLU) ProjectBand(dst, v, a []float32, eps float32) { kernel.ReLUBand(dst, v, a, eps) }

// MulDeriv computes dst = g where z > 0, else 0.
func (ReLU) MulDeriv(dst, g, z []float32) { kernel.ReLUDeriv(dst, g, z) }

// Gap has Φ = ½max(v, 0)² and Φ* = ½a².
func (ReLU) Gap(a, v []float32) (sum float64) {
	v = v[:len(a)]
	for i, x := range a {
		d := float64(x) - float64(v[i])
		if v[i] < 0 {
			sum += float64(x) * (float64(x) - 2*float64(v[i]))
			continue
		}
		sum += d * d
	}
	return sum / 2
}

// Inverse is a.
func (ReLU) Inverse(dst, a []float32) { copy(dst, a) }

// Steepest is 1.
func (ReLU) Steepest() float64 { return 1 }

// Spec is the kind relu.
func (ReLU) Spec() spec.Spec { return spec.Spec{Kind: "relu"} }

func (f ReLU) String() string { return f.Spec().String() }

// LeakyReLU is h(z) = z for z ≥ 0 and Slope·z below, 0 < Slope ≤ 1.
type LeakyReLU struct{ Slope float32 }

var (
	_ Monotone         = LeakyReLU{}
	_ Differentiable   = LeakyReLU{}
	_ Conjugated       = LeakyReLU{}
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

// Gap has Φ = ½v² and Φ* = ½a² above 0, and ½Slope·v² and ½a²/Slope below.
func (f LeakyReLU) Gap(a, v []float32) (sum float64) {
	slope := float64(f.Slope)
	v = v[:len(a)]
	for i, x := range a {
		a, v := float64(x), float64(v[i])
		phi, conjugate := v*v, a*a
		if v < 0 {
			phi *= slope
		}
		if a < 0 {
			conjugate /= slope
		}
		sum += phi + conjugate - 2*a*v
	}
	return sum / 2
}

// Inverse is a, and a/Slope below 0.
func (f LeakyReLU) Inverse(dst, a []float32) {
	dst = dst[:len(a)]
	for i, x := range a {
		dst[i] = min(x, x/f.Slope)
	}
}

// Steepest is 1, the slope above 0.
func (LeakyReLU) Steepest() float64 { return 1 }

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
