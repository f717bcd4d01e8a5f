package loss

import (
	"math"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/spec"
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
	_ Bounded       = CrossEntropy{}
	_ Curved        = CrossEntropy{}
	_ Smooth        = CrossEntropy{}
	_ Probabilistic = CrossEntropy{}
)

// exps is exp of rows of z less their maxima, a few rows at a time.
type exps struct {
	top [expRows]float32
	sum [expRows]float64
}

const expRows = 64

// of computes the maxima and sums of the rows of z, at most expRows, and
// writes the exps to dst, which may be z.
func (e *exps) of(dst, z mat.Dense) {
	kernel.ExpSum(dst.Data, dst.Stride, z.Data, z.Stride, z.Rows, z.Cols, e.top[:], e.sum[:])
}

// Value is Σ logsumexp(z) − ⟨y, z⟩.
func (CrossEntropy) Value(z mat.Dense, y Target) float64 {
	var s float64
	var buf [2][smallRow]float32
	target, scratch := rowOf(&buf[0], z.Cols), rowOf(&buf[1], z.Cols)
	var e exps
	for lo := 0; lo < z.Rows; lo += expRows {
		hi := min(lo+expRows, z.Rows)
		e.of(mat.Dense{Rows: hi - lo, Cols: z.Cols, Data: scratch}, z.RowRange(lo, hi))
		for i := range hi - lo {
			e.sum[i] = float64(e.top[i]) + math.Log(e.sum[i])
		}
		s += y.RowRange(lo, hi).crossEntropy(z.RowRange(lo, hi), e.sum[:], target)
	}
	return s
}

// crossEntropy is Σ −⟨y, log softmax(z)⟩; scratch is a row.
func (t Target) crossEntropy(z mat.Dense, logSumExp []float64, scratch []float32) (s float64) {
	if t.Class != nil && t.Smoothing == 0 {
		for i, c := range t.Class {
			s += logSumExp[i] - float64(z.At(i, int(c)))
		}
		return s
	}
	for i := range z.Rows {
		t.Distribution(scratch, i)
		for j, x := range z.Row(i) { // Σ y (lse − z): no cancellation
			s += float64(scratch[j]) * (logSumExp[i] - float64(x))
		}
	}
	return s
}

// Least is the targets' mean entropy: 0 for classes without smoothing.
func (CrossEntropy) Least(y Target) float64 {
	rows := y.Rows()
	if y.Class == nil { // values that are distributions
		var s float64
		for i := range rows {
			for _, p := range y.Value.Row(i) {
				s += entropy(float64(p))
			}
		}
		return s / float64(max(rows, 1))
	}
	off, on := y.mix()
	return entropy(float64(on)) + float64(y.Classes-1)*entropy(float64(off))
}

// entropy is −p log p.
func entropy(p float64) float64 {
	if p <= 0 {
		return 0
	}
	return -p * math.Log(p)
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
	var e exps
	for lo := 0; lo < z.Rows; lo += expRows {
		hi := min(lo+expRows, z.Rows)
		e.of(dst.RowRange(lo, hi), z.RowRange(lo, hi))
		for i := lo; i < hi; i++ {
			inv := float32(1 / e.sum[i-lo])
			d := dst.Row(i)
			for j := range d {
				d[j] *= inv
			}
		}
	}
}

// Curvature is Σ dᵀ(diag(p) − ppᵀ)d with p = softmax(z).
func (c CrossEntropy) Curvature(z, d mat.Dense, _ Target) float64 {
	var s float64
	var buf [smallRow]float32
	p := rowOf(&buf, z.Cols)
	for i := range z.Rows {
		c.Probabilities(mat.FromSlice(1, z.Cols, p), z.RowRange(i, i+1))
		var mean, square float64
		for j, x := range d.Row(i) {
			mean += float64(p[j]) * float64(x)
			square += float64(p[j]) * float64(x) * float64(x)
		}
		s += math.Max(0, square-mean*mean)
	}
	return s
}

// Steepest is ½: diag(p) − ppᵀ has no larger eigenvalue (Böhning 1992).
func (CrossEntropy) Steepest() float64 { return 0.5 }

// Prox solves p − y + ρ(x − v) = 0, p = softmax(x), for each sample.
func (c CrossEntropy) Prox(dst, v mat.Dense, y Target, rho float64) (value float64, unmoved int) {
	var buf [smallRow]float32
	target := rowOf(&buf, v.Cols)
	var small [kernel.OmegaWork * smallRow / 4]float64
	work := small[:]
	if need := max(kernel.OmegaWork, fistaWork) * v.Cols; need > len(work) {
		work = make([]float64, need)
	}
	if c.Solver != FISTA {
		return proxOmega(dst, v, y, rho, work, target), 0
	}
	for i := range v.Rows {
		y.Distribution(target, i)
		if !fista(dst.Row(i), v.Row(i), target, rho, work) {
			unmoved++
		}
	}
	return c.Value(dst, y), unmoved
}

// Spec is the kind cross-entropy; how the output step is solved is not part of it.
func (CrossEntropy) Spec() spec.Spec { return spec.Spec{Kind: "cross-entropy"} }

// Labels are classes.
func (CrossEntropy) Labels() Labels { return Classes }

func (c CrossEntropy) String() string { return c.Spec().String() }
