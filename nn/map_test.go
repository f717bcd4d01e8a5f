package nn_test

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// Back is the adjoint of Image, ⟨U(a)Wᵀ, e⟩ = ⟨a, U*(eW)⟩, whatever the map, and
// ‖U‖² is within its bound.
func TestProductsAdjoint(t *testing.T) {
	for l, ly := range testprob.Convolutional(3, activation.Tanh{}, 1).Layers {
		p := nn.NewProducts(ly)
		p.Pack()
		const samples = 7
		a, e, back, image := mat.New(samples, ly.Inputs()), mat.New(samples, ly.Units()), mat.New(samples, ly.Inputs()), mat.New(samples, ly.Units())
		rng := testprob.Rng(uint64(l))
		testprob.Normal(a, 1, rng)
		testprob.Normal(e, 1, rng)
		scratch := make([]float32, p.Scratch(samples))
		p.Image(image, a, scratch)
		p.Back(back, e, scratch)
		left, right, size := dot(image, e), dot(a, back), math.Sqrt(dot(image, image)*dot(e, e))
		if math.Abs(left-right) > 1e-5*size { // a few hundred float32 terms
			t.Errorf("layer %d: ⟨U(a)Wᵀ, e⟩ = %v, ⟨a, U*(eW)⟩ = %v", l+1, left, right)
		}
		if u := ly.Rows(a); dot(u, u) > ly.Linear().Norm()*dot(a, a)*(1+1e-6) {
			t.Errorf("layer %d: ‖U(a)‖² = %v, ‖a‖² = %v, the bound is %v", l+1, dot(u, u), dot(a, a), ly.Linear().Norm())
		}
	}
}

func dot(x, y mat.Dense) float64 {
	var s float64
	for i, v := range x.Elements() {
		s += float64(v) * float64(y.Elements()[i])
	}
	return s
}

// A network of convolutions predicts what sums over patches give.
func TestPredictConvolution(t *testing.T) {
	n := testprob.Convolutional(3, activation.Tanh{}, 1)
	if err := n.Validate(); err != nil {
		t.Fatal(err)
	}
	x := mat.New(300, n.Layers[0].Inputs())
	testprob.Normal(x, 1, testprob.Rng(2))
	got, err := n.Predict(x, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i := range x.Rows {
		a := widen(x.Row(i))
		for l, ly := range n.Layers {
			a = naiveLayer(ly, a, l < 2)
		}
		for j, want := range a {
			if g := float64(got.At(i, j)); math.Abs(g-want) > 1e-4*(1+math.Abs(want)) {
				t.Fatalf("output %d of sample %d: got %g, want %g", j, i, g, want)
			}
		}
	}
}

func TestFullyConnected(t *testing.T) {
	if err := newNetwork(t, nn.He, 5, 4, 3).FullyConnected(); err != nil {
		t.Error(err)
	}
	wantError(t, testprob.Convolutional(3, activation.Tanh{}, 1).FullyConnected(), "layer 1 is of kind patches:side=3,stride=1, not fully connected")
}
