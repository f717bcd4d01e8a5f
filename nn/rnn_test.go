package nn_test

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// recurrent is a network of recurrent layers, one with all its steps and one with the last
// alone, and random intercepts.
func recurrent(t *testing.T, text string) *nn.Network {
	t.Helper()
	list, err := nn.ParseLayers(text)
	if err != nil {
		t.Fatal(err)
	}
	n, err := nn.NewNetworkFor(nn.Shape{Height: 7, Width: 3, Channels: 2}, list, 3, activation.Tanh{}, nn.He, testprob.Rng(4))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, ly := range n.Layers {
		testprob.Normal(mat.FromSlice(1, len(ly.B), ly.B), 0.5, testprob.Rng(5))
	}
	return n
}

// states are the layer's, for a sample, by their definition in float64.
func states(ly nn.Layer, x []float64) []float64 {
	if g, ok := ly.Map.(nn.GRU); ok {
		return gatedStates(ly, g, x)
	}
	u := ly.Map.(nn.RNN)
	var all []float64
	before := make([]float64, u.Units)
	for t := range u.Steps {
		in := append(append([]float64(nil), x[t*u.Inputs:(t+1)*u.Inputs]...), before...)
		for i := range u.Units {
			z := float64(ly.B[i])
			for j, v := range in {
				z += float64(ly.W.At(i, j)) * v
			}
			before[i] = math.Tanh(z)
		}
		all = append(all, before...)
	}
	return all
}

// Recurrent layers are what their definition says, also of samples that do not lie one
// after another, and all steps or the last one go on.
func TestRNN(t *testing.T) {
	for _, text := range []string{"rnn 5 all, rnn 4", "rnn 5 all, rnn 4 all", "rnn 70", "gru 5 all, gru 4", "gru 3 all, rnn 4 all", "rnn 3 all, gru 4 all, rnn 5", "gru 70"} {
		n := recurrent(t, text)
		wide := mat.New(250, n.Layers[0].Inputs()+3)
		testprob.Normal(wide, 1, testprob.Rng(6))
		x := wide.ColRange(2, wide.Cols-1)
		got, err := n.Predict(x, 2)
		if err != nil {
			t.Fatal(err)
		}
		for i := range x.Rows {
			a := widen(x.Row(i))
			for _, ly := range n.Layers[:len(n.Layers)-1] {
				a = states(ly, a)
			}
			output := n.Layers[len(n.Layers)-1]
			a = a[len(a)-output.W.Cols:]
			for j, want := range naiveLayer(nn.Layer{W: output.W, B: output.B, H: output.H}, a, false) {
				if g := float64(got.At(i, j)); math.Abs(g-want) > 1e-4*(1+math.Abs(want)) {
					t.Fatalf("%s: output %d of sample %d: got %g, want %g", text, j, i, g, want)
				}
			}
		}
	}
}

// First weights of the steps before are a rotation.
func TestRNNWeights(t *testing.T) {
	ly := recurrent(t, "rnn 40").Layers[0]
	r := ly.W.ColRange(6, 46)
	for i := range r.Rows {
		for j := range i + 1 {
			want := 0.0
			if i == j {
				want = 1
			}
			row := func(i int) mat.Dense { return mat.FromSlice(1, 40, r.Row(i)) }
			if got := dot(row(i), row(j)); math.Abs(got-want) > 1e-6 {
				t.Fatalf("⟨r_%d, r_%d⟩ = %g, want %g", i, j, got, want)
			}
		}
	}
}

// A network of recurrent layers is refused where its parts do not fit, or where a method
// has no block for it.
func TestRNNRefused(t *testing.T) {
	n := recurrent(t, "rnn 5 all, rnn 4")
	wantError(t, n.FullyConnected(), "layer 1 (rnn 5 all) is recurrent, not fully connected")
	wantRefused(t, "rnn 5 all, rnn 4", []refusal{
		{func(n *nn.Network) { n.Layers[0].Map = nn.RNN{Steps: 7, Inputs: 5, Units: 6} }, "network layer 1: weights of 5 units, its map has 6"},
		{func(n *nn.Network) { n.Layers[0].Max = 2 }, "network layer 1: max pooling of a recurrent layer"},
		{func(n *nn.Network) { n.Layers = n.Layers[:2] }, "network layer 2: a recurrent layer gives the outputs, want another after it"},
		{func(n *nn.Network) { n.Layers[2].Map = nn.Last{Steps: 6, Inputs: 4} }, "network layer 3: takes 24 inputs, layer 2 gives 28"},
	})
}

// refusal is a change of a network, and what Validate says of it.
type refusal struct {
	change func(n *nn.Network)
	want   string
}

func wantRefused(t *testing.T, layers string, list []refusal) {
	t.Helper()
	for _, c := range list {
		n := recurrent(t, layers)
		c.change(n)
		wantError(t, n.Validate(), c.want)
	}
}

// Nothing on the way is beyond the reach of a recurrent network, which may grow from step to
// step unless its activation is bounded.
func TestRNNReach(t *testing.T) {
	n := recurrent(t, "rnn 8 all, rnn 8")
	if r := n.Reach(3); !(r < 100) {
		t.Errorf("reach %g of bounded states", r)
	}
	for l := range 2 {
		n.Layers[l].H = activation.ReLU{}
	}
	x := mat.New(40, n.Layers[0].Inputs())
	for i := range x.Data {
		x.Data[i] = 3
	}
	for l := range 2 {
		for i := range n.Layers[l].W.Data {
			n.Layers[l].W.Data[i] = 1
		}
	}
	out, err := n.Predict(x, 1)
	if err != nil {
		t.Fatal(err)
	}
	most := 0.0
	for _, v := range out.Data {
		most = math.Max(most, math.Abs(float64(v)))
	}
	if reach := n.Reach(3); !(most <= reach) || most < 1e6 {
		t.Errorf("outputs to %g, reach %g", most, reach)
	}
}

// shorter is a network with fewer steps and the parameters of n, whose layers are recurrent
// but for the last.
func shorter(n *nn.Network, steps int) *nn.Network {
	s := n.Clone()
	for l := range s.Layers {
		switch u := s.Layers[l].Map.(type) {
		case nn.RNN:
			u.Steps = steps
			s.Layers[l].Map = u
		case nn.GRU:
			u.Steps = steps
			s.Layers[l].Map = u
		case nn.Last:
			u.Steps = steps
			s.Layers[l].Map = u
		}
	}
	return s
}

// A sample whose first steps are not there has the outputs of the steps that are, bit for
// bit, whatever samples are beside it.
func TestShorterSamples(t *testing.T) {
	for _, text := range []string{"rnn 5 all, rnn 4", "rnn 70", "rnn 3 all, rnn 20 all, rnn 9 sigmoid", "gru 5 all, gru 4", "gru 70", "rnn 3 all, gru 20 all, rnn 9"} {
		n := recurrent(t, text)
		x := mat.New(250, n.Layers[0].Inputs())
		testprob.Normal(x, 1, testprob.Rng(6))
		const steps, inputs = 7, 6
		for i := range x.Rows {
			for j := range i % steps * inputs {
				x.Row(i)[j] = float32(math.NaN())
			}
		}
		got, err := n.Predict(x, 2)
		if err != nil {
			t.Fatal(err)
		}
		for i := range x.Rows {
			first := i % steps
			want, err := shorter(n, steps-first).Predict(x.RowRange(i, i+1).ColRange(first*inputs, x.Cols), 1)
			if err != nil {
				t.Fatal(err)
			}
			for j, w := range want.Row(0) {
				if g := got.At(i, j); g != w {
					t.Fatalf("%s: output %d of sample %d, of %d steps: got %v, want %v", text, j, i, steps-first, g, w)
				}
			}
		}
	}
}
