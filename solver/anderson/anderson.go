// Package anderson accelerates a method that takes all samples at a time by mixing its last
// iterates: Anderson's method (H. F. Walker, P. Ni, "Anderson Acceleration for Fixed-Point
// Iterations", SIAM Journal on Numerical Analysis 49(4), 2011), which Z. Ebrahimi, G. Batista
// and M. Deghat, "AA-DLADMM: An Accelerated ADMM-based Framework for Training Deep Neural
// Networks", 2024 (arXiv 2401.03619), have for dlADMM.
//
// An iteration of the method is a map G of all its variables x: parameters, z, a,
// multipliers, and what it remembers of the iterate before. With f_i = G(x_i) − x_i of the
// last iterates, k the newest,
//
//	x_{k+1} = Σ α_i G(x_i),  α = argmin ‖Σ α_i f_i‖² + r‖f_k‖²‖α‖²  s.t. Σ α_i = 1,
//
// in float64, by the normal equations with the ridge r (ridge). Sums over samples have the
// samples' weights. The method brings the mixture into the range of its variables (bands, an
// activation's range, a grid), and it is taken only if F, the method's own objective, is lower
// there than at G(x_k); else G(x_k) stands. So a method whose objective never rises keeps that
// promise, and the next iteration loses nothing by the mixture. Promises of single blocks are
// about G(x_k), and do not carry over.
//
// Where a setting of the map changed (Record.EpsilonChanged), iterates before are forgotten.
package anderson

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
)

// The depths that Solver takes.
const (
	Least = 2
	Most  = 20
)

// ridge is r, for f of which some are all but combinations of others. With 1e-9 and 1e-3 F
// ended within a tenth of the same values.
const ridge = 1e-6

// Solver is a method, and how many of its iterates are mixed.
type Solver struct {
	Method dlam.Solver // whose steppers are dlam.Mixable
	Depth  int         // iterates that are mixed, Least to Most
}

var (
	_ dlam.Solver    = Solver{}
	_ dlam.Scheduled = Solver{}
)

func (s Solver) String() string { return s.Method.String() }

// Epochs is the method's.
func (s Solver) Epochs() int {
	if sch, ok := s.Method.(dlam.Scheduled); ok {
		return sch.Epochs()
	}
	return 0
}

// Validate reports every setting outside its range, the method's too.
func (s Solver) Validate() error {
	v := check.Of("")
	v.That(Least <= s.Depth && s.Depth <= Most, "anderson", s.Depth, fmt.Sprintf("%d to %d iterates to mix", Least, Most))
	if m, ok := s.Method.(interface{ Validate() error }); ok {
		v.Also(m.Validate())
	}
	return v.Err()
}

// Memory is about how many bytes a run takes beside the samples: the method's, and two
// copies of an iterate for each that is mixed.
func (s Solver) Memory(widths []int, samples, threads int) float64 {
	n := &dlam.Network{}
	for l, d := range widths[1:] {
		n.Layers = append(n.Layers, dlam.Layer{W: mat.Dense{Rows: d, Cols: widths[l], Stride: widths[l]}})
	}
	bytes := s.copies(n, samples)
	if m, ok := s.Method.(interface {
		Memory(widths []int, samples, threads int) float64
	}); ok {
		bytes += m.Memory(widths, samples, threads)
	}
	return bytes
}

// MemoryFor is Memory for a network in which some layer shares its weights; its parameters
// may be missing.
func (s Solver) MemoryFor(n *dlam.Network, samples, threads int) float64 {
	bytes := s.copies(n, samples)
	if m, ok := s.Method.(interface {
		MemoryFor(n *dlam.Network, samples, threads int) float64
	}); ok {
		bytes += m.MemoryFor(n, samples, threads)
	}
	return bytes
}

// copies is the bytes of the iterates that are kept.
func (s Solver) copies(n *dlam.Network, samples int) float64 {
	if m, ok := s.Method.(interface {
		Numbers(n *dlam.Network, samples int) float64
	}); ok {
		return 4 * 2 * float64(s.Depth) * m.Numbers(n, samples)
	}
	return 0
}

// Init prepares a run of the method. It refuses methods whose iterates cannot be mixed.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	st, err := s.Method.Init(p, n)
	if err != nil {
		return nil, err
	}
	m, ok := st.(dlam.Mixable)
	if !ok {
		st.Close()
		return nil, fmt.Errorf("anderson: the iterates of %v cannot be mixed (dlam.Mixable): it mixes those of methods that take all samples at a time", s.Method)
	}
	samples, shared, err := m.Variables()
	if err != nil {
		st.Close()
		return nil, fmt.Errorf("anderson: %w", err)
	}
	a := &stepper{method: m, ended: func(int, string) {}, e: pass.New(p.Threads, p.Comm)}
	a.sums = a.e.NewPass(pass.Whole)
	a.mixing = mixing{stepper: a, problem: p}
	a.allocate(samples, shared, s.Depth)
	return a, nil
}

// stepper is a run under way.
type stepper struct {
	method  dlam.Mixable
	ended   func(layer int, variables string)
	e       *pass.Engine
	sums    *pass.Pass
	mixing  mixing
	samples []variable // of this rank's samples
	shared  []variable // that all ranks have alike

	newest int       // place of the iterate under way, or of the last, in the ring of those that are kept
	held   int       // how many of them are known: it and those before it
	inner  []float64 // ⟨f_i, f_j⟩ of any two places
	alpha  []float64 // α of each place

	factor        mat.Cholesky
	system, right []float64 // the normal equations of the iterates that are known, the newest first
}

// place is that of the iterate so many before the newest.
func (s *stepper) place(before int) int { return (s.newest - before + len(s.alpha)) % len(s.alpha) }

func (s *stepper) allocate(samples, shared []mat.Dense, depth int) {
	s.samples, s.shared = newVariables(samples, depth), newVariables(shared, depth)
	s.inner, s.system = make([]float64, depth*depth), make([]float64, depth*depth)
	s.alpha, s.right = make([]float64, depth), make([]float64, depth)
	s.newest = depth - 1
}

var (
	_ dlam.Resumable  = (*stepper)(nil)
	_ dlam.Comparable = (*stepper)(nil)
	_ dlam.Timed      = (*stepper)(nil)
)

// Step is an iteration of the method, and the mixture of the last iterates if F is lower
// there.
func (s *stepper) Step(ctx context.Context) (dlam.Record, error) {
	s.newest = (s.newest + 1) % len(s.alpha)
	if err := s.each(begin); err != nil {
		return dlam.Record{}, err
	}
	r, err := s.method.Step(ctx)
	if err != nil {
		s.held = 0 // nothing is known of the place under way
		return r, err
	}
	if r.EpsilonChanged {
		s.held = 0
	}
	s.held = min(s.held+1, len(s.alpha))
	if err := s.each(end); err != nil {
		return r, err
	}
	if s.held == 1 || !s.weigh() {
		return r, nil
	}
	return s.guarded(r)
}

// guarded takes the mixture if F is lower there than in r, the record of G(x_k).
func (s *stepper) guarded(r dlam.Record) (dlam.Record, error) {
	if err := s.each(mix); err != nil {
		return r, err
	}
	is, err := s.method.Moved()
	if err != nil {
		return r, err
	}
	r.Mixed = s.held
	if !(is.Objective < r.Objective) {
		r.Mixed = 0
		if err := s.each(back); err != nil {
			return r, err
		}
		if is, err = s.method.Moved(); err != nil {
			return r, err
		}
	}
	s.ended(0, "mixture")
	r.Objective, r.Risk, r.Regularization, r.Penalty = is.Objective, is.Risk, is.Regularization, is.Penalty
	return r, nil
}

// weigh finds α, and reports whether there is one.
func (s *stepper) weigh() bool {
	n, depth := s.held, len(s.alpha)
	newest := s.inner[s.newest*depth+s.newest]
	for i := range n {
		for j := range n {
			s.system[i*n+j] = s.inner[s.place(i)*depth+s.place(j)]
		}
		s.system[i*n+i] += ridge * newest
		s.right[i] = 1
	}
	if !s.factor.Factor(s.system[:n*n], n) {
		return false
	}
	s.factor.Solve(s.right[:n], 1)
	var sum float64
	for _, x := range s.right[:n] {
		sum += x
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return false
	}
	for i, x := range s.right[:n] {
		s.alpha[s.place(i)] = x / sum
	}
	return true
}

// Network is the method's.
func (s *stepper) Network() *dlam.Network { return s.method.Network() }

// Close frees the workers.
func (s *stepper) Close() {
	s.method.Close()
	s.e.Close()
}

// Mark has ended called by the method, if it does, and after the mixture.
func (s *stepper) Mark(ended func(layer int, variables string)) {
	if t, ok := s.method.(dlam.Timed); ok {
		t.Mark(ended)
		s.ended = ended
	}
}

// Constant is the method's risk of outputs that are the same for all samples, and infinite
// if it does not say.
func (s *stepper) Constant() float64 {
	if c, ok := s.method.(dlam.Comparable); ok {
		return c.Constant()
	}
	return math.Inf(1)
}

// State is the method's, and the iterates that are kept.
func (s *stepper) State() dlam.State {
	st := s.method.State()
	st.Float64["anderson"] = []float64{float64(s.newest), float64(s.held)}
	st.Float64["anderson.inner"] = s.inner
	s.kept(func(name string, m mat.Dense) { st.Float32[name] = m.Elements() })
	return st
}

// kept calls f with what is known of iterates.
func (s *stepper) kept(f func(name string, m mat.Dense)) {
	for before := range s.held {
		k := s.place(before)
		for i, v := range slices.Concat(s.samples, s.shared) {
			f(fmt.Sprintf("anderson.g.%d.%d", k, i), v.g[k])
			f(fmt.Sprintf("anderson.f.%d.%d", k, i), v.f[k])
		}
	}
}

// Restore puts a State back.
func (s *stepper) Restore(n *dlam.Network, st dlam.State) error {
	is, inner, depth := st.Float64["anderson"], st.Float64["anderson.inner"], len(s.alpha)
	if len(is) != 2 || len(inner) != len(s.inner) || !(is[0] >= 0 && is[0] < float64(depth)) || !(is[1] >= 0 && is[1] <= float64(depth)) {
		return fmt.Errorf("anderson state: not that of %d iterates", depth)
	}
	if err := s.method.Restore(n, st); err != nil {
		return err
	}
	s.newest, s.held = int(is[0]), int(is[1])
	copy(s.inner, inner)
	var errs []error
	s.kept(func(name string, m mat.Dense) {
		if got, want := len(st.Float32[name]), len(m.Elements()); got != want {
			errs = append(errs, fmt.Errorf("anderson state: %s has %d elements, want %d", name, got, want))
			return
		}
		copy(m.Elements(), st.Float32[name])
	})
	return errors.Join(errs...)
}
