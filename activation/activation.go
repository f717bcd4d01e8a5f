package activation

import (
	"fmt"
	"math"
	"strings"
)

// Func is a monotone activation function. Arguments of one call have the same
// length; dst may be the same slice as another argument.
type Func interface {
	// Apply computes dst = h(z).
	Apply(dst, z []float32)
	// ProjectBand computes dst = argmin (x−v)² s.t. |h(x)−a| ≤ eps, the
	// z-step of eq. 4: v clipped to the closure of h⁻¹([a−eps, a+eps]).
	// The result is feasible up to BandTolerance.
	ProjectBand(dst, v, a []float32, eps float32)
	// String is the name in files and on the command line.
	String() string
}

// Differentiable is an activation with a derivative almost everywhere.
type Differentiable interface {
	Func
	// MulDeriv computes dst = g ∘ h'(z), with the right derivative 0 at kinks
	// such as ReLU's.
	MulDeriv(dst, g, z []float32)
}

// BandTolerance bounds |h(ProjectBand(v,a,ε)) − a| − ε, relative to
// 1 + |a| + ε: a few units of float32 rounding.
const BandTolerance = 1e-6

// All is every activation, in the order in which they are listed to users.
var All = []Func{ReLU{}, LeakyReLU{Slope: 0.01}, Tanh{}, Sigmoid{}, HardTanh{}, Identity{}, Sign{}}

// Parse is the activation called name.
func Parse(name string) (Func, error) {
	names := make([]string, len(All))
	for i, f := range All {
		if f.String() == name {
			return f, nil
		}
		names[i] = f.String()
	}
	return nil, fmt.Errorf("unknown activation %q (choose one of %s)", name, strings.Join(names, ", "))
}

// slack is half the tolerance of a band: an end that is saturated but for
// rounding counts as saturated, since the inverse jumps there.
func slack(a, eps float32) float32 {
	return BandTolerance / 2 * (1 + max(a, -a) + eps)
}

// clip is min(max(v, lo), hi).
func clip(v, lo, hi float32) float32 { return min(max(v, lo), hi) }

var inf32 = float32(math.Inf(1))
