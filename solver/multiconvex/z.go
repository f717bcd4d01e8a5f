package multiconvex

import (
	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
)

// zSums are the sums of a z-step.
type zSums struct {
	phi  pass.Scalar // ‖E_l‖² after it
	move pass.Scalar // ‖ΔZ_l‖²
	fall pass.Scalar // fall of ‖V_l − Z_l‖²
}

func (z *zSums) plan(p *pass.Plan) { z.phi, z.move, z.fall = p.Scalar(), p.Scalar(), p.Scalar() }

// updateZ solves argmin φ_l over z_l s.t. |h(z_l) − a_l| ≤ ε, eq. 4: V
// projected to the band. It starts from V in E and leaves E = V − Z. The
// projection of V lies between the old z and V, unless rounding had put the old
// z outside the band by a hair: MoveClipped keeps it between, without which φ
// need not fall by the square of the move, eq. 12. With max pooling the band is
// that of a window: see pool.
func (b *block) updateZ(w *pass.Worker, sums *zSums) {
	z := b.scratch(b.old, b.Z.Cols).Elements()
	e, old := b.E.Elements(), b.Z.Elements()
	moved := kernel.MoveClipped
	if b.ly.pool == nil {
		b.ly.h.ProjectBand(z, e, b.A.Elements(), float32(b.s.epsilon))
	} else {
		b.projectWindows(b.scratch(b.old, b.Z.Cols))
		moved = kernel.Move
	}
	for lo, cols := 0, b.Z.Cols; lo < b.Z.Rows; {
		hi, weight := b.y.Run(lo)
		at, end := lo*cols, hi*cols
		before, after, move := moved(e[at:end], old[at:end], z[at:end])
		sums.add(w, weight, before, after, move)
		lo = hi
	}
}

// add adds the sums of samples of one weight.
func (z *zSums) add(w *pass.Worker, weight, before, after, move float64) {
	w.Add(z.phi, weight*after)
	w.Add(z.move, weight*move)
	w.Add(z.fall, weight*(before-after))
}

// didZ takes the sums of layer ly's z-step; fall is what R fell by.
func (s *Blocks) didZ(ly *layer, sums *zSums, fall float64, unmoved int) {
	half := s.Rho / 2
	ly.phi = half * s.sums.Scalar(sums.phi)
	ly.did(ofZ, dlam.Block{Move: half * s.sums.Scalar(sums.move), Decrease: half*s.sums.Scalar(sums.fall) + fall, Unmoved: unmoved})
}
