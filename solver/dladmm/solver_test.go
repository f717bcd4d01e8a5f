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
	solvertest.Run(t, c)
	c.Wide = true
	t.Run("Wide", func(t *testing.T) { solvertest.Run(t, c) })
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

// The b- and W-steps keep the sums of their residual up to date.
func TestSumsFollowTheSteps(t *testing.T) {
	p := testprob.Blobs(300, 8, 3, 2)
	st, err := Solver{DefaultSettings()}.Init(p, testprob.Network(p, []int{10}, activation.ReLU{}, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := st.(*stepper)
	for range 3 {
		if _, err := s.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	ly := &s.layers[1]
	if err := s.sumAffine(ly); err != nil {
		t.Fatal(err)
	}
	s.updateB(ly)
	for i, e := range ly.affine.e {
		if math.Abs(e) > 1e-3 { // 300 residuals in float32
			t.Errorf("after the b-step the mean residual of output %d is %g", i, e/s.N)
		}
	}
	if err := s.updateW(ly); err != nil {
		t.Fatal(err)
	}
	followed := append([]float64(nil), ly.affine.e...)
	if err := s.sumAffine(ly); err != nil {
		t.Fatal(err)
	}
	for i, e := range ly.affine.e {
		if math.Abs(e-followed[i]) > 1e-3*(1+math.Abs(e)) {
			t.Errorf("output %d: residual sums to %g, followed as %g", i, e, followed[i])
		}
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	err := Settings{Nu: math.NaN(), Rho: 0}.Validate()
	if err == nil || !strings.Contains(err.Error(), "nu") || !strings.Contains(err.Error(), "rho") {
		t.Errorf("got %v", err)
	}
}
