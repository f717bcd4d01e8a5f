package nn_test

import (
	"math/rand/v2"
	"slices"
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

// TestActivations holds that each layer's outputs are, to the bit, those of the network that
// ends there, of every row once.
func TestActivations(t *testing.T) {
	layers, err := nn.ParseLayers("conv 3 3x3, max 2, conv 4 2x2, dense 6")
	if err != nil {
		t.Fatal(err)
	}
	n, err := nn.NewNetworkFor(nn.Shape{Height: 8, Width: 8, Channels: 1}, layers, 2, activation.ReLU{}, nn.He, rand.New(rand.NewPCG(1, 3)))
	if err != nil {
		t.Fatal(err)
	}
	x := mat.New(400, 64)
	for i := range x.Data {
		x.Data[i] = float32(i%64 + 100*(i/64)) // its first pixel says which row it is
	}
	got := make([]mat.Dense, len(n.Layers))
	for l, ly := range n.Layers {
		got[l] = mat.New(x.Rows, ly.Units())
	}
	var mu sync.Mutex
	blocks := make([]int, len(n.Layers))
	err = n.Activations(x, 1, func(l int, a mat.Dense) {
		got[l].RowRange(blocks[l], blocks[l]+a.Rows).CopyFrom(a)
		blocks[l] += a.Rows
	})
	if err != nil || !slices.Equal(blocks, []int{400, 400, 400, 400}) {
		t.Fatalf("%v, rows %v of each layer, want 400", err, blocks)
	}
	for l := range n.Layers {
		want, err := (&nn.Network{Layers: n.Layers[:l+1]}).Predict(x, 1)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got[l].Data, want.Data) {
			t.Errorf("layer %d: other activations than of the network that ends there", l+1)
		}
	}
	rows := 0
	if err := n.Activations(x, 3, func(l int, a mat.Dense) {
		mu.Lock()
		defer mu.Unlock()
		rows += a.Rows
	}); err != nil || rows != 4*400 {
		t.Errorf("%v, %d rows on three goroutines, want 1600", err, rows)
	}
	if n.Activations(mat.New(1, 63), 1, nil) == nil {
		t.Error("a wrong shape was taken")
	}
}
