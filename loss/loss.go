package loss

import (
	"fmt"
	"strings"

	"github.com/dlam-go/dlam/mat"
)

// Loss is a convex risk of the network's outputs, summed over samples.
type Loss interface {
	// Value is Σ_i R(z_i; y_i).
	Value(z mat.Dense, y Target) float64
	// Grad computes dst_i = ∇R(z_i; y_i) (a subgradient at kinks). dst may be z.
	Grad(dst, z mat.Dense, y Target)
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

// Probabilistic is a loss whose outputs stand for class probabilities.
type Probabilistic interface {
	Loss
	// Probabilities computes dst = the distribution over classes of each row
	// of z. dst may be z.
	Probabilities(dst, z mat.Dense)
}

// Names lists the losses that Parse knows.
var Names = []string{"cross-entropy", "squared", "hinge"}

// Parse is the loss called name, with its default output solver.
func Parse(name string) (Loss, error) {
	switch name {
	case "cross-entropy":
		return CrossEntropy{}, nil
	case "squared":
		return Squared{}, nil
	case "hinge":
		return Hinge{}, nil
	}
	return nil, fmt.Errorf("unknown loss %q (choose one of %s)", name, strings.Join(Names, ", "))
}
