//go:build unix

package bench

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/solver/multiconvex"

	root "github.com/dlam-go/dlam"
)

// BenchmarkSweep is one sweep of DLAM over MNIST's number of samples, after
// enough sweeps that the band has opened, in -cpu threads.
func BenchmarkSweep(b *testing.B) {
	for _, s := range [][3]int{{196, 100, 100}, {784, 500, 500}} {
		b.Run(fmt.Sprintf("%d-%d-%d-10", s[0], s[1], s[2]), func(b *testing.B) {
			p := testprob.Blobs(samples, s[0], 10, 1)
			p.Threads = runtime.GOMAXPROCS(0)
			n := testprob.Network(p, s[1:], activation.ReLU{}, root.Paper, 1)
			st, err := multiconvex.Solver{Settings: multiconvex.DefaultSettings()}.Init(p, n)
			if err != nil {
				b.Fatal(err)
			}
			defer st.Close()
			for range 4 {
				step(b, st)
			}
			steps(b, st)
		})
	}
}
