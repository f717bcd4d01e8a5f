package activation

import (
	"math"

	"github.com/dlam-go/dlam/spec"
)

// Func is an activation function. Arguments of one call have the same length;
// dst may be the same slice as another argument.
type Func interface {
	// Apply computes dst = h(z).
	Apply(dst, z []float32)
	// Spec is the activation's kind and parameters, in files and on the command
	// line.
	Spec() spec.Spec
}

// Monotone is an activation that never decreases, and whose preimages of
// intervals are known: what methods that keep a within a band around h(z) need.
type Monotone interface {
	Func
	// ProjectBand computes dst = argmin (x−v)² s.t. |h(x)−a| ≤ eps, the
	// z-step of eq. 4: v clipped to the closure of h⁻¹([a−eps, a+eps]).
	// The result is feasible up to BandTolerance.
	ProjectBand(dst, v, a []float32, eps float32)
}

// Differentiable is an activation with a derivative almost everywhere.
type Differentiable interface {
	Func
	// MulDeriv computes dst = g ∘ h'(z), with the right derivative 0 at kinks
	// such as ReLU's.
	MulDeriv(dst, g, z []float32)
}

// Conjugated is a continuous activation that never decreases, with the convex function
// Φ of which it is the derivative and that one's conjugate Φ*(a) = sup av − Φ(v): what
// lifted networks are made of. Φ(v) + Φ*(a) − av is at least 0 for every a in the closed
// range of h, and 0 where a = h(v) (Fenchel–Young).
type Conjugated interface {
	Func
	// Gap is Σ Φ(v) + Φ*(a) − av, in float64, for a in the closed range of h.
	Gap(a, v []float32) float64
	// Inverse computes dst, a subgradient of Φ* at a: a v with h(v) = a, a finite one
	// where a is an end of the range. dst may be a.
	Inverse(dst, a []float32)
	// Steepest is the least upper bound of h'.
	Steepest() float64
}

// Fitted is an activation without kinks, so that ½(a − h(z))² bends upwards by no more
// than a known bound: what the method of auxiliary coordinates needs.
type Fitted interface {
	Differentiable
	// FitCurvature bounds the second derivative of ½(a − h(z))² by z from above, for all
	// z and every a from lo to hi.
	FitCurvature(lo, hi float64) float64
}

// BandTolerance bounds |h(ProjectBand(v,a,ε)) − a| − ε, relative to
// 1 + |a| + ε: a few units of float32 rounding.
const BandTolerance = 1e-6

// All is an activation of every kind, in the order in which they are listed to
// users. Its parameters are those of an activation that is named without any.
var All = []Func{ReLU{}, LeakyReLU{Slope: 0.01}, Tanh{}, Sigmoid{}, HardTanh{}, Identity{}, Sign{}}

// Parse is the activation of a text such as relu or leaky-relu:slope=0.5.
func Parse(text string) (Func, error) {
	s, err := spec.Parse(text)
	if err != nil {
		return nil, err
	}
	return FromSpec(s)
}

// ParseList is the activations of texts divided by commas, at least one.
func ParseList(text string) ([]Func, error) {
	specs, err := spec.ParseList(text)
	if err != nil {
		return nil, err
	}
	list := make([]Func, len(specs))
	for i, s := range specs {
		if list[i], err = FromSpec(s); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// FromSpec is the activation that s describes. Parameters that s does not give
// are those in All.
func FromSpec(s spec.Spec) (Func, error) { return spec.Make("activation", All, s) }

// slack is half the tolerance of a band: an end that is saturated but for
// rounding counts as saturated, since the inverse jumps there.
func slack(a, eps float32) float32 {
	return BandTolerance / 2 * (1 + max(a, -a) + eps)
}

// clip is min(max(v, lo), hi).
func clip(v, lo, hi float32) float32 { return min(max(v, lo), hi) }

var inf32 = float32(math.Inf(1))
