package kernel

import "math"

// omegaLeast is where ω is so small that it may as well be constant.
const omegaLeast = -700

// omegaGo is the ω with ω + log ω = x: a start near it, then twice the
// fourth-order iteration of Fritsch, Shafer and Crowley (1973).
func omegaGo(x float64) float64 {
	x = max(x, omegaLeast)
	var w float64
	switch {
	case x < -1:
		e := math.Exp(x)
		w = e / (1 + e)
	case x <= 3:
		d := x - 1
		w = 1 + d/2 + d*d/16
	default:
		l := math.Log(x)
		w = x - l + l/x
	}
	for range 2 {
		r := x - w - math.Log(w)
		q := 2 * (1 + w) * (1 + w + 2.0/3*r)
		w += w * (r * (q - r) / ((1 + w) * (q - 2*r)))
	}
	return w
}

func omegaSumGo(w, c []float64, shift float64) (sum, slope float64) {
	w = w[:len(c)]
	for j, x := range c {
		w[j] = omegaGo(x + shift)
		sum += w[j]
		slope += w[j] / (1 + w[j])
	}
	return sum, slope
}
