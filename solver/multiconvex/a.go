package multiconvex

import (
	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
)

// minCurvature keeps θ and τ positive where a gradient all but vanishes.
const minCurvature = 1e-30

// aSums are the sums of an a-step.
type aSums struct {
	move    pass.Scalar // Σ τ‖Δa‖²
	fall    pass.Scalar // fall of ‖E_{l+1}‖²
	trials  pass.Scalar // further trials for samples that the band cuts
	unmoved pass.Scalar // samples whose a_l had to stay
}

func (a *aSums) plan(p *pass.Plan) {
	a.move, a.fall, a.trials, a.unmoved = p.Scalar(), p.Scalar(), p.Scalar(), p.Scalar()
}

// updateA solves argmin Q(a_l; τ) s.t. |a_l − h(z_l)| ≤ ε, eq. 6, with a τ for
// each sample: φ and the band separate over samples. The test of Algorithm 3
// is ρ‖Δa W_{l+1}ᵀ‖² ≤ τ‖Δa‖²; τ = ρ‖gWᵀ‖²/‖g‖² passes it with equality
// where the band does not cut. In mDLAM the step from the extrapolated point is
// taken where F falls farther by it.
func (b *block) updateA(w *pass.Worker, sums *aSums) {
	if b.s.nesterov.omega > 0 {
		b.extrapolateA()
		b.stepA(w, sums)
		b.chooseA(w, sums)
		return
	}
	b.rememberA()
	b.stepA(w, sums)
}

// gradientA writes E_{l+1}W_{l+1} to scratch: ∇φ_{l+1} in a_l, over ρ.
func (b *block) gradientA() mat.Dense {
	g := b.scratch(b.grad, b.A.Cols)
	b.ly.next.products.Back(g, b.nextE, nil, b.rows)
	return g
}

func (b *block) stepA(w *pass.Worker, sums *aSums) {
	g, h := b.gradientA(), b.band()
	image := b.scratch(b.image, b.nextE.Cols)
	b.ly.next.products.Image(image, g, b.rows)
	rho, eps := b.s.Rho, float32(b.s.epsilon)
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
		b.moveA(w, sums, i, d, h.Row(i), move, -k, image.Row(i))
	}
	b.searchCut(w, sums, g, h)
}

// searchCut raises τ on the samples that the band cuts until they pass.
func (b *block) searchCut(w *pass.Worker, sums *aSums, g, h mat.Dense) {
	rho, eta, eps := b.s.Rho, b.s.Eta, float32(b.s.epsilon)
	cols := b.A.Cols
	for trial := 0; b.cut.n > 0 && trial < maxTrials; trial++ {
		n := b.cut.n
		image := b.images()
		b.cut.n = 0
		for r := range n {
			i := b.cut.index[r]
			d := b.cut.move[r*cols : (r+1)*cols]
			norm, curved := kernel.SumSquares(d), rho*kernel.SumSquares(image.Row(r))
			if curved <= b.tau[i]*norm*(1+accept) {
				b.moveA(w, sums, i, d, h.Row(i), norm, 1, image.Row(r))
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
// d's image, scale·image. Adding d may round a out of the band, where some h⁻¹
// jump: it is cut again.
func (b *block) moveA(w *pass.Worker, sums *aSums, i int, d, h []float32, square float64, scale float32, image []float32) {
	before, after := kernel.AxpySquares(b.nextE.Row(i), scale, image)
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
}
