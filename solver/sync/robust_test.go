package sync

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/prox"
)

// objectives keeps F after each iteration.
type objectives []float64

func (o *objectives) Record(r dlam.Record) error {
	*o = append(*o, r.Objective)
	return nil
}

// train runs sync and returns F after each iteration and the last record.
func train(t *testing.T, set Settings, p *dlam.Problem, n *dlam.Network, iterations int) (objectives, dlam.Record) {
	t.Helper()
	var f objectives
	r, err := dlam.Run(context.Background(), Solver{set}, p, n, dlam.Options{Iterations: iterations, Recorders: []dlam.Recorder{&f}})
	if err != nil {
		t.Fatalf("%+v: %v", set, err)
	}
	return f, r.Last
}

// TestNoDivergence: random depths, widths, activations, batches and data train
// without a NaN (Run refuses one) and end below the risk they start from.
func TestNoDivergence(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	smooth := []activation.Func{activation.ReLU{}, activation.LeakyReLU{Slope: 0.01}, activation.Tanh{}, activation.Sigmoid{}, activation.HardTanh{}}
	for i := range 60 {
		p := testprob.Blobs(100+rng.IntN(400), 2+rng.IntN(30), 2+rng.IntN(8), uint64(i))
		if i%4 == 0 {
			p = testprob.Waves(100+rng.IntN(400), 0.1, uint64(i))
		}
		hidden := make([]int, 1+rng.IntN(10))
		for l := range hidden {
			hidden[l] = 16 + rng.IntN(60)
		}
		n := testprob.Network(p, hidden, smooth[i%len(smooth)], dlam.He, uint64(i))
		set := DefaultSettings(5)
		set.Batch = 16 << rng.IntN(4)
		start, err := dlam.Evaluate(n, p.X, p.Y, p.Loss, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, last := train(t, set, p, n, 5); !(last.Train.Risk < start.Risk) {
			t.Errorf("case %d: %v hidden %v batch %d: risk %v at the start, %v at the end", i, p.Loss, hidden, set.Batch, start.Risk, last.Train.Risk)
		}
	}
}

// TestMonotone: with all samples the objective of Problem 1 never rises, in
// either mode and with either regulariser.
func TestMonotone(t *testing.T) {
	for _, omega := range []prox.Regularizer{prox.None{}, prox.L1{Lambda: 0.1}, prox.L2{Lambda: 0.1}} {
		for _, mode := range []Mode{Gradient, Prox} {
			p := testprob.Blobs(300, 8, 5, 3)
			p.Regularizer = omega
			set := FullBatch()
			set.Mode = mode
			f, _ := train(t, set, p, testprob.Network(p, []int{20, 20}, activation.ReLU{}, dlam.He, 1), 30)
			for k := 1; k < len(f); k++ {
				if f[k] > f[k-1] {
					t.Errorf("%v, mode %s: F rose from %v to %v in iteration %d", omega, mode, f[k-1], f[k], k+1)
				}
			}
			if f[len(f)-1] > f[0]/2 {
				t.Errorf("%v, mode %s: F fell only from %v to %v", omega, mode, f[0], f[len(f)-1])
			}
		}
	}
}

// TestSingular: constant features and dead units have singular moments; the
// weights that they feed do not move.
func TestSingular(t *testing.T) {
	p := testprob.Blobs(200, 6, 3, 5)
	for i := range p.X.Rows {
		p.X.Row(i)[2] = 7
	}
	n := testprob.Network(p, []int{10}, activation.ReLU{}, dlam.He, 1)
	for j := range n.Layers[0].W.Row(4) {
		n.Layers[0].W.Row(4)[j] = 0
	}
	n.Layers[0].B[4] = -100 // dead
	for name, set := range map[string]Settings{"full": FullBatch(), "mini": DefaultSettings(5)} {
		st, err := Solver{set}.Init(p, n)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := st.Step(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		for i, v := range n.Layers[0].W.Data[2:3] {
			if got := st.Network().Layers[0].W.Data[2]; abs(got-v) > 1e-4 {
				t.Errorf("%s: weight %d of a constant feature moved from %v to %v", name, i, v, got)
			}
		}
		for i := range n.Layers[1].W.Rows {
			if was, got := n.Layers[1].W.At(i, 4), st.Network().Layers[1].W.At(i, 4); was != got {
				t.Errorf("%s: weight %d of a dead unit moved from %v to %v", name, i, was, got)
			}
		}
		st.Close()
	}
}

func abs(x float32) float32 { return max(x, -x) }
