//go:build unix

package bench

import (
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/syncdlam"

	root "github.com/dlam-go/dlam"
)

// BenchmarkLayers is a tenth of an epoch of mini-batches of 28×28 pictures, 6,000 samples,
// in the convolutional and in the recurrent networks of docs/layers.md, on one thread, after
// one such outside the timing. With it is the risk of 4,096 samples.
func BenchmarkLayers(b *testing.B) {
	adam := gradient.DefaultSettings(gradient.Adam)
	adam.Batch, adam.Epochs, adam.Rate = 125, 100, 1e-3
	sync := syncdlam.DefaultSettings(100)
	sync.Batch, sync.Lambda = 250, syncdlam.SharedLambda
	const convolutions, recurrent, gated = "conv 16 5x5, max 2, conv 32 5x5, max 2, dense 128", "rnn 100 tanh", "gru 100"
	small, careful := adam, sync.ForRecurrent(true)
	small.Batch, careful.Batch = 64, 64
	for _, c := range []struct {
		name, layers string
		solver       root.Solver
	}{
		{"adam-125", convolutions, gradient.Solver{Settings: adam}}, {"sync-250", convolutions, syncdlam.Solver{Settings: sync}},
		{"rnn-adam-64", recurrent, gradient.Solver{Settings: small}}, {"rnn-sync-64", recurrent, syncdlam.Solver{Settings: careful}},
		{"gru-adam-64", gated, gradient.Solver{Settings: small}}, {"gru-sync-64", gated, syncdlam.Solver{Settings: careful}},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := testprob.Blobs(6000, 784, 10, 1)
			p.Threads = 1
			layers, err := nn.ParseLayers(c.layers)
			if err != nil {
				b.Fatal(err)
			}
			n, err := root.NewNetworkFor(root.Shape{Height: 28, Width: 28, Channels: 1}, layers, 10, activation.ReLU{}, root.He, testprob.Rng(1))
			if err != nil {
				b.Fatal(err)
			}
			st, err := c.solver.Init(p, n)
			if err != nil {
				b.Fatal(err)
			}
			defer st.Close()
			steps(b, st)
		})
	}
}
