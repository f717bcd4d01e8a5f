package gradient

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/prox"
)

// TestAMSGradRemembers: a large gradient, then small ones: the step divides by
// the largest average of squares so far, though the average has fallen.
func TestAMSGradRemembers(t *testing.T) {
	s := DefaultSettings(AMSGrad)
	s.Beta1, s.Beta = 0, 0.5
	w := []float32{0}
	var m [3][]float32
	for i := range m {
		m[i] = make([]float32, 1)
	}
	var largest, square, want float64
	for k, g := range []float64{8, 0.5, 0.25} {
		AMSGrad.update(s.constants(s.Rate, k+1), w, []float32{float32(g)}, m)
		square = 0.5*square + 0.5*g*g
		largest = math.Max(largest, square)
		want -= s.Rate * g / (math.Sqrt(largest/(1-math.Pow(0.5, float64(k+1)))) + s.Delta)
		if math.Abs(float64(w[0])-want) > 1e-6*math.Abs(want) {
			t.Errorf("after step %d: at %g, want %g", k+1, w[0], want)
		}
	}
}

// TestOmegaInEveryStep: with Ω a step of SGD differs from one without by
// −η∇Ω/n, weight by weight, with all samples and with a batch of them.
func TestOmegaInEveryStep(t *testing.T) {
	for _, batch := range []int{0, 60} {
		p := testprob.Blobs(60, 5, 3, 1)
		n := testprob.Network(p, []int{6}, activation.Tanh{}, dlam.He, 1)
		set := DefaultSettings(SGD)
		set.Batch, set.Epochs = batch, 1
		after := func(omega prox.Regularizer) *dlam.Network {
			p.Regularizer = omega
			st, err := Solver{set}.Init(p, n)
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			if _, err := st.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			return st.Network().Clone()
		}
		without, with := after(prox.None{}), after(prox.L2{Lambda: 30})
		for i, w := range n.Layers[0].W.Data {
			got, want := float64(with.Layers[0].W.Data[i]-without.Layers[0].W.Data[i]), -set.Rate*30*float64(w)/60
			if math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
				t.Fatalf("batch %d: Ω moves weight %d by %g, want %g", batch, i, got, want)
			}
		}
	}
}
