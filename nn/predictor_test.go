package nn_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// TestPredictor holds that goroutines that share a Predictor get, whatever the
// size of their batch, the bits of Network.Predict.
func TestPredictor(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	n, err := nn.NewNetwork([]int{13, 70, 33, 7}, activation.ReLU{}, nn.Paper, rng)
	if err != nil {
		t.Fatal(err)
	}
	x := mat.New(450, 13)
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
	}
	want, err := n.Predict(x, 2)
	if err != nil {
		t.Fatal(err)
	}
	p := n.Predictor()
	clear(n.Layers[0].W.Data) // p is of the network as it was
	clear(n.Layers[0].B)
	var wg sync.WaitGroup
	for _, size := range []int{1, 2, 7, 192, 193, 450} {
		wg.Go(func() {
			got := mat.New(x.Rows, 7)
			for lo := 0; lo < x.Rows; lo += size {
				hi := min(lo+size, x.Rows)
				if err := p.Predict(got.RowRange(lo, hi), x.RowRange(lo, hi)); err != nil {
					t.Error(err)
				}
			}
			for i, v := range want.Data {
				if got.Data[i] != v {
					t.Errorf("%d at a time: output %d is %g, want %g", size, i, got.Data[i], v)
					return
				}
			}
		})
	}
	wg.Wait()
	if p.Predict(mat.New(1, 7), mat.New(1, 12)) == nil || p.Predict(mat.New(1, 6), mat.New(1, 13)) == nil || p.Predict(mat.New(2, 7), mat.New(1, 13)) == nil {
		t.Error("wrong shapes were taken")
	}
}
