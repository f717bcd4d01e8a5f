// Package bench holds the benchmarks: the product shapes of the paper's
// networks, and whole sweeps and epochs. Run them with
//
//	go test ./bench -bench . -cpu 1
package bench

import (
	"fmt"
	"math/rand/v2"
	"testing"

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

// report turns time into GFLOP/s.
func report(b *testing.B, flops float64) {
	b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// job runs a product on every worker's rows.
type job struct {
	n, workers int
	f          func(worker, lo, hi int)
}

func (j *job) Do(w int) {
	lo, hi := kernel.Range(j.n, 192, w, j.workers)
	j.f(w, lo, hi)
}

// BenchmarkProduct is A·Bᵀ with weights B packed anew, over all samples.
func BenchmarkProduct(b *testing.B) {
	for _, s := range [][2]int{{196, 100}, {784, 500}, {500, 500}, {100, 10}, {100, 196}} {
		b.Run(fmt.Sprintf("%dx%dx%d", samples, s[0], s[1]), func(b *testing.B) {
			a, w, c := random(samples, s[0]), random(s[1], s[0]), mat.New(samples, s[1])
			var p mat.Panel
			for b.Loop() {
				p.PackT(w)
				p.Mul(c, a)
			}
			report(b, 2*samples*float64(s[0]*s[1]))
		})
	}
}

// BenchmarkOuter is AᵀB over all samples, in blocks of rows.
func BenchmarkOuter(b *testing.B) {
	for _, s := range [][2]int{{500, 784}, {100, 196}} {
		b.Run(fmt.Sprintf("%dx%dx%d", s[0], samples, s[1]), func(b *testing.B) {
			e, a, g := random(samples, s[0]), random(samples, s[1]), mat.New(s[0], s[1])
			for b.Loop() {
				mat.AddMulAT(g, e, a)
			}
			report(b, 2*samples*float64(s[0]*s[1]))
		})
	}
}
