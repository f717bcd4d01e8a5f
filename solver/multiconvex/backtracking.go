package multiconvex

import (
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// searchA is Algorithm 3 to the letter: one t for the layer, from α₀ by
// factors η, each trial evaluated on the samples.
func (s *Blocks) searchA(ly *layer) error {
	p := &s.search
	p.ly, p.t, p.apply = ly, s.Alpha0, false
	for trial := 1; trial <= split.MaxTrials; trial++ {
		if err := s.run(p); err != nil {
			return err
		}
		if s.Rho*s.sums.Scalar(p.curved) <= s.sums.Scalar(p.a.move)*(1+split.Accept) { // ρ‖Δa Wᵀ‖² ≤ t‖Δa‖²
			p.apply = true
			if err := s.run(p); err != nil {
				return err
			}
			s.didA(ly, &p.a)
			ly.updates[ofA].Trials = trial
			p.next.take(s)
			return nil
		}
		p.t *= s.Eta
	}
	return fmt.Errorf("layer %d, block a: %w: no step passed Algorithm 3's test in %d trials", ly.l, dlam.ErrDiverged, split.MaxTrials)
}

// searchPass is the a-step with one t for all samples: a trial, which sums the
// two sides of the test, or the step.
type searchPass struct {
	s     *Blocks
	ly    *layer
	t     float64
	apply bool

	a      aSums
	curved pass.Scalar // ‖ΔA W_{l+1}ᵀ‖² of a trial
	next   affineSums
}

// Plan names the sums.
func (p *searchPass) Plan(plan *pass.Plan) {
	p.a.plan(plan, p.ly)
	p.curved = plan.Scalar()
	if p.apply {
		p.next.plan(plan, p.ly.next, true)
	}
}

// Block is for samples lo to hi-1.
func (p *searchPass) Block(w *pass.Worker, lo, hi int) {
	b := p.s.block(w, p.ly, lo, hi)
	d, image := b.commonStep(p.t)
	if !p.apply {
		for lo := 0; lo < d.Rows; {
			hi, weight := b.y.Run(lo)
			w.Add(p.a.move, weight*(p.t*pass.SumSquares(d.RowRange(lo, hi))))
			w.Add(p.curved, weight*pass.SumSquares(image.next.RowRange(lo, hi)))
			if p.ly.recurrent {
				w.Add(p.curved, weight*pass.SumSquares(image.own.RowRange(lo, hi)))
			}
			lo = hi
		}
		return
	}
	h := b.scratch(b.h, b.A.Cols)
	for i := range d.Rows {
		b.tau[i] = p.t
		b.moveA(w, &p.a, i, d.Row(i), h.Row(i), kernel.SumSquares(d.Row(i)), 1, image, i)
	}
	b.renewE(w, &p.a)
	p.next.add(w, b, b.nextE, b.A, b.nextA)
}

// commonStep is every sample's move under one t, and its image.
func (b *block) commonStep(t float64) (d mat.Dense, image images) {
	g, h := b.gradientA(b.residuals()), b.band()
	d = b.scratch(b.cut.move, b.A.Cols)
	k, eps := float32(b.s.Rho/t), float32(b.s.epsilon)
	for i := range d.Rows {
		kernel.BandStep(d.Row(i), b.A.Row(i), g.Row(i), h.Row(i), k, eps)
	}
	return d, b.imagesOf(d, b.image, b.own)
}
