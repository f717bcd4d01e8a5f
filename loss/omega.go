package loss

import "math"

// wrightOmega is the ω with ω + log ω = x, to a few units of float64 rounding:
// an asymptotic start, then the fourth-order iteration of Fritsch, Shafer and
// Crowley (1973).
func wrightOmega(x float64) float64 {
	if x < -36 { // ω = eˣ(1 − eˣ + …): the second term is below rounding
		return math.Exp(x)
	}
	var w float64
	switch {
	case x < -1:
		e := math.Exp(x)
		w = e / (1 + e)
	case x < 3:
		d := x - 1
		w = 1 + d/2 + d*d/16
	default:
		l := math.Log(x)
		w = x - l + l/x
	}
	for range 2 {
		r := x - w - math.Log(w)
		q := 2 * (1 + w) * (1 + w + 2.0/3*r)
		w *= 1 + r/(1+w)*(q-r)/(q-2*r)
	}
	return w
}

// proxOmega computes dst = argmin_x logsumexp(x) − ⟨y, x⟩ + (ρ/2)‖x − v‖².
//
// With s = logsumexp(x), optimality p − y + ρ(x − v) = 0 says
// p_j = ρ ω(c_j − s), c_j = v_j + y_j/ρ − log ρ. That leaves Σp = 1, one
// equation in s whose left side is convex and decreasing, so that Newton's
// method from a point left of the root rises to it monotonically. s and c are
// kept relative to max c, where they do not cancel.
func proxOmega(dst, v, y []float32, rho float64, work []float64) {
	c, p := work[:len(v)], work[len(v):2*len(v)]
	top := math.Inf(-1)
	for j := range v {
		c[j] = float64(v[j]) + float64(y[j])/rho
		top = math.Max(top, c[j])
	}
	solveSum(c, p, top, rho)
	for j := range dst {
		dst[j] = float32(float64(v[j]) + (float64(y[j])-p[j])/rho)
	}
}

// solveSum finds the s with Σ_j p_j = 1, p_j = ρ ω(c_j − top − log ρ − s), and
// leaves that p.
func solveSum(c, p []float64, top, rho float64) {
	logRho := math.Log(rho)
	s := -1 / rho // there the largest term alone is 1
	for range 60 {
		var sum, slope float64
		for j := range c {
			w := wrightOmega(c[j] - top - logRho - s)
			p[j] = rho * w
			sum += p[j]
			slope += p[j] / (1 + w)
		}
		if math.Abs(sum-1) <= 1e-13 {
			break
		}
		next := s + (sum-1)/slope
		if next == s {
			break
		}
		s = next
	}
}
