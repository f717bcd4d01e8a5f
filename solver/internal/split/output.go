package split

import (
	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// outputFit is the memory of the output layer's step.
type outputFit struct {
	it          *Iterate
	ly          *Layer
	beta, alpha float64
	ascend      bool // move the multiplier, and nothing else
	unmoved     pass.Scalar
}

// FitOutput solves
//
//	argmin R(Z; Y) + ⟨U, Z⟩ + (β/2)‖Z − V_L‖²
//
// for Z_L, sample by sample: R's proximal step from V_L − U/β. The result is
// the number of samples that kept their point for want of a better one.
func (it *Iterate) FitOutput(beta float64) (unmoved int, err error) {
	f := &it.Last().output
	f.beta, f.alpha, f.ascend = beta, 0, false
	if err := it.Run(f); err != nil {
		return 0, err
	}
	return int(it.Sums.Scalar(f.unmoved)), nil
}

// FitOutputA solves
//
//	argmin R(A; Y) + (γ/2)‖A − Z_L‖² + (α/2)‖A − A_L‖²
//
// for A_L, of the methods that have one. Where they have no z, V_L + Λ_L/γ stands for
// Z_L, and α is 0.
func (it *Iterate) FitOutputA(gamma, alpha float64) (unmoved int, err error) {
	f := &it.Last().output
	f.beta, f.alpha, f.ascend = gamma, alpha, false
	if err := it.Run(f); err != nil {
		return 0, err
	}
	return int(it.Sums.Scalar(f.unmoved)), nil
}

// Ascend moves the multiplier: U ← U + β(Z_L − V_L).
func (it *Iterate) Ascend(beta float64) error {
	f := &it.Last().output
	f.beta, f.ascend = beta, true
	return it.Run(f)
}

// Plan names the sum.
func (f *outputFit) Plan(p *pass.Plan) { f.unmoved = p.Scalar() }

// Block updates samples lo to hi-1.
func (f *outputFit) Block(w *pass.Worker, lo, hi int) {
	s, y := f.it.Scratch(w), f.it.P.Y.RowRange(lo, hi)
	if f.ly.A.Rows > 0 && f.ly.Z.Rows == 0 {
		v := s.Affine(0, f.ly, lo, hi)
		to, inv := v.Elements(), float32(1/f.beta)
		for i, x := range f.ly.Lambda.RowRange(lo, hi).Elements() {
			to[i] += inv * x
		}
		_, unmoved := f.it.loss.Prox(f.ly.A.RowRange(lo, hi), v, y, f.beta)
		w.Add(f.unmoved, float64(unmoved))
		return
	}
	z := f.ly.Z.RowRange(lo, hi)
	if f.ly.A.Rows > 0 {
		a := f.ly.A.RowRange(lo, hi)
		v := s.Block(0, hi-lo, z.Cols)
		to, old, sum := v.Elements(), a.Elements(), f.beta+f.alpha
		for i, x := range z.Elements() {
			to[i] = float32((f.beta*float64(x) + f.alpha*float64(old[i])) / sum)
		}
		_, unmoved := f.it.loss.Prox(a, v, y, sum)
		w.Add(f.unmoved, float64(unmoved))
		return
	}
	v := s.Affine(0, f.ly, lo, hi)
	if f.it.Dual.Rows > 0 {
		u, inv := f.it.Dual.RowRange(lo, hi).Elements(), float32(1/f.beta)
		to, zs := v.Elements(), z.Elements()
		if f.ascend {
			for i, x := range to {
				u[i] += float32(f.beta) * (zs[i] - x)
			}
			return
		}
		for i := range to {
			to[i] -= inv * u[i]
		}
	}
	_, unmoved := f.it.loss.Prox(z, v, y, f.beta)
	w.Add(f.unmoved, float64(unmoved))
}

// Tally is the parts of a method's objective at the current iterate.
type Tally struct {
	Risk, Regularization float64
	Linear, Activation   []float64 // ‖Z_l − V_l‖² and ‖A_l − h(Z_l)‖² of each layer
	Dual                 float64   // ⟨U, Z_L − V_L⟩
	Penalty              []float64 // of each layer: its Term, where it has one, and else as the method makes it of these
}

// NewTally is one for so many layers.
func NewTally(layers int) Tally {
	return Tally{Linear: make([]float64, layers), Activation: make([]float64, layers), Penalty: make([]float64, layers)}
}

// measure sums one layer's parts.
type measure struct {
	it *Iterate
	ly *Layer

	linear, activation, risk, dual, term pass.Scalar
}

// Plan names the sums.
func (m *measure) Plan(p *pass.Plan) {
	if m.ly.Term != nil {
		m.term = p.Scalar()
		return
	}
	m.linear, m.activation, m.risk, m.dual = p.Scalar(), p.Scalar(), p.Scalar(), p.Scalar()
}

// Block adds samples lo to hi-1.
func (m *measure) Block(w *pass.Worker, lo, hi int) {
	ly, s := m.ly, m.it.Scratch(w)
	v := s.Affine(0, ly, lo, hi)
	if ly.Term != nil {
		w.Add(m.term, ly.Term.Value(v, lo, hi))
		return
	}
	z := ly.Z.RowRange(lo, hi)
	targets := m.it.P.Y.RowRange(lo, hi)
	Subtract(v, z, v)
	AddSquares(w, m.linear, v, targets)
	out := z
	if ly.A.Rows > 0 {
		h := s.Block(1, hi-lo, z.Cols)
		ly.Net.H.Apply(h.Elements(), z.Elements())
		out = ly.A.RowRange(lo, hi)
		Subtract(h, out, h)
		AddSquares(w, m.activation, h, targets)
	}
	if ly.Next != nil {
		return
	}
	w.Add(m.risk, loss.Weighted(m.it.P.Loss, out, targets))
	if m.it.Dual.Rows > 0 {
		dual := m.it.Dual.RowRange(lo, hi)
		for i := range dual.Rows {
			weight := targets.WeightOf(i)
			for j, u := range dual.Row(i) {
				w.Add(m.dual, weight*(float64(u)*float64(v.At(i, j))))
			}
		}
	}
}

// Subtract computes dst = x − y; dst may be one of them.
func Subtract(dst, x, y mat.Dense) {
	to, ys := dst.Elements(), y.Elements()
	for i, v := range x.Elements() {
		to[i] = v - ys[i]
	}
}

// AddSquares adds the squares of m's elements, each times its sample's weight.
func AddSquares(w *pass.Worker, to pass.Scalar, m mat.Dense, targets loss.Target) {
	for i := range m.Rows {
		w.Add(to, targets.WeightOf(i)*kernel.SumSquares(m.Row(i)))
	}
}

// Measure fills t, whose slices it makes on first use.
func (it *Iterate) Measure(t *Tally) error {
	if t.Linear == nil {
		*t = NewTally(len(it.Layers))
	}
	t.Regularization = 0
	for l := range it.Layers {
		if !it.options.has(l) {
			continue
		}
		ly := &it.Layers[l]
		m, sum := &ly.tally, it.Sums.Scalar
		if err := it.Run(m); err != nil {
			return err
		}
		t.Regularization += it.P.Regularizer.Value(ly.Net.W.Elements())
		if ly.Term != nil {
			t.Penalty[l] = sum(m.term)
			continue
		}
		t.Linear[l], t.Activation[l], t.Risk, t.Dual = sum(m.linear), sum(m.activation), sum(m.risk), sum(m.dual)
	}
	return nil
}

// MeasureTerm is the value of a layer's Term.
func (it *Iterate) MeasureTerm(ly *Layer) (float64, error) {
	err := it.Run(&ly.tally)
	return it.Sums.Scalar(ly.tally.term), err
}

// Record is the record of a method whose objective is the risk, Ω, the layers' penalties and
// the output's part with the multiplier, which becomes part of its penalty.
func (it *Iterate) Record(t *Tally, trials int) dlam.Record {
	t.Penalty[len(t.Penalty)-1] += t.Dual
	r := dlam.Record{Risk: t.Risk / it.N, Regularization: t.Regularization, Penalty: t.Penalty, Trials: trials}
	r.Objective = t.Risk + t.Regularization
	for _, x := range t.Penalty {
		r.Objective += x
	}
	return r
}

// RecordTerms is the record of a method whose objective is its layers' Terms, the output's
// of which is the risk, and Ω.
func (it *Iterate) RecordTerms(t *Tally) (dlam.Record, error) {
	if err := it.Measure(t); err != nil {
		return dlam.Record{}, err
	}
	last := len(t.Penalty) - 1
	t.Risk, t.Penalty[last] = t.Penalty[last], 0
	return it.Record(t, 0), nil
}
