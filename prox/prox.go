package prox

import (
	"math"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/spec"
)

// Regularizer is a convex, nonnegative, separable function of the weights.
type Regularizer interface {
	// Value is Ω(w), summed in float64.
	Value(w []float32) float64
	// Prox computes dst = argmin_x Ω(x) + (theta/2)‖x − v‖², theta > 0. dst
	// may be v.
	Prox(dst, v []float32, theta float64)
	// Spec is the regulariser's kind and weight.
	Spec() spec.Spec
}

// Differentiable is a regulariser with a gradient, or a subgradient.
type Differentiable interface {
	Regularizer
	// AddGrad computes dst += ∇Ω(w), 0 standing for ∂|0|.
	AddGrad(dst, w []float32)
}

// Smooth is a regulariser with a gradient whose proximal step is a step along
// it: Prox(w − g/θ; θ) = w − (g + ∇Ω(w))/(θ + Strong).
type Smooth interface {
	Differentiable
	// Strong is the modulus of strong convexity, ∇²Ω.
	Strong() float64
}

// AddSlope adds to d, the gradient of another term in w, what Ω adds to it
// where Ω is smooth. Where d is 0 a subgradient of Ω stands for it: Ω alone
// moves w then.
func AddSlope(omega Regularizer, d, w []float32) {
	o, ok := omega.(Differentiable)
	if !ok {
		return
	}
	if _, smooth := omega.(Smooth); smooth || kernel.SumSquares(d) == 0 {
		o.AddGrad(d, w)
	}
}

// None is Ω = 0.
type None struct{}

var _ Smooth = None{}

// AddGrad adds nothing.
func (None) AddGrad(_, _ []float32) {}

// Strong is 0.
func (None) Strong() float64 { return 0 }

// Value is 0.
func (None) Value([]float32) float64 { return 0 }

// Prox copies v to dst.
func (None) Prox(dst, v []float32, _ float64) { copy(dst, v) }

// Spec is the kind none.
func (None) Spec() spec.Spec { return spec.Spec{Kind: "none"} }

func (r None) String() string { return r.Spec().String() }

// weight is the parameter of L1 and L2.
var weight = []spec.Parameter{{Name: "lambda", Max: math.Inf(1), OpenMax: true}}

// L1 is Ω(w) = Lambda·‖w‖₁, Lambda ≥ 0.
type L1 struct{ Lambda float64 }

var _ Differentiable = L1{}

// AddGrad computes dst += λ·sign(w).
func (r L1) AddGrad(dst, w []float32) {
	l := float32(r.Lambda)
	for i, x := range w {
		switch {
		case x > 0:
			dst[i] += l
		case x < 0:
			dst[i] -= l
		}
	}
}

// Value is λ Σ|w|.
func (r L1) Value(w []float32) float64 {
	var s float64
	for _, x := range w {
		s += math.Abs(float64(x))
	}
	return r.Lambda * s
}

// Prox is soft thresholding at λ/theta.
func (r L1) Prox(dst, v []float32, theta float64) {
	dst = dst[:len(v)]
	t := float32(r.Lambda / theta)
	for i, x := range v {
		dst[i] = x - min(max(x, -t), t)
	}
}

// Spec is the kind l1, with its weight.
func (r L1) Spec() spec.Spec {
	return spec.Spec{Kind: "l1", Numbers: map[string]float64{"lambda": r.Lambda}}
}

// Parameters are the name and range of Lambda.
func (L1) Parameters() []spec.Parameter { return weight }

func (r L1) String() string { return r.Spec().String() }

// L2 is Ω(w) = (Lambda/2)·‖w‖², Lambda ≥ 0.
type L2 struct{ Lambda float64 }

var _ Smooth = L2{}

// AddGrad computes dst += λw.
func (r L2) AddGrad(dst, w []float32) {
	kernel.Axpy(dst, float32(r.Lambda), w)
}

// Strong is λ.
func (r L2) Strong() float64 { return r.Lambda }

// Value is (λ/2) Σw².
func (r L2) Value(w []float32) float64 {
	var s float64
	for _, x := range w {
		s += float64(x) * float64(x)
	}
	return r.Lambda / 2 * s
}

// Prox is v·theta/(theta+λ).
func (r L2) Prox(dst, v []float32, theta float64) {
	dst = dst[:len(v)]
	c := float32(theta / (theta + r.Lambda))
	for i, x := range v {
		dst[i] = c * x
	}
}

// Spec is the kind l2, with its weight.
func (r L2) Spec() spec.Spec {
	return spec.Spec{Kind: "l2", Numbers: map[string]float64{"lambda": r.Lambda}}
}

// Parameters are the name and range of Lambda.
func (L2) Parameters() []spec.Parameter { return weight }

func (r L2) String() string { return r.Spec().String() }
