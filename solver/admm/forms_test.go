package admm_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/admm"
	"github.com/dlam-go/dlam/solver/solvertest"
)

// forms are those with a multiplier of each equation, and the activations that they take.
func forms() map[string]admm.Settings {
	all := admm.DefaultSettings()
	all.Multipliers, all.Warm, all.Ridge = admm.All, 0, 1e-12
	return map[string]admm.Settings{"zeng": admm.ZengSettings(), "all": all}
}

func TestFormsConformance(t *testing.T) {
	for name, set := range forms() {
		t.Run(name, func(t *testing.T) {
			if set.Form != admm.Zeng {
				set = admm.DefaultSettings()
				set.Multipliers = admm.All
			}
			solvertest.Run(t, solvertest.Config{
				Solver: admm.Solver{Settings: set}, Activation: activation.Tanh{}, Init: dlam.He,
				Iterations: 30, Accuracy: 0.95,
				RankTolerance: 1e-3, // the Gram matrices' small eigenvalues amplify float32 rounding
			})
		})
	}
}

// begun is a run of a form on a small problem.
func begun(t *testing.T, set admm.Settings, h activation.Func, l loss.Loss) (dlam.Stepper, *dlam.Problem) {
	t.Helper()
	p := testprob.Blobs(100, 8, 3, 2)
	p.Loss, p.Regularizer = l, prox.L2{Lambda: 0.1}
	st, err := admm.Solver{Settings: set}.Init(p, testprob.Network(p, []int{10, 6}, h, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	return st, p
}

// Every block's step lowers F, and then the multipliers' raise it by Σ‖Δ‖²/weight.
func TestFormsDescend(t *testing.T) {
	for name, set := range forms() {
		for _, h := range activation.All {
			if _, smooth := h.(activation.Fitted); name == "zeng" && !smooth {
				continue
			}
			for _, weight := range []float64{0.1, 3} {
				set.Beta, set.Gamma = weight, weight/2
				st, _ := begun(t, set, h, loss.CrossEntropy{})
				multipliers := func() map[string][]float32 {
					list := map[string][]float32{}
					for name, v := range st.(dlam.Resumable).State().Float32 {
						if strings.HasPrefix(name, "u.") || strings.HasPrefix(name, "lambda.") {
							list[name] = slices.Clone(v)
						}
					}
					return list
				}
				last, before := math.Inf(1), multipliers()
				for k := range 10 {
					r, err := st.Step(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					after, ascent := multipliers(), 0.0
					for name, v := range after {
						w := set.Beta
						if set.Form != admm.Zeng && strings.HasPrefix(name, "lambda.") {
							w = set.Gamma
						}
						for i, x := range v {
							d := float64(x) - float64(before[name][i])
							ascent += d * d / w
						}
					}
					// Float32 iterates hold F's terms to about 1e-6 of what they are made of.
					if fell := r.Objective - ascent; fell > last+1e-5*(1+math.Abs(last)) {
						t.Errorf("%s, %v, weight %g: iteration %d took F from %v to %v", name, h.Spec(), weight, k+1, last, fell)
					}
					last, before = r.Objective, after
				}
			}
		}
	}
}

// After an iteration the last layer's multiplier is R's gradient at the variable that
// stands for the outputs: Λ_L = ∇R(A_L) in Zeng's form, U_L = −∇R(Z_L) in the graph's.
func TestFormsMultiplierIsTheRisksGradient(t *testing.T) {
	for name, set := range forms() {
		for _, l := range []loss.Loss{loss.CrossEntropy{}, loss.Squared{}} {
			st, p := begun(t, set, activation.Tanh{}, l)
			for range 12 {
				if _, err := st.Step(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			state := st.(dlam.Resumable).State().Float32
			out, multiplier, sign := state["z.3"], state["u.3"], -1.0
			if name == "zeng" {
				out, multiplier, sign = state["a.3"], state["lambda.3"], 1
			}
			g := mat.New(100, 3)
			l.Grad(g, mat.FromSlice(100, 3, slices.Clone(out)), p.Y)
			for i, want := range g.Data {
				if got := sign * float64(multiplier[i]); math.Abs(got-float64(want)) > 2e-5*(1+math.Abs(float64(want))) { // outputs of some tens in float32
					t.Fatalf("%s, %v: multiplier %d gives %g, ∇R is %g", name, l.Spec(), i, got, want)
				}
			}
		}
	}
}

// TestGraphBlocks restates the updates of Z_1 and A_1 from the variables before and after
// a step. With h the identity both are linear.
func TestGraphBlocks(t *testing.T) {
	set := forms()["all"]
	set.Beta, set.Gamma = 0.2, 0.7
	st, p := begun(t, set, activation.Identity{}, loss.CrossEntropy{})
	variables := func() map[string][]float32 {
		list := map[string][]float32{}
		for name, v := range st.(dlam.Resumable).State().Float32 {
			list[name] = slices.Clone(v)
		}
		return list
	}
	for range 3 {
		if _, err := st.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	old, second := variables(), st.Network().Clone().Layers[1]
	if _, err := st.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	now, first := variables(), st.Network().Layers[0]
	for i := range 100 {
		row := func(m map[string][]float32, name string, d int) []float32 { return m[name][i*d : (i+1)*d] }
		a, z := row(now, "a.1", 10), row(now, "z.1", 10)
		for k := range 10 {
			v := float64(first.B[k])
			for j, x := range p.X.Row(i) {
				v += float64(first.W.At(k, j)) * float64(x)
			}
			v -= float64(row(old, "u.1", 10)[k]) / set.Beta
			to := float64(a[k]) - float64(row(old, "lambda.1", 10)[k])/set.Gamma
			if want := (set.Gamma*to + set.Beta*v) / (set.Gamma + set.Beta); math.Abs(float64(z[k])-want) > 2e-5*(1+math.Abs(want)) {
				t.Fatalf("z of sample %d, unit %d: %g, want %g", i, k, z[k], want)
			}
			g := set.Gamma*float64(a[k]-row(old, "z.1", 10)[k]) - float64(row(old, "lambda.1", 10)[k])
			for j := range 6 {
				e := float64(second.B[j]) - float64(row(old, "z.2", 6)[j])
				for c, x := range a {
					e += float64(second.W.At(j, c)) * float64(x)
				}
				g += (set.Beta*e - float64(row(old, "u.2", 6)[j])) * float64(second.W.At(j, k))
			}
			if math.Abs(g) > 1e-4 {
				t.Fatalf("a of sample %d, unit %d: the gradient of its block is %g, want 0", i, k, g)
			}
		}
	}
}

func TestFormsRefuse(t *testing.T) {
	p := testprob.Blobs(50, 4, 3, 1)
	set := admm.ZengSettings()
	if _, err := (admm.Solver{Settings: set}).Init(p, testprob.Network(p, []int{5}, activation.ReLU{}, dlam.He, 1)); err == nil || !strings.Contains(err.Error(), "form zeng is for smooth ones") {
		t.Errorf("relu: %v", err)
	}
	set.Multipliers = admm.All
	if err := set.Validate(); err == nil || !strings.Contains(err.Error(), "multipliers") {
		t.Errorf("zeng with all: %v", err)
	}
	if err := (admm.Settings{Form: "other", Multipliers: "some", Beta: 1, Gamma: 1, Ridge: 0.1}).Validate(); err == nil || !strings.Contains(err.Error(), "form") || !strings.Contains(err.Error(), "multipliers") {
		t.Errorf("unknown words: %v", err)
	}
}
