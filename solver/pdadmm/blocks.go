package pdadmm

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// inputStep is the P-step of a layer.
type inputStep struct {
	split.NoSums
	s         *stepper
	ly, below *layer
}

// Block updates P_l of samples lo to hi-1. Along the gradient g the least τ of a sample
// is ρ + ρ‖gW_lᵀ‖²/‖g‖².
func (f *inputStep) Block(w *pass.Worker, lo, hi int) {
	ly, rho := f.ly, float32(f.s.Rho)
	scratch := f.s.Scratch(w)
	e := f.s.Residual(scratch, 0, ly.Layer, f.s.Rho, lo, hi)
	p := ly.In.RowRange(lo, hi)
	g := scratch.Block(1, p.Rows, p.Cols)
	ly.Products.Back(g, e, nil, nil)
	gs, ps := g.Elements(), p.Elements()
	u, q := f.below.U.RowRange(lo, hi).Elements(), f.below.A.RowRange(lo, hi).Elements()
	for i, x := range gs {
		gs[i] = rho*x + u[i] + rho*(ps[i]-q[i])
	}
	image := scratch.Block(2, p.Rows, e.Cols)
	ly.Products.Image(image, g, nil)
	move := scratch.Block(3, p.Rows, p.Cols)
	for i := range p.Rows {
		gi, norm := g.Row(i), kernel.SumSquares(g.Row(i))
		step := float32(0)
		if norm > 0 {
			step = float32(norm / (f.s.Rho * (norm + kernel.SumSquares(image.Row(i))) * (1 + split.Pad)))
		}
		for j, x := range gi {
			move.Row(i)[j] = -step * x
		}
	}
	if f.below.grid.bits > 0 {
		f.snap(p, g, move, image)
	}
	for i, d := range move.Elements() {
		ps[i] += d
	}
	f.below.grid.round(ps) // where they are, but for the rounding of the sum
}

// snap makes moves end at values of the grid. F changes by
// ⟨g, Δ⟩ + (ρ/2)(‖Δ‖² + ‖ΔW_lᵀ‖²) of a sample, which stays where that is above 0.
func (f *inputStep) snap(p, g, move, image mat.Dense) {
	ps, ms := p.Elements(), move.Elements()
	for i, d := range ms {
		ms[i] = f.below.grid.nearest(ps[i]+d) - ps[i]
	}
	f.ly.Products.Image(image, move, nil)
	for i := range p.Rows {
		d := move.Row(i)
		if change := kernel.Dot(g.Row(i), d) + f.s.Rho/2*(kernel.SumSquares(d)+kernel.SumSquares(image.Row(i))); !(change <= 0) {
			clear(d)
		}
	}
}

// outputStep is the Q-step of a hidden layer.
type outputStep struct {
	split.NoSums
	s  *stepper
	ly *layer
}

// Block updates Q_l of samples lo to hi-1.
func (f *outputStep) Block(w *pass.Worker, lo, hi int) {
	ly, inv := f.ly, float32(1/f.s.Rho)
	q := ly.A.RowRange(lo, hi)
	h := f.s.Scratch(w).Block(0, q.Rows, q.Cols).Elements()
	ly.Net.H.Apply(h, ly.Z.RowRange(lo, hi).Elements())
	qs, p, u := q.Elements(), ly.Next.In.RowRange(lo, hi).Elements(), ly.U.RowRange(lo, hi).Elements()
	for i, x := range h {
		qs[i] = (p[i] + inv*u[i] + x) / 2
	}
	ly.grid.round(qs)
}

// ascent is the U-step of a boundary.
type ascent struct {
	split.NoSums
	s  *stepper
	ly *layer
}

// Block updates U_l of samples lo to hi-1.
func (f *ascent) Block(_ *pass.Worker, lo, hi int) {
	ly, rho := f.ly, float32(f.s.Rho)
	u, p, q := ly.U.RowRange(lo, hi).Elements(), ly.Next.In.RowRange(lo, hi).Elements(), ly.A.RowRange(lo, hi).Elements()
	for i, x := range p {
		u[i] += rho * (x - q[i])
	}
}

// couplingMeasure is ⟨U_l, P_{l+1} − Q_l⟩ + (ρ/2)‖P_{l+1} − Q_l‖².
type couplingMeasure struct {
	s   *stepper
	ly  *layer
	sum pass.Scalar
}

// Plan names the sum.
func (f *couplingMeasure) Plan(p *pass.Plan) { f.sum = p.Scalar() }

// Block adds samples lo to hi-1.
func (f *couplingMeasure) Block(w *pass.Worker, lo, hi int) {
	ly, y := f.ly, f.s.P.Y.RowRange(lo, hi)
	for i := lo; i < hi; i++ {
		u, q := ly.U.Row(i), ly.A.Row(i)
		var sum float64
		for j, p := range ly.Next.In.Row(i) {
			d := float64(p) - float64(q[j])
			sum += d * (float64(u[j]) + f.s.Rho/2*d)
		}
		w.Add(f.sum, y.WeightOf(i-lo)*sum)
	}
}
