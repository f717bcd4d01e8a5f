package syncdlam

import (
	"math"
	"math/rand/v2"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// firstTurns are the subspace iterations from the start's random directions.
const firstTurns = 3

// lowRank is the damped inverse of a wide layer's covariance C in mini-batches:
// exact in the leading directions, the rows of U, and a mean elsewhere. With c
// the mean variance outside U,
//
//	(C + dI)⁻¹ ≈ I/(d+c) + Uᵀ[(UCUᵀ + dI)⁻¹ − I/(d+c)]U.
//
// The default damping is at least the mean variance, so that directions beyond the
// leading ones hardly differ under the exact inverse. U follows C by subspace
// iteration, a turn an update of the metric (Halko, Martinsson & Tropp, 2011).
type lowRank struct {
	u, uc mat.Dense // rank×in: U, of orthonormal rows, and UC, later R
	k     mat.Dense // rank×rank
	work  mat.Inverse
	panel mat.Panel // Uᵀ
	right mat.Panel // of the products with C and U
}

func newLowRank(rank, in int) *lowRank {
	r := &lowRank{u: mat.New(rank, in), uc: mat.New(rank, in), k: mat.New(rank, rank)}
	r.begin()
	return r
}

// begin makes U random.
func (r *lowRank) begin() {
	clear(r.u.Data)
	orthonormalize(r.u)
}

// solve packs R of (C + dI)⁻¹ ≈ base·I + UᵀR, after so many turns of U, and
// reports whether it could.
func (r *lowRank) solve(into *mat.Panel, c mat.Dense, d, trace float64, turns int) (base float32, ok bool) {
	r.right.Pack(c)
	for range turns {
		r.right.Mul(r.uc, r.u)
		r.u.CopyFrom(r.uc)
		orthonormalize(r.u)
	}
	r.right.Mul(r.uc, r.u)
	r.panel.PackT(r.u)
	r.panel.Mul(r.k, r.uc)
	return r.invert(into, d, trace)
}

// invert is the end of solve, from UCUᵀ in k.
func (r *lowRank) invert(into *mat.Panel, d, trace float64) (base float32, ok bool) {
	rest := trace
	for i := range r.k.Rows {
		rest -= float64(r.k.At(i, i))
		r.k.Row(i)[i] += float32(d)
	}
	base = float32(1 / (d + max(0, rest)/float64(r.u.Cols-r.u.Rows)))
	if !r.work.Invert(r.k, r.k) {
		return 0, false
	}
	for i := range r.k.Rows {
		r.k.Row(i)[i] -= base
	}
	r.right.Pack(r.u)
	r.right.Mul(r.uc, r.k)
	into.Pack(r.uc)
	return base, true
}

// orthonormalize makes the rows of u orthonormal, by Gram–Schmidt twice. A row
// without a direction of its own, as where C has a lower rank, gets another.
func orthonormalize(u mat.Dense) {
	for i := range u.Rows {
		for try := uint64(0); !orthogonal(u, i) && try < 2; try++ {
			signs(u.Row(i), uint64(i), try)
		}
	}
}

// orthogonal makes row i of unit length and orthogonal to those before. It
// reports false, and leaves 0, where next to nothing of the row is left, or
// what is left is not finite.
func orthogonal(u mat.Dense, i int) bool {
	r := u.Row(i)
	before := kernel.SumSquares(r)
	for range 2 {
		for j := range i {
			kernel.Axpy(r, -float32(kernel.Dot(r, u.Row(j))), u.Row(j))
		}
	}
	after := kernel.SumSquares(r)
	if !(after > 1e-10*before) || math.IsInf(before, 0) {
		clear(r)
		return false
	}
	kernel.Axpby(r, float32(1/math.Sqrt(after)), 0, r)
	return true
}

// signs fills r with random signs, the same for the same i and try.
func signs(r []float32, i, try uint64) {
	var source rand.PCG
	source.Seed(i, try)
	for k := range r {
		r[k] = 1 - 2*float32(source.Uint64()>>63)
	}
}
