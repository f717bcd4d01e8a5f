package activation

import (
	"math"

	"github.com/dlam-go/dlam/spec"
)

// HardTanh is h(z) = min(max(z, −1), 1).
type HardTanh struct{}

var (
	_ Monotone       = HardTanh{}
	_ Differentiable = HardTanh{}
	_ Conjugated     = HardTanh{}
)

// Apply computes dst = h(z).
func (HardTanh) Apply(dst, z []float32) {
	dst = dst[:len(z)]
	for i, x := range z {
		dst[i] = clip(x, -1, 1)
	}
}

// ProjectBand clips v to [a−ε, a+ε], open where the end is saturated.
func (HardTanh) ProjectBand(dst, v, a []float32, eps float32) {
	dst, a = dst[:len(v)], a[:len(v)]
	for i, x := range v {
		lo, hi, tol := a[i]-eps, a[i]+eps, slack(a[i], eps)
		if lo <= -1+tol {
			lo = -inf32
		}
		if hi >= 1-tol {
			hi = inf32
		}
		dst[i] = clip(x, lo, hi)
	}
}

// MulDeriv computes dst = g where |z| < 1, else 0.
func (HardTanh) MulDeriv(dst, g, z []float32) {
	dst, g = dst[:len(z)], g[:len(z)]
	for i, x := range z {
		d := g[i]
		if x <= -1 || x >= 1 {
			d = 0
		}
		dst[i] = d
	}
}

// Gap has Φ = ½v² within ±1, |v| − ½ beyond, and Φ* = ½a².
func (HardTanh) Gap(a, v []float32) (sum float64) {
	v = v[:len(a)]
	for i, x := range a {
		a, v := float64(x), float64(v[i])
		inner := min(math.Abs(v), 1)
		sum += inner*(math.Abs(v)-inner/2) + a*(a/2-v)
	}
	return sum
}

// Inverse is a.
func (HardTanh) Inverse(dst, a []float32) { copy(dst, a) }

// Steepest is 1.
func (HardTanh) Steepest() float64 { return 1 }

// Spec is the kind hard-tanh.
func (HardTanh) Spec() spec.Spec { return spec.Spec{Kind: "hard-tanh"} }

func (f HardTanh) String() string { return f.Spec().String() }

// Identity is h(z) = z: a linear layer, and the output layer of every network.
type Identity struct{}

var (
	_ Monotone   = Identity{}
	_ Fitted     = Identity{}
	_ Conjugated = Identity{}
)

// Apply copies z to dst.
func (Identity) Apply(dst, z []float32) { copy(dst, z) }

// ProjectBand clips v to [a−ε, a+ε].
func (Identity) ProjectBand(dst, v, a []float32, eps float32) {
	dst, a = dst[:len(v)], a[:len(v)]
	for i, x := range v {
		dst[i] = clip(x, a[i]-eps, a[i]+eps)
	}
}

// MulDeriv copies g to dst.
func (Identity) MulDeriv(dst, g, _ []float32) { copy(dst, g) }

// Gap is Σ ½(a − v)².
func (Identity) Gap(a, v []float32) (sum float64) {
	v = v[:len(a)]
	for i, x := range a {
		d := float64(x) - float64(v[i])
		sum += d * d
	}
	return sum / 2
}

// Inverse is a.
func (Identity) Inverse(dst, a []float32) { copy(dst, a) }

// Steepest is 1.
func (Identity) Steepest() float64 { return 1 }

// FitCurvature is 1.
func (Identity) FitCurvature(_, _ float64) float64 { return 1 }

// Spec is the kind identity.
func (Identity) Spec() spec.Spec { return spec.Spec{Kind: "identity"} }

func (f Identity) String() string { return f.Spec().String() }

// Sign is the binarised activation: 1 for z ≥ 0 and −1 below. It has no useful
// derivative, so methods that need one refuse it.
type Sign struct{}

var _ Monotone = Sign{}

// belowZero is the largest normal float32 under zero, the closure's 0⁻.
const belowZero = -0x1p-126

// Apply computes dst = ±1.
func (Sign) Apply(dst, z []float32) {
	dst = dst[:len(z)]
	for i, x := range z {
		if x >= 0 {
			dst[i] = 1
		} else {
			dst[i] = -1
		}
	}
}

// ProjectBand clips v to z ≥ 0 where −1 is outside the band, and to z < 0
// where +1 is.
func (Sign) ProjectBand(dst, v, a []float32, eps float32) {
	dst, a = dst[:len(v)], a[:len(v)]
	for i, x := range v {
		if tol := slack(a[i], eps); a[i]-eps > -1+tol {
			x = max(x, 0)
		} else if a[i]+eps < 1-tol {
			x = min(x, belowZero)
		}
		dst[i] = x
	}
}

// Spec is the kind sign.
func (Sign) Spec() spec.Spec { return spec.Spec{Kind: "sign"} }

func (f Sign) String() string { return f.Spec().String() }
