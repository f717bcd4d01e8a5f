package dladmm

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/solvertest"
)

func TestConformance(t *testing.T) {
	c := solvertest.Config{
		Solver: Solver{DefaultSettings()}, Activation: activation.ReLU{}, Init: dlam.He,
		Iterations: 100, Accuracy: 0.95,
		RankTolerance: 1e-4, // float32 products, summed in other blocks
	}
	solvertest.RunBoth(t, c)
}

// Every block's step lowers F, so F falls from one iteration to the next but
// for the multiplier's step, which raises it by ρ‖Z_L − V_L‖².
func TestBlocksDescend(t *testing.T) {
	for _, h := range activation.All {
		for _, omega := range []prox.Regularizer{prox.None{}, prox.L1{Lambda: 0.3}, prox.L2{Lambda: 0.3}} {
			p := testprob.Blobs(300, 8, 3, 2)
			p.Regularizer = omega
			set := DefaultSettings()
			set.Nu, set.Rho = 0.1, 1
			st, err := Solver{set}.Init(p, testprob.Network(p, []int{10, 6}, h, dlam.He, 1))
			if err != nil {
				t.Fatal(err)
			}
			last := math.Inf(1)
			for k := range 10 {
				r, err := st.Step(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				before := r.Objective - set.Rho*st.(*stepper).tally.Linear[2]
				// Float32 iterates hold F's quadratic terms to about 1e-6 of it.
				if before > last+1e-5*math.Abs(last) {
					t.Errorf("%v, %v: iteration %d took F from %v to %v", h, omega, k+1, last, before)
				}
				last = r.Objective
			}
			st.Close()
		}
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	err := Settings{Nu: math.NaN(), Rho: 0}.Validate()
	if err == nil || !strings.Contains(err.Error(), "nu") || !strings.Contains(err.Error(), "rho") {
		t.Errorf("got %v", err)
	}
}
