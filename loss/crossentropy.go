package loss

import (
	"math"

	"github.com/dlam-go/dlam/mat"
)

// OutputSolver says how the output step (eq. 5) of cross-entropy is solved.
type OutputSolver string

// The two output solvers.
const (
	// Omega solves one scalar equation in Wright's ω function a sample.
	Omega OutputSolver = "omega"
	// FISTA is the paper's choice (Beck & Teboulle 2009): accelerated
	// gradient steps, many where rho is small.
	FISTA OutputSolver = "fista"
)

// CrossEntropy is R(z; y) = logsumexp(z) − ⟨y, z⟩ with y a distribution over
// classes: softmax followed by the negative log-likelihood. The zero value
// solves its output step by Omega.
type CrossEntropy struct{ Solver OutputSolver }

var (
	_ Curved        = CrossEntropy{}
	_ Probabilistic = CrossEntropy{}
)

// logSumExp is log Σ e^z, safe for any finite z.
func logSumExp(z []float32) float64 {
	top := float64(z[0])
	for _, x := range z[1:] {
		top = math.Max(top, float64(x))
	}
	var s float64
	for _, x := range z {
		s += math.Exp(float64(x) - top)
	}
	return top + math.Log(s)
}

// Value is Σ logsumexp(z) − ⟨y, z⟩.
func (CrossEntropy) Value(z mat.Dense, y Target) float64 {
	var s float64
	var buf [smallRow]float32
	target := rowOf(&buf, z.Cols)
	for i := range z.Rows {
		zi := z.Row(i)
		lse := logSumExp(zi)
		if y.Class != nil && y.Smoothing == 0 {
			s += lse - float64(zi[y.Class[i]])
			continue
		}
		y.Distribution(target, i)
		for j, p := range target { // Σ y (lse − z): no cancellation
			s += float64(p) * (lse - float64(zi[j]))
		}
	}
	return s
}

// Grad computes dst = softmax(z) − y.
func (c CrossEntropy) Grad(dst, z mat.Dense, y Target) {
	c.Probabilities(dst, z)
	var buf [smallRow]float32
	target := rowOf(&buf, z.Cols)
	for i := range z.Rows {
		d := dst.Row(i)
		if y.Class != nil && y.Smoothing == 0 {
			d[y.Class[i]]--
			continue
		}
		y.Distribution(target, i)
		for j, p := range target {
			d[j] -= p
		}
	}
}

// Probabilities computes dst = softmax(z).
func (CrossEntropy) Probabilities(dst, z mat.Dense) {
	for i := range z.Rows {
		softmax(dst.Row(i), z.Row(i))
	}
}

func softmax(dst, z []float32) {
	top := z[0]
	for _, x := range z[1:] {
		top = max(top, x)
	}
	var s float64
	for j, x := range z {
		e := math.Exp(float64(x - top))
		s += e
		dst[j] = float32(e)
	}
	inv := float32(1 / s)
	for j := range dst {
		dst[j] *= inv
	}
}

// Curvature is Σ dᵀ(diag(p) − ppᵀ)d with p = softmax(z).
func (CrossEntropy) Curvature(z, d mat.Dense, _ Target) float64 {
	var s float64
	var buf [smallRow]float32
	p := rowOf(&buf, z.Cols)
	for i := range z.Rows {
		softmax(p, z.Row(i))
		var mean, square float64
		for j, x := range d.Row(i) {
			mean += float64(p[j]) * float64(x)
			square += float64(p[j]) * float64(x) * float64(x)
		}
		s += math.Max(0, square-mean*mean)
	}
	return s
}

// Prox solves p − y + ρ(x − v) = 0, p = softmax(x), for each sample.
func (c CrossEntropy) Prox(dst, v mat.Dense, y Target, rho float64) (unmoved int) {
	var buf [smallRow]float32
	target := rowOf(&buf, v.Cols)
	var small [fistaWork * smallRow]float64
	work := small[:]
	if v.Cols > smallRow {
		work = make([]float64, fistaWork*v.Cols)
	}
	for i := range v.Rows {
		y.Distribution(target, i)
		if c.Solver == FISTA {
			if !fista(dst.Row(i), v.Row(i), target, rho, work) {
				unmoved++
			}
			continue
		}
		proxOmega(dst.Row(i), v.Row(i), target, rho, work)
	}
	return unmoved
}

func (CrossEntropy) String() string { return "cross-entropy" }
