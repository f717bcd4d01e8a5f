package multiconvex

import (
	"fmt"
	"math"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// weightStep is the memory of a layer's W-step.
type weightStep struct {
	d     mat.Dense // the direction, ρG + ∇Ω
	delta mat.Dense // the move ΔW
	trial mat.Dense // the candidate ζ
	ds    mat.Dense // direction times Gram matrix
	gram  mat.Panel // Gram matrix S of A_{l-1}, packed
	root  []float64 // √S_jj
	theta []float64 // α of each row
	// scale is s_j of each column, where θ_ij = α_i s_j; nil for 1. The
	// paper's θ is a matrix: s, the diagonal of the Gram matrix, makes the
	// step as long in columns that A_{l-1} hardly uses as in the others.
	scale []float32
	quad  []float64 // ‖A_{l-1}d_iᵀ‖² of each row
	dirT  mat.Panel // a direction transposed and packed, for quadratic passes
	// useGram: products with S come from the Gram matrix, not from a pass over
	// the samples. The matrix costs d_{l-1} products a sample and row of
	// itself, a pass 2d_l: layer 1 has it for nothing. With more columns than
	// samples S is larger than what it is made of, and there is none.
	useGram bool
}

// floor keeps s_j away from 0, relative to the mean of the diagonal.
const floor = 0.01

func (w *weightStep) allocate(ly *layer, set Settings, omega prox.Regularizer, samples float64) {
	out, in := ly.net.W.Rows, ly.net.W.Cols
	w.useGram = set.LineSearch == Exact && (ly.l == 1 && !ly.recurrent || 2*out >= in || set.Momentum) && float64(in) <= samples*ly.places || set.BinaryWeights
	w.d, w.delta, w.trial = mat.New(out, in), mat.New(out, in), mat.New(out, in)
	w.theta, w.quad = make([]float64, out), make([]float64, out)
	// A proximal step has a closed form for one θ a row, so with Ω s is 1.
	if omega == prox.Regularizer(prox.None{}) && set.LineSearch == Exact && !set.BinaryWeights {
		w.scale = make([]float32, in)
	}
	if w.useGram || set.Momentum {
		w.ds, w.root = mat.New(out, in), make([]float64, in)
	}
}

// needsSquares reports whether the squares of A_{l-1}'s columns are needed where
// there is no Gram matrix.
func (w *weightStep) needsSquares() bool { return w.scale != nil || w.root != nil }

// setGram takes S.
func (w *weightStep) setGram(s mat.Dense) {
	w.gram.Pack(s)
	w.setSquares(func(j int) float64 { return float64(s.At(j, j)) })
}

// rounding is the share of the terms of a sum that float32 may lose: in S and G,
// whose sums over a block of samples may round the same way each time, in a
// product and in a direction.
const rounding = 0x1p-18

// quadraticForm is d·S·dᵀ for a row d whose product with S is ds, at least: in float32
// its terms, of size |d_i|√S_ii·√S_jj|d_j| at most, may all but cancel.
func (w *weightStep) quadraticForm(d, ds []float32) float64 {
	var terms float64
	for j, v := range d {
		terms += math.Abs(float64(v)) * w.root[j]
	}
	return max(0, kernel.Dot(d, ds)) + rounding*terms*terms
}

// setSquares makes √S_jj, and the scale s, from the squares of A_{l-1}'s
// columns.
func (w *weightStep) setSquares(square func(j int) float64) {
	for j := range w.root {
		w.root[j] = math.Sqrt(square(j))
	}
	var mean float64
	for j := range w.scale {
		mean += square(j) / float64(len(w.scale))
	}
	for j := range w.scale {
		w.scale[j] = 1
		if mean > 0 {
			w.scale[j] = float32(square(j)/mean + floor)
		}
	}
}

// weighted is Σ s∘d² over a row d.
func (w *weightStep) weighted(d []float32) float64 {
	if w.scale == nil {
		return kernel.SumSquares(d)
	}
	var sum float64
	for j, v := range d {
		sum += float64(v) * float64(v) * float64(w.scale[j])
	}
	return sum
}

// unscale divides a row d by s.
func (w *weightStep) unscale(d []float32) {
	for j, s := range w.scale {
		d[j] /= s
	}
}

// updateW solves argmin P_l(W; θ) + Ω(W), eq. 2, with the least θ that passes
// the acceptance test of Algorithm 2. φ is quadratic in W, so that test,
// φ(W+Δ) ≤ P(W+Δ; θ), is ρ‖A_{l-1}Δᵀ‖² ≤ Σ θ∘Δ².
func (s *Blocks) updateW(ly *layer) error {
	if !ly.known.gradient || !ly.known.input {
		if err := s.evaluateLayer(ly, true); err != nil {
			return err
		}
	}
	w := &ly.step
	trials, err := s.searchW(ly)
	if err != nil {
		return err
	}
	if s.Momentum {
		if err := s.accelerateW(ly); err != nil {
			return err
		}
	}
	b := dlam.Block{Trials: trials}
	for i := range w.delta.Rows {
		row, d := ly.net.W.Row(i), w.delta.Row(i)
		b.Decrease += s.p.Regularizer.Value(row) - s.p.Regularizer.Value(w.trial.Row(i))
		b.Decrease -= s.Rho * (kernel.Dot(ly.sums.g.Row(i), d) + w.quad[i]/2)
		b.Move += w.theta[i] / 2 * w.weighted(d)
		copy(row, w.trial.Row(i))
	}
	if b.Decrease-b.Decrease != 0 {
		return fmt.Errorf("layer %d, block W: %w: the decrease of F is %v", ly.l, dlam.ErrDiverged, b.Decrease)
	}
	for i := range ly.sums.e { // E moves by U(A)ΔWᵀ
		for j, a := range ly.sums.a {
			ly.sums.e[i] += float64(w.delta.At(i, j)) * a
		}
	}
	ly.known.gradient, ly.known.e, ly.known.phi = false, false, false
	ly.did(ofW, b)
	ly.products.Pack()
	return nil
}

// searchW finds the step of every row, and how many trials it took.
func (s *Blocks) searchW(ly *layer) (trials int, err error) {
	if s.BinaryWeights {
		return 1, s.searchSigns(ly)
	}
	s.direction(ly)
	if s.LineSearch == Exact {
		return s.searchRows(ly)
	}
	return s.searchLayer(ly)
}

// direction writes ρG, and ∇Ω where there is one, to d, divided by s. Where
// ρG is 0, a subgradient of Ω stands for it: Ω alone moves that row.
func (s *Blocks) direction(ly *layer) {
	rho := float32(s.Rho)
	for i := range ly.step.d.Rows {
		d := ly.step.d.Row(i)
		for j, g := range ly.sums.g.Row(i) {
			d[j] = rho * g
		}
		prox.AddSlope(s.p.Regularizer, d, ly.net.W.Row(i))
		ly.step.unscale(d)
	}
}

// searchRows finds an α for each row of W: φ separates over them. With
// α* = ρ‖A d_iᵀ‖²/Σ s∘d_i² a smooth Ω's step, −d_i/(α+λ), passes with equality
// and needs no loop; with another Ω, α* is where the loop starts.
func (s *Blocks) searchRows(ly *layer) (trials int, err error) {
	w := &ly.step
	smooth, isSmooth := s.p.Regularizer.(prox.Smooth)
	if err := s.quadratic(ly, w.d); err != nil {
		return 0, err
	}
	for i := range w.theta {
		w.theta[i] = 0
		if norm := w.weighted(w.d.Row(i)); norm > 0 {
			w.theta[i] = max(s.Rho*w.quad[i]/norm*(1+split.Pad), split.MinCurvature)
		}
	}
	if isSmooth {
		for i, theta := range w.theta {
			s.candidate(ly, i)
			if theta > 0 { // Δ is a multiple of d
				k := 1 / (theta + smooth.Strong())
				w.quad[i] *= k * k
			}
		}
		return 1, nil
	}
	for trials = 1; trials <= split.MaxTrials; trials++ {
		for i := range w.theta {
			s.candidate(ly, i)
		}
		if err := s.quadratic(ly, w.delta); err != nil {
			return trials, err
		}
		passed := true
		for i := range w.theta {
			if s.Rho*w.quad[i] > w.theta[i]*kernel.SumSquares(w.delta.Row(i))*(1+split.Accept) {
				w.theta[i] *= s.Gamma
				passed = false
			}
		}
		if passed {
			return trials, nil
		}
	}
	return trials, s.searchFailed(ly)
}

// searchLayer is Algorithm 2 to the letter: one α for the layer, from α₀ by
// factors γ, each trial evaluated on the samples.
func (s *Blocks) searchLayer(ly *layer) (trials int, err error) {
	w := &ly.step
	alpha := s.Alpha0
	for trials = 1; trials <= split.MaxTrials; trials++ {
		for i := range w.theta {
			w.theta[i] = alpha
			s.candidate(ly, i)
		}
		if err := s.quadratic(ly, w.delta); err != nil {
			return trials, err
		}
		var curved, norm float64
		for i, q := range w.quad {
			curved += s.Rho * q
			norm += alpha * kernel.SumSquares(w.delta.Row(i))
		}
		if curved <= norm*(1+split.Accept) {
			return trials, nil
		}
		alpha *= s.Gamma
	}
	return trials, s.searchFailed(ly)
}

// searchFailed is the error of a search that overflow alone can make fail.
func (s *Blocks) searchFailed(ly *layer) error {
	return fmt.Errorf("layer %d, block W: %w: no step passed Algorithm 2's test in %d trials", ly.l, dlam.ErrDiverged, split.MaxTrials)
}

// candidate writes ζ_i = argmin P(W_i; θ_i) + Ω to trial and its move to delta.
// A row whose θ is 0 is at its minimum and stays.
func (s *Blocks) candidate(ly *layer, i int) {
	w := &ly.step
	old, next, delta := ly.net.W.Row(i), w.trial.Row(i), w.delta.Row(i)
	if theta := w.theta[i]; theta > 0 {
		k := s.Rho / theta
		for j, g := range ly.sums.g.Row(i) {
			step := k * float64(g)
			if w.scale != nil {
				step /= float64(w.scale[j])
			}
			next[j] = float32(float64(old[j]) - step)
		}
		s.p.Regularizer.Prox(next, next, theta)
	} else {
		copy(next, old)
	}
	for j := range delta {
		delta[j] = next[j] - old[j]
	}
}

// quadratic writes ‖A_{l-1}d_iᵀ‖² to quad for each row d_i of d.
func (s *Blocks) quadratic(ly *layer, d mat.Dense) error {
	w := &ly.step
	if !w.useGram {
		w.dirT.PackT(d)
		s.quadratics.ly, s.quadratics.rows = ly, false
		if err := s.run(&s.quadratics); err != nil {
			return err
		}
		copy(w.quad, s.sums.Vector(s.quadratics.quad))
		return nil
	}
	if err := s.timesGram(ly, w.ds, d); err != nil {
		return err
	}
	for i := range w.quad {
		w.quad[i] = w.quadraticForm(d.Row(i), w.ds.Row(i))
	}
	return nil
}

// timesGram computes dst = d·S for rows d, with S = U(A_{l-1})ᵀU(A_{l-1}): by a
// pass over the samples where the layer has no Gram matrix.
func (s *Blocks) timesGram(ly *layer, dst, d mat.Dense) error {
	w := &ly.step
	if w.useGram {
		w.gram.Mul(dst, d)
		return nil
	}
	w.dirT.PackT(d)
	s.quadratics.ly, s.quadratics.rows = ly, true
	if err := s.run(&s.quadratics); err != nil {
		return err
	}
	sum := s.sums.Product(s.quadratics.product)
	sum.CopyTo(dst)
	return nil
}
