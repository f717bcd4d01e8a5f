package dladmm

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// activationStep is the memory of a hidden layer's a-step.
type activationStep struct {
	split.NoSums
	s        *stepper
	ly, next *layer
}

// updateA takes for each sample the least τ with which the approximation
// passes: ν‖Δ‖² + ν_{l+1}‖ΔW_{l+1}ᵀ‖² ≤ τ‖Δ‖². Along the gradient g that is
// ν + ν_{l+1}‖gW_{l+1}ᵀ‖²/‖g‖².
func (s *stepper) updateA(ly *layer) error {
	return s.Run(&ly.a)
}

// Block updates some samples.
func (f *activationStep) Block(w *pass.Worker, lo, hi int) {
	ly, next := f.ly, f.next
	a := ly.A.RowRange(lo, hi)
	scratch := f.s.Scratch(w)
	e := f.s.Residual(scratch, 0, next.Layer, next.weight, lo, hi)
	g, h := scratch.Block(1, a.Rows, a.Cols), scratch.Block(2, a.Rows, a.Cols)
	next.Products.Back(g, e, nil, nil)
	ly.Net.H.Apply(h.Elements(), ly.Z.RowRange(lo, hi).Elements())
	gs, as, nu, weight := g.Elements(), a.Elements(), float32(f.s.Nu), float32(next.weight)
	for i, x := range h.Elements() {
		gs[i] = weight*gs[i] + nu*(as[i]-x)
	}
	ahead := scratch.Block(3, a.Rows, e.Cols)
	next.Products.Image(ahead, g, nil)
	for i := range a.Rows {
		gi := g.Row(i)
		norm := kernel.SumSquares(gi)
		if norm == 0 {
			continue
		}
		tau := (f.s.Nu + next.weight*kernel.SumSquares(ahead.Row(i))/norm) * (1 + split.Pad)
		step := float32(1 / tau)
		ai := a.Row(i)
		for j, x := range gi {
			ai[j] -= step * x
		}
	}
}
