package kernel

import "math"

// omegaLeast is where ω is so small that it may as well be constant.
const omegaLeast = -700

// Group is the number of samples that OmegaStep works on side by side.
const Group = 16

// omegaGo is the ω with ω + log ω = x: a start near it, then twice the
// fourth-order iteration of Fritsch, Shafer and Crowley (1973).
func omegaGo(x float64) float64 {
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
	return refineGo(x, refineGo(x, w))
}

// refineGo is a step of the iteration: of a relative error e it leaves less
// than e⁴/72.
func refineGo(x, w float64) float64 {
	r := x - w - math.Log(w)
	q := 2 * (1 + w) * (1 + w + 2.0/3*r)
	return w + w*(r*(q-r)/((1+w)*(q-2*r)))
}

func omegaStepGo(c, w, d []float64, s, step *[Group]float64, sums *[3][Group]float64, warm bool) {
	*sums = [3][Group]float64{}
	w, d = w[:len(c)], d[:len(c)]
	for j, x := range c {
		i := j % Group
		x = max(x-s[i], omegaLeast)
		if warm {
			w[j] = refineGo(x, w[j]-d[j]*step[i])
		} else {
			w[j] = omegaGo(x)
		}
		k := 1 / (1 + w[j])
		d[j] = w[j] * k
		sums[0][i] += w[j]
		sums[1][i] += d[j]
		sums[2][i] += d[j] * k * k
	}
}
