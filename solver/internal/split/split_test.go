package split

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

// start is an iterate whose equations do not hold.
func start(t *testing.T) *Iterate {
	t.Helper()
	return startOf(t, testprob.Blobs(250, 6, 3, 1), 5)
}

// startOf is that of a problem, with a hidden layer of so many units.
func startOf(t *testing.T, p *dlam.Problem, hidden int) *Iterate {
	t.Helper()
	p.Regularizer = prox.L2{Lambda: 0.7}
	it, err := New(p, testprob.Network(p, []int{hidden}, activation.Tanh{}, dlam.He, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(it.Close)
	rng := testprob.Rng(4)
	for l := range it.Layers {
		ly := &it.Layers[l]
		testprob.Normal(ly.Z, 1, rng)
		testprob.Normal(mat.FromSlice(1, len(ly.Net.B), ly.Net.B), 1, rng)
		if ly.Next != nil {
			testprob.Normal(ly.A, 1, rng)
		}
	}
	return it
}

// residual is V_l − Z_l of sample i and output j, in float64.
func residual(ly *Layer, i, j int) float64 {
	e := float64(ly.Net.B[j]) - float64(ly.Z.At(i, j))
	for k, w := range ly.Net.W.Row(j) {
		e += float64(w) * float64(ly.In.At(i, k))
	}
	return e
}

// At FitAffine's solution the gradient of its objective is 0.
func TestFitAffineIsStationary(t *testing.T) {
	it := start(t)
	wantStationary(t, it, 1.5, 2.5)
	wide := startOf(t, testprob.Blobs(20, 60, 3, 1), 50) // more inputs than samples in both layers
	wantStationary(t, wide, 1.5, 2.5)
	wantStationary(t, wide, 1.5, 0) // nothing is of b but the samples
	for l := range wide.Layers {
		if _, dual := wide.Layers[l].affine.(*dualFit); !dual {
			t.Errorf("layer %d has a matrix with a row an input", l+1)
		}
		if _, dual := it.Layers[l].affine.(*dualFit); dual {
			t.Errorf("layer %d has a matrix with a row a sample", l+1)
		}
	}
}

func wantStationary(t *testing.T, it *Iterate, beta, alpha float64) {
	t.Helper()
	for l := range it.Layers {
		ly := &it.Layers[l]
		w0, b0 := ly.Net.W.Clone(), append([]float32(nil), ly.Net.B...)
		if _, err := it.FitAffine(ly, beta, alpha, 0); err != nil {
			t.Fatal(err)
		}
		for j := range ly.Net.W.Rows {
			gb := alpha * float64(ly.Net.B[j]-b0[j])
			for i := range ly.Z.Rows {
				gb += beta * residual(ly, i, j)
			}
			small(t, "b", gb)
			for k, w := range ly.Net.W.Row(j) {
				g := 0.7*float64(w) + alpha*float64(w-w0.At(j, k))
				for i := range ly.Z.Rows {
					g += beta * residual(ly, i, j) * float64(ly.In.At(i, k))
				}
				small(t, "W", g)
			}
		}
	}
}

// small fails unless g is 0 up to the rounding of sums of 250 float32 terms.
func small(t *testing.T, name string, g float64) {
	t.Helper()
	if math.Abs(g) > 1e-3 {
		t.Errorf("gradient of %s: %g", name, g)
	}
}

// At FitA's solution the gradient of its objective is 0.
func TestFitAIsStationary(t *testing.T) {
	it := start(t)
	const gamma, beta, alpha = 0.5, 1.5, 2.5
	ly := &it.Layers[0]
	old := ly.A.Clone()
	if err := it.FitA(ly, gamma, beta, alpha); err != nil {
		t.Fatal(err)
	}
	h := mat.New(ly.Z.Rows, ly.Z.Cols)
	ly.Net.H.Apply(h.Elements(), ly.Z.Elements())
	for i := range ly.A.Rows {
		for k, a := range ly.A.Row(i) {
			g := gamma*float64(a-h.At(i, k)) + alpha*float64(a-old.At(i, k))
			for j := range ly.Next.Net.W.Rows {
				g += beta * residual(ly.Next, i, j) * float64(ly.Next.Net.W.At(j, k))
			}
			small(t, "a", g)
		}
	}
}

// A rank-deficient input: the pseudo-inverse's solution has nothing in the
// column that is always 0, and the fit needs no help.
func TestFitAffineIsThePseudoInverse(t *testing.T) {
	p := testprob.Blobs(250, 6, 3, 1)
	for i := range p.X.Rows {
		p.X.Set(i, 2, 0)
	}
	it, err := New(p, testprob.Network(p, []int{5}, activation.ReLU{}, dlam.He, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	ly := &it.Layers[0]
	raised, err := it.FitAffine(ly, 1, 0, 1e-6)
	if err != nil || raised != 0 {
		t.Fatalf("raised %d times, error %v", raised, err)
	}
	for j := range ly.Net.W.Rows {
		if w := ly.Net.W.At(j, 2); w != 0 {
			t.Errorf("weight of a column of zeros: %g", w)
		}
	}
}

// With an unknown a sample, the step is the one with an unknown an input: that which a
// factorisation in float64 of sums in float64 gives.
func TestDualIsThePrimal(t *testing.T) {
	for name, c := range map[string]struct{ beta, alpha, ridge, lambda float64 }{
		"bcd": {0.1, 0.01, 0, 0.7}, "bcd alone": {0.1, 0.01, 0, 0}, "admm": {0.01, 0, 1e-6, 0}, "admm with l2": {0.01, 0, 1e-6, 0.7},
		"no pull on b": {1, 0, 0, 0.7},
	} {
		it := startOf(t, testprob.Blobs(20, 60, 3, 1), 50)
		it.P.Regularizer = prox.L2{Lambda: c.lambda}
		for l := range it.Layers {
			ly := &it.Layers[l]
			want := primal(ly, c.beta, c.alpha, c.lambda, c.ridge)
			if raised, err := it.FitAffine(ly, c.beta, c.alpha, c.ridge); raised != 0 || err != nil {
				t.Fatalf("%s: raised %d times, %v", name, raised, err)
			}
			in := ly.Net.W.Cols
			var off, size float64
			for i, b := range ly.Net.B {
				for j, x := range append(append([]float32(nil), ly.Net.W.Row(i)...), b) {
					off = max(off, math.Abs(float64(x)-want[j][i]))
					size = max(size, math.Abs(want[j][i]))
				}
			}
			// R − uδᵀ is in float32, and so are its products with A, in sums of 20.
			if !(off <= 2e-6*size) {
				t.Errorf("%s, layer %d of %d inputs: off by %g of %g", name, l+1, in, off, size)
			}
		}
	}
}

// primal solves the normal equations of the W- and b-step in float64: a row an input,
// and the last of b.
func primal(ly *Layer, beta, alpha, lambda, ridge float64) [][]float64 {
	n, in, out := ly.Z.Rows, ly.Net.W.Cols, ly.Net.W.Rows
	k := in + 1
	at := func(i, j int) float64 {
		if j == in {
			return 1
		}
		return float64(ly.In.At(i, j))
	}
	s, x := make([]float64, k*k), make([]float64, k*out)
	var mean float64
	for a := range k {
		for b := range k {
			for i := range n {
				s[a*k+b] += beta * at(i, a) * at(i, b)
			}
		}
		mean += s[a*k+a] / float64(k)
		for o := range out {
			for i := range n {
				x[a*out+o] += beta * at(i, a) * float64(ly.Z.At(i, o))
			}
			if a < in {
				x[a*out+o] += alpha * float64(ly.Net.W.At(o, a))
			} else {
				x[a*out+o] += alpha * float64(ly.Net.B[o])
			}
		}
	}
	for a := range k {
		s[a*k+a] += alpha + ridge*mean
		if a < in {
			s[a*k+a] += lambda
		}
	}
	var f mat.Cholesky
	if !f.Factor(s, k) {
		panic("no Cholesky factor")
	}
	f.Solve(x, out)
	rows := make([][]float64, k)
	for a := range rows {
		rows[a] = x[a*out : (a+1)*out]
	}
	return rows
}
