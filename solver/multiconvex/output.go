package multiconvex

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
)

// outputSums are the sums of the output layer's z-step.
type outputSums struct {
	z             zSums
	risk, unmoved pass.Scalar // Σ R(z_L; y); samples whose z_L had to stay
}

func (o *outputSums) plan(p *pass.Plan) {
	o.z.plan(p)
	o.risk, o.unmoved = p.Scalar(), p.Scalar()
}

// updateOutput solves argmin R(z_L; y) + φ_L over z_L, eq. 5, from V in E; it
// leaves E = V − Z.
func (b *block) updateOutput(w *pass.Worker, sums *outputSums) {
	s, z := b.s, b.scratch(b.old, b.Z.Cols)
	z.CopyFrom(b.Z)
	for lo := 0; lo < z.Rows; {
		hi, weight := b.y.Run(lo)
		e, next := b.E.RowRange(lo, hi), z.RowRange(lo, hi)
		risk, unmoved := s.loss.Prox(next, e, b.y.RowRange(lo, hi), s.Rho)
		before, after, move := kernel.Move(e.Elements(), b.Z.RowRange(lo, hi).Elements(), next.Elements())
		sums.z.add(w, weight, before, after, move)
		w.Add(sums.risk, weight*risk)
		w.Add(sums.unmoved, float64(unmoved))
		lo = hi
	}
}

// didOutput takes the sums.
func (s *Blocks) didOutput(ly *layer, sums *outputSums) {
	before := s.n * s.risk
	risk := s.sums.Scalar(sums.risk)
	s.didZ(ly, &sums.z, before-risk, int(s.sums.Scalar(sums.unmoved)))
	s.risk = risk / s.n
}
