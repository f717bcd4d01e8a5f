package loss

import (
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/spec"
)

// Loss is a convex risk of the network's outputs, summed over samples.
type Loss interface {
	// Value is Σ_i R(z_i; y_i).
	Value(z mat.Dense, y Target) float64
	// Grad computes dst_i = ∇R(z_i; y_i) (a subgradient at kinks). dst may be z.
	Grad(dst, z mat.Dense, y Target)
	// Spec is the loss's kind and parameters, in files and on the command line.
	Spec() spec.Spec
}

// Proximal is a loss whose proximal operator is known: what methods that keep
// the outputs as a variable need.
type Proximal interface {
	Loss
	// Prox computes dst_i = argmin_x R(x; y_i) + (rho/2)‖x − v_i‖², eq. 5.
	// dst holds the current iterate on entry, which an iterative solver may
	// start from and falls back to; dst must not alias v. It returns R's value
	// at dst, and the number of samples whose point did not move for want of a
	// better one.
	Prox(dst, v mat.Dense, y Target, rho float64) (value float64, unmoved int)
}

// Curved is a loss with a second derivative, or a positive surrogate of it.
type Curved interface {
	Loss
	// Curvature is Σ_i d_iᵀ ∇²R(z_i; y_i) d_i.
	Curvature(z, d mat.Dense, y Target) float64
}

// Smooth is a loss whose gradient is nowhere steeper than a known bound.
type Smooth interface {
	Loss
	// Steepest is a c with which ∇²R(z; y) − cI has no positive eigenvalue, for all z
	// and y.
	Steepest() float64
}

// Bounded is a loss whose least is not 0. Others are taken to be at least 0, and
// to come as near to it as the outputs allow.
type Bounded interface {
	Loss
	// Least is the least mean of R over samples with targets y, over all outputs.
	Least(y Target) float64
}

// Probabilistic is a loss whose outputs stand for class probabilities.
type Probabilistic interface {
	Loss
	// Probabilities computes dst = the distribution over classes of each row
	// of z. dst may be z.
	Probabilities(dst, z mat.Dense)
}

// Quantiled is a loss whose least is at a quantile of a sample's values, so that
// predictions are judged by the pinball loss there.
type Quantiled interface {
	Loss
	// Quantile is within 0 and 1, neither included.
	Quantile() float64
}

// Labels says what labels a loss is for.
type Labels string

// The labels.
const (
	Classes Labels = "classes"
	Values  Labels = "values" // of a regression
)

// Labelled is a loss that is for labels of one sort alone. Others are for both.
type Labelled interface {
	Loss
	// Labels is what the loss is for.
	Labels() Labels
}

// IsFor reports whether l is for such labels.
func IsFor(l Loss, labels Labels) bool {
	only, ok := l.(Labelled)
	return !ok || only.Labels() == labels
}

// All is a loss of every kind, in the order in which they are listed to users.
// Its parameters are those of a loss that is named without any.
var All = []Loss{CrossEntropy{}, Squared{}, Hinge{}, Huber{Delta: 1}}

// Parse is the loss of a text such as squared or huber:delta=0.5. It solves its
// output step as the zero value of its type does.
func Parse(text string) (Loss, error) {
	s, err := spec.Parse(text)
	if err != nil {
		return nil, err
	}
	return FromSpec(s)
}

// FromSpec is the loss that s describes. Parameters that s does not give are
// those in All.
func FromSpec(s spec.Spec) (Loss, error) { return spec.Make("loss", All, s) }
