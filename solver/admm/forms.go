package admm

import (
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// beginZeng gives every layer its term of Zeng's form.
func (s *stepper) beginZeng() error {
	for l := range s.Layers {
		ly := &s.Layers[l]
		h, ok := ly.Net.H.(activation.Fitted)
		if !ok {
			return fmt.Errorf("admm: layer %d: activation %v has a kink, and form zeng is for smooth ones (activation.Fitted): tanh, sigmoid and identity; form taylor takes any", ly.L, ly.Net.H.Spec())
		}
		m := split.NewMisfit(s.Iterate, ly, h, s.Beta)
		ly.Term, s.misfits = m, append(s.misfits, m)
	}
	s.beginMultipliers(s.Last().A)
	return nil
}

// beginAll gives every layer its term of the graph form.
func (s *stepper) beginAll() {
	for l := range s.Layers {
		ly := &s.Layers[l]
		ly.Term = tie{s: s, ly: ly}
	}
	s.beginMultipliers(s.Last().Z)
}

func (s *stepper) beginMultipliers(out mat.Dense) {
	s.ascents = make([]ascent, len(s.Layers))
	for l := range s.ascents {
		s.ascents[l] = ascent{s: s, ly: &s.Layers[l]}
	}
	s.risk = riskMeasure{s: s, out: out}
}

// stepZeng is an iteration of Zeng's form: W and b of all layers, the last first, A of all,
// the first first, and the multipliers.
func (s *stepper) stepZeng() (dlam.Record, error) {
	trials := 0
	for l := len(s.Layers) - 1; l >= 0; l-- {
		if err := s.misfits[l].Bound(); err != nil {
			return dlam.Record{}, err
		}
		raised, err := s.FitMoved(&s.Layers[l], 0)
		if err != nil {
			return dlam.Record{}, err
		}
		trials += raised
	}
	for l := range s.Layers {
		ly := &s.Layers[l]
		var err error
		if ly.Next == nil {
			_, err = s.FitOutputA(s.Beta, 0)
		} else {
			err = s.FitMovedA(ly, s.Beta, 1)
		}
		if err != nil {
			return dlam.Record{}, err
		}
	}
	s.Done++
	return s.ascendAll(trials)
}

// stepAll is an iteration of the graph form, in Taylor's order.
func (s *stepper) stepAll() (dlam.Record, error) {
	trials := 0
	for l := range s.Layers {
		ly := &s.Layers[l]
		raised, err := s.FitAffine(ly, s.Beta, 0, s.Ridge)
		if err != nil {
			return dlam.Record{}, err
		}
		trials += raised
		if ly.Next == nil {
			_, err = s.FitOutput(s.Beta)
		} else if err = s.FitMovedA(ly, s.Gamma, 1); err == nil {
			err = s.FitZ(ly, s.Gamma, s.Beta, 0)
		}
		if err != nil {
			return dlam.Record{}, err
		}
	}
	if s.Done++; s.Done > s.Warm {
		return s.ascendAll(trials)
	}
	return s.recordAll(trials)
}

// ascendAll moves all multipliers.
func (s *stepper) ascendAll(trials int) (dlam.Record, error) {
	for l := range s.ascents {
		if err := s.Run(&s.ascents[l]); err != nil {
			return dlam.Record{}, err
		}
	}
	return s.recordAll(trials)
}

// recordAll sums up an iteration of a form with all multipliers. A layer's Penalty is its
// quadratic terms and its parts with multipliers.
func (s *stepper) recordAll(trials int) (dlam.Record, error) {
	t := &s.tally
	if err := s.Measure(t); err != nil {
		return dlam.Record{}, err
	}
	if err := s.Run(&s.risk); err != nil {
		return dlam.Record{}, err
	}
	t.Risk = s.Sums.Scalar(s.risk.sum)
	return s.Record(t, trials), nil
}

// tie is a layer's part of the graph form's F: (β/2)‖Z − V‖² + ⟨U, Z − V⟩, and of a hidden
// layer (γ/2)‖h(Z) − A‖² + ⟨Λ, h(Z) − A⟩.
type tie struct {
	s  *stepper
	ly *split.Layer
}

var _ split.Term = tie{}

// Value is both parts.
func (t tie) Value(v mat.Dense, lo, hi int) (sum float64) {
	y := t.s.P.Y.RowRange(lo, hi)
	part := func(weight float64, x, to, multiplier []float32) (sum float64) {
		for j, a := range x {
			d := float64(a) - float64(to[j])
			sum += d * (float64(multiplier[j]) + weight/2*d)
		}
		return sum
	}
	for i := range v.Rows {
		z, h := t.ly.Z.Row(lo+i), v.Row(i)
		f := part(t.s.Beta, z, h, t.ly.U.Row(lo+i))
		if t.ly.Next != nil {
			t.ly.Net.H.Apply(h, z)
			f += part(t.s.Gamma, h, t.ly.A.Row(lo+i), t.ly.Lambda.Row(lo+i))
		}
		sum += y.WeightOf(i) * f
	}
	return sum
}

// Gradient is β(V − Z) − U.
func (t tie) Gradient(dst, v mat.Dense, lo, hi int) {
	d, beta := dst.Elements(), float32(t.s.Beta)
	z, u := t.ly.Z.RowRange(lo, hi).Elements(), t.ly.U.RowRange(lo, hi).Elements()
	for i, x := range v.Elements() {
		d[i] = beta*(x-z[i]) - u[i]
	}
}

// Curvature is β, exactly.
func (t tie) Curvature() float64 { return t.s.Beta }

// ascent is the step of a layer's multipliers: U ← U + β(Z − V), and Λ ← Λ + γ(h(Z) − A),
// or in Zeng's form Λ ← Λ + β(h(V) − A).
type ascent struct {
	split.NoSums
	s  *stepper
	ly *split.Layer
}

// Block updates samples lo to hi-1.
func (f *ascent) Block(w *pass.Worker, lo, hi int) {
	ly, v := f.ly, f.s.Scratch(w).Affine(0, f.ly, lo, hi).Elements()
	weight := float32(f.s.Beta)
	if ly.U.Rows > 0 {
		z, u := ly.Z.RowRange(lo, hi).Elements(), ly.U.RowRange(lo, hi).Elements()
		for i, x := range v {
			u[i] += weight * (z[i] - x)
		}
		copy(v, z)
		weight = float32(f.s.Gamma)
	}
	if ly.Lambda.Rows == 0 {
		return
	}
	ly.Net.H.Apply(v, v)
	a, lambda := ly.A.RowRange(lo, hi).Elements(), ly.Lambda.RowRange(lo, hi).Elements()
	for i, x := range v {
		lambda[i] += weight * (x - a[i])
	}
}

// riskMeasure adds up R of the variable that stands for the outputs.
type riskMeasure struct {
	s   *stepper
	out mat.Dense
	sum pass.Scalar
}

// Plan names the sum.
func (f *riskMeasure) Plan(p *pass.Plan) { f.sum = p.Scalar() }

// Block adds samples lo to hi-1.
func (f *riskMeasure) Block(w *pass.Worker, lo, hi int) {
	w.Add(f.sum, loss.Weighted(f.s.P.Loss, f.out.RowRange(lo, hi), f.s.P.Y.RowRange(lo, hi)))
}
