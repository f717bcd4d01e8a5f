// Package testprob makes small problems, with known properties, for tests.
package testprob

import (
	"math"
	"math/rand/v2"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

// Rng is a seeded source.
func Rng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// Normal fills m with N(0, sd²).
func Normal(m mat.Dense, sd float64, rng *rand.Rand) {
	for i := range m.Rows {
		for j := range m.Row(i) {
			m.Row(i)[j] = float32(sd * rng.NormFloat64())
		}
	}
}

// Blobs is a classification into clusters around random centres, which a
// network of any sensible size separates almost perfectly.
func Blobs(rows, features, classes int, seed uint64) *dlam.Problem {
	rng := Rng(seed)
	centres := mat.New(classes, features)
	Normal(centres, 1, rng)
	p := New(loss.CrossEntropy{})
	p.X, p.Y = blob(rows, centres, rng)
	p.TestX, p.TestY = blob(rows/4+1, centres, rng)
	return p
}

func blob(rows int, centres mat.Dense, rng *rand.Rand) (mat.Dense, loss.Target) {
	x := mat.New(rows, centres.Cols)
	Normal(x, 0.3, rng)
	y := loss.Target{Class: make([]int32, rows), Classes: centres.Rows}
	for i := range rows {
		c := i % centres.Rows
		y.Class[i] = int32(c)
		for j, v := range centres.Row(c) {
			x.Row(i)[j] += v
		}
	}
	return x, y
}

// Waves is a regression: y = sin(2x₁) + x₂x₃/2 + noise, with the given
// standard deviation of the noise.
func Waves(rows int, noise float64, seed uint64) *dlam.Problem {
	rng := Rng(seed)
	p := New(loss.Squared{})
	p.X, p.Y = wave(rows, noise, rng)
	p.TestX, p.TestY = wave(rows, noise, rng)
	return p
}

func wave(rows int, noise float64, rng *rand.Rand) (mat.Dense, loss.Target) {
	x := mat.New(rows, 3)
	Normal(x, 1, rng)
	y := mat.New(rows, 1)
	for i := range rows {
		v := x.Row(i)
		f := math.Sin(2*float64(v[0])) + float64(v[1]*v[2])/2
		y.Set(i, 0, float32(f+noise*rng.NormFloat64()))
	}
	return x, loss.Target{Value: y}
}

// New is an empty problem for one process and two threads.
func New(l loss.Loss) *dlam.Problem {
	return &dlam.Problem{Loss: l, Regularizer: prox.None{}, Threads: 2, Comm: comm.Self{}}
}

// Network is a network for p with the given hidden widths; it panics if that
// is no network.
func Network(p *dlam.Problem, hidden []int, h activation.Func, init dlam.Initializer, seed uint64) *dlam.Network {
	widths := append([]int{p.X.Cols}, hidden...)
	n, err := dlam.NewNetwork(append(widths, p.Y.Width()), h, init, Rng(seed))
	if err != nil {
		panic(err)
	}
	return n
}
