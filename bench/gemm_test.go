//go:build unix

package bench

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/dlam-go/dlam/mat"
)

const samples = 55000

func random(rows, cols int) mat.Dense {
	m, rng := mat.New(rows, cols), rand.New(rand.NewPCG(1, 2))
	for i := range m.Data {
		m.Data[i] = float32(rng.NormFloat64())
	}
	return m
}

// cpuSeconds is the processor time of this process so far: unlike the wall
// clock, it is not stretched by what else the machine does.
func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// measure runs f b.N times and reports GFLOP/s of processor time.
func measure(b *testing.B, flops float64, f func()) { rate(b, flops, "GFLOP/s", f) }

// rate runs f b.N times and reports how much of work it did, in billions a
// second of processor time.
func rate(b *testing.B, work float64, unit string, f func()) {
	f()
	start := cpuSeconds(b)
	for b.Loop() {
		f()
	}
	b.ReportMetric(work*float64(b.N)/(cpuSeconds(b)-start)/1e9, unit)
}

// BenchmarkProduct is A·Bᵀ with weights B packed anew, over all samples.
func BenchmarkProduct(b *testing.B) {
	for _, s := range [][2]int{{196, 100}, {784, 500}, {500, 500}, {100, 10}, {100, 196}} {
		b.Run(fmt.Sprintf("%dx%dx%d", samples, s[0], s[1]), func(b *testing.B) {
			a, w, c := random(samples, s[0]), random(s[1], s[0]), mat.New(samples, s[1])
			var p mat.Panel
			measure(b, 2*samples*float64(s[0]*s[1]), func() {
				p.PackT(w)
				p.Mul(c, a)
			})
		})
	}
}

// BenchmarkOuter is AᵀB over all samples, in blocks of rows.
func BenchmarkOuter(b *testing.B) {
	for _, s := range [][2]int{{500, 784}, {100, 196}} {
		b.Run(fmt.Sprintf("%dx%dx%d", s[0], samples, s[1]), func(b *testing.B) {
			e, a, g := random(samples, s[0]), random(samples, s[1]), mat.New(s[0], s[1])
			var p mat.Packing
			measure(b, 2*samples*float64(s[0]*s[1]), func() { p.AddMulAT(g, e, a) })
		})
	}
}
