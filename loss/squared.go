package loss

import (
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/spec"
)

// Squared is R(z; y) = ½‖z − y‖², with y one-hot for classes.
type Squared struct{}

var (
	_ Proximal = Squared{}
	_ Curved   = Squared{}
	_ Smooth   = Squared{}
)

// Value is ½ Σ‖z − y‖².
func (Squared) Value(z mat.Dense, y Target) float64 {
	var s float64
	var buf [smallRow]float32
	target := rowOf(&buf, z.Cols)
	for i := range z.Rows {
		y.Code(target, i, 0, 1)
		for j, x := range z.Row(i) {
			d := float64(x) - float64(target[j])
			s += d * d
		}
	}
	return s / 2
}

// Grad computes dst = z − y.
func (Squared) Grad(dst, z mat.Dense, y Target) {
	var buf [smallRow]float32
	target := rowOf(&buf, z.Cols)
	for i := range z.Rows {
		y.Code(target, i, 0, 1)
		d := dst.Row(i)
		for j, x := range z.Row(i) {
			d[j] = x - target[j]
		}
	}
}

// Prox computes dst = (y + ρv)/(1 + ρ).
func (s Squared) Prox(dst, v mat.Dense, y Target, rho float64) (value float64, unmoved int) {
	var buf [smallRow]float32
	target := rowOf(&buf, v.Cols)
	for i := range v.Rows {
		y.Code(target, i, 0, 1)
		d := dst.Row(i)
		for j, x := range v.Row(i) {
			d[j] = float32((float64(target[j]) + rho*float64(x)) / (1 + rho))
		}
	}
	return s.Value(dst, y), 0
}

// Curvature is Σ‖d‖².
func (Squared) Curvature(_, d mat.Dense, _ Target) float64 {
	var s float64
	for i := range d.Rows {
		for _, x := range d.Row(i) {
			s += float64(x) * float64(x)
		}
	}
	return s
}

// Steepest is 1.
func (Squared) Steepest() float64 { return 1 }

// Spec is the kind squared.
func (Squared) Spec() spec.Spec { return spec.Spec{Kind: "squared"} }

func (s Squared) String() string { return s.Spec().String() }
