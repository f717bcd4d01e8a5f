//go:build unix

package bench

import (
	"testing"

	"github.com/dlam-go/dlam/internal/kernel"
)

// BenchmarkLimit is what one core of the machine can do: multiply-adds in
// registers, and memory read, copied, and read twice and written.
func BenchmarkLimit(b *testing.B) {
	for _, p := range peaks() {
		b.Run(p.name, func(b *testing.B) {
			const turns = 1 << 20
			measure(b, turns*p.flops, func() { p.run(turns) })
		})
	}
	const n = 1 << 25 // 128 MB, beyond any cache
	x, y := make([]float32, n), make([]float32, n)
	for i := range x {
		x[i], y[i] = 1, 1
	}
	for _, m := range []struct {
		name  string
		bytes float64
		run   func()
	}{
		{"read", 4 * n, func() { kernel.SumSquares(x) }},
		{"copy", 8 * n, func() { copy(y, x) }},
		{"triad", 12 * n, func() { kernel.Axpy(y, 0.5, x) }},
	} {
		b.Run(m.name, func(b *testing.B) { rate(b, m.bytes, "GB/s", m.run) })
	}
}
