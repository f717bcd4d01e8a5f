package split

import (
	"math"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// Term is a part T of an objective that holds V_l, the output of a layer's linear map. With
// a c that bounds its curvature and V̂ the current V_l,
//
//	T(V) ≤ T(V̂) − ‖∇T(V̂)‖²/(2c) + (c/2)‖V − T̂‖²,  T̂ = V̂ − ∇T(V̂)/c,
//
// for every V, with equality at V̂: a step that lowers the quadratic around the moved target
// T̂ lowers T. So a quadratic is all that the (W, b)- and the a-step need to minimise.
type Term interface {
	// Value is T at v, of samples lo to hi-1, with their weights. It may use v as scratch.
	Value(v mat.Dense, lo, hi int) float64
	// Gradient computes dst = ∇T at v, of samples lo to hi-1, without weights. dst is not v.
	Gradient(dst, v mat.Dense, lo, hi int)
	// Curvature is c.
	Curvature() float64
}

// Risk is R(V; Y), of the output layer.
type Risk struct{ it *Iterate }

// NewRisk is that of it, of which the loss is a loss.Smooth.
func NewRisk(it *Iterate) Risk { return Risk{it} }

// Value is Σ R.
func (r Risk) Value(v mat.Dense, lo, hi int) float64 {
	return loss.Weighted(r.it.P.Loss, v, r.it.P.Y.RowRange(lo, hi))
}

// Gradient is R's.
func (r Risk) Gradient(dst, v mat.Dense, lo, hi int) {
	r.it.P.Loss.Grad(dst, v, r.it.P.Y.RowRange(lo, hi))
}

// Curvature is the loss's.
func (r Risk) Curvature() float64 { return r.it.P.Loss.(loss.Smooth).Steepest() }

// Fenchel is γ Σ Φ(v) + Φ*(a) − av, with Φ' = h: at least 0, and 0 where a = h(v). Its
// gradient by v is γ(h(v) − a), without a derivative of h.
type Fenchel struct {
	it    *Iterate
	ly    *Layer
	h     activation.Conjugated
	Gamma float64
}

// NewFenchel is that of a hidden layer of it, whose activation is h.
func NewFenchel(it *Iterate, ly *Layer, h activation.Conjugated, gamma float64) Fenchel {
	return Fenchel{it, ly, h, gamma}
}

// Value is the penalty.
func (f Fenchel) Value(v mat.Dense, lo, hi int) (sum float64) {
	y := f.it.P.Y.RowRange(lo, hi)
	for i := range v.Rows {
		sum += y.WeightOf(i) * f.h.Gap(f.ly.A.Row(lo+i), v.Row(i))
	}
	return f.Gamma * sum
}

// Gradient is γ(h(v) − a).
func (f Fenchel) Gradient(dst, v mat.Dense, lo, hi int) {
	f.h.Apply(dst.Elements(), v.Elements())
	scaledDifference(dst.Elements(), f.ly.A.RowRange(lo, hi).Elements(), float32(f.Gamma))
}

// Curvature is γ sup h'.
func (f Fenchel) Curvature() float64 { return f.Gamma * f.h.Steepest() }

// scaledDifference computes x = scale(x − a).
func scaledDifference(x, a []float32, scale float32) {
	a = a[:len(x)]
	for i, y := range x {
		x[i] = scale * (y - a[i])
	}
}

// Squares is (γ/2)‖A − V‖²: what holds a to h(v) where h is the projection onto its range.
type Squares struct {
	it    *Iterate
	ly    *Layer
	Gamma float64
}

// NewSquares is that of a hidden layer of it.
func NewSquares(it *Iterate, ly *Layer, gamma float64) Squares { return Squares{it, ly, gamma} }

// Value is the penalty.
func (q Squares) Value(v mat.Dense, lo, hi int) float64 {
	return q.Gamma / 2 * q.it.squaredDistance(v, q.ly.A, lo, hi)
}

// Gradient is γ(v − a).
func (q Squares) Gradient(dst, v mat.Dense, lo, hi int) {
	dst.CopyFrom(v)
	scaledDifference(dst.Elements(), q.ly.A.RowRange(lo, hi).Elements(), float32(q.Gamma))
}

// Curvature is γ.
func (q Squares) Curvature() float64 { return q.Gamma }

// squaredDistance is the sum of (v − a)² over samples lo to hi-1 of a, with their weights.
func (it *Iterate) squaredDistance(v, a mat.Dense, lo, hi int) (sum float64) {
	y := it.P.Y.RowRange(lo, hi)
	for i := range v.Rows {
		var s float64
		row := a.Row(lo + i)
		for j, x := range v.Row(i) {
			d := float64(x) - float64(row[j])
			s += d * d
		}
		sum += y.WeightOf(i) * s
	}
	return sum
}

// Misfit is (μ/2)‖A − h(V)‖², and with Options.Multipliers ⟨Λ, h(V) − A⟩ too, which makes it
// a misfit to A − Λ/μ. Its curvature depends on how far that is out of h's range: Bound must
// be called when A, Λ or μ has changed.
type Misfit struct {
	it     *Iterate
	ly     *Layer
	h      activation.Fitted
	Mu     float64
	c      float64
	bounds bounds
}

// NewMisfit is that of a layer of it, whose activation is h.
func NewMisfit(it *Iterate, ly *Layer, h activation.Fitted, mu float64) *Misfit {
	m := &Misfit{it: it, ly: ly, h: h, Mu: mu}
	m.bounds = bounds{ly: ly, least: make([]float64, it.e.Pool.Threads()), all: make([]float64, 2*it.e.Comm.Size())}
	m.bounds.most = make([]float64, len(m.bounds.least))
	return m
}

// Value is the penalty.
func (m *Misfit) Value(v mat.Dense, lo, hi int) float64 {
	m.h.Apply(v.Elements(), v.Elements())
	sum := m.Mu / 2 * m.it.squaredDistance(v, m.ly.A, lo, hi)
	if m.ly.Lambda.Rows == 0 {
		return sum
	}
	y := m.it.P.Y.RowRange(lo, hi)
	for i := range v.Rows {
		var s float64
		a, lambda := m.ly.A.Row(lo+i), m.ly.Lambda.Row(lo+i)
		for j, x := range v.Row(i) {
			s += float64(lambda[j]) * (float64(x) - float64(a[j]))
		}
		sum += y.WeightOf(i) * s
	}
	return sum
}

// Gradient is h'(v)(μ(h(v) − a) + λ).
func (m *Misfit) Gradient(dst, v mat.Dense, lo, hi int) {
	d := dst.Elements()
	m.h.Apply(d, v.Elements())
	scaledDifference(d, m.ly.A.RowRange(lo, hi).Elements(), float32(m.Mu))
	if m.ly.Lambda.Rows > 0 {
		for i, x := range m.ly.Lambda.RowRange(lo, hi).Elements() {
			d[i] += x
		}
	}
	m.h.MulDeriv(d, d, v.Elements())
}

// Curvature is that of h's fit to the A of the last Bound.
func (m *Misfit) Curvature() float64 { return m.Mu * m.c }

// Bound finds the range of A − Λ/μ, over all ranks.
func (m *Misfit) Bound() error {
	m.bounds.inverse = float32(1 / m.Mu)
	lo, hi, err := m.bounds.of(m.it)
	m.c = m.h.FitCurvature(lo, hi)
	return err
}

// bounds finds the least and the largest entry of a layer's A − Λ/μ.
type bounds struct {
	NoSums
	ly          *Layer
	inverse     float32   // 1/μ
	least, most []float64 // of each worker
	all         []float64 // of each rank, both
}

func (b *bounds) of(it *Iterate) (lo, hi float64, err error) {
	for w := range b.least {
		b.least[w], b.most[w] = math.Inf(1), math.Inf(-1)
	}
	if err := it.Run(b); err != nil {
		return 0, 0, err
	}
	clear(b.all)
	mine := b.all[2*it.e.Comm.Rank():][:2]
	for w := range b.least {
		mine[0], mine[1] = min(mine[0], b.least[w]), max(mine[1], b.most[w]) // with 0, which every range has
	}
	if err := it.e.Comm.Sum(b.all); err != nil {
		return 0, 0, err
	}
	for r := 0; r < len(b.all); r += 2 {
		lo, hi = min(lo, b.all[r]), max(hi, b.all[r+1])
	}
	return lo, hi, nil
}

// Block looks at samples lo to hi-1.
func (b *bounds) Block(w *pass.Worker, lo, hi int) {
	a := b.ly.A.RowRange(lo, hi).Elements()
	least, most := float32(math.Inf(1)), float32(math.Inf(-1))
	if b.ly.Lambda.Rows > 0 {
		lambda := b.ly.Lambda.RowRange(lo, hi).Elements()
		for i, x := range a {
			x -= b.inverse * lambda[i]
			least, most = min(least, x), max(most, x)
		}
	} else {
		for _, x := range a {
			least, most = min(least, x), max(most, x)
		}
	}
	b.least[w.Index] = min(b.least[w.Index], float64(least))
	b.most[w.Index] = max(b.most[w.Index], float64(most))
}
