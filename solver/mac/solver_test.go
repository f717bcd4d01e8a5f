package mac

import (
	"math"
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
	set := DefaultSettings()
	set.Every = 3 // within the suite's 5 and 7 iterations
	set.Growth = 1.5
	c := solvertest.Config{
		Solver: Solver{set}, Activation: activation.Tanh{}, Init: dlam.He,
		Iterations: 60, Accuracy: 0.95,
		RankTolerance: 1e-4, // float32 products, summed in other blocks
	}
	solvertest.RunBoth(t, c)
}

// TestDescends: F_μ never rises while μ stays, for every activation without a kink and loss
// with a bounded curvature.
func TestDescends(t *testing.T) {
	for _, h := range activation.All {
		if _, ok := h.(activation.Fitted); !ok {
			continue
		}
		for _, l := range []loss.Loss{loss.CrossEntropy{}, loss.Squared{}} {
			for _, mu := range []float64{0.01, 1, 100} {
				set := Settings{Mu: mu, Growth: 1, Every: 1, Rounds: 3}
				solvertest.Falls(t, Solver{set}, h, l, 10, mu)
			}
		}
	}
}

// TestSchedule: μ is μ₀·growth^⌊k/every⌋ in iteration k+1, and the record marks where it grew.
func TestSchedule(t *testing.T) {
	p := testprob.Blobs(60, 6, 3, 2)
	st, err := Solver{Settings{Mu: 0.5, Growth: 4, Every: 2, Rounds: 1}}.Init(p, testprob.Network(p, []int{5}, activation.Tanh{}, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := st.(*stepper)
	for k, want := range []float64{0.5, 0.5, 2, 2, 8} {
		r, err := s.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if marked := k == 2 || k == 4; s.misfits[0].Mu != want || r.EpsilonChanged != marked {
			t.Errorf("iteration %d: μ is %v, marked %t; want %v, %t", k+1, s.misfits[0].Mu, r.EpsilonChanged, want, marked)
		}
	}
}

// TestMuHasABound: beyond what float32 has room for μ is refused, and stops growing without a mark.
func TestMuHasABound(t *testing.T) {
	p := testprob.Blobs(60, 6, 3, 2)
	st, err := Solver{Settings{Mu: maxMu / 100, Growth: 1000, Every: 1, Rounds: 1}}.Init(p, testprob.Network(p, []int{5}, activation.Tanh{}, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := st.(*stepper)
	for k, want := range []float64{maxMu / 100, maxMu, maxMu} {
		r, err := s.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if marked := k == 1; s.misfits[0].Mu != want || r.EpsilonChanged != marked {
			t.Errorf("iteration %d: μ is %v, marked %t; want %v, %t", k+1, s.misfits[0].Mu, r.EpsilonChanged, want, marked)
		}
	}
}

// TestConstraintsHold: as μ grows, A comes near the forward pass.
func TestConstraintsHold(t *testing.T) {
	gap := func(set Settings) float64 {
		p := testprob.Blobs(200, 6, 3, 2)
		st, err := Solver{set}.Init(p, testprob.Network(p, []int{8}, activation.Sigmoid{}, dlam.He, 1))
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		var r dlam.Record
		for range 60 {
			if r, err = st.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return r.Penalty[0] / st.(*stepper).misfits[0].Mu
	}
	fixed, grown := gap(Settings{Mu: 0.1, Growth: 1, Every: 20, Rounds: 3}), gap(Settings{Mu: 0.1, Growth: 100, Every: 20, Rounds: 3})
	if !(grown < fixed/20) {
		t.Errorf("½‖A − h(V)‖² is %v with a μ that stays, %v with one that grows", fixed, grown)
	}
}

func TestRefuses(t *testing.T) {
	p := testprob.Blobs(30, 8, 3, 2)
	refused := func(set Settings, h activation.Func, wants ...string) {
		t.Helper()
		_, err := Solver{set}.Init(p, testprob.Network(p, []int{5}, h, dlam.He, 1))
		if err == nil {
			t.Fatalf("%+v with %v is accepted", set, h)
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not reported: %v", want, err)
			}
		}
	}
	refused(Settings{Mu: 2 * maxMu, Growth: 1, Every: 1, Rounds: 1}, activation.Tanh{}, "mu: got 2e+12, want above 0 and at most 1e+12")
	refused(Settings{Growth: math.Inf(1)}, activation.Tanh{}, "mu: got 0", "mu-growth: got +Inf", "mu-every: got 0", "rounds: got 0")
	for _, h := range []activation.Func{activation.ReLU{}, activation.LeakyReLU{Slope: 0.1}, activation.HardTanh{}, activation.Sign{}} {
		refused(DefaultSettings(), h, "layer 1: activation "+h.Spec().String()+" has a kink", "lifted takes")
	}
	p.Loss = loss.Hinge{}
	refused(DefaultSettings(), activation.Tanh{}, "loss hinge has no bound of its curvature")
	p.Regularizer = prox.L1{Lambda: 1}
	refused(DefaultSettings(), activation.Tanh{}, "l1:lambda=1")
}

// TestBounds: the curvatures are those of the ranges that A has, beyond h's own range too.
func TestBounds(t *testing.T) {
	p := testprob.Blobs(200, 6, 3, 2)
	st, err := Solver{Settings{Mu: 1e-3, Growth: 1, Every: 1, Rounds: 3}}.Init(p, testprob.Network(p, []int{9, 7}, activation.Tanh{}, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := st.(*stepper)
	for range 3 {
		if _, err := s.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for l, m := range s.misfits {
		var reach float64
		for _, a := range s.Layers[l].A.Elements() {
			reach = max(reach, math.Abs(float64(a)))
		}
		want := 1e-3 * (1.2325 + (reach-1)*4/math.Sqrt(27))
		if reach < 1.01 || math.Abs(m.Curvature()-want) > 1e-9*want {
			t.Errorf("layer %d: A reaches %v, the curvature is %v, want %v", l+1, reach, m.Curvature(), want)
		}
	}
}
