package nn_test

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// layers are one with each of this package's maps, and those of a convolution that is
// made for tests.
func layers() []nn.Layer {
	list := testprob.Convolutional(3, activation.Tanh{}, 1).Layers
	for _, u := range nn.Maps {
		if u == nn.Map(nn.Dense{}) {
			continue // its size is that of W, as the last layer above has it
		}
		units := 4
		switch u := u.(type) {
		case nn.RNN:
			units = u.Units
		case nn.GRU:
			units = 4 * u.Units
		}
		ly := nn.Layer{Map: u, W: mat.New(units, u.Columns()), B: make([]float32, units), H: activation.Identity{}}
		testprob.Normal(ly.W, 1, testprob.Rng(9))
		list = append(list, ly)
	}
	return list
}

// Back is the adjoint of Image, ⟨U(a)Wᵀ, e⟩ = ⟨a, U*(eW)⟩, whatever the map, and
// ‖U‖² is within its bound. What was in the memory that a map writes to is gone.
func TestProductsAdjoint(t *testing.T) {
	for l, ly := range layers() {
		p := nn.NewProducts(ly)
		p.Pack()
		const samples = 7
		a, e, back, image := mat.New(samples, ly.Inputs()), mat.New(samples, ly.ZSize()), mat.New(samples, ly.Inputs()), mat.New(samples, ly.ZSize())
		rng := testprob.Rng(uint64(l))
		testprob.Normal(a, 1, rng)
		testprob.Normal(e, 1, rng)
		scratch := make([]float32, p.Scratch(samples))
		for _, old := range [][]float32{scratch, back.Data, image.Data} {
			for i := range old {
				old[i] = 1e9
			}
		}
		p.Image(image, a, scratch)
		p.Back(back, e, nil, scratch)
		left, right, size := dot(image, e), dot(a, back), math.Sqrt(dot(image, image)*dot(e, e))
		if math.Abs(left-right) > 1e-5*size { // a few hundred float32 terms
			t.Errorf("layer %d, %v: ⟨U(a)Wᵀ, e⟩ = %v, ⟨a, U*(eW)⟩ = %v", l+1, ly.Linear().Spec(), left, right)
		}
		if u := ly.Rows(a, mat.Dense{}); dot(u, u) > ly.Linear().Norm()*dot(a, a)*(1+1e-6) {
			t.Errorf("layer %d, %v: ‖U(a)‖² = %v, ‖a‖² = %v, the bound is %v", l+1, ly.Linear().Spec(), dot(u, u), dot(a, a), ly.Linear().Norm())
		}
	}
}

// A map without a place is refused.
func TestMapOfNothing(t *testing.T) {
	n := testprob.Convolutional(3, activation.Tanh{}, 1)
	n.Layers[0].Map = testprob.Patches{Sample: nn.Shape{Height: 6, Width: 2, Channels: 2}, Side: 3, Stride: 1}
	wantError(t, n.Validate(), "network layer 1: map patches:side=3,stride=1 gives 4x0x1 for a sample, want at least one place")
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

// A few weights may not ask for a map that no memory holds.
func TestHugeMap(t *testing.T) {
	n := testprob.Pooled(3, activation.Tanh{}, 1)
	u := n.Layers[0].Map.(nn.Conv)
	u.Sample.Height, u.Sample.Width = 1<<16, 1<<16
	n.Layers[0].Map = u
	wantError(t, n.Validate(), "network layer 1: 8589934592 places or inputs and 8 units, more than 268435456 entries a sample")
	_, err := nn.Outline(u.Sample, []nn.LayerSpec{nn.ConvLayer(9, 1)}, 2, activation.Tanh{})
	wantError(t, err, "layer 1 (conv 9 1x1): input 65536x65536x2 and 9 units: more than 268435456 entries a sample")
}
