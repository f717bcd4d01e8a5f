package multiconvex

import (
	"math"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
	"pgregory.net/rapid"
)

// resid is what float32 residuals may be off by, relative to their terms: a few
// units of rounding for products of at most a dozen terms, and their drift
// within a sweep.
const resid = 3e-6

// tiny is a problem small enough for brute force, some sweeps into its
// solution.
func tiny(t *rapid.T, set Settings, l loss.Loss, omega prox.Regularizer) *Blocks {
	p := testprob.Blobs(rapid.IntRange(3, 9).Draw(t, "rows"), rapid.IntRange(1, 4).Draw(t, "features"), 3, rapid.Uint64().Draw(t, "seed"))
	p.Loss, p.Regularizer, p.Threads = l, omega, 1
	h := rapid.SampledFrom(activation.All).Draw(t, "activation")
	hidden := rapid.SliceOfN(rapid.IntRange(1, 5), 1, 2).Draw(t, "hidden")
	set.Rho = math.Pow(10, rapid.Float64Range(-4, 3).Draw(t, "log10 rho"))
	set.Epsilon = math.Pow(10, rapid.Float64Range(-4, 1).Draw(t, "log10 epsilon"))
	set.EpsilonRule = rapid.SampledFrom([]EpsilonRule{Fixed, Adaptive}).Draw(t, "rule") // the second opens most bands
	net := testprob.Network(p, hidden, h, rapid.SampledFrom([]dlam.Initializer{dlam.Paper, dlam.He}).Draw(t, "init"), rapid.Uint64().Draw(t, "network"))
	st, err := Solver{set}.Init(p, net)
	if err != nil {
		t.Fatal(err)
	}
	s := st.(stepper).Blocks
	s.Iterate() // from here on τ is kept
	for range rapid.IntRange(0, 4).Draw(t, "sweeps") {
		if _, err := st.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	jolt(t, s)
	return s
}

// jolt moves W and b: from a forward pass, V = z satisfies every hidden layer's
// equation, and no hidden block would have anything to do.
func jolt(t *rapid.T, s *Blocks) {
	rng := testprob.Rng(rapid.Uint64().Draw(t, "jolt"))
	for l := range s.layers {
		ly := &s.layers[l]
		for i := range ly.net.B {
			ly.net.B[i] += float32(0.3 * rng.NormFloat64())
			for j := range ly.net.W.Row(i) {
				ly.net.W.Row(i)[j] += float32(0.3 * rng.NormFloat64())
			}
		}
		ly.products.Pack()
	}
	if err := s.refresh(); err != nil {
		t.Fatal(err)
	}
}

// before is layer l's variables before a block update, in memory of its own.
type before struct {
	W        mat.Dense
	B        []float32
	in, Z, A mat.Dense
}

func remember(ly *layer) before {
	b := before{W: ly.net.W.Clone(), B: append([]float32(nil), ly.net.B...), in: ly.in.Clone(), Z: ly.Z.Clone()}
	if ly.next != nil {
		b.A = ly.A.Clone()
	}
	return b
}

// look is called after a block update with what was before it.
type look struct{ W, b, samples func(ly *layer, old before) }

// sweep is Step, with a look at each block update.
func sweep(t *rapid.T, s *Blocks, see look) {
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.adaptEpsilon()
	cutAll(s)
	if s.Momentum {
		s.nesterov.advance(s.changed)
	}
	for l := range s.layers {
		ly := &s.layers[l]
		old := remember(ly)
		must(s.updateW(ly))
		if see.W != nil {
			see.W(ly, old)
		}
		old = remember(ly)
		must(s.updateB(ly))
		if see.b != nil {
			see.b(ly, old)
		}
		old = remember(ly)
		must(s.updateZA(ly))
		if see.samples != nil {
			see.samples(ly, old)
		}
	}
}

// cutAll cuts all a_l at once where ε has shrunk, which Step does in passing.
func cutAll(s *Blocks) {
	for l := range s.layers {
		for lo, n := 0, s.p.X.Rows; lo < n; lo += pass.Block {
			s.block(&pass.Worker{}, &s.layers[l], lo, min(lo+pass.Block, n)).cutToBand()
		}
	}
	s.narrowed = false
}

// table is a matrix in float64.
type table [][]float64

func newTable(rows, cols int) table {
	m := make(table, rows)
	for i := range m {
		m[i] = make([]float64, cols)
	}
	return m
}

// affine is V = A·Wᵀ + 1bᵀ, b nil for none.
func affine(a, w mat.Dense, b []float32) table {
	v := newTable(a.Rows, w.Rows)
	for i := range v {
		for j := range v[i] {
			if b != nil {
				v[i][j] = float64(b[j])
			}
			for k, x := range a.Row(i) {
				v[i][j] += float64(x) * float64(w.At(j, k))
			}
		}
	}
	return v
}

// residual is E = A·Wᵀ + 1bᵀ − Z, and the sum of its terms' sizes.
func residual(a, w mat.Dense, b []float32, z mat.Dense) (e, size table) {
	e, size = affine(a, w, b), newTable(z.Rows, z.Cols)
	for i := range e {
		for j := range e[i] {
			x := float64(z.At(i, j))
			e[i][j] -= x
			size[i][j] = math.Abs(x) + math.Abs(float64(b[j]))
			for k, y := range a.Row(i) {
				size[i][j] += math.Abs(float64(y) * float64(w.At(j, k)))
			}
		}
	}
	return e, size
}

// transposed is EᵀA.
func transposed(e table, a mat.Dense, abs bool) table {
	g := newTable(len(e[0]), a.Cols)
	for i := range e {
		for j, x := range e[i] {
			for k, y := range a.Row(i) {
				if abs {
					y = max(y, -y)
				}
				g[j][k] += x * float64(y)
			}
		}
	}
	return g
}

// golden minimises a convex f over [lo, hi] by golden sections.
func golden(f func(float64) float64, lo, hi float64) float64 {
	r := (math.Sqrt(5) - 1) / 2
	for range 100 {
		a, b := hi-r*(hi-lo), lo+r*(hi-lo)
		if f(a) < f(b) {
			hi = b
		} else {
			lo = a
		}
	}
	return (lo + hi) / 2
}

// bisect is the zero of an increasing f in [lo, hi].
func bisect(f func(float64) float64, lo, hi float64) float64 {
	for range 300 { // from 1e30 down to rounding
		mid := (lo + hi) / 2
		if mid == lo || mid == hi {
			break
		}
		if f(mid) < 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}

// omegaOf is Ω of one weight.
func omegaOf(r prox.Regularizer, x float64) float64 {
	switch r := r.(type) {
	case prox.L1:
		return r.Lambda * math.Abs(x)
	case prox.L2:
		return r.Lambda / 2 * x * x
	}
	return 0
}

// slopeOf is Ω's derivative in one weight.
func slopeOf(r prox.Regularizer, x float64) float64 {
	switch r := r.(type) {
	case prox.L1:
		if x == 0 {
			return 0
		}
		return math.Copysign(r.Lambda, x)
	case prox.L2:
		return r.Lambda * x
	}
	return 0
}

func lambdaOf(r prox.Regularizer) float64 {
	switch r := r.(type) {
	case prox.L1:
		return r.Lambda
	case prox.L2:
		return r.Lambda
	}
	return 0
}

// hard is h of one z, in the float32 that the method works in.
func hard(h activation.Func, z float64) float64 {
	x := []float32{float32(z)}
	h.Apply(x, x)
	return float64(x[0])
}
