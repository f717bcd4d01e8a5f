package nn_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

func newNetwork(t *testing.T, init nn.Initializer, widths ...int) *nn.Network {
	t.Helper()
	n, err := nn.NewNetwork(widths, activation.Tanh{}, init, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNewNetwork(t *testing.T) {
	n := newNetwork(t, nn.He, 5, 4, 3)
	if got := n.Widths(); !slices.Equal(got, []int{5, 4, 3}) {
		t.Errorf("widths %v", got)
	}
	if got, want := n.Parameters(), 5*4+4+4*3+3; got != want {
		t.Errorf("%d parameters, want %d", got, want)
	}
	if n.Layers[0].H != activation.Func(activation.Tanh{}) || n.Layers[1].H != activation.Func(activation.Identity{}) {
		t.Errorf("activations %v and %v", n.Layers[0].H, n.Layers[1].H)
	}
	if err := n.Validate(); err != nil {
		t.Error(err)
	}
	again := newNetwork(t, nn.He, 5, 4, 3)
	if !slices.Equal(n.Layers[0].W.Data, again.Layers[0].W.Data) {
		t.Error("one seed gives two networks")
	}
}

// Each initialiser draws with the deviation that it promises.
func TestInitializers(t *testing.T) {
	const in, out = 400, 100
	for init, want := range map[nn.Initializer]float64{
		nn.Paper: 0.1, nn.He: math.Sqrt(2.0 / in), nn.Glorot: math.Sqrt(2.0 / (in + out)), nn.LeCun: math.Sqrt(1.0 / in),
	} {
		ly := newNetwork(t, init, in, out).Layers[0]
		// The deviation of 40,000 draws is off by want/√80,000 at one sigma.
		if got := deviation(ly.W.Data); math.Abs(got/want-1) > 5/math.Sqrt(2*in*out) {
			t.Errorf("%s: standard deviation %g, want %g", init, got, want)
		}
		if got := deviation(ly.B); init == nn.Paper != (got > 0.05) || init != nn.Paper && got != 0 {
			t.Errorf("%s: standard deviation %g of intercepts", init, got)
		}
	}
}

func deviation(x []float32) float64 {
	var s float64
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return math.Sqrt(s / float64(len(x)))
}

func TestNewNetworkRefuses(t *testing.T) {
	for _, c := range []struct {
		widths []int
		init   nn.Initializer
		want   string
	}{
		{[]int{3}, nn.He, "a width for its input and one for its output"},
		{[]int{3, 0, 2}, nn.He, "width of layer 1: got 0, want at least 1"},
		{[]int{3, 2}, "orthogonal", `unknown initialiser "orthogonal" (choose one of [paper he glorot lecun])`},
	} {
		_, err := nn.NewNetwork(c.widths, activation.ReLU{}, c.init, rand.New(rand.NewPCG(1, 2)))
		wantError(t, err, c.want)
	}
	_, err := nn.NewNetwork([]int{3, 4, 2}, nil, nn.He, rand.New(rand.NewPCG(1, 2)))
	wantError(t, err, "activation: got none")
	_, err = nn.NewNetworkFor(nn.Vector(3), []nn.LayerSpec{nn.DenseLayer(4)}, 2, nil, nn.He, rand.New(rand.NewPCG(1, 2)))
	wantError(t, err, "activation: got none")
	if _, err := nn.NewNetwork([]int{3, 2}, nil, nn.He, rand.New(rand.NewPCG(1, 2))); err != nil {
		t.Errorf("no hidden layers, and no activation of them: %v", err)
	}
}

// TestNoThreads: an error names them.
func TestNoThreads(t *testing.T) {
	n := newNetwork(t, nn.He, 3, 4, 2)
	for _, threads := range []int{0, -1} {
		_, err := n.Predict(mat.New(5, 3), threads)
		wantError(t, err, fmt.Sprintf("threads: got %d, want at least 1", threads))
		wantError(t, n.Activations(mat.New(5, 3), threads, nil), fmt.Sprintf("threads: got %d, want at least 1", threads))
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want one with %q", err, want)
	}
}

// Validate reports every fault at once, with its place and value.
func TestNetworkValidate(t *testing.T) {
	n := newNetwork(t, nn.He, 5, 4, 3)
	n.Layers[0].W.Set(2, 1, float32(math.NaN()))
	n.Layers[1].B = n.Layers[1].B[:2]
	n.Layers[1].H = activation.ReLU{}
	n.Layers[1].W = mat.New(3, 6)
	err := n.Validate()
	for _, want := range []string{
		"network layer 1: weight W[2,1] is NaN",
		"network layer 2: 2 intercepts for 3 outputs",
		"network layer 2: takes 6 inputs, layer 1 gives 4",
		"network: output activation is relu, want identity",
	} {
		wantError(t, err, want)
	}
	n = newNetwork(t, nn.He, 5, 3)
	n.Layers[0].B[2] = float32(math.Inf(-1))
	wantError(t, n.Validate(), "network layer 1: b[2] is -Inf")
	n.Layers[0].H = activation.LeakyReLU{Slope: -1}
	wantError(t, n.Validate(), "network layer 1: activation leaky-relu: slope: got -1, want 0 < slope ≤ 1")
	n.Layers[0].H = nil
	wantError(t, n.Validate(), "network layer 1: no activation")
	wantError(t, (&nn.Network{}).Validate(), "network: no layers")
}

// A clone shares nothing; CopyFrom copies every parameter.
func TestCloneAndCopy(t *testing.T) {
	n := newNetwork(t, nn.Paper, 5, 4, 3)
	c := n.Clone()
	for l := range c.Layers {
		c.Layers[l].W.Set(0, 0, 42)
		c.Layers[l].B[0] = 43
	}
	for l := range n.Layers {
		if n.Layers[l].W.At(0, 0) == 42 || n.Layers[l].B[0] == 43 {
			t.Errorf("layer %d is shared", l+1)
		}
	}
	n.CopyFrom(c)
	for l := range n.Layers {
		if !slices.Equal(n.Layers[l].W.Data, c.Layers[l].W.Data) || !slices.Equal(n.Layers[l].B, c.Layers[l].B) {
			t.Errorf("layer %d differs after CopyFrom", l+1)
		}
	}
}

// Predict is the naive forward pass, whatever the number of threads.
func TestPredict(t *testing.T) {
	n := newNetwork(t, nn.Paper, 5, 7, 3)
	x := mat.New(301, 5)
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
	}
	one, err := n.Predict(x, 1)
	if err != nil {
		t.Fatal(err)
	}
	three, err := n.Predict(x, 3)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(one.Data, three.Data) {
		t.Error("one thread and three give different outputs")
	}
	for i := range x.Rows {
		a := widen(x.Row(i))
		for l, ly := range n.Layers {
			a = naiveLayer(ly, a, l == 0)
		}
		for j, want := range a {
			if got := float64(one.At(i, j)); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
				t.Fatalf("output %d of sample %d: got %g, want %g", j, i, got, want)
			}
		}
	}
	_, err = n.Predict(mat.New(2, 4), 1)
	wantError(t, err, "predict: samples have 4 features, the network takes 5")
}

func widen(x []float32) []float64 {
	w := make([]float64, len(x))
	for j, v := range x {
		w[j] = float64(v)
	}
	return w
}

// naiveLayer is a layer of one sample in float64.
func naiveLayer(ly nn.Layer, a []float64, tanh bool) []float64 {
	sample := mat.New(1, len(a))
	for j, v := range a {
		sample.Set(0, j, float32(v))
	}
	u := ly.Rows(sample, mat.Dense{})
	var out []float64
	for p := range u.Rows {
		for j, b := range ly.B {
			z := float64(b)
			for k, w := range ly.W.Row(j) {
				z += float64(w) * float64(u.At(p, k))
			}
			if tanh {
				z = math.Tanh(z)
			}
			out = append(out, z)
		}
	}
	return out
}
