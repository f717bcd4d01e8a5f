package bcd_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/bcd"
	"github.com/dlam-go/dlam/solver/solvertest"
)

func TestConformance(t *testing.T) {
	c := solvertest.Config{
		Solver: bcd.Solver{Settings: bcd.DefaultSettings()}, Activation: activation.ReLU{}, Init: dlam.He,
		Iterations: 100, Accuracy: 0.95,
		RankTolerance: 1e-4, // float32 products, summed in other blocks
	}
	solvertest.Run(t, c)
	c.Wide = true
	t.Run("Wide", func(t *testing.T) { solvertest.Run(t, c) })
}

// Every block is minimised, so F never rises: for every activation, loss and
// regulariser, with and without proximal terms.
func TestDescends(t *testing.T) {
	for _, h := range activation.All {
		for _, l := range []loss.Loss{loss.CrossEntropy{}, loss.Squared{}, loss.Hinge{}} {
			for _, alpha := range []float64{0, 5} {
				p := testprob.Blobs(300, 8, 3, 2)
				p.Loss, p.Regularizer = l, prox.L2{Lambda: 0.1}
				n := testprob.Network(p, []int{10, 6}, h, dlam.He, 1)
				s := bcd.DefaultSettings()
				s.Alpha = alpha
				f := solvertest.NewFalling(t)
				if _, err := dlam.Run(context.Background(), bcd.Solver{Settings: s}, p, n, dlam.Options{Iterations: 15, Recorders: []dlam.Recorder{f}}); err != nil {
					t.Fatal(err)
				}
				if t.Failed() {
					t.Fatalf("%v, %v, α=%g", h, l, alpha)
				}
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	p := testprob.Blobs(30, 8, 3, 2)
	n := testprob.Network(p, []int{5}, activation.ReLU{}, dlam.He, 1)
	p.Regularizer = prox.L1{Lambda: 1}
	_, err := bcd.Solver{Settings: bcd.Settings{Gamma: -1, Rho: math.Inf(1), Alpha: math.NaN()}}.Init(p, n)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"gamma", "rho", "alpha", "l1:lambda=1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not reported: %v", want, err)
		}
	}
}
