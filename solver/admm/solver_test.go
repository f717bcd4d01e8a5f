package admm_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/admm"
	"github.com/dlam-go/dlam/solver/solvertest"
)

func TestConformance(t *testing.T) {
	c := solvertest.Config{
		Solver: admm.Solver{Settings: admm.DefaultSettings()}, Activation: activation.ReLU{}, Init: dlam.He,
		Iterations: 60, Accuracy: 0.95,
		RankTolerance: 1e-3, // the Gram matrices' small eigenvalues amplify float32 rounding
	}
	solvertest.RunBoth(t, c)
}

type objectives []float64

func (o *objectives) Record(r dlam.Record) error {
	*o = append(*o, r.Objective)
	return nil
}

// While the multiplier is 0 every block is minimised, so F never rises, for
// every activation.
func TestWarmStartDescends(t *testing.T) {
	for _, h := range activation.All {
		p := testprob.Blobs(300, 8, 3, 2)
		p.Regularizer = prox.L2{Lambda: 0.1}
		n := testprob.Network(p, []int{10, 6}, h, dlam.He, 1)
		s := admm.DefaultSettings()
		s.Warm, s.Ridge = 20, 1e-12
		var f objectives
		if _, err := dlam.Run(context.Background(), admm.Solver{Settings: s}, p, n, dlam.Options{Iterations: 20, Recorders: []dlam.Recorder{&f}}); err != nil {
			t.Fatal(err)
		}
		for k := 1; k < len(f); k++ {
			// Float32 iterates hold F's quadratic terms to about 1e-6 of it.
			if f[k] > f[k-1]*(1+1e-5) {
				t.Errorf("%v: objective rose from %v to %v at %d", h, f[k-1], f[k], k+1)
			}
		}
	}
}

// After the z_L-step and the multiplier's, U = −∇R(Z_L): the paper's eq. for
// the output is optimal, which is what the multiplier is for.
func TestMultiplierIsMinusTheRisksGradient(t *testing.T) {
	p := testprob.Blobs(100, 8, 3, 2)
	n := testprob.Network(p, []int{10}, activation.ReLU{}, dlam.He, 1)
	st, err := admm.Solver{Settings: admm.DefaultSettings()}.Init(p, n)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for range 15 {
		if _, err := st.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	state := st.(dlam.Resumable).State()
	z, u := state.Float32["z.2"], state.Float32["u"]
	for i := range 100 {
		var sum float64
		for _, x := range z[3*i : 3*i+3] {
			sum += math.Exp(float64(x))
		}
		for j := range 3 {
			g := math.Exp(float64(z[3*i+j])) / sum
			if int(p.Y.Class[i]) == j {
				g--
			}
			if math.Abs(float64(u[3*i+j])+g) > 1e-5 { // z of size 10 in float32
				t.Fatalf("sample %d, output %d: u = %g, −∇R = %g", i, j, u[3*i+j], -g)
			}
		}
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	err := admm.Settings{Form: admm.Taylor, Multipliers: admm.Last, Beta: 0, Gamma: math.NaN(), Warm: -1, Ridge: 1}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"beta", "gamma", "warm", "ridge"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not reported: %v", want, err)
		}
	}
}
