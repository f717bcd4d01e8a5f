package syncdlam

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

// TestGatedMoves: moves of a layer with gates are 0 where its weights are for good, keep the
// mean of z with Δb + ΔW ā = f·g, are remembered as other layers' are, and their sums of a row
// are what the gradient says.
func TestGatedMoves(t *testing.T) {
	p := testprob.Blobs(150, 128, 3, 5)
	for i := range p.X.Data {
		p.X.Data[i]++ // far from centred
	}
	p.Regularizer = prox.None{}
	st, err := Solver{FullBatch()}.Init(p, testprob.Gated(3, activation.Tanh{}, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := st.(*monotone)
	s.run(moveJob{g: s.grad, scale: 1, sums: true})
	first := make([]float64, len(s.layers)) // a number of each layer's V
	for l := range s.layers {
		ly := &s.layers[l]
		mean, n := ly.metric.mean, s.grad.N
		for i := range ly.v.W.Rows {
			v := ly.v.W.Row(i)
			lo, hi := s.net.Layers[l].Columns(i)
			for j, x := range v {
				if x != 0 && (j < lo || j >= hi) {
					t.Fatalf("layer %d: ΔW[%d,%d] is %v", l+1, i, j, x)
				}
			}
			if slices.Max(v[lo:hi]) == 0 && slices.Min(v[lo:hi]) == 0 {
				t.Fatalf("layer %d: row %d does not move", l+1, i)
			}
			b, down, want := float64(ly.v.B[i]), 0.0, -ly.scale*s.grad.B[l].At(i)/n
			moved := b
			for j, x := range v {
				moved += float64(x) * mean[j]
				down -= float64(x) * s.grad.W[l].At(i*len(v)+j) / n
			}
			down -= b * s.grad.B[l].At(i) / n
			if math.Abs(moved-want) > 1e-5*(1+math.Abs(want)) { // float32 products
				t.Errorf("layer %d, row %d: Δb + ΔW ā = %g, want %g", l+1, i, moved, want)
			}
			if r := ly.rows[i].move; !(down > 0) || math.Abs(r-down) > 1e-4*down {
				t.Errorf("layer %d, row %d: goes down by %g, the gradient says %g", l+1, i, r, down)
			}
			first[l] += float64(ly.v.B[i])
			rhs, by := mat.New(1, len(v)), mat.New(1, len(v))
			for j := lo; j < hi; j++ {
				rhs.Row(0)[j] = float32(-ly.scale*s.grad.W[l].At(i*len(v)+j)/n - want*mean[j])
			}
			ly.metric.apply(by, rhs, 0, 0)
			keepColumns(s.net.Layers[l], i, by.Row(0))
			size := math.Sqrt(kernel.SumSquares(v))
			if kernel.Axpy(by.Row(0), -1, v); !(math.Sqrt(kernel.SumSquares(by.Row(0))) <= 1e-4*size) {
				t.Errorf("layer %d, row %d: ΔW is not the metric's of what the row's columns have", l+1, i)
			}
		}
	}
	s.solveMoves(s.grad, 0.5)
	for l := range s.layers {
		var sum float64
		for _, b := range s.layers[l].v.B {
			sum += float64(b)
		}
		if want := 1.5 * first[l]; math.Abs(sum-want) > 1e-4*(1+math.Abs(want)) {
			t.Errorf("layer %d: V's b add up to %g with momentum, want %g", l+1, sum, want)
		}
	}
}

// With all samples at a time F never rises in a network with gates, and falls.
func TestGatedNeverRises(t *testing.T) {
	p := testprob.Blobs(150, 128, 3, 5)
	p.Regularizer = prox.L2{Lambda: 0.01}
	var f objectives
	r, err := dlam.Run(context.Background(), Solver{FullBatch()}, p, testprob.Gated(3, activation.Tanh{}, 1), dlam.Options{Iterations: 40, Recorders: []dlam.Recorder{&f}})
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(f); i++ {
		if !(f[i] <= f[i-1]) {
			t.Errorf("iteration %d: F rose from %v to %v", i+1, f[i-1], f[i])
		}
	}
	if !(f[len(f)-1] < f[0]/4) {
		t.Errorf("F fell from %v to %v alone", f[0], f[len(f)-1])
	}
	if err := r.Network.Validate(); err != nil {
		t.Error(err)
	}
}

// Binary weights have no 0.
func TestGatesRefuseBinaryWeights(t *testing.T) {
	set := DefaultSettings(3)
	set.BinaryWeights, set.Lead = true, 0
	_, err := Solver{set}.Init(testprob.Blobs(50, 128, 3, 5), testprob.Gated(3, activation.Tanh{}, 1))
	if err == nil || err.Error() != "sync: binary weights: layer 1 (gru 6 all) has gates, which multiply entries of z" {
		t.Errorf("got %v", err)
	}
}
