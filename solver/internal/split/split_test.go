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
	p := testprob.Blobs(250, 6, 3, 1)
	p.Regularizer = prox.L2{Lambda: 0.7}
	it, err := New(p, testprob.Network(p, []int{5}, activation.Tanh{}, dlam.He, 1), Options{})
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
	const beta, alpha = 1.5, 2.5
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
