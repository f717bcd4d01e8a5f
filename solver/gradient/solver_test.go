package gradient_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/solvertest"
)

func TestFullBatch(t *testing.T) {
	for _, rule := range gradient.Rules {
		t.Run(string(rule), func(t *testing.T) {
			s := gradient.DefaultSettings(rule)
			pooled := s
			if rule == gradient.SGD || rule == gradient.Nesterov {
				pooled.Rate /= 5 // rectifiers of shared weights die at the other
			}
			solvertest.Run(t, solvertest.Config{
				Solver: gradient.Solver{Settings: s}, Pooled: gradient.Solver{Settings: pooled},
				Activation: activation.ReLU{}, Init: dlam.He,
				Iterations: 100, Accuracy: 0.95,
				// The adaptive rules divide by the gradient's own size, so
				// that rounding of tiny gradients is not tiny in the step.
				RankTolerance: 1e-3,
			})
		})
	}
}

func TestMiniBatch(t *testing.T) {
	for _, rule := range []gradient.Rule{gradient.SGD, gradient.Adam} {
		t.Run(string(rule), func(t *testing.T) {
			s := gradient.DefaultSettings(rule)
			s.Batch, s.Schedule, s.Epochs = 64, gradient.Cosine, 12
			s.Rate /= 10
			whole, pooled := s, s
			whole.Batch = 1000
			if rule == gradient.Adam {
				pooled.Rate *= 4
			}
			solvertest.Run(t, solvertest.Config{
				Solver: gradient.Solver{Settings: s}, Whole: gradient.Solver{Settings: whole}, Pooled: gradient.Solver{Settings: pooled}, Recurrent: gradient.Solver{Settings: pooled}, Activation: activation.Tanh{}, Init: dlam.He,
				Iterations: 12, Accuracy: 0.95,
				// Two ranks make other batches: they follow the same course,
				// not the same path, but agree with each other bit for bit.
				RankTolerance: 0.3,
			})
		})
	}
}

// A recurrent network learns to add two marked values of a sequence of 12 steps, one of each
// half (Hochreiter & Schmidhuber, 1997): it has to keep the first over many steps. The same
// of 100 steps is in docs/layers.md.
func TestAddingProblem(t *testing.T) {
	const samples, steps = 4000, 12
	rng := testprob.Rng(5)
	x, y := mat.New(samples, 2*steps), mat.New(samples, 1)
	var mean, square float64
	for i := range samples {
		row := x.Row(i)
		for t := range steps {
			row[2*t] = rng.Float32()
		}
		for _, t := range []int{rng.IntN(steps / 2), steps/2 + rng.IntN(steps/2)} {
			row[2*t+1] = 1
			y.Row(i)[0] += row[2*t]
		}
		mean += float64(y.At(i, 0)) / samples
		square += float64(y.At(i, 0)) * float64(y.At(i, 0)) / samples
	}
	p := &dlam.Problem{X: x, Y: loss.Target{Value: y}, Loss: loss.Squared{}, Regularizer: prox.None{}, Threads: 2, Comm: comm.Self{}}
	for _, layer := range []dlam.LayerSpec{nn.RNNLayer(32), nn.GRULayer(16)} {
		n, err := dlam.NewNetworkFor(nn.Shape{Height: steps, Width: 2, Channels: 1}, []dlam.LayerSpec{layer}, 1, activation.Tanh{}, dlam.He, rng)
		if err != nil {
			t.Fatal(err)
		}
		s := gradient.DefaultSettings(gradient.Adam)
		s.Batch, s.Schedule, s.Epochs, s.Rate = 32, gradient.Cosine, 8, 0.01
		r, err := dlam.Run(context.Background(), gradient.Solver{Settings: s}, p, n, dlam.Options{Iterations: 8})
		if err != nil {
			t.Fatal(err)
		}
		// The loss is half of the squared error; nothing learned is half of the variance.
		if got, nothing := r.Last.Train.Risk, (square-mean*mean)/2; !(got < nothing/10) {
			t.Errorf("%v: risk %.4f, of the mean %.4f", layer, got, nothing)
		}
	}
}

// Binary weights have no 0, which some of a layer with gates are for good.
func TestGatesRefuseBinaryWeights(t *testing.T) {
	s := gradient.DefaultSettings(gradient.Adam)
	s.BinaryWeights = true
	_, err := gradient.Solver{Settings: s}.Init(testprob.Blobs(50, 128, 3, 5), testprob.Gated(3, activation.Tanh{}, 1))
	if err == nil || err.Error() != "adam: binary weights: layer 1 (gru 6 all) has gates, which multiply entries of z" {
		t.Errorf("got %v", err)
	}
}

// step does one step and returns the networks before and after.
func step(t *testing.T, s gradient.Settings, p *dlam.Problem, n *dlam.Network, k int) *dlam.Network {
	t.Helper()
	r, err := dlam.Run(context.Background(), gradient.Solver{Settings: s}, p, n, dlam.Options{Iterations: k})
	if err != nil {
		t.Fatal(err)
	}
	return r.Network
}

// Every rule restated in float64 on the gradients that SGD shows, against two
// updates of the rule.
func TestRulesAgainstTheirFormulas(t *testing.T) {
	p := testprob.Blobs(60, 5, 3, 1)
	n := testprob.Network(p, []int{6}, activation.Tanh{}, dlam.He, 1)
	gradientAt := func(n *dlam.Network) []float64 {
		s := gradient.DefaultSettings(gradient.SGD)
		after := step(t, s, p, n, 1)
		g := make([]float64, len(n.Layers[0].W.Data))
		for i, w := range n.Layers[0].W.Data {
			g[i] = float64(w) - float64(after.Layers[0].W.Data[i])
		}
		return g
	}
	for _, rule := range gradient.Rules {
		if rule == gradient.Muon { // not of each weight alone: see TestOrthogonalFactor
			continue
		}
		s := gradient.DefaultSettings(rule)
		s.Decay = 0
		first, second := step(t, s, p, n, 1), step(t, s, p, n, 2)
		g1, g2 := gradientAt(n), gradientAt(first)
		for i := range g1 {
			d1, d2 := twoSteps(s, g1[i], g2[i])
			got1 := float64(n.Layers[0].W.Data[i]) - float64(first.Layers[0].W.Data[i])
			got2 := float64(first.Layers[0].W.Data[i]) - float64(second.Layers[0].W.Data[i])
			// The gradient shown by SGD carries the rounding of w, 1e-7, which
			// adaptive rules divide by the gradient: look where that is small.
			if math.Abs(g1[i]) < 1e-3 || math.Abs(g2[i]) < 1e-3 {
				continue
			}
			if math.Abs(got1-d1) > 1e-3*math.Abs(d1)+1e-6 || math.Abs(got2-d2) > 1e-3*math.Abs(d2)+1e-6 {
				t.Errorf("%s, weight %d: steps %g, %g, formula says %g, %g", rule, i, got1, got2, d1, d2)
				break
			}
		}
	}
}

// twoSteps is how far the rule goes at gradients g1, then g2.
func twoSteps(s gradient.Settings, g1, g2 float64) (d1, d2 float64) {
	b, c := s.Beta, 1-s.Beta
	m1, v1 := (1-s.Beta1)*g1, c*g1*g1
	m2, v2 := s.Beta1*m1+(1-s.Beta1)*g2, b*v1+c*g2*g2
	adam := func(m, v float64, t int) float64 {
		return m / (1 - math.Pow(s.Beta1, float64(t))) / (math.Sqrt(v/(1-math.Pow(b, float64(t)))) + s.Delta)
	}
	switch s.Rule {
	case gradient.SGD:
		d1, d2 = g1, g2
	case gradient.Momentum:
		d1, d2 = g1, s.Mu*g1+g2
	case gradient.Nesterov:
		d1, d2 = g1+s.Mu*g1, g2+s.Mu*(s.Mu*g1+g2)
	case gradient.Adagrad:
		d1, d2 = g1/(math.Abs(g1)+s.Delta), g2/(math.Hypot(g1, g2)+s.Delta)
	case gradient.RMSProp:
		d1, d2 = g1/(math.Sqrt(v1)+s.Delta), g2/(math.Sqrt(v2)+s.Delta)
	case gradient.Adadelta:
		d1 = g1 * math.Sqrt(s.Delta) / math.Sqrt(v1+s.Delta)
		d2 = g2 * math.Sqrt(c*d1*d1+s.Delta) / math.Sqrt(v2+s.Delta)
	case gradient.ScheduleFree: // x follows z, half of the way in the second step
		s.Beta1 = 0
		d1, d2 = adam(g1, v1, 1), adam(g2, v2, 2)/2
	case gradient.Adam, gradient.AdamW:
		d1, d2 = adam(m1, v1, 1), adam(m2, v2, 2)
	case gradient.AMSGrad:
		d1, d2 = adam(m1, v1, 1), adam(m2, max(v1, v2), 2)
	}
	return s.Rate * d1, s.Rate * d2
}

// With all samples the step along −∇ goes down F, Ω included, by η‖∇F/n‖²·n.
func TestRegularizerIsInTheGradient(t *testing.T) {
	for _, omega := range []prox.Regularizer{prox.L1{Lambda: 3}, prox.L2{Lambda: 3}} {
		p := testprob.Blobs(60, 5, 3, 1)
		p.Regularizer = omega
		n := testprob.Network(p, []int{6}, activation.Tanh{}, dlam.He, 1)
		s := gradient.DefaultSettings(gradient.SGD)
		s.Rate = 1e-3
		objective := func(n *dlam.Network) float64 {
			score, err := dlam.Evaluate(n, p.X, p.Y, p.Loss, 1)
			if err != nil {
				t.Fatal(err)
			}
			f := 60 * score.Risk
			for _, ly := range n.Layers {
				f += omega.Value(ly.W.Elements())
			}
			return f
		}
		after := step(t, s, p, n, 1)
		var square float64
		for l, ly := range n.Layers {
			for i, w := range ly.W.Data {
				square += sq(float64(w - after.Layers[l].W.Data[i]))
			}
			for i, b := range ly.B {
				square += sq(float64(b - after.Layers[l].B[i]))
			}
		}
		// ⟨∇F, Δ⟩ = −n‖Δ‖²/η to first order; η is small.
		want := 60 * square / s.Rate
		if fall := objective(n) - objective(after); math.Abs(fall-want) > 0.02*want {
			t.Errorf("%v: F fell by %g, gradient says %g", omega, fall, want)
		}
	}
}

func sq(x float64) float64 { return x * x }

func TestRefusesSign(t *testing.T) {
	p := testprob.Blobs(20, 5, 3, 1)
	st, err := gradient.Solver{Settings: gradient.DefaultSettings(gradient.Adam)}.Init(p, testprob.Network(p, []int{4}, activation.Sign{}, dlam.He, 1))
	if err == nil {
		st.Close()
		t.Fatal("sign was accepted")
	}
	if !strings.Contains(err.Error(), "sign") {
		t.Errorf("the error does not name the activation: %v", err)
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	err := gradient.Settings{Rule: "newton", Rate: math.NaN(), Batch: -1, Schedule: "step", Mu: 1, Beta1: -1, Beta: 2}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, field := range []string{"rule", "rate", "batch", "schedule", "mu", "beta1", "beta:", "delta"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not reported: %v", field, err)
		}
	}
	for _, rule := range gradient.Rules {
		if err := gradient.DefaultSettings(rule).Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestChooseRate(t *testing.T) {
	p := testprob.Blobs(200, 12, 4, 7)
	n := testprob.Network(p, []int{17}, activation.ReLU{}, dlam.He, 3)
	s := gradient.DefaultSettings(gradient.SGD)
	grid := []float64{1e-6, 0.3, 1e30}
	var trials []gradient.Trial
	chosen, err := gradient.ChooseRate(context.Background(), s, p, n, 30, grid, func(r gradient.Trial) { trials = append(trials, r) })
	if err != nil {
		t.Fatal(err)
	}
	if chosen.Rate != 0.3 || len(trials) != 3 {
		t.Errorf("rate %v of %v chosen: %+v", chosen.Rate, grid, trials)
	}
	if trials[2].Status != dlam.Diverged {
		t.Errorf("rate 1e30: status %s, want diverged", trials[2].Status)
	}
	if _, err := gradient.ChooseRate(context.Background(), s, p, n, 30, []float64{1e30}, nil); err == nil {
		t.Error("a grid of diverging rates gave no error")
	}
}
