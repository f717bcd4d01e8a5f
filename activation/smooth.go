package activation

import (
	"math"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/spec"
)

// Tanh is the hyperbolic tangent.
type Tanh struct{}

var (
	_ Monotone       = Tanh{}
	_ Differentiable = Tanh{}
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

// Spec is the kind tanh.
func (Tanh) Spec() spec.Spec { return spec.Spec{Kind: "tanh"} }

func (f Tanh) String() string { return f.Spec().String() }

// Sigmoid is the logistic function 1/(1+e⁻ᶻ).
type Sigmoid struct{}

var (
	_ Monotone       = Sigmoid{}
	_ Differentiable = Sigmoid{}
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
