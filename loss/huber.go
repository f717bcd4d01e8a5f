package loss

import (
	"math"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/spec"
)

// Huber is R(z; y) = Σ_j H(z_j − y_j) for values y, with H(r) = r²/2 where
// |r| ≤ Delta and Delta(|r| − Delta/2) beyond (Huber 1964): squared for small
// errors, absolute for large ones, so that outliers weigh less. Delta > 0 is in
// the units of the targets as the network sees them.
type Huber struct{ Delta float64 }

var (
	_ Proximal         = Huber{}
	_ Curved           = Huber{}
	_ Smooth           = Huber{}
	_ spec.Maker[Loss] = Huber{}
)

// Value is Σ H(z − y).
func (h Huber) Value(z mat.Dense, y Target) float64 {
	var s float64
	var buf [smallRow]float32
	target := rowOf(&buf, z.Cols)
	for i := range z.Rows {
		y.Code(target, i, 0, 1)
		for j, x := range z.Row(i) {
			if r := math.Abs(float64(x) - float64(target[j])); r <= h.Delta {
				s += r * r / 2
			} else {
				s += h.Delta * (r - h.Delta/2)
			}
		}
	}
	return s
}

// Grad computes dst = z − y, clipped to ±Delta.
func (h Huber) Grad(dst, z mat.Dense, y Target) {
	var buf [smallRow]float32
	target, delta := rowOf(&buf, z.Cols), float32(h.Delta)
	for i := range z.Rows {
		y.Code(target, i, 0, 1)
		d := dst.Row(i)
		for j, x := range z.Row(i) {
			d[j] = min(max(x-target[j], -delta), delta)
		}
	}
}

// Steepest is 1, within Delta.
func (Huber) Steepest() float64 { return 1 }

// Prox is closed form in u = v − y: the squared loss's point, where its error
// ρu/(1+ρ) is at most Delta; else v moves by Delta/ρ towards y.
func (h Huber) Prox(dst, v mat.Dense, y Target, rho float64) (value float64, unmoved int) {
	var buf [smallRow]float32
	target := rowOf(&buf, v.Cols)
	for i := range v.Rows {
		y.Code(target, i, 0, 1)
		d := dst.Row(i)
		for j, x := range v.Row(i) {
			t := float64(target[j])
			u := float64(x) - t
			if rho*math.Abs(u) <= h.Delta*(1+rho) {
				d[j] = float32((t + rho*float64(x)) / (1 + rho))
			} else {
				d[j] = float32(float64(x) - math.Copysign(h.Delta/rho, u))
			}
		}
	}
	return h.Value(dst, y), 0
}

// Curvature is Σ w·d² with w = min(1, Delta/|r|), r = z − y: a surrogate where
// |r| > Delta, since H is straight there. It is the curvature of the quadratic
// that touches H at r and at −r and is nowhere below it, so that a step by this
// model never lowers the risk less than the model says.
func (h Huber) Curvature(z, d mat.Dense, y Target) float64 {
	var s float64
	var buf [smallRow]float32
	target := rowOf(&buf, z.Cols)
	for i := range z.Rows {
		y.Code(target, i, 0, 1)
		zi := z.Row(i)
		for j, x := range d.Row(i) {
			weight := 1.0
			if r := math.Abs(float64(zi[j]) - float64(target[j])); r > h.Delta {
				weight = h.Delta / r
			}
			s += weight * float64(x) * float64(x)
		}
	}
	return s
}

// Spec is the kind huber, with its delta.
func (h Huber) Spec() spec.Spec {
	return spec.Spec{Kind: "huber", Numbers: map[string]float64{"delta": h.Delta}}
}

// Parameters are the name and range of Delta.
func (Huber) Parameters() []spec.Parameter {
	return []spec.Parameter{{Name: "delta", Min: 0, OpenMin: true, Max: math.Inf(1)}}
}

// With is a Huber loss with the delta that numbers give.
func (Huber) With(numbers map[string]float64) Loss { return Huber{Delta: numbers["delta"]} }

// Labels are values.
func (Huber) Labels() Labels { return Values }

func (h Huber) String() string { return h.Spec().String() }
