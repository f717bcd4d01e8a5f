package loss

import (
	"math"
	"math/rand/v2"

	"github.com/dlam-go/dlam/mat"
	"pgregory.net/rapid"
)

// golden minimises a convex f over [lo, hi] by golden sections.
func golden(f func(float64) float64, lo, hi float64) float64 {
	r := (math.Sqrt(5) - 1) / 2
	for range 200 {
		a, b := hi-r*(hi-lo), lo+r*(hi-lo)
		if f(a) < f(b) {
			hi = b
		} else {
			lo = a
		}
	}
	return (lo + hi) / 2
}

// drawRho is from 1e-8 to 1e8.
func drawRho(t *rapid.T) float64 {
	return math.Pow(10, rapid.Float64Range(-8, 8).Draw(t, "log10 rho"))
}

// drawLogits fills rows×cols with N(0, size²), size from 0.01 to 1e4, and puts
// ±1e4 in some places.
func drawLogits(t *rapid.T, rows, cols int) mat.Dense {
	rng := drawRng(t)
	size := math.Pow(10, rapid.Float64Range(-2, 4).Draw(t, "log10 size"))
	extreme := rapid.Bool().Draw(t, "extreme")
	m := mat.New(rows, cols)
	for i := range m.Data {
		m.Data[i] = float32(math.Max(-1e4, math.Min(1e4, size*rng.NormFloat64())))
		if extreme && rng.IntN(3) == 0 {
			m.Data[i] = float32(1e4 * float64(2*rng.IntN(2)-1))
		}
	}
	return m
}

func drawRng(t *rapid.T) *rand.Rand {
	return rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
}

// drawTarget is classes, smoothed classes or soft labels.
func drawTarget(t *rapid.T, rows, cols int) Target {
	rng := drawRng(t)
	kind := rapid.SampledFrom([]string{"one-hot", "smoothed", "soft"}).Draw(t, "labels")
	if kind == "soft" {
		y := Target{Value: mat.New(rows, cols)}
		for i := range rows {
			var sum float64
			p := make([]float64, cols)
			for j := range p {
				p[j] = math.Pow(rng.Float64(), 8)
				sum += p[j]
			}
			for j := range p {
				y.Value.Set(i, j, float32(p[j]/sum))
			}
		}
		return y
	}
	y := Target{Class: make([]int32, rows), Classes: cols}
	for i := range y.Class {
		y.Class[i] = int32(rng.IntN(cols))
	}
	if kind == "smoothed" {
		y.Smoothing = rapid.Float32Range(0.001, 0.9).Draw(t, "smoothing")
	}
	return y
}

// softmax64 is the naive softmax, in float64.
func softmax64(x []float64) []float64 {
	lse := logSumExp64(x)
	p := make([]float64, len(x))
	for j := range x {
		p[j] = math.Exp(x[j] - lse)
	}
	return p
}

func largest(x []float32) float64 {
	var m float64
	for _, v := range x {
		m = math.Max(m, math.Abs(float64(v)))
	}
	return m
}
