// Package variants makes operators with other parameters than the usual ones, for
// tests that go over all operators.
package variants

import (
	"math"

	"github.com/dlam-go/dlam/spec"
)

// Of is all, and for each parameter of each two more operators: one with a smaller
// number and one with a larger. They are the ends of its range where those are in it.
func Of[T spec.Operator](all []T) []T {
	list := append([]T(nil), all...)
	for _, o := range all {
		m, ok := any(o).(spec.Maker[T])
		if !ok {
			continue
		}
		for _, p := range m.Parameters() {
			was := o.Spec().Numbers[p.Name]
			for _, x := range []float64{
				toward(was, p.Min, p.OpenMin),
				toward(was, p.Max, p.OpenMax),
			} {
				numbers := o.Spec().Numbers // a map of its own
				numbers[p.Name] = x
				if made := m.With(numbers); x != was && spec.Check(made) == nil {
					list = append(list, made)
				}
			}
		}
	}
	return list
}

// toward is an end of a range, or a number on the way from x to it.
func toward(x, end float64, open bool) float64 {
	switch {
	case math.IsInf(end, 0):
		return x + math.Copysign(0.625, end)
	case open:
		return end + (x-end)/4
	}
	return end
}
