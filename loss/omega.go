package loss

import (
	"math"

	"github.com/dlam-go/dlam/internal/kernel"
)

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
	for j := range c {
		c[j] -= top + logRho
	}
	for range 60 {
		sum, slope := kernel.OmegaSum(p, c, -s)
		excess := rho*sum - 1
		next := s + excess/(rho*slope)
		if math.Abs(excess) <= 1e-13 || next == s {
			break
		}
		s = next
	}
	for j := range p {
		p[j] *= rho
	}
}
