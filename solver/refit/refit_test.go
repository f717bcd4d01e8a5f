package refit

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/solvertest"
)

func TestConformance(t *testing.T) {
	c := solvertest.Config{
		Solver: Solver{}, Activation: activation.ReLU{}, Init: dlam.He,
		Iterations: 100, Accuracy: 0.95,
		RankTolerance: 1e-4, // float32 products, summed in other blocks
	}
	solvertest.RunBoth(t, c)
}

// TestMinimum: at the end the gradient of F by the last layer is all but 0, restated in
// float64 from a forward pass, F has not risen, and the other layers are as they were.
func TestMinimum(t *testing.T) {
	for _, l := range []loss.Loss{loss.CrossEntropy{}, loss.Squared{}} {
		p := testprob.Blobs(300, 6, 3, 2)
		p.Loss, p.Regularizer = l, prox.L2{Lambda: 0.5}
		p.Y.Weight = make([]float32, 300)
		for i := range p.Y.Weight {
			p.Y.Weight[i] = float32(1+i%3) / 2
		}
		n := testprob.Network(p, []int{9, 7}, activation.Tanh{}, dlam.He, 1)
		f := solvertest.NewFalling(t)
		r, err := dlam.Run(context.Background(), Solver{}, p, n, dlam.Options{Iterations: 1000, Recorders: []dlam.Recorder{f}})
		if err != nil || r.Status != dlam.Stopped {
			t.Fatalf("%v: %+v, %v", l, r, err)
		}
		for k, ly := range n.Layers[:2] {
			if !slices.Equal(ly.W.Elements(), r.Network.Layers[k].W.Elements()) || !slices.Equal(ly.B, r.Network.Layers[k].B) {
				t.Errorf("layer %d has changed", k+1)
			}
		}
		last := r.Network.Layers[2]
		a, _ := (&dlam.Network{Layers: n.Layers[:2]}).Predict(p.X, 1)
		z, _ := r.Network.Predict(p.X, 1)
		l.Grad(z, z, p.Y)
		var largest float64
		for j := range last.W.Rows {
			var db float64
			dw := make([]float64, last.W.Cols)
			for k, w := range last.W.Row(j) {
				dw[k] = 0.5 * float64(w)
			}
			for i := range z.Rows {
				g := p.Y.WeightOf(i) * float64(z.At(i, j))
				db += g
				for k, x := range a.Row(i) {
					dw[k] += g * float64(x)
				}
			}
			for _, d := range append(dw, db) {
				largest = max(largest, math.Abs(d))
			}
		}
		if largest > 0.3 { // of 300: an iteration that gains a millionth ends the run
			t.Errorf("%v: an entry of the gradient is %v", l, largest)
		}
	}
}

// TestLinear: a network without hidden layers is fitted as a whole.
func TestLinear(t *testing.T) {
	p := testprob.Blobs(300, 6, 3, 2)
	r, err := dlam.Run(context.Background(), Solver{}, p, testprob.Network(p, nil, activation.ReLU{}, dlam.He, 1), dlam.Options{Iterations: 50})
	if err != nil || r.Last.Train.Accuracy < 0.95 {
		t.Errorf("%+v, %v", r.Last.Train, err)
	}
}

func TestRefuses(t *testing.T) {
	p := testprob.Blobs(30, 8, 3, 2)
	p.Loss, p.Regularizer = loss.Hinge{}, prox.L1{Lambda: 1}
	_, err := Solver{}.Init(p, testprob.Network(p, []int{5}, activation.ReLU{}, dlam.He, 1))
	for _, want := range []string{"refit", "l1:lambda=1", "loss hinge has no bound of its curvature"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not reported: %v", want, err)
		}
	}
}
