package dlam

import (
	"github.com/dlam-go/dlam/internal/kernel"
	engine "github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// minCurvature keeps θ and τ positive where a gradient all but vanishes.
const minCurvature = 1e-30

// block is a block of samples, and scratch for it: small enough that what a
// pass touches stays in cache.
type block struct {
	p         *pass
	part      []float64 // the worker's sums
	in        mat.Dense // A_{l-1}
	Z, A, E   mat.Dense // of layer l
	nextE     mat.Dense // E_{l+1}
	y         loss.Target
	tau       []float64
	first     []float32 // scratch: E_1
	old       []float32 // scratch: old z, or new
	h         []float32 // scratch: h(z)
	grad      []float32 // scratch: E_{l+1}W_{l+1}
	image     []float32 // scratch: a move's image under W_{l+1}
	cut       rows      // rows of the a-step that the band cuts
	curvature [engine.Block]float64
	oldA      mat.Dense // A_l before its last update, for mDLAM
	far       *far      // scratch for mDLAM, or nil
}

// rows is a gathered set of rows of a block.
type rows struct {
	index       [engine.Block]int
	n           int
	move, image []float32
}

func (b *block) allocate(s *stepper) {
	width := 0
	for l := range s.layers {
		width = max(width, s.layers[l].net.W.Rows)
	}
	buf := func() []float32 { return make([]float32, engine.Block*width) }
	b.first = make([]float32, engine.Block*s.layers[0].net.W.Rows)
	b.old, b.h, b.grad, b.image = buf(), buf(), buf(), buf()
	b.cut.move, b.cut.image = buf(), buf()
	if s.Momentum {
		b.far = &far{move: buf(), image: buf(), oldE: buf()}
	}
}

// take points the block at rows lo to hi-1.
func (b *block) take(p *pass, lo, hi int) {
	ly := p.ly
	b.p = p
	b.in, b.Z = ly.in.RowRange(lo, hi), ly.Z.RowRange(lo, hi)
	if ly.l == 1 {
		b.E = b.scratch(b.first, b.Z.Cols)
	} else {
		b.E = ly.E.RowRange(lo, hi)
	}
	b.y = p.s.p.Y.RowRange(lo, hi)
	if ly.next != nil {
		b.A, b.nextE = ly.A.RowRange(lo, hi), ly.next.E.RowRange(lo, hi)
	}
	b.tau = b.curvature[:hi-lo]
	if ly.tau != nil {
		b.tau = ly.tau[lo:hi]
	}
	if ly.prev.A.Rows > 0 {
		b.oldA = ly.prev.A.RowRange(lo, hi)
	}
}

// scratch is buf as a matrix of the block's rows.
func (b *block) scratch(buf []float32, cols int) mat.Dense {
	return mat.FromSlice(b.Z.Rows, cols, buf[:b.Z.Rows*cols])
}

// linear writes V = A_{l-1}W_lᵀ + 1b_lᵀ where E is.
func (b *block) linear() { b.p.ly.wT.MulRow(b.E, b.in, b.p.ly.net.B) }

// start makes the first iterate: z_l = V and a_l = h(z_l), or z_L coded ±1.
func (b *block) start() {
	b.linear()
	if b.p.ly.next == nil {
		for i := range b.Z.Rows {
			b.y.Code(b.Z.Row(i), i, -1, 1)
		}
		return
	}
	b.Z.CopyFrom(b.E)
	b.p.ly.net.H.Apply(b.A.Elements(), b.Z.Elements())
}

// residual recomputes E = V − Z.
func (b *block) residual() {
	b.linear()
	e, z := b.E.Elements(), b.Z.Elements()
	for i := range e {
		e[i] -= z[i]
	}
	if b.p.ly.next == nil {
		b.part[sumRisk] += b.p.s.p.Loss.Value(b.Z, b.y)
	}
}

// narrow cuts A to the band around h(Z) where ε has shrunk, and carries that
// over to E_{l+1}.
func (b *block) narrow() {
	if !b.p.s.narrowed || b.p.ly.next == nil {
		return
	}
	h, eps, cols := b.band(), float32(b.p.s.epsilon), b.A.Cols
	b.cut.n = 0
	for i := range h.Rows {
		a := b.A.Row(i)
		if cut, _ := kernel.BandStep(b.cut.row(cols), a, a, h.Row(i), 0, eps); cut {
			b.cut.add(i)
		}
	}
	image := b.cut.product(&b.p.ly.next.wT, cols, b.nextE.Cols)
	for r, i := range b.cut.index[:b.cut.n] {
		kernel.ClipAdd(b.A.Row(i), b.cut.move[r*cols:(r+1)*cols], h.Row(i), eps)
		kernel.Add(b.nextE.Row(i), image.Row(r))
	}
}

// quadratic adds the squares of A_{l-1}·dᵀ, a column for each row d.
func (b *block) quadratic(sum []float64) {
	ad := b.scratch(b.image, b.Z.Cols)
	b.p.ly.step.dirT.Mul(ad, b.in)
	engine.AddColumnSquares(sum, ad)
}

// updateZ solves argmin φ_l over z_l s.t. |h(z_l) − a_l| ≤ ε, eq. 4: V
// projected to the band. It starts from V in E and leaves E = V − Z. The
// projection of V lies between the old z and V, unless rounding had put the old
// z outside the band by a hair: Settle keeps it between, without which φ need
// not fall by the square of the move, eq. 12.
func (b *block) updateZ() {
	z := b.scratch(b.old, b.Z.Cols).Elements()
	e, old := b.E.Elements(), b.Z.Elements()
	b.p.ly.net.H.ProjectBand(z, e, b.A.Elements(), float32(b.p.s.epsilon))
	before, after, move := kernel.Settle(e, old, z)
	b.part[sumPhi] += after
	b.part[sumMoveZ] += move
	b.part[sumFallZ] += before - after
}

// updateOutput solves argmin R(z_L; y) + φ_L over z_L, eq. 5, from V in E; it
// leaves E = V − Z.
func (b *block) updateOutput() {
	s, z := b.p.s, b.scratch(b.old, b.Z.Cols)
	z.CopyFrom(b.Z)
	risk, unmoved := s.p.Loss.Prox(z, b.E, b.y, s.Rho)
	before, after, move := kernel.Move(b.E.Elements(), b.Z.Elements(), z.Elements())
	b.part[sumPhi] += after
	b.part[sumMoveZ] += move
	b.part[sumFallZ] += before - after
	b.part[sumUnmovedZ] += float64(unmoved)
	b.part[sumRisk] += risk
}

// gradient writes E_{l+1}W_{l+1} to scratch: ∇φ_{l+1} in a_l, over ρ.
func (b *block) gradient() mat.Dense {
	g := b.scratch(b.grad, b.A.Cols)
	b.p.ly.next.w.Mul(g, b.nextE)
	return g
}

// band writes h(z_l) to scratch.
func (b *block) band() mat.Dense {
	h := b.scratch(b.h, b.Z.Cols)
	b.p.ly.net.H.Apply(h.Elements(), b.Z.Elements())
	return h
}

// updateA solves argmin Q(a_l; τ) s.t. |a_l − h(z_l)| ≤ ε, eq. 6, with a τ for
// each sample: φ and the band separate over samples. The test of Algorithm 3
// is ρ‖Δa W_{l+1}ᵀ‖² ≤ τ‖Δa‖²; τ = ρ‖gWᵀ‖²/‖g‖² passes it with equality
// where the band does not cut.
func (b *block) updateA() {
	g, h := b.gradient(), b.band()
	image := b.scratch(b.image, b.nextE.Cols)
	b.p.ly.next.wT.Mul(image, g)
	rho, eps := b.p.s.Rho, float32(b.p.s.epsilon)
	b.cut.n = 0
	for i := range g.Rows {
		norm := kernel.SumSquares(g.Row(i))
		if norm == 0 {
			b.tau[i] = 0
			continue
		}
		b.tau[i] = max(rho*kernel.SumSquares(image.Row(i))/norm*(1+pad), minCurvature)
		k := float32(rho / b.tau[i])
		d := b.cut.row(b.A.Cols)
		cut, move := kernel.BandStep(d, b.A.Row(i), g.Row(i), h.Row(i), k, eps)
		if cut {
			b.cut.add(i)
			continue
		}
		b.acceptA(i, d, h.Row(i), move, -k, image.Row(i))
	}
	b.searchCut(g, h)
}

// row is room for the move of the next gathered row.
func (r *rows) row(cols int) []float32 { return r.move[r.n*cols : (r.n+1)*cols] }

func (r *rows) add(i int) {
	r.index[r.n] = i
	r.n++
}

// product is the gathered moves times a packed matrix.
func (r *rows) product(w *mat.Panel, cols, out int) mat.Dense {
	image := mat.FromSlice(r.n, out, r.image[:r.n*out])
	w.Mul(image, mat.FromSlice(r.n, cols, r.move[:r.n*cols]))
	return image
}

// searchCut raises τ on the rows that the band cuts until they pass.
func (b *block) searchCut(g, h mat.Dense) {
	rho, eta, eps := b.p.s.Rho, b.p.s.Eta, float32(b.p.s.epsilon)
	cols := b.A.Cols
	for trial := 0; b.cut.n > 0 && trial < maxTrials; trial++ {
		n := b.cut.n
		image := b.cut.product(&b.p.ly.next.wT, cols, b.nextE.Cols)
		b.cut.n = 0
		for r := range n {
			i := b.cut.index[r]
			d := b.cut.move[r*cols : (r+1)*cols]
			norm, curved := kernel.SumSquares(d), rho*kernel.SumSquares(image.Row(r))
			if curved <= b.tau[i]*norm*(1+accept) {
				b.acceptA(i, d, h.Row(i), norm, 1, image.Row(r))
				continue
			}
			b.tau[i] = max(b.tau[i]*eta, curved/norm)
			kernel.BandStep(b.cut.row(cols), b.A.Row(i), g.Row(i), h.Row(i), float32(rho/b.tau[i]), eps)
			b.cut.add(i)
			b.part[sumTrialsA]++
		}
	}
	for _, i := range b.cut.index[:b.cut.n] {
		b.tau[i] = 0
	}
	b.part[sumUnmovedA] += float64(b.cut.n)
}

// acceptA moves a_l of sample i by d, whose square is given, and E_{l+1} by
// d's image, scale·image. Adding d may round a out of the band, where some h⁻¹
// jump: it is cut again.
func (b *block) acceptA(i int, d, h []float32, square float64, scale float32, image []float32) {
	before, after := kernel.AxpySquares(b.nextE.Row(i), scale, image)
	b.part[sumFallA] += before - after
	b.part[sumMoveA] += b.tau[i] * square
	kernel.ClipAdd(b.A.Row(i), d, h, float32(b.p.s.epsilon))
}

// trialA adds the two sides of Algorithm 3's test for one t for all samples.
func (b *block) trialA(t float64) {
	d, image := b.globalStep(t)
	b.part[sumMoveA] += t * engine.SumSquares(d)
	b.part[sumCurved] += engine.SumSquares(image)
}

// applyA takes that step.
func (b *block) applyA(t float64) {
	d, image := b.globalStep(t)
	h := b.scratch(b.h, b.Z.Cols)
	for i := range d.Rows {
		b.tau[i] = t
		b.acceptA(i, d.Row(i), h.Row(i), kernel.SumSquares(d.Row(i)), 1, image.Row(i))
	}
}

// globalStep is every sample's move under one t, and its image.
func (b *block) globalStep(t float64) (d, image mat.Dense) {
	g, h := b.gradient(), b.band()
	d = b.scratch(b.cut.move, b.A.Cols)
	k, eps := float32(b.p.s.Rho/t), float32(b.p.s.epsilon)
	for i := range d.Rows {
		kernel.BandStep(d.Row(i), b.A.Row(i), g.Row(i), h.Row(i), k, eps)
	}
	image = b.scratch(b.image, b.nextE.Cols)
	b.p.ly.next.wT.Mul(image, d)
	return d, image
}
