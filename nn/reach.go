package nn

import (
	"math"
	"reflect"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/kernel"
)

// Reach bounds what the network computes for samples whose entries are at most x
// in absolute value: no output, and nothing on the way to one, is larger. By the
// norm of each row of weights and |h(z)| ≤ |z| + 1, which holds for the activations
// of this library; it is +Inf where nothing is known, as of an activation of the
// user's own, and NaN or +Inf where a parameter is.
func (n *Network) Reach(x float64) float64 {
	for _, ly := range n.Layers {
		switch ly.Linear().(type) {
		case Dense, Conv: // a patch has entries and means of them
		default:
			return math.Inf(1)
		}
		if !bounded(ly.H) {
			return math.Inf(1)
		}
		var z float64
		scale := math.Sqrt(float64(ly.W.Cols)) * x
		for i := range ly.W.Rows {
			z = math.Max(z, math.Sqrt(kernel.SumSquares(ly.W.Row(i)))*scale+math.Abs(float64(ly.B[i]))) // NaN too
		}
		x = z + 1
	}
	return x
}

// bounded reports whether h is an activation of this library.
func bounded(h activation.Func) bool {
	for _, o := range activation.All {
		if reflect.TypeOf(o) == reflect.TypeOf(h) {
			return true
		}
	}
	return false
}
