package multiconvex

import (
	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// aSums are the sums of an a-step.
type aSums struct {
	move    pass.Scalar // Σ τ‖Δa‖²
	fall    pass.Scalar // fall of ‖E_{l+1}‖², and in a recurrent layer ‖E_l‖²
	phi     pass.Scalar // ‖E_l‖² after it, in a recurrent layer
	trials  pass.Scalar // further trials for samples that the band cuts
	unmoved pass.Scalar // samples whose a_l had to stay
}

func (a *aSums) plan(p *pass.Plan, ly *layer) {
	a.move, a.fall, a.trials, a.unmoved = p.Scalar(), p.Scalar(), p.Scalar(), p.Scalar()
	if ly.recurrent {
		a.phi = p.Scalar()
	}
}

// updateA solves argmin Q(a_l; τ) s.t. |a_l − h(z_l)| ≤ ε, eq. 6, with a τ for
// each sample: φ and the band separate over samples. The test of Algorithm 3
// is ρ‖Δa W_{l+1}ᵀ‖² ≤ τ‖Δa‖²; τ = ρ‖gWᵀ‖²/‖g‖² passes it with equality
// where the band does not cut. In mDLAM the step from the extrapolated point is
// taken where F falls farther by it.
//
// A recurrent layer takes its a itself, of the step before: a_t is in E_{l,t+1}, as
// a_tRᵀ, and in E_{l+1}. No E has two of its steps, so that all a_t are one block, with φ_l
// beside φ_{l+1}. E_l is made anew after it, as a resumed run makes it.
func (b *block) updateA(w *pass.Worker, sums *aSums) {
	if b.s.nesterov.omega > 0 {
		b.extrapolateA()
		b.stepA(w, sums)
		b.chooseA(w, sums)
	} else {
		b.rememberA()
		b.stepA(w, sums)
	}
	b.renewE(w, sums)
}

// renewE makes a recurrent layer's E_l anew.
func (b *block) renewE(w *pass.Worker, sums *aSums) {
	if b.ly.recurrent {
		b.evaluateE(w, sums.phi)
	}
}

// images are what a_l acts on, a sample a row: E_{l+1}, and E_l of a recurrent layer; or the
// images of moves of a_l there.
type images struct{ next, own mat.Dense }

// residuals are E.
func (b *block) residuals() images {
	if b.ly.recurrent {
		return images{b.nextE, b.E}
	}
	return images{next: b.nextE}
}

// imagesOf are those of moves d, in next and own.
func (b *block) imagesOf(d mat.Dense, next, own []float32) images {
	m := images{next: mat.FromSlice(d.Rows, b.nextE.Cols, next[:d.Rows*b.nextE.Cols])}
	b.ly.next.products.Image(m.next, d, b.rows)
	if b.ly.recurrent {
		m.own = mat.FromSlice(d.Rows, b.E.Cols, own[:d.Rows*b.E.Cols])
		b.ly.products.OwnImage(m.own, d)
	}
	return m
}

// squares is the sum of row i's squares.
func (m images) squares(i int) float64 {
	if m.own.Rows == 0 {
		return kernel.SumSquares(m.next.Row(i))
	}
	return kernel.SumSquares(m.next.Row(i)) + kernel.SumSquares(m.own.Row(i))
}

// gradientA writes E_{l+1}W_{l+1}, and of a recurrent layer E_lR, to scratch: φ's gradient
// in a_l, over ρ, at residuals e.
func (b *block) gradientA(e images) mat.Dense {
	g := b.scratch(b.grad, b.A.Cols)
	b.ly.next.products.Back(g, e.next, nil, b.rows)
	if b.ly.recurrent {
		b.ly.products.AddOwnBack(g, e.own)
	}
	return g
}

func (b *block) stepA(w *pass.Worker, sums *aSums) {
	g, h := b.gradientA(b.residuals()), b.band()
	image := b.imagesOf(g, b.image, b.own)
	rho, eps := b.s.Rho, float32(b.s.epsilon)
	b.cut.n = 0
	for i := range g.Rows {
		norm := kernel.SumSquares(g.Row(i))
		if norm == 0 {
			b.tau[i] = 0
			continue
		}
		b.tau[i] = max(rho*image.squares(i)/norm*(1+split.Pad), split.MinCurvature)
		k := float32(rho / b.tau[i])
		d := b.cut.row(b.A.Cols)
		cut, move := kernel.BandStep(d, b.A.Row(i), g.Row(i), h.Row(i), k, eps)
		if cut {
			b.cut.add(i)
			continue
		}
		b.moveA(w, sums, i, d, h.Row(i), move, -k, image, i)
	}
	b.searchCut(w, sums, g, h)
}

// searchCut raises τ on the samples that the band cuts until they pass.
func (b *block) searchCut(w *pass.Worker, sums *aSums, g, h mat.Dense) {
	rho, eta, eps := b.s.Rho, b.s.Eta, float32(b.s.epsilon)
	cols := b.A.Cols
	for trial := 0; b.cut.n > 0 && trial < split.MaxTrials; trial++ {
		n := b.cut.n
		image := b.cutImages()
		b.cut.n = 0
		for r := range n {
			i := b.cut.index[r]
			d := b.cut.move[r*cols : (r+1)*cols]
			norm, curved := kernel.SumSquares(d), rho*image.squares(r)
			if curved <= b.tau[i]*norm*(1+split.Accept) {
				b.moveA(w, sums, i, d, h.Row(i), norm, 1, image, r)
				continue
			}
			b.tau[i] = max(b.tau[i]*eta, curved/norm)
			kernel.BandStep(b.cut.row(cols), b.A.Row(i), g.Row(i), h.Row(i), float32(rho/b.tau[i]), eps)
			b.cut.add(i)
			w.Add(sums.trials, 1)
		}
	}
	for _, i := range b.cut.index[:b.cut.n] {
		b.tau[i] = 0
	}
	w.Add(sums.unmoved, float64(b.cut.n))
}

// moveA moves a_l of sample i by d, whose square is given, and E_{l+1} by
// d's image, scale times row r of image, as E_l in a recurrent layer. Adding d may round a out of the band, where some h⁻¹
// jump: it is cut again.
func (b *block) moveA(w *pass.Worker, sums *aSums, i int, d, h []float32, square float64, scale float32, image images, r int) {
	before, after := kernel.AxpySquares(b.nextE.Row(i), scale, image.next.Row(r))
	if b.ly.recurrent {
		own, left := kernel.AxpySquares(b.E.Row(i), scale, image.own.Row(r))
		before, after = before+own, after+left
	}
	weight := b.y.WeightOf(i)
	w.Add(sums.fall, weight*(before-after))
	w.Add(sums.move, weight*(b.tau[i]*square))
	kernel.ClipAdd(b.A.Row(i), d, h, float32(b.s.epsilon))
}

// didA takes the sums of layer ly's a-step. What follows from A_l in layer l+1
// is known no more.
func (s *Blocks) didA(ly *layer, sums *aSums) {
	ly.did(ofA, dlam.Block{
		Move: s.sums.Scalar(sums.move) / 2, Decrease: s.Rho / 2 * s.sums.Scalar(sums.fall),
		Trials: int(s.sums.Scalar(sums.trials)), Unmoved: int(s.sums.Scalar(sums.unmoved)),
	})
	ly.next.known = known{e: true}
	if ly.recurrent { // A_l is among its inputs
		ly.phi = s.Rho / 2 * s.sums.Scalar(sums.phi)
		ly.known = known{e: true, phi: true}
	}
}
