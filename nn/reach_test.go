package nn_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/spec"
)

// TestReach holds that no output is beyond the reach of random networks, of
// weights from tiny to where float32 overflows, and that the reach is not finite
// where they are not.
func TestReach(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	overflows := 0
	for i := range 300 {
		h := activation.All[i%len(activation.All)]
		n, err := nn.NewNetwork([]int{1 + rng.IntN(40), 1 + rng.IntN(40), 1 + rng.IntN(40), 2}, h, nn.Paper, rng)
		if err != nil {
			t.Fatal(err)
		}
		scale := float32(math.Pow(10, 24*rng.Float64()-8))
		for _, ly := range n.Layers {
			for k := range ly.W.Data {
				ly.W.Data[k] *= scale
			}
		}
		x := mat.New(50, n.Layers[0].Inputs())
		for k := range x.Data {
			x.Data[k] = 5 * (2*rng.Float32() - 1)
		}
		out, err := n.Predict(x, 1)
		if err != nil {
			t.Fatal(err)
		}
		reach := n.Reach(5)
		for _, v := range out.Elements() {
			if a := math.Abs(float64(v)); !(a <= reach*(1+1e-5)) && !(reach > math.MaxFloat32) {
				t.Fatalf("%v, scale %g: output %v, reach %g", h.Spec(), scale, v, reach)
			}
			if v-v != 0 {
				overflows++
			}
		}
	}
	if overflows == 0 {
		t.Error("no network overflowed: try larger weights")
	}
}

// TestReachUnknown holds that nothing is claimed of parameters that are not
// finite, nor of an activation of the user's own.
func TestReachUnknown(t *testing.T) {
	n, err := nn.NewNetwork([]int{40, 40, 3}, activation.ReLU{}, nn.He, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if r := n.Reach(1); !(r > 0 && r < 1e4) {
		t.Errorf("reach %g of a network of usual weights, want some hundreds", r)
	}
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
		for _, p := range []*float32{&n.Layers[0].W.Data[77], &n.Layers[0].B[3], &n.Layers[1].W.Data[119], &n.Layers[1].B[2]} {
			was := *p
			*p = bad
			if r := n.Reach(1); r <= math.MaxFloat64 {
				t.Errorf("reach %g with a parameter of %v", r, bad)
			}
			*p = was
		}
	}
	n.Layers[0].H = explosive{}
	if r := n.Reach(1); r <= math.MaxFloat64 {
		t.Errorf("reach %g with an activation that is not known", r)
	}
}

// explosive is an activation of a user's own.
type explosive struct{}

func (explosive) Apply(dst, z []float32) {
	for i, v := range z {
		dst[i] = v * v * v
	}
}

func (explosive) Spec() spec.Spec { return spec.Spec{Kind: "explosive"} }
