package kernel

import "math"

const (
	// Group is the number of samples that an Omega works on side by side.
	Group = 16
	// OmegaWork is an Omega's scratch, in rows of outputs.
	OmegaWork = 4 * Group
	// omegaLeast is where ω is so small that it may as well be constant, and
	// omegaLeastExp where e^x is.
	omegaLeast, omegaLeastExp = -700, -650
	// omegaPlain is the number of steps after which they are Newton's, which
	// rise to the root from its left; omegaSteps bounds them all.
	omegaPlain, omegaSteps = 20, 60
	// omegaTolerance bounds 6 times the error of Σp, and omegaFlat is the slope
	// below which that of z counts instead; see Omega.
	omegaTolerance, omegaFlat = 6e-11, 1e-3
)

// Omega solves p − y + ρ(x − v) = 0, p = softmax(x), for Group samples side by
// side: eq. 5 of cross-entropy. With s = logsumexp(x) + log ρ it says
// p_j = ρω(c_j − s), c_j = v_j + y_j/ρ, Wright's ω being the solution of
// ω + log ω = x. That leaves f(s) = Σp − 1 = 0, one equation whose left side is
// convex and decreasing.
//
// Each sample goes its own way whatever the others do. In the end |Σp − 1|,
// which is the size of what is left of the gradient, is below 1e-11, and the
// error of x some 1e-8; rounding adds 2⁻⁵²(1+|v|), and to x 2⁻⁵²/ρ.
//
// The assembly knows the order of the fields, and the constants above.
type Omega struct {
	s     [Group]float64
	step  [Group]float64  // the last; the work is for s before it
	least [Group]float64  // s is no less
	next  [2][Group]int64 // masks: who has a step left, by what ω starts from
	sum   [Group]float64  // Σω, as e^(x−s)/ρ, of x rounded
	rho   float64
	inv   float64 // 1/ρ
	log   float64 // log ρ
	// work is y/ρ, v, ω and ω', each [class][sample].
	work []float64
}

const (
	omegaWarm = iota // from ω before the last step
	omegaCold        // from nothing
)

// NewOmega is for some classes, with scratch for OmegaWork rows.
func NewOmega(rho float64, classes int, work []float64) Omega {
	return Omega{rho: rho, inv: 1 / rho, log: math.Log(rho), work: work[:OmegaWork*classes]}
}

// Target is where y/ρ goes, [class][sample].
func (o *Omega) Target() []float64 { return o.work[:len(o.work)/4] }

// rows is y/ρ, v, ω and ω'.
func (o *Omega) rows() (b, v, w, d []float64) {
	n := len(o.work) / 4
	return o.work[:n], o.work[n : 2*n], o.work[2*n : 3*n], o.work[3*n:]
}

// Solve writes the x of rows samples to z, where the search starts; Target
// holds theirs, and beyond them the last sample's.
func (o *Omega) Solve(z []float32, zStride int, v []float32, vStride, rows int) {
	o.start(z, zStride, v, vStride, rows)
	curved := 1.0
	for k := range omegaSteps {
		if k == omegaPlain {
			curved = 0
		}
		var warm, cold int64
		for i := range Group {
			warm |= o.next[omegaWarm][i]
			cold |= o.next[omegaCold][i]
		}
		if warm != 0 {
			o.advance(omegaWarm, curved)
		}
		if cold != 0 {
			o.advance(omegaCold, curved)
		}
		if warm|cold == 0 {
			break
		}
	}
	o.end(z, zStride, rows)
}

// startGo's first ω is p/ρ, p the softmax of z, whose logarithm is z − s: only
// roughly, for there is always a step to follow.
func (o *Omega) startGo(z []float32, stride int, v []float32, vStride, rows int) {
	b, vs, w, d := o.rows()
	classes := len(b) / Group
	for i := range Group {
		row := min(i, rows-1)
		top, least, sum := math.Inf(-1), math.Inf(-1), 0.
		for j := range classes {
			at := j*Group + i
			w[at], vs[at] = float64(z[row*stride+j]), float64(v[row*vStride+j])
			top = max(top, w[at])
			least = max(least, vs[at]+(b[at]-o.inv))
		}
		for at := i; at < len(d); at += Group {
			d[at] = math.Exp(max(w[at]-top, omegaLeastExp))
			sum += d[at]
		}
		o.least[i] = least + o.log
		o.s[i] = top + math.Log(sum) + o.log
		if !(math.Abs(o.s[i]) < math.MaxFloat64) {
			o.s[i] = o.least[i]
		}
		var t omegaSums
		for at := i; at < len(d); at += Group {
			x := d[at] / (sum * o.rho)
			r := vs[at] - w[at] + (b[at] - x)
			// Below 1 where r is in (−2−ω, 2+2ω), which the refinement bears.
			t.far = max(t.far, r*r-x*(r+2*x+6)-3)
			w[at], d[at] = t.add(refineGo(r, x))
		}
		o.finish(i, &t, 1, true)
	}
}

func (o *Omega) advanceGo(kind int, curved float64) {
	b, v, w, d := o.rows()
	for i, m := range o.next[kind] {
		if m == 0 {
			continue
		}
		var t omegaSums
		for at := i; at < len(b); at += Group {
			u := v[at] - o.s[i]
			x := w[at]
			if kind == omegaWarm {
				x = along(x, d[at], o.step[i])
			} else {
				x = omegaStartGo(max(u+b[at], omegaLeast))
			}
			r := max(u+(b[at]-x), omegaLeast-x) - math.Log(x)
			t.far = max(t.far, r*r)
			w[at], d[at] = t.add(refineGo(r, x))
		}
		o.finish(i, &t, curved, false)
	}
}

func (o *Omega) endGo(dst []float32, stride, rows int) {
	b, v, w, d := o.rows()
	for i := range rows {
		o.sum[i] = 0
		for j := range len(b) / Group {
			at := j*Group + i
			end := along(w[at], d[at], o.step[i])
			x := v[at] + (b[at] - end)
			dst[i*stride+j] = float32(x)
			o.sum[i] += end + end*(float64(float32(x))-x)
		}
	}
}

// LogSumExp is that of each x as it was written, but for the square of its
// rounding.
func (o *Omega) LogSumExp(dst *[Group]float64) {
	for i, sum := range o.sum {
		dst[i] = o.s[i] + o.step[i] - o.log + (o.rho*sum - 1)
	}
}

// omegaSums are the sums over classes of ω and its first two derivatives, and
// how far ω was: the largest square of a residual.
type omegaSums struct{ w, d, dd, far float64 }

func (t *omegaSums) add(w float64) (_, d float64) {
	k := 1 / (1 + w)
	d = w * k
	t.w += w
	t.d += d
	t.dd += d * k * k
	return w, d
}

// finish takes sample i's step. What a step or ω's residual r may leave behind
// is of Σp at most (slope/6)(|step|³ + r⁴/12), as |ω”'| ≤ ω' and by refineGo's
// bound, and of z no more than that over the slope. The last step is left to
// endGo, which takes it with ω's parabolas, of which f's is the sum.
func (o *Omega) finish(i int, t *omegaSums, curved float64, first bool) {
	f, slope := o.rho*t.w-1, o.rho*t.d
	fc := f * (o.rho * t.dd * curved)
	if !(4*fc < slope*slope) {
		fc = 0
	}
	step := 2 * f / (slope + math.Sqrt(slope*slope-2*fc))
	if first && !(t.far < 1) {
		step = 0
	}
	step = max(step, o.least[i]-o.s[i])
	size := math.Abs(step)
	o.step[i] = step
	o.next[omegaWarm][i], o.next[omegaCold][i] = 0, 0
	left := (size*size*size + t.far*t.far/12) * max(slope, omegaFlat)
	if first || left > omegaTolerance {
		o.s[i] += step
		kind := omegaCold
		if max(size, t.far) < 1 {
			kind = omegaWarm
		}
		o.next[kind][i] = -1
	}
}

// along is ω a step to the left, by its parabola; d is ω'.
func along(w, d, step float64) float64 {
	k := 1 - d // ω'' = ω'k²
	return w - step*(d*(1-step/2*(k*k)))
}

// omegaStartGo is near ω(x).
func omegaStartGo(x float64) float64 {
	switch {
	case x < -1:
		e := math.Exp(x)
		return e / (1 + e)
	case x <= 3:
		d := x - 1
		return 1 + d/2 + d*d/16
	}
	l := math.Log(x)
	return x - l + l/x
}

// refineGo is a step of the fourth-order iteration of Fritsch, Shafer and
// Crowley (1973) to ω(x), r being x − w − log w: of a relative error e of w it
// leaves less than e⁴/72.
func refineGo(r, w float64) float64 {
	q := 2 * (1 + w) * (1 + w + 2.0/3*r)
	return w + w*(r*(q-r)/((1+w)*(q-2*r)))
}
