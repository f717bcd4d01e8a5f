package multiconvex

import (
	"fmt"
	"math"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// mDLAM (Wang, Li & Zhao, "Accelerated Gradient-free Neural Network Training by
// Multi-convex Alternating Optimization", 2022) starts the W- and the a-step
// from Nesterov's extrapolation. b and z have exact minimisers, which no
// starting point changes.
//
// TIAM (Yan, Xu, Wang & Peng, "A Triple-Inertial Accelerated Alternating Optimization
// Method for Deep Learning Training", arXiv 2503.08489, 2025) has three weights in the
// place of one: Centre and Result of Settings are the other two. The step from x is
//
//	x̂ = prox(x + Centre·ω(x − x_old) − ∇φ(x + ω(x − x_old))/θ),  x⁺ = x̂ + Result·ω(x̂ − x).
//
// Here both steps are evaluated, row by row of W and sample by sample, and the
// one after which F is lower is taken, so that each sweep falls at least as
// far as DLAM's from the same point. An extrapolated move is reported with the
// curvature θ = 2·fall/‖move‖² (at most the step's own), with which Lemma 1
// and Theorem 2 hold as they stand.

// momentumMemory is what mDLAM keeps of the sweep before, and its scratch.
type momentumMemory struct {
	W, A             mat.Dense // W_l and A_l before their last update
	move, next, grad mat.Dense // scratch of the W-step
	alpha            []float64 // scratch of the W-step: α of each row
}

func (m *momentumMemory) allocate(ly *layer) {
	out, in := ly.net.W.Rows, ly.net.W.Cols
	m.W = ly.net.W.Clone()
	m.move, m.next, m.grad = mat.New(out, in), mat.New(out, in), mat.New(out, in)
	m.alpha = make([]float64, out)
	if ly.next != nil {
		m.A = mat.New(ly.A.Rows, ly.A.Cols)
	}
}

// extrapolation is Nesterov's weight ω of the last move: 0 in the first sweep
// and in the first after a change of ε.
type extrapolation struct{ t, omega float64 }

func (x *extrapolation) advance(restart bool) {
	if restart || x.t == 0 {
		x.t, x.omega = 1, 0
		return
	}
	next := (1 + math.Sqrt(1+4*x.t*x.t)) / 2
	x.omega = (x.t - 1) / next
	x.t = next
}

// accelerateW replaces rows of the W-step found by those from the
// extrapolated point where F falls farther.
func (s *Blocks) accelerateW(ly *layer) error {
	w, m := &ly.step, &ly.prev
	extrapolate(m.move, ly.net.W, m.W, float32(s.nesterov.omega))
	m.W.CopyFrom(ly.net.W)
	if s.nesterov.omega == 0 {
		return nil
	}
	if err := s.timesGram(ly, w.ds, m.move); err != nil { // the gradient moves by ρ·move·S
		return err
	}
	smooth, _ := s.p.Regularizer.(prox.Smooth)
	for i := range w.d.Rows {
		d, g := w.d.Row(i), m.grad.Row(i)
		for j, v := range ly.sums.g.Row(i) {
			g[j] = v + w.ds.Row(i)[j]
			d[j] = float32(s.Rho) * g[j]
		}
		at := m.next.Row(i) // W + move, where the gradient is taken
		copy(at, ly.net.W.Row(i))
		kernel.Add(at, m.move.Row(i))
		if smooth != nil {
			smooth.AddGrad(d, at)
		}
		w.unscale(d)
	}
	if err := s.timesGram(ly, w.ds, w.d); err != nil {
		return err
	}
	for i := range w.d.Rows {
		s.extrapolated(ly, i)
	}
	if err := s.timesGram(ly, w.ds, m.move); err != nil {
		return err
	}
	for i := range w.d.Rows {
		s.chooseRow(ly, i)
	}
	return nil
}

// extrapolated makes row i of next, which is W + move, the step from there, and of move
// the whole move from W.
func (s *Blocks) extrapolated(ly *layer, i int) {
	w, m := &ly.step, &ly.prev
	d, at := w.d.Row(i), m.next.Row(i)
	m.alpha[i] = 0
	kernel.Axpy(at, float32(s.Centre-1), m.move.Row(i))
	if norm := w.weighted(d); norm > 0 {
		alpha := max(s.Rho*w.quadraticForm(d, w.ds.Row(i))/norm*(1+split.Pad), split.MinCurvature)
		m.alpha[i] = alpha
		w.unscale(m.grad.Row(i))
		kernel.Axpy(at, -float32(s.Rho/alpha), m.grad.Row(i))
		s.p.Regularizer.Prox(at, at, alpha)
	}
	beyond := float32(s.Result * s.nesterov.omega)
	for j, old := range ly.net.W.Row(i) {
		at[j] += beyond * (at[j] - old)
		m.move.Row(i)[j] = at[j] - old
	}
}

// chooseRow takes row i's extrapolated move, whose product with the Gram
// matrix is in ds, if F falls farther by it.
func (s *Blocks) chooseRow(ly *layer, i int) {
	w, m := &ly.step, &ly.prev
	fall := func(next, move []float32, quad float64) float64 {
		return -s.Rho*(kernel.Dot(ly.sums.g.Row(i), move)+quad/2) - s.p.Regularizer.Value(next)
	}
	quad := w.quadraticForm(m.move.Row(i), w.ds.Row(i))
	far := fall(m.next.Row(i), m.move.Row(i), quad)
	for j, g := range ly.sums.g.Row(i) { // a long move may all but cancel
		far -= s.Rho * rounding * math.Abs(float64(g)*float64(m.move.Row(i)[j]))
	}
	if m.alpha[i] == 0 || far <= fall(w.trial.Row(i), w.delta.Row(i), w.quad[i]) {
		return
	}
	w.quad[i] = quad
	copy(w.trial.Row(i), m.next.Row(i))
	copy(w.delta.Row(i), m.move.Row(i))
	far += s.p.Regularizer.Value(ly.net.W.Row(i))
	w.theta[i] = min(m.alpha[i], descentCurvature(far, w.weighted(m.move.Row(i))))
}

// descentCurvature is the curvature θ with ½θ·norm = fall, less rounding.
func descentCurvature(fall, norm float64) float64 {
	if norm == 0 {
		return split.MinCurvature
	}
	return max(2*fall/norm*(1-split.Accept), split.MinCurvature)
}

// extrapolate computes dst = ω(x − old).
func extrapolate(dst, x, old mat.Dense, omega float32) {
	for i := range dst.Rows {
		d, o := dst.Row(i), old.Row(i)
		for j, v := range x.Row(i) {
			d[j] = omega * (v - o[j])
		}
	}
}

// extrapolatedStep is a block's a-step from the extrapolated point, for mDLAM.
type extrapolatedStep struct {
	move, image, oldE, oldOwn []float32
	tau                       [pass.Block]float64
}

// extrapolateA makes the a-step from A + ω(A − A_old), as the whole move from
// A, and remembers A and E.
func (b *block) extrapolateA() {
	f, s := b.extrapolated, b.s
	d := b.scratch(f.move, b.A.Cols)
	extrapolate(d, b.A, b.oldA, float32(s.nesterov.omega))
	b.oldA.CopyFrom(b.A)
	e, old := b.residuals(), b.oldResiduals()
	old.next.CopyFrom(e.next)
	there := b.imagesOf(d, f.image, b.own)
	kernel.Add(there.next.Elements(), e.next.Elements()) // E there
	if b.ly.recurrent {
		old.own.CopyFrom(e.own)
		kernel.Add(there.own.Elements(), e.own.Elements())
	}
	g, h := b.gradientA(there), b.band()
	image := b.imagesOf(g, f.image, b.own)
	eps, centre, beyond := float32(s.epsilon), float32(s.Centre), 1+float32(s.Result*s.nesterov.omega)
	for i := range g.Rows {
		gi, di, norm := g.Row(i), d.Row(i), kernel.SumSquares(g.Row(i))
		f.tau[i] = 0
		var k float32
		if norm > 0 {
			f.tau[i] = max(s.Rho*image.squares(i)/norm*(1+split.Pad), split.MinCurvature)
			k = float32(s.Rho / f.tau[i])
		}
		for j, a := range b.A.Row(i) {
			hj := h.Row(i)[j]
			di[j] = min(max(a+centre*di[j]-k*gi[j], hj-eps), hj+eps) - a
			if beyond > 1 {
				di[j] = min(max(a+beyond*di[j], hj-eps), hj+eps) - a
			}
		}
	}
}

// oldResiduals is room for E before the step.
func (b *block) oldResiduals() images {
	f := b.extrapolated
	m := images{next: b.scratch(f.oldE, b.nextE.Cols)}
	if b.ly.recurrent {
		m.own = b.scratch(f.oldOwn, b.E.Cols)
	}
	return m
}

// rememberA keeps A for the next sweep's extrapolation.
func (b *block) rememberA() {
	if b.extrapolated != nil {
		b.oldA.CopyFrom(b.A)
	}
}

// chooseA replaces the a-steps taken by the extrapolated ones where F falls
// farther.
func (b *block) chooseA(w *pass.Worker, sums *aSums) {
	f := b.extrapolated
	d, h := b.scratch(f.move, b.A.Cols), b.scratch(b.h, b.A.Cols)
	old, e, far := b.oldResiduals(), b.residuals(), b.imagesOf(d, f.image, b.own)
	for i := range d.Rows {
		start, near := old.squares(i), e.squares(i)
		kernel.Add(far.next.Row(i), old.next.Row(i))
		if b.ly.recurrent {
			kernel.Add(far.own.Row(i), old.own.Row(i))
		}
		end := far.squares(i)
		if f.tau[i] == 0 || end >= near {
			continue
		}
		copy(e.next.Row(i), far.next.Row(i))
		if b.ly.recurrent {
			copy(e.own.Row(i), far.own.Row(i))
		}
		a, eps := b.A.Row(i), float32(b.s.epsilon)
		var nearMove float64
		for j, old := range b.oldA.Row(i) {
			hj, x := h.Row(i)[j], float64(a[j]-old)
			nearMove += x * x
			a[j] = min(max(old+d.Row(i)[j], hj-eps), hj+eps)
		}
		move := kernel.SumSquares(d.Row(i))
		weight := b.y.WeightOf(i)
		w.Add(sums.move, -weight*(b.tau[i]*nearMove))
		b.tau[i] = min(f.tau[i], descentCurvature(b.s.Rho/2*(start-end), move))
		w.Add(sums.move, weight*(b.tau[i]*move))
		w.Add(sums.fall, weight*(near-end))
	}
}

func (m *momentumMemory) save(st *dlam.State, l int) {
	if m.W.Rows == 0 {
		return
	}
	st.Float32[fmt.Sprintf("w.old.%d", l)] = m.W.Elements()
	if m.A.Rows > 0 {
		st.Float32[fmt.Sprintf("a.old.%d", l)] = m.A.Elements()
	}
}

func (m *momentumMemory) restore(st dlam.State, l int) error {
	if m.W.Rows == 0 {
		return nil
	}
	if err := restore(m.W, st, "w.old", l); err != nil || m.A.Rows == 0 {
		return err
	}
	return restore(m.A, st, "a.old", l)
}
