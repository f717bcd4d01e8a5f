package loss

import "math"

const (
	// fistaWork is the float64 scratch of Prox, in rows.
	fistaWork = 4
	// fistaIterations bounds the steps for one sample.
	fistaIterations = 20000
	// fistaTolerance stops at ‖∇f‖∞ below it, relative to 1 + ρ‖v‖∞.
	fistaTolerance = 1e-7
	// fistaSlack is the rounding allowed in the acceptance test, relative to
	// the values compared.
	fistaSlack = 1e-7
)

// fista minimises f(x) = logsumexp(x) − ⟨y, x⟩ + (ρ/2)‖x − v‖² from dst by
// FISTA with the constant momentum for a ρ-strongly convex f whose gradient
// has the Lipschitz constant ½ + ρ. It accepts the point reached if
// f(old) − f(new) ≥ (ρ/2)‖new − old‖², which is eq. 12, and reports whether
// it did; otherwise dst does not move.
func fista(dst, v, y []float32, rho float64, work []float64) bool {
	n := len(v)
	x, prev, at, g := work[:n], work[n:2*n], work[2*n:3*n], work[3*n:4*n]
	scale := 1.0
	for j := range x {
		x[j] = float64(dst[j])
		scale = math.Max(scale, 1+rho*math.Abs(float64(v[j])))
	}
	copy(prev, x)
	start := fistaValue(x, v, y, rho)
	lip := 0.5 + rho
	q := math.Sqrt(rho / lip)
	beta := (1 - q) / (1 + q)
	for range fistaIterations {
		for j := range at {
			at[j] = x[j] + beta*(x[j]-prev[j])
		}
		if fistaGrad(g, at, v, y, rho) <= fistaTolerance*scale {
			copy(x, at)
			break
		}
		for j := range x {
			prev[j] = x[j]
			x[j] = at[j] - g[j]/lip
		}
	}
	var move float64
	for j := range x {
		d := x[j] - float64(dst[j])
		move += d * d
	}
	end := fistaValue(x, v, y, rho)
	if !(start-end >= rho/2*move-fistaSlack*(math.Abs(start)+math.Abs(end))) { // nor with NaN
		return false
	}
	for j := range dst {
		dst[j] = float32(x[j])
	}
	return true
}

func fistaValue(x []float64, v, y []float32, rho float64) float64 {
	lse := logSumExp64(x)
	var f float64
	for j := range x {
		d := x[j] - float64(v[j])
		f += float64(y[j])*(lse-x[j]) + rho/2*d*d
	}
	return f
}

// fistaGrad writes ∇f(x) to g and returns its largest entry.
func fistaGrad(g, x []float64, v, y []float32, rho float64) float64 {
	lse := logSumExp64(x)
	var worst float64
	for j := range x {
		g[j] = math.Exp(x[j]-lse) - float64(y[j]) + rho*(x[j]-float64(v[j]))
		worst = math.Max(worst, math.Abs(g[j]))
	}
	return worst
}

func logSumExp64(x []float64) float64 {
	top := x[0]
	for _, v := range x[1:] {
		top = math.Max(top, v)
	}
	var s float64
	for _, v := range x {
		s += math.Exp(v - top)
	}
	return top + math.Log(s)
}
