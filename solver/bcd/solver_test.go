package bcd_test

import (
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
	solvertest.RunBoth(t, c)
}

// Every block is minimised, so F never rises: for every activation, loss and
// regulariser, with and without proximal terms.
func TestDescends(t *testing.T) {
	for _, h := range activation.All {
		for _, l := range []loss.Loss{loss.CrossEntropy{}, loss.Squared{}, loss.Hinge{}} {
			for _, alpha := range []float64{0, 5} {
				s := bcd.DefaultSettings()
				s.Alpha = alpha
				solvertest.Falls(t, bcd.Solver{Settings: s}, h, l, 15, alpha)
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
