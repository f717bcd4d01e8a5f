//go:build unix

package bench

import (
	"context"
	"runtime"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/syncdlam"

	root "github.com/dlam-go/dlam"
)

// BenchmarkEpoch is an epoch of mini-batches over MNIST's 60,000 samples in a
// 784-500-500-10 network, after one epoch outside the timing.
func BenchmarkEpoch(b *testing.B) {
	adam := func(batch int) gradient.Solver {
		s := gradient.DefaultSettings(gradient.Adam)
		s.Batch, s.Epochs, s.Rate = batch, 100, 1e-3
		return gradient.Solver{Settings: s}
	}
	settings := syncdlam.DefaultSettings(100)
	settings.Batch = 500
	for name, solver := range map[string]root.Solver{
		"adam-128": adam(128), "adam-500": adam(500), "sync-500": syncdlam.Solver{Settings: settings},
	} {
		b.Run(name, func(b *testing.B) {
			p := testprob.Blobs(60000, 784, 10, 1)
			p.Threads = runtime.GOMAXPROCS(0)
			st, err := solver.Init(p, testprob.Network(p, []int{500, 500}, activation.ReLU{}, root.He, 1))
			if err != nil {
				b.Fatal(err)
			}
			defer st.Close()
			steps(b, st)
		})
	}
}

func step(b *testing.B, st root.Stepper) {
	if _, err := st.Step(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// steps times st's steps after a first one, in processor time too.
func steps(b *testing.B, st root.Stepper) {
	step(b, st)
	b.ReportAllocs()
	start := cpuSeconds(b)
	for b.Loop() {
		step(b, st)
	}
	b.ReportMetric((cpuSeconds(b)-start)/float64(b.N)*1e3, "CPU-ms/op")
}
