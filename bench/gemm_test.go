//go:build unix

package bench

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/dlam-go/dlam/internal/kernel"
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

// shared is a job whose workers take a share of the samples each.
type shared struct {
	pool *kernel.Pool
	do   func(worker, lo, hi int)
}

func (s *shared) Do(worker int) {
	lo, hi := kernel.Range(samples, 192, worker, s.pool.Threads())
	s.do(worker, lo, hi)
}

// BenchmarkProduct is A·Bᵀ with weights B packed anew, over all samples, in
// -cpu threads.
func BenchmarkProduct(b *testing.B) {
	for _, s := range [][2]int{{196, 100}, {784, 500}, {500, 500}, {100, 10}, {100, 196}} {
		b.Run(fmt.Sprintf("%dx%dx%d", samples, s[0], s[1]), func(b *testing.B) {
			pool := kernel.NewPool(runtime.GOMAXPROCS(0))
			defer pool.Close()
			a, w, c := random(samples, s[0]), random(s[1], s[0]), mat.New(samples, s[1])
			var p mat.Panel
			job := &shared{pool, func(_, lo, hi int) { p.Mul(c.RowRange(lo, hi), a.RowRange(lo, hi)) }}
			measure(b, 2*samples*float64(s[0]*s[1]), func() {
				p.PackT(w)
				pool.Run(job)
			})
		})
	}
}

// BenchmarkOuter is AᵀB over all samples, in blocks of rows, in -cpu threads.
func BenchmarkOuter(b *testing.B) {
	for _, s := range [][2]int{{500, 784}, {100, 196}} {
		b.Run(fmt.Sprintf("%dx%dx%d", s[0], samples, s[1]), func(b *testing.B) {
			pool := kernel.NewPool(runtime.GOMAXPROCS(0))
			defer pool.Close()
			e, a, g := random(samples, s[0]), random(samples, s[1]), mat.New(s[0], s[1])
			parts, packs := make([]mat.Dense, pool.Threads()), make([]mat.Packing, pool.Threads())
			for i := range parts {
				parts[i] = mat.New(g.Rows, g.Cols)
			}
			job := &shared{pool, func(worker, lo, hi int) {
				packs[worker].MulAT(parts[worker], e.RowRange(lo, hi), a.RowRange(lo, hi))
			}}
			measure(b, 2*samples*float64(s[0]*s[1]), func() {
				pool.Run(job)
				g.CopyFrom(parts[0])
				for _, p := range parts[1:] {
					kernel.Add(g.Data, p.Data)
				}
			})
		})
	}
}
