package loss

import (
	"math"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/spec"
)

// Hinge is the one-against-all hinge R(z; y) = Σ_j max(0, 1 − y_j z_j) with
// y_j = +1 for the true class and −1 for the others.
type Hinge struct{}

var (
	_ Proximal = Hinge{}
	_ Curved   = Hinge{}
)

// Value is Σ max(0, 1 − yz).
func (Hinge) Value(z mat.Dense, y Target) float64 {
	var s float64
	var buf [smallRow]float32
	target := rowOf(&buf, z.Cols)
	for i := range z.Rows {
		y.Code(target, i, -1, 1)
		for j, x := range z.Row(i) {
			s += math.Max(0, 1-float64(target[j])*float64(x))
		}
	}
	return s
}

// Grad computes dst = −y where yz < 1, else 0.
func (Hinge) Grad(dst, z mat.Dense, y Target) {
	var buf [smallRow]float32
	target := rowOf(&buf, z.Cols)
	for i := range z.Rows {
		y.Code(target, i, -1, 1)
		d := dst.Row(i)
		for j, x := range z.Row(i) {
			t := target[j]
			if t*x < 1 {
				d[j] = -t
			} else {
				d[j] = 0
			}
		}
	}
}

// Prox is closed form in u = yv: u where u ≥ 1, u + 1/ρ where that is ≤ 1,
// else 1.
func (h Hinge) Prox(dst, v mat.Dense, y Target, rho float64) (value float64, unmoved int) {
	var buf [smallRow]float32
	target := rowOf(&buf, v.Cols)
	for i := range v.Rows {
		y.Code(target, i, -1, 1)
		d := dst.Row(i)
		for j, x := range v.Row(i) {
			t := float64(target[j])
			u := t * float64(x)
			d[j] = float32(t * math.Max(u, math.Min(u+1/rho, 1)))
		}
	}
	return h.Value(dst, y), 0
}

// Curvature is Σd² over the active entries: the second derivative of the
// squared hinge, a surrogate for a loss that has none.
func (Hinge) Curvature(z, d mat.Dense, y Target) float64 {
	var s float64
	var buf [smallRow]float32
	target := rowOf(&buf, z.Cols)
	for i := range z.Rows {
		y.Code(target, i, -1, 1)
		zi := z.Row(i)
		for j, x := range d.Row(i) {
			if target[j]*zi[j] < 1 {
				s += float64(x) * float64(x)
			}
		}
	}
	return s
}

// Spec is the kind hinge.
func (Hinge) Spec() spec.Spec { return spec.Spec{Kind: "hinge"} }

// Labels are classes.
func (Hinge) Labels() Labels { return Classes }

func (h Hinge) String() string { return h.Spec().String() }
