package backprop_test

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// TestGaussNewton: the model along a direction has the slope of the gradient, and the
// curvature of the outputs' derivative along it, by central differences.
func TestGaussNewton(t *testing.T) {
	for _, l := range []loss.Curved{loss.CrossEntropy{}, loss.Squared{}} {
		p := testprob.Blobs(230, 6, 3, 5)
		gaussNewton(t, l, p, testprob.Network(p, []int{8, 7}, activation.Tanh{}, dlam.He, 2), 1e-2)
		gaussNewton(t, l, testprob.Blobs(230, 128, 3, 5), testprob.Pooled(3, activation.Tanh{}, 1), 1e-3)
		gaussNewton(t, l, testprob.Blobs(230, 128, 3, 5), testprob.Recurrent(3, activation.Tanh{}, 1), 1e-3)
		gaussNewton(t, l, testprob.Blobs(230, 128, 3, 5), testprob.Gated(3, activation.Tanh{}, 1), 1e-3)
	}
}

// gaussNewton checks the model on a network, by differences with a step.
func gaussNewton(t *testing.T, l loss.Curved, p *dlam.Problem, n *dlam.Network, step float32) {
	t.Helper()
	e := pass.New(3, nil)
	defer e.Close()
	b, err := backprop.New(e, n.Layers, l)
	if err != nil {
		t.Fatal(err)
	}
	g, err := b.Gradient(p.X, p.Y)
	if err != nil {
		t.Fatal(err)
	}
	var dir []backprop.Direction
	var slope float64
	rng := testprob.Rng(3)
	for i, ly := range n.Layers {
		d := backprop.Direction{W: mat.New(ly.W.Rows, ly.W.Cols), B: make([]float32, len(ly.B))}
		testprob.Normal(d.W, 1, rng)
		testprob.Normal(mat.FromSlice(1, len(d.B), d.B), 1, rng)
		slope -= dot(&g.W[i], d.W.Data) + dot(&g.B[i], d.B)
		dir = append(dir, d)
	}
	m, err := b.NewGaussNewton(dir, l).Measure(p.X, p.Y)
	if err != nil {
		t.Fatal(err)
	}
	up, down := outputs(t, n, dir, step, p.X), outputs(t, n, dir, -step, p.X)
	for i := range up.Data {
		up.Data[i] = (up.Data[i] - down.Data[i]) / (2 * step)
	}
	curve := l.Curvature(outputs(t, n, dir, 0, p.X), up, p.Y)
	if m.N != 230 || math.Abs(m.Slope-slope) > 1e-4*math.Abs(slope) {
		t.Errorf("%v: slope %g over %g samples, gradient says %g", l, m.Slope, m.N, slope)
	}
	if math.Abs(m.Curvature-curve) > 1e-2*curve { // of differences with a step of 0.01
		t.Errorf("%v: curvature %g, differences of outputs say %g", l, m.Curvature, curve)
	}
}

// outputs are those of n moved by t along dir.
func outputs(tb testing.TB, n *dlam.Network, dir []backprop.Direction, t float32, x mat.Dense) mat.Dense {
	tb.Helper()
	moved := n.Clone()
	for l, ly := range moved.Layers {
		for i, v := range dir[l].W.Data {
			ly.W.Data[i] += t * v
		}
		for i, v := range dir[l].B {
			ly.B[i] += t * v
		}
	}
	z, err := moved.Predict(x, 1)
	if err != nil {
		tb.Fatal(err)
	}
	return z
}

func dot(x *pass.Sum, y []float32) float64 {
	var s float64
	for i, v := range y {
		s += x.At(i) * float64(v)
	}
	return s
}
