package nn_test

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// gatedStates are states of a layer with gates, of the parameters as PyTorch has them.
func gatedStates(ly nn.Layer, u nn.GRU, x []float64) []float64 {
	p := u.Gates(ly)
	product := func(w mat.Dense, i int, x []float64) (sum float64) {
		for j, v := range x {
			sum += float64(w.At(i, j)) * v
		}
		return sum
	}
	sigmoid := func(z float64) float64 { return 1 / (1 + math.Exp(-z)) }
	var all []float64
	before := make([]float64, u.Units)
	for t := range u.Steps {
		in, state := x[t*u.Inputs:(t+1)*u.Inputs], make([]float64, u.Units)
		of := func(g nn.Gate, i int) (input, own float64) {
			return product(g.Input, i, in) + float64(g.B[i]), product(g.Own, i, before) + float64(g.OwnB[i])
		}
		for i := range state {
			rIn, rOwn := of(p.Reset, i)
			uIn, uOwn := of(p.Update, i)
			nIn, nOwn := of(p.New, i)
			fresh := math.Tanh(nIn + sigmoid(rIn+rOwn)*nOwn)
			keep := sigmoid(uIn + uOwn)
			state[i] = (1-keep)*fresh + keep*before[i]
		}
		before = state
		all = append(all, state...)
	}
	return all
}

// First weights of the activations before are rotations, a gate each, and the rows that take
// inputs or activations alone are 0 elsewhere, whatever draws them.
func TestGRUWeights(t *testing.T) {
	ly := recurrent(t, "gru 40").Layers[0]
	p := ly.Map.(nn.GRU).Gates(ly)
	for name, r := range map[string]mat.Dense{"reset": p.Reset.Own, "update": p.Update.Own, "new": p.New.Own} {
		for i := range r.Rows {
			for j := range i + 1 {
				want := 0.0
				if i == j {
					want = 1
				}
				if got := dot(r.RowRange(i, i+1), r.RowRange(j, j+1)); math.Abs(got-want) > 1e-6 {
					t.Fatalf("%s: ⟨r_%d, r_%d⟩ = %g, want %g", name, i, j, got, want)
				}
			}
		}
	}
	if got, want := ly.Weights(), 3*40*(6+40); got != want {
		t.Errorf("%d weights, want %d", got, want)
	}
	for _, init := range nn.Initializers {
		n, err := nn.NewNetworkFor(nn.Shape{Height: 4, Width: 3, Channels: 1}, []nn.LayerSpec{nn.GRULayer(5)}, 2, activation.ReLU{}, init, testprob.Rng(1))
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Validate(); err != nil {
			t.Errorf("%s: %v", init, err)
		}
		count := 0
		for _, v := range n.Layers[0].W.Data {
			if v != 0 {
				count++
			}
		}
		if want := n.Layers[0].Weights(); count != want || n.Parameters() != want+4*5+2*6 || n.Numbers() != 20*9+2*6 {
			t.Errorf("%s: %d weights that are not 0, want %d; %d parameters as %d numbers", init, count, want, n.Parameters(), n.Numbers())
		}
	}
}

// Parameters come back as they were put in, with the intercepts of a gate added up.
func TestGRUGates(t *testing.T) {
	u := nn.GRU{Steps: 2, Inputs: 3, Units: 2}
	ly := nn.Layer{Map: u, W: mat.New(8, 5), B: make([]float32, 8), H: activation.Tanh{}}
	next := float32(0)
	matrix := func(rows, cols int) mat.Dense {
		m := mat.New(rows, cols)
		for i := range m.Data {
			next++
			m.Data[i] = next
		}
		return m
	}
	gate := func() nn.Gate { return nn.Gate{matrix(2, 3), matrix(2, 2), matrix(1, 2).Data, matrix(1, 2).Data} }
	put := nn.GateWeights{Reset: gate(), Update: gate(), New: gate()}
	u.SetGates(ly, put)
	got := u.Gates(ly)
	for _, c := range []struct {
		name      string
		got, want nn.Gate
		own       bool
	}{{"reset", got.Reset, put.Reset, false}, {"update", got.Update, put.Update, false}, {"new", got.New, put.New, true}} {
		if dot(c.got.Input, c.got.Input) != dot(c.want.Input, c.got.Input) || dot(c.got.Own, c.got.Own) != dot(c.want.Own, c.got.Own) {
			t.Errorf("%s: got weights %v and %v, want %v and %v", c.name, c.got.Input, c.got.Own, c.want.Input, c.want.Own)
		}
		for i := range 2 {
			b, own := c.want.B[i], c.want.OwnB[i]
			if !c.own {
				b, own = b+own, 0
			}
			if c.got.B[i] != b || c.got.OwnB[i] != own {
				t.Errorf("%s: got intercepts %v and %v, want %v and %v", c.name, c.got.B[i], c.got.OwnB[i], b, own)
			}
		}
	}
}

// A network of layers with gates is refused where its parts do not fit.
func TestGRURefused(t *testing.T) {
	n := recurrent(t, "gru 5 all, gru 4")
	wantError(t, n.FullyConnected(), "layer 1 (gru 5 all) is recurrent, not fully connected")
	wantError(t, n.Ungated(), "layer 1 (gru 5 all) has gates, which multiply entries of z")
	if err := recurrent(t, "rnn 5").Ungated(); err != nil {
		t.Error(err)
	}
	wantRefused(t, "gru 5 all, gru 4", []refusal{
		{func(n *nn.Network) { n.Layers[0].Map = nn.GRU{Steps: 7, Inputs: 5, Units: 6} }, "network layer 1: weights of 20×11, its map has 24×11: 4 rows for each of 6 units"},
		{func(n *nn.Network) { n.Layers[0].Map = nn.RNN{Steps: 7, Inputs: 6, Units: 5} }, "network layer 1: weights of 20 units, its map has 5"},
		{func(n *nn.Network) { n.Layers[0].H = activation.ReLU{} }, "network layer 1: activation relu, want tanh"},
		{func(n *nn.Network) { n.Layers[0].Max = 2 }, "network layer 1: max pooling of a recurrent layer"},
		{func(n *nn.Network) { n.Layers[0].W.Set(3, 6, 1) }, "network layer 1: weight W[3,6] is 1, want 0: row 3 of a gru has weights in columns 0 to 5 alone"},
		{func(n *nn.Network) { n.Layers[0].W.Set(15, 5, 1) }, "network layer 1: weight W[15,5] is 1, want 0: row 15 of a gru has weights in columns 6 to 10 alone"},
		{func(n *nn.Network) { n.Layers = n.Layers[:2] }, "network layer 2: a recurrent layer gives the outputs, want another after it"},
	})
}

// Nothing on the way is beyond the reach of gates, whose activations are at most 1.
func TestGRUReach(t *testing.T) {
	n := recurrent(t, "gru 8 all, gru 8")
	if r := n.Reach(3); !(r < 200) {
		t.Errorf("reach %g of bounded states", r)
	}
	for l := range 2 {
		ly := n.Layers[l]
		for i := range ly.W.Rows {
			lo, hi := ly.Columns(i)
			for j := lo; j < hi; j++ {
				ly.W.Set(i, j, 100)
			}
		}
	}
	if r := n.Reach(3); !(r >= 100*(6*3+8)) { // c + s of one step, with r = 1
		t.Errorf("reach %g, and a sum of products is %v", r, 100*(6*3+8))
	}
}
