package dladmm

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// activationStep is the memory of a hidden layer's a-step.
type activationStep struct {
	split.NoEnds
	s        *stepper
	ly, next *layer
}

// updateA takes for each sample the least τ with which the approximation
// passes: ν‖Δ‖² + ν_{l+1}‖ΔW_{l+1}ᵀ‖² ≤ τ‖Δ‖². Along the gradient g that is
// ν + ν_{l+1}‖gW_{l+1}ᵀ‖²/‖g‖².
func (s *stepper) updateA(ly *layer) error {
	_, err := s.Run(&ly.a, 0)
	return err
}

// Block updates some samples.
func (f *activationStep) Block(w *split.Worker, lo, hi int) {
	ly, next := f.ly, f.next
	a := ly.A.RowRange(lo, hi)
	e := f.s.residual(w, 0, next, lo, hi)
	g, h := w.Buf(1, a.Rows, a.Cols), w.Buf(2, a.Rows, a.Cols)
	next.Back(g, e)
	ly.Net.H.Apply(h.Elements(), ly.Z.RowRange(lo, hi).Elements())
	gs, as, nu, weight := g.Elements(), a.Elements(), float32(f.s.Nu), float32(next.weight)
	for i, x := range h.Elements() {
		gs[i] = weight*gs[i] + nu*(as[i]-x)
	}
	ahead := w.Buf(3, a.Rows, e.Cols)
	next.Forward(ahead, g)
	for i := range a.Rows {
		gi := g.Row(i)
		norm := kernel.SumSquares(gi)
		if norm == 0 {
			continue
		}
		tau := (f.s.Nu + next.weight*kernel.SumSquares(ahead.Row(i))/norm) * (1 + pad)
		step := float32(1 / tau)
		ai := a.Row(i)
		for j, x := range gi {
			ai[j] -= step * x
		}
	}
}
