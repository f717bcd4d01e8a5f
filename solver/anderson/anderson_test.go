package anderson_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/solver/admm"
	"github.com/dlam-go/dlam/solver/anderson"
	"github.com/dlam-go/dlam/solver/bcd"
	"github.com/dlam-go/dlam/solver/cdlam"
	"github.com/dlam-go/dlam/solver/dladmm"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/lifted"
	"github.com/dlam-go/dlam/solver/mac"
	"github.com/dlam-go/dlam/solver/multiconvex"
	"github.com/dlam-go/dlam/solver/pdadmm"
	"github.com/dlam-go/dlam/solver/solvertest"
	"github.com/dlam-go/dlam/solver/syncdlam"
)

// method is one whose iterates are mixed.
type method struct {
	solver     dlam.Solver
	h          activation.Func
	init       dlam.Initializer
	iterations int  // enough for an accuracy of 0.9
	falls      bool // its objective never rises
}

func methods() map[string]method {
	dlamSettings := multiconvex.DefaultSettings()
	dlamSettings.Rho = 1e-3
	dlamSettings.Epsilon, dlamSettings.EpsilonRule = 0.1, multiconvex.Fixed
	mdlam := dlamSettings
	mdlam.Rho, mdlam.Momentum, mdlam.Result = 1e-3, true, 0.5
	coupled := cdlam.DefaultSettings()
	coupled.Rounds = 2 // the suite trains many times
	all := admm.DefaultSettings()
	all.Multipliers = admm.All
	quantised := pdadmm.DefaultSettings()
	quantised.Bits = 8
	return map[string]method{
		"dlam":      {multiconvex.Solver{Settings: dlamSettings}, activation.ReLU{}, dlam.Paper, 60, true},
		"mdlam":     {multiconvex.Solver{Settings: mdlam}, activation.ReLU{}, dlam.Paper, 60, true},
		"cdlam":     {cdlam.Solver{Settings: coupled}, activation.ReLU{}, dlam.He, 30, true},
		"bcd":       {bcd.Solver{Settings: bcd.DefaultSettings()}, activation.ReLU{}, dlam.He, 40, true},
		"lifted":    {lifted.Solver{Settings: lifted.DefaultSettings()}, activation.Sigmoid{}, dlam.He, 40, true},
		"mac":       {mac.Solver{Settings: mac.DefaultSettings()}, activation.Tanh{}, dlam.He, 40, true},
		"sync":      {syncdlam.Solver{Settings: syncdlam.FullBatch()}, activation.ReLU{}, dlam.He, 20, true},
		"admm":      {admm.Solver{Settings: admm.DefaultSettings()}, activation.ReLU{}, dlam.He, 40, false},
		"zeng":      {admm.Solver{Settings: admm.ZengSettings()}, activation.Sigmoid{}, dlam.He, 40, false},
		"all":       {admm.Solver{Settings: all}, activation.ReLU{}, dlam.He, 40, false},
		"dladmm":    {dladmm.Solver{Settings: dladmm.DefaultSettings()}, activation.ReLU{}, dlam.He, 40, false},
		"pdadmm":    {pdadmm.Solver{Settings: pdadmm.DefaultSettings()}, activation.ReLU{}, dlam.He, 40, false},
		"quantised": {pdadmm.Solver{Settings: quantised}, activation.ReLU{}, dlam.He, 40, false},
	}
}

// mixtures counts the iterates that are mixtures, and holds that F falls, if it is to.
type mixtures struct {
	t     *testing.T
	falls bool
	last  float64
	count int
}

// Record looks at r.
func (m *mixtures) Record(r dlam.Record) error {
	if r.Mixed > 0 {
		m.count++
	}
	// Float32 iterates hold F's quadratic terms to about 1e-6 of it.
	if m.falls && !r.EpsilonChanged && r.Iteration > 1 && r.Objective > m.last*(1+1e-5) {
		m.t.Errorf("iteration %d: objective rose from %v to %v, mixed %d", r.Iteration, m.last, r.Objective, r.Mixed)
	}
	m.last = r.Objective
	return nil
}

// TestConformance is the suite for one method of each kind: blocks that keep sums of their
// own, a split iterate, multipliers, and parameters alone.
func TestConformance(t *testing.T) {
	for _, name := range []string{"mdlam", "bcd", "pdadmm", "sync"} {
		m := methods()[name]
		if s, ok := m.solver.(multiconvex.Solver); ok { // the paper's ε, from which it learns
			s.Settings.Epsilon, s.Settings.EpsilonRule = 10, multiconvex.Adaptive
			m.solver = s
		}
		t.Run(name, func(t *testing.T) {
			solvertest.Run(t, solvertest.Config{
				Solver: anderson.Solver{Method: m.solver, Depth: 3}, Activation: m.h, Init: m.init,
				Iterations: m.iterations, Accuracy: 0.9, RankTolerance: 1e-3, WeightTolerance: 1e-2,
			})
		})
	}
}

// TestResumes: every method goes on to the same bits.
func TestResumes(t *testing.T) {
	for name, m := range methods() {
		t.Run(name, func(t *testing.T) {
			solvertest.Resumes(t, solvertest.Config{Solver: anderson.Solver{Method: m.solver, Depth: 3}, Activation: m.h, Init: m.init})
		})
	}
}

// TestLowersObjective: mixtures are taken, F falls farther than without at as many
// iterations, and never rises where the method's does not.
func TestLowersObjective(t *testing.T) {
	for name, m := range methods() {
		t.Run(name, func(t *testing.T) {
			p := testprob.Blobs(300, 8, 3, 2)
			n := testprob.Network(p, []int{10, 6}, m.h, m.init, 1)
			last := func(s dlam.Solver, recorders ...dlam.Recorder) float64 {
				r, err := dlam.Run(t.Context(), s, p, n, dlam.Options{Iterations: 15, Recorders: recorders})
				if err != nil {
					t.Fatal(err)
				}
				return r.Last.Objective
			}
			f := &mixtures{t: t, falls: m.falls}
			plain, with := last(m.solver), last(anderson.Solver{Method: m.solver, Depth: 5}, f)
			if name == "sync" || name == "cdlam" { // which momentum of their own brings farther
				plain = math.Inf(1)
			}
			if !(with < plain) || f.count == 0 && name != "cdlam" { // all but none of whose mixtures are lower
				t.Errorf("F ends at %v with %d mixtures, and without at %v", with, f.count, plain)
			}
		})
	}
}

// linear is an iteration x ← Mx + c of two numbers a sample and one weight, whose F is the
// square of the distance to its fixed point; M halves some and keeps most of others.
type linear struct {
	x      mat.Dense
	net    *dlam.Network
	weight []float32
	low    float32 // x is kept above it
	rises  bool    // F is said to be 0 after a step, so that no mixture is lower
}

var rates = []float32{0.5, 0.9, 0.75}

func (s *linear) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	st := *s
	st.x, st.net, st.weight = mat.New(p.X.Rows, 2), n.Clone(), p.Y.Weight
	for i := range st.x.Data {
		st.x.Data[i] = float32(i + 1)
	}
	return &st, nil
}

func (s *linear) String() string { return "linear" }

func (s *linear) w() []float32 { return s.net.Layers[0].W.Data[:1] }

func (s *linear) Step(context.Context) (dlam.Record, error) {
	for i := range s.x.Data {
		s.x.Data[i] *= rates[i%2]
	}
	s.w()[0] *= rates[2]
	r := s.record()
	if s.rises {
		r.Objective = 0
	}
	return r, nil
}

func (s *linear) record() dlam.Record {
	f := float64(s.w()[0]) * float64(s.w()[0])
	for i := range s.x.Rows {
		weight := 1.0
		if s.weight != nil {
			weight = float64(s.weight[i])
		}
		for _, x := range s.x.Row(i) {
			f += weight * float64(x) * float64(x)
		}
	}
	return dlam.Record{Objective: f}
}

func (s *linear) Network() *dlam.Network { return s.net }
func (s *linear) Close()                 {}
func (s *linear) State() dlam.State {
	return dlam.State{Float32: map[string][]float32{"x": s.x.Data}, Float64: map[string][]float64{}}
}
func (s *linear) Restore(n *dlam.Network, st dlam.State) error {
	s.net.CopyFrom(n)
	copy(s.x.Data, st.Float32["x"])
	return nil
}
func (s *linear) Variables() (samples, shared []mat.Dense, err error) {
	return []mat.Dense{s.x}, []mat.Dense{s.net.Layers[0].W}, nil
}
func (s *linear) Moved() (dlam.Record, error) {
	for i, x := range s.x.Data {
		s.x.Data[i] = max(x, s.low)
	}
	return s.record(), nil
}

func linearRun(t *testing.T, s *linear, weight []float32) (dlam.Stepper, *linear) {
	t.Helper()
	p := testprob.Blobs(3, 1, 2, 1)
	p.Y.Weight = weight
	n := testprob.Network(p, nil, activation.ReLU{}, dlam.He, 1)
	n.Layers[0].W.Data[0], n.Layers[0].W.Data[1] = 1, 0
	var inner *linear
	st, err := anderson.Solver{Method: spy{s, &inner}, Depth: 5}.Init(p, n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	return st, inner
}

// spy keeps the stepper that its solver makes.
type spy struct {
	*linear
	made **linear
}

func (s spy) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	st, err := s.linear.Init(p, n)
	*s.made = st.(*linear)
	return st, err
}

// TestLinear: of an affine map with as many rates as iterates but one, the mixture is all but
// the fixed point (Walker & Ni: it is GMRES), and every mixture before is what least squares
// with the ridge say, with the samples' weights.
func TestLinear(t *testing.T) {
	weight := []float32{1, 4, 0.5}
	st, inner := linearRun(t, &linear{low: float32(math.Inf(-1))}, weight)
	x := func() []float64 {
		all := []float64{float64(inner.w()[0])}
		for _, v := range inner.x.Data {
			all = append(all, float64(v))
		}
		return all
	}
	scale := func(i int) float64 { // of ‖·‖²
		if i == 0 {
			return 1
		}
		return float64(weight[(i-1)/2])
	}
	rate := func(i int) float64 {
		if i == 0 {
			return float64(rates[2])
		}
		return float64(rates[(i-1)%2])
	}
	var gs, fs [][]float64
	for k := range 5 {
		before := x()
		g, f := make([]float64, len(before)), make([]float64, len(before))
		for i, v := range before {
			g[i] = rate(i) * v
			f[i] = g[i] - v
		}
		gs, fs = append(gs, g), append(fs, f)
		r, err := st.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if k == 0 {
			if r.Mixed != 0 {
				t.Errorf("the first is a mixture of %d", r.Mixed)
			}
			continue
		}
		if r.Mixed != k+1 {
			t.Fatalf("iteration %d: a mixture of %d, want %d", k+1, r.Mixed, k+1)
		}
		want := mixture(gs, fs, scale)
		size := 0.0
		for _, v := range gs[k] {
			size = max(size, math.Abs(v))
		}
		for i, v := range x() {
			if math.Abs(v-want[i]) > 1e-3*size { // f in float32 once it is small
				t.Errorf("iteration %d: variable %d is %v, want %v", k+1, i, v, want[i])
			}
		}
	}
	for i, v := range x() {
		if math.Abs(v) > 0.02 {
			t.Errorf("variable %d ends at %v, want about 0", i, v)
		}
	}
}

// mixture minimises ‖Σ α f‖² + r‖f_k‖²‖α‖² with Σ α = 1 by elimination, in differences to the
// last: ‖α‖² then is Σ α_i² + (1 − Σ α_i)².
func mixture(gs, fs [][]float64, scale func(int) float64) []float64 {
	last := len(fs) - 1
	const ridge = 1e-6 // the package's
	var r float64
	for v, x := range fs[last] {
		r += ridge * scale(v) * x * x
	}
	a := make([][]float64, last)
	for i := range a {
		a[i] = make([]float64, last+1)
		for j := range last {
			a[i][j] = r
		}
		a[i][i], a[i][last] = 2*r, r
		for v := range fs[last] {
			d := fs[i][v] - fs[last][v]
			for j := range last {
				a[i][j] += scale(v) * d * (fs[j][v] - fs[last][v])
			}
			a[i][last] -= scale(v) * d * fs[last][v]
		}
	}
	for i := range a {
		for j := range a {
			if j == i {
				continue
			}
			q := a[j][i] / a[i][i]
			for k := range a[j] {
				a[j][k] -= q * a[i][k]
			}
		}
	}
	x := append([]float64(nil), gs[last]...)
	for i := range a {
		alpha := a[i][last] / a[i][i]
		for v := range x {
			x[v] += alpha * (gs[i][v] - gs[last][v])
		}
	}
	return x
}

// TestGuard: a mixture after which F is not lower is not taken, and what is left is the
// method's own iterate, to the bit.
func TestGuard(t *testing.T) {
	st, inner := linearRun(t, &linear{low: float32(math.Inf(-1)), rises: true}, nil)
	plain := &linear{low: float32(math.Inf(-1))}
	own, err := plain.Init(testprob.Blobs(3, 1, 2, 1), st.Network())
	if err != nil {
		t.Fatal(err)
	}
	for k := range 6 {
		r, err := st.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := own.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r.Mixed != 0 {
			t.Errorf("iteration %d is a mixture of %d", k+1, r.Mixed)
		}
		for i, v := range own.(*linear).x.Data {
			if inner.x.Data[i] != v {
				t.Fatalf("iteration %d: x[%d] is %v, the method's %v", k+1, i, inner.x.Data[i], v)
			}
		}
		if inner.w()[0] != own.(*linear).w()[0] {
			t.Fatalf("iteration %d: the weight is %v, the method's %v", k+1, inner.w()[0], own.(*linear).w()[0])
		}
	}
}

// TestRange: what the method makes of a mixture is what the next iteration begins from, and
// F is what the record says of it.
func TestRange(t *testing.T) {
	st, inner := linearRun(t, &linear{low: 0.05}, nil)
	for range 5 {
		r, err := st.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if f := inner.record().Objective; math.Abs(f-r.Objective) > 1e-12*f {
			t.Errorf("F is %v, recorded as %v", f, r.Objective)
		}
	}
}

// TestFeasible: wherever a mixture leads, Moved makes of it a point in the bands of dlam and
// cdlam, the range of lifted's activation or pdadmm's grid.
func TestFeasible(t *testing.T) {
	for _, name := range []string{"dlam", "mdlam", "cdlam", "lifted", "quantised"} {
		m := methods()[name]
		p := testprob.Blobs(200, 8, 3, 2)
		st, err := m.solver.Init(p, testprob.Network(p, []int{10, 6}, m.h, m.init, 1))
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		x := st.(dlam.Mixable)
		samples, _, err := x.Variables()
		if err != nil {
			t.Fatal(err)
		}
		rng := testprob.Rng(5)
		for _, v := range samples {
			testprob.Normal(v, 3, rng)
		}
		r, err := x.Moved()
		if err != nil {
			t.Fatal(err)
		}
		state := x.State().Float32
		for l := range 2 {
			kept := state[fmt.Sprint("a.", l+1)]
			if name == "quantised" {
				kept = append(slices.Clone(kept), state[fmt.Sprint("p.", l+2)]...)
			}
			if len(kept) == 0 {
				t.Fatalf("%s: no a of layer %d", name, l+1)
			}
			for i, a := range kept {
				var low, high float32
				switch name {
				case "lifted":
					low, high = 0, 1
				case "quantised":
					end := pdadmm.DefaultSettings().Grid * x.State().Float64["scales"][l]
					step := end / 255
					at := float32(math.Round(min(max(float64(a), 0), end)/step) * step)
					low, high = at-1e-6, at+1e-6
				default:
					h := []float32{state[fmt.Sprint("z.", l+1)][i]}
					m.h.Apply(h, h)
					eps := float32(r.Epsilon) * (1 + 1e-3)
					low, high = h[0]-eps, h[0]+eps
				}
				if a < low || a > high {
					t.Fatalf("%s, layer %d: a[%d] is %v, outside [%v, %v]", name, l+1, i, a, low, high)
				}
			}
		}
	}
}

// TestForgets: where ε or μ changed, no iterate from before is in a mixture.
func TestForgets(t *testing.T) {
	set := mac.DefaultSettings()
	set.Every = 4
	p := testprob.Blobs(200, 8, 3, 2)
	n := testprob.Network(p, []int{10, 6}, activation.Tanh{}, dlam.He, 1)
	st, err := anderson.Solver{Method: mac.Solver{Settings: set}, Depth: 10}.Init(p, n)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	changes, since := 0, 0
	for range 12 {
		r, err := st.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if since++; r.EpsilonChanged {
			changes, since = changes+1, 1
		}
		if r.Mixed > since {
			t.Errorf("a mixture of %d iterates, %d after μ grew", r.Mixed, since)
		}
	}
	if changes != 2 {
		t.Errorf("μ grew %d times, want 2", changes)
	}
}

// TestMemory: two copies of an iterate are counted for each that is mixed.
func TestMemory(t *testing.T) {
	for name, m := range methods() {
		p := testprob.Blobs(50, 8, 3, 2)
		n := testprob.Network(p, []int{10, 6}, m.h, m.init, 1)
		st, err := m.solver.Init(p, n)
		if err != nil {
			t.Fatal(err)
		}
		samples, shared, err := st.(dlam.Mixable).Variables()
		st.Close()
		if err != nil {
			t.Fatal(err)
		}
		numbers := 0
		for _, x := range append(samples, shared...) {
			numbers += len(x.Elements())
		}
		own := m.solver.(interface {
			Memory(widths []int, samples, threads int) float64
		}).Memory(n.Widths(), 50, 1)
		got := anderson.Solver{Method: m.solver, Depth: 7}.Memory(n.Widths(), 50, 1) - own
		if want := float64(2 * 7 * 4 * numbers); got != want {
			t.Errorf("%s: %v bytes for 7 iterates of %d numbers, want %v", name, got, numbers, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	p := testprob.Blobs(50, 8, 3, 2)
	n := testprob.Network(p, []int{10, 6}, activation.ReLU{}, dlam.He, 1)
	ok := bcd.Solver{Settings: bcd.DefaultSettings()}
	layers := pdadmm.DefaultSettings()
	layers.Parallel = pdadmm.Layers
	binary := multiconvex.DefaultSettings()
	binary.BinaryWeights = true
	for want, s := range map[string]anderson.Solver{
		"binary weights have no mixture":   {Method: multiconvex.Solver{Settings: binary}, Depth: 3},
		"anderson: got 1, want 2 to 20":    {Method: ok, Depth: 1},
		"anderson: got 21, want 2 to 20":   {Method: ok, Depth: 21},
		"iterates of adam cannot be mixed": {Method: gradient.Solver{Settings: gradient.DefaultSettings(gradient.Adam)}, Depth: 3},
		"iterates of sync cannot be mixed": {Method: syncdlam.Solver{Settings: syncdlam.SettingsFor(50, true, 3)}, Depth: 3},
		"mini-batches leave no iterate":    {Method: lifted.Solver{Settings: lifted.MiniBatches()}, Depth: 3},
		"share the samples":                {Method: pdadmm.Solver{Settings: layers}, Depth: 3},
		"bcd cannot be mixed":              {Method: anderson.Solver{Method: ok, Depth: 3}, Depth: 3},
	} {
		st, err := s.Init(p, n)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if st != nil {
			st.Close()
		}
	}
	p.Loss = loss.Hinge{}
	if _, err := (anderson.Solver{Method: mac.Solver{Settings: mac.DefaultSettings()}, Depth: 3}).Init(p, n); err == nil || !strings.Contains(err.Error(), "mac: loss hinge") {
		t.Errorf("what the method refuses: %v", err)
	}
}
