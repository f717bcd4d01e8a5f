package activation

import (
	"math"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/spec"
)

// Tanh is the hyperbolic tangent.
type Tanh struct{}

var (
	_ Monotone   = Tanh{}
	_ Fitted     = Tanh{}
	_ Conjugated = Tanh{}
)

// Apply computes dst = tanh(z).
func (Tanh) Apply(dst, z []float32) { kernel.Tanh(dst, z) }

// ProjectBand clips v to [atanh(a−ε), atanh(a+ε)], open where the end is
// saturated.
func (Tanh) ProjectBand(dst, v, a []float32, eps float32) {
	projectSaturating(dst, v, a, eps, -1, 1, math.Tanh, math.Atanh)
}

// MulDeriv computes dst = g(1 − tanh² z).
func (Tanh) MulDeriv(dst, g, z []float32) { kernel.TanhDeriv(dst, g, z) }

// Gap has Φ = log cosh v and Φ* = ½[(1+a) log(1+a) + (1−a) log(1−a)].
func (Tanh) Gap(a, v []float32) (sum float64) {
	v = v[:len(a)]
	for i, x := range a {
		a, v := float64(x), float64(v[i])
		phi := math.Abs(v) + math.Log1p(math.Exp(-2*math.Abs(v))) - math.Ln2
		sum += phi + (negentropy(1+a)+negentropy(1-a))/2 - a*v
	}
	return sum
}

// Inverse is atanh a.
func (Tanh) Inverse(dst, a []float32) {
	dst = dst[:len(a)]
	for i, x := range a {
		dst[i] = float32(math.Atanh(float64(clip(x, -belowOne, belowOne))))
	}
}

// Steepest is 1, at 0.
func (Tanh) Steepest() float64 { return 1 }

// FitCurvature follows from the second derivative: with t = tanh z it is (1−t²)(1−3t²+2at), of which the
// maximum is 1.2325 for |a| ≤ 1; a beyond adds (|a|−1) max 2t(1−t²) = (|a|−1)·4/√27.
func (Tanh) FitCurvature(lo, hi float64) float64 {
	return 1.2325 + 4/math.Sqrt(27)*max(0, -lo-1, hi-1)
}

// belowOne is the largest float32 below 1, which stands for an end of a range where the
// inverse is infinite.
const belowOne = 1 - 0x1p-24

// negentropy is x log x.
func negentropy(x float64) float64 {
	if x <= 0 {
		return 0
	}
	return x * math.Log(x)
}

// Spec is the kind tanh.
func (Tanh) Spec() spec.Spec { return spec.Spec{Kind: "tanh"} }

func (f Tanh) String() string { return f.Spec().String() }

// Sigmoid is the logistic function 1/(1+e⁻ᶻ).
type Sigmoid struct{}

var (
	_ Monotone   = Sigmoid{}
	_ Fitted     = Sigmoid{}
	_ Conjugated = Sigmoid{}
)

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func logit(p float64) float64 { return math.Log(p) - math.Log1p(-p) }

// Apply computes dst = 1/(1+e⁻ᶻ).
func (Sigmoid) Apply(dst, z []float32) {
	dst = dst[:len(z)]
	for i, x := range z {
		dst[i] = float32(logistic(float64(x)))
	}
}

// ProjectBand clips v to [logit(a−ε), logit(a+ε)], open where the end is
// saturated.
func (Sigmoid) ProjectBand(dst, v, a []float32, eps float32) {
	projectSaturating(dst, v, a, eps, 0, 1, logistic, logit)
}

// MulDeriv computes dst = g·h(z)(1 − h(z)).
func (Sigmoid) MulDeriv(dst, g, z []float32) {
	dst, g = dst[:len(z)], g[:len(z)]
	for i, x := range z {
		p := logistic(float64(x))
		dst[i] = g[i] * float32(p*(1-p))
	}
}

// Gap has Φ = log(1+eᵛ) and Φ* = a log a + (1−a) log(1−a).
func (Sigmoid) Gap(a, v []float32) (sum float64) {
	v = v[:len(a)]
	for i, x := range a {
		a, v := float64(x), float64(v[i])
		phi := max(v, 0) + math.Log1p(math.Exp(-math.Abs(v)))
		sum += phi + negentropy(a) + negentropy(1-a) - a*v
	}
	return sum
}

// Inverse is log(a/(1−a)).
func (Sigmoid) Inverse(dst, a []float32) {
	dst = dst[:len(a)]
	for i, x := range a {
		dst[i] = float32(logit(float64(clip(x, aboveZero, belowOne))))
	}
}

// aboveZero is the smallest normal float32, which stands for 0 where the inverse is
// infinite.
const aboveZero = 0x1p-126

// Steepest is ¼, at 0.
func (Sigmoid) Steepest() float64 { return 0.25 }

// FitCurvature follows from the second derivative: with p = h(z) and q = p(1−p) it is
// q² + (p−a)q(1−2p), of which the maximum is 0.07704 for a in [0, 1]; a beyond adds as
// much times the maximum of |q(1−2p)|, 1/√108.
func (Sigmoid) FitCurvature(lo, hi float64) float64 {
	return 0.07704 + max(0, -lo, hi-1)/math.Sqrt(108)
}

// Spec is the kind sigmoid.
func (Sigmoid) Spec() spec.Spec { return spec.Spec{Kind: "sigmoid"} }

func (f Sigmoid) String() string { return f.Spec().String() }

// projectSaturating is ProjectBand for an h with values in (inf, sup). It
// evaluates h first: inside the band nothing is inverted, and the inverse is
// exact enough where it is needed. An end of the band at or beyond h's bound,
// where only saturated points are in it, is taken to lie the tolerance inside.
func projectSaturating(dst, v, a []float32, eps float32, inf, sup float64, h, inverse func(float64) float64) {
	dst, a = dst[:len(v)], a[:len(v)]
	e := float64(eps)
	for i, x := range v {
		lo, hi, tol := float64(a[i])-e, float64(a[i])+e, float64(slack(a[i], eps))
		lo, hi = min(lo, sup-tol), max(hi, inf+tol)
		switch y := h(float64(x)); {
		case y < lo && inf+tol < lo:
			dst[i] = float32(inverse(lo))
		case y > hi && hi < sup-tol:
			dst[i] = float32(inverse(hi))
		default:
			dst[i] = x
		}
	}
}
