package loss

import (
	"math"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

const (
	// omegaWork is the float64 scratch of an omegaGroup, in rows of outputs.
	omegaWork = 4 * kernel.Group
	// omegaTolerance bounds the error of Σp; omegaStep that of the last step,
	// and with it the error of z, below ω'·omegaStep³/6.
	omegaTolerance = 1e-13
	omegaStep      = 1e-3
	// omegaNear is a step that the tangent of ω bridges.
	omegaNear = 0.25
	// omegaPlain is the number of steps after which they are Newton's, which
	// rise to the root from its left; omegaSteps bounds them all.
	omegaPlain, omegaSteps = 20, 60
)

// omegaGroup solves eq. 5, x = argmin logsumexp(x) − ⟨y, x⟩ + (ρ/2)‖x − v‖²,
// for samples side by side.
//
// With s = logsumexp(x), optimality p − y + ρ(x − v) = 0 says
// p_j = ρ ω(c_j − s), c_j = v_j + y_j/ρ − log ρ. That leaves f(s) = Σp − 1 = 0,
// one equation whose left side is convex and decreasing. s and c are kept
// relative to max c − log ρ, where they do not cancel; there f(−1/ρ) ≥ 0.
type omegaGroup struct {
	rho, log   float64   // ρ and log ρ
	c, w, d, y []float64 // [class][sample]: c, ω, ω' and the target
	s, step    [kernel.Group]float64
	sums       [3][kernel.Group]float64 // Σω, Σω', Σω''
}

// proxOmega solves eq. 5 for all rows. Rows of dst are where s starts, and
// work is scratch for omegaWork rows, target for one.
func proxOmega(dst, v mat.Dense, y Target, rho float64, work []float64, target []float32) {
	n := kernel.Group * v.Cols
	g := omegaGroup{rho: rho, log: math.Log(rho), c: work[:n], w: work[n : 2*n], d: work[2*n : 3*n], y: work[3*n : 4*n]}
	var e exps
	for lo := 0; lo < v.Rows; lo += kernel.Group {
		hi := min(lo+kernel.Group, v.Rows)
		e.of(mat.Dense{Rows: hi - lo, Cols: v.Cols, Data: target}, dst.RowRange(lo, hi))
		for i := range kernel.Group { // the last group repeats its last sample
			row := min(lo+i, hi-1)
			y.Distribution(target, row)
			g.load(i, v.Row(row), target, float64(e.top[row-lo])+math.Log(e.sum[row-lo]))
		}
		g.solve()
		for i := range hi - lo {
			g.store(i, dst.Row(lo+i), v.Row(lo+i))
		}
	}
}

// load sets up sample i; s is where to start.
func (g *omegaGroup) load(i int, v, y []float32, s float64) {
	most := math.Inf(-1)
	for j, x := range v {
		at := j*kernel.Group + i
		g.y[at] = float64(y[j])
		g.c[at] = float64(x) + g.y[at]/g.rho
		most = max(most, g.c[at])
	}
	shift := most + g.log
	for at := i; at < len(g.c); at += kernel.Group {
		g.c[at] -= shift
	}
	g.s[i] = s - most
	if least := -1 / g.rho; !(g.s[i] > least && g.s[i] < -least) {
		g.s[i] = least
	}
}

// solve finds s: each step is to the root of f's parabola at s, or Newton's
// where that is far. The last step is left to store, which takes it with ω's
// parabolas, of which f's is the sum: what remains is of third order, and
// since |ω”'| ≤ ω', below Σρω'·|step|³/6.
func (g *omegaGroup) solve() {
	warm := false
	for k := range omegaSteps {
		kernel.OmegaStep(g.c, g.w, g.d, &g.s, &g.step, &g.sums, warm)
		done := true
		warm = true
		for i := range g.step {
			f, slope, curve := g.rho*g.sums[0][i]-1, g.rho*g.sums[1][i], g.rho*g.sums[2][i]
			step := f / slope
			if 4*f*curve < slope*slope && k < omegaPlain {
				step = 2 * f / (slope + math.Sqrt(slope*slope-2*f*curve))
			}
			step = max(step, -1/g.rho-g.s[i])
			g.step[i] = step
			size := math.Abs(step)
			done = done && !(size > omegaStep || slope*size*size*size > omegaTolerance)
			warm = warm && size < omegaNear
		}
		if done {
			return
		}
		for i, step := range g.step {
			g.s[i] += step
		}
	}
	g.step = [kernel.Group]float64{}
}

// store writes sample i's x = v + (y − p)/ρ.
func (g *omegaGroup) store(i int, dst, v []float32) {
	for j := range dst {
		at := j*kernel.Group + i
		dst[j] = float32(float64(v[j]) + (g.y[at]-g.p(at, i))/g.rho)
	}
}

// p is the probability at the end of the last step.
func (g *omegaGroup) p(at, i int) float64 {
	w, d, step := g.w[at], g.d[at], g.step[i]
	k := 1 / (1 + w)
	return g.rho * (w - step*d*(1-step/2*k*k))
}
