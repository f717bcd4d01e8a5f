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
// of this library, some of which are at most 1; it is +Inf where nothing is known, as of
// an activation of the user's own, and NaN or +Inf where a parameter is.
func (n *Network) Reach(x float64) float64 {
	most := x
	for _, ly := range n.Layers {
		steps, inputs, sums := 1, ly.W.Cols, 1.0
		switch u := ly.Linear().(type) {
		case Dense, Conv, Last: // a patch has entries and means of them
		case RNN:
			steps, inputs = u.Steps, u.Inputs
		case GRU: // c + r∘s, and activations between those before and tanh's
			steps, inputs, sums = u.Steps, u.Inputs, 2
		default:
			return math.Inf(1)
		}
		if !bounded(ly.H) {
			return math.Inf(1)
		}
		var fixed, perOwn float64 // z is at most fixed, and so much for each of its own activations before
		for i := range ly.W.Rows {
			w := ly.W.Row(i)
			fixed = math.Max(fixed, norm(w[:inputs])*math.Sqrt(float64(inputs))*x+math.Abs(float64(ly.B[i]))) // NaN too
			perOwn = math.Max(perOwn, norm(w[inputs:])*math.Sqrt(float64(ly.W.Cols-inputs)))
		}
		for own := 0.0; steps > 0; steps-- {
			z := fixed + perOwn*own
			most = math.Max(most, sums*z)
			if own = z + 1; atMostOne(ly.H) {
				own = 1
			}
			x = own
		}
	}
	return most
}

func norm(w []float32) float64 { return math.Sqrt(kernel.SumSquares(w)) }

// atMostOne reports whether |h(z)| ≤ 1.
func atMostOne(h activation.Func) bool {
	switch h.(type) {
	case activation.Tanh, activation.Sigmoid, activation.HardTanh, activation.Sign:
		return true
	}
	return false
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
