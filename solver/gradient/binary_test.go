package gradient_test

import (
	"math"
	"slices"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/solvertest"
)

func binarySettings(rule gradient.Rule) gradient.Settings {
	s := gradient.DefaultSettings(rule)
	s.BinaryWeights = true
	return s
}

func TestBinaryWeights(t *testing.T) {
	s := binarySettings(gradient.Adam)
	s.Batch, s.Schedule, s.Epochs, s.Rate = 64, gradient.Cosine, 12, 0.01
	whole := s
	whole.Batch = 1000
	for name, c := range map[string]solvertest.Config{
		"batches":       {Solver: gradient.Solver{Settings: s}, Whole: gradient.Solver{Settings: whole}, Iterations: 12},
		"schedule-free": {Solver: gradient.Solver{Settings: binarySettings(gradient.ScheduleFree)}, Iterations: 100},
	} {
		c.Activation, c.Init, c.Accuracy, c.Binary = activation.Tanh{}, dlam.He, 0.9, true
		c.RankTolerance = 0.5 // two ranks make other batches, and a sign that rounding changes is a weight that changes
		t.Run(name, func(t *testing.T) { solvertest.Run(t, c) })
	}
}

// The network has the signs of W, which stays within ±H, and a magnitude a row, whatever
// moves W.
func TestBinaryNetwork(t *testing.T) {
	for _, rule := range gradient.Rules {
		p := testprob.Blobs(120, 7, 3, 1)
		p.Regularizer = prox.L2{Lambda: 1}
		st, err := gradient.Solver{Settings: binarySettings(rule)}.Init(p, testprob.Network(p, []int{6, 5}, activation.Tanh{}, dlam.He, 1))
		if err != nil {
			t.Fatal(err)
		}
		first := st.Network().Clone()
		for range 10 {
			if _, err := st.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		state, changed := st.(dlam.Resumable).State().Float32, 0
		for l, ly := range st.Network().Layers {
			if _, ok := ly.Binary(); !ok {
				t.Errorf("%s: layer %d: rows have several magnitudes", rule, l+1)
			}
			w, gain := state["real.w."+string(rune('0'+l))], state["gain."+string(rune('0'+l))]
			if m := slices.Max(w); m > nn.BinaryLimit(ly.W) {
				t.Errorf("%s: layer %d: a real weight of %v, beyond %v", rule, l+1, m, nn.BinaryLimit(ly.W))
			}
			for i := range ly.W.Rows {
				for j, x := range ly.W.Row(i) {
					if want := gain[i] * nn.BinaryLimit(ly.W) * sign(w[i*ly.W.Cols+j]); rule != gradient.ScheduleFree && x != want {
						t.Fatalf("%s: layer %d: W_b[%d,%d] is %v, want %v", rule, l+1, i, j, x, want)
					}
					if sign(x) != sign(first.Layers[l].W.At(i, j)) {
						changed++
					}
				}
			}
		}
		if changed == 0 {
			t.Errorf("%s: no sign has changed", rule)
		}
		st.Close()
	}
}

func sign(x float32) float32 {
	if x < 0 {
		return -1
	}
	return 1
}

// A step of gradient descent restated: of gains by finite differences of the mean
// objective, Ω's part with it; of W by the gradient at W_b, which a step of real weights
// from there shows.
func TestBinaryStep(t *testing.T) {
	for _, omega := range []prox.Regularizer{prox.None{}, prox.L2{Lambda: 20}} {
		p := testprob.Blobs(60, 5, 3, 1)
		p.Regularizer = omega
		n := testprob.Network(p, []int{6}, activation.Tanh{}, dlam.He, 1)
		set := binarySettings(gradient.SGD)
		set.Rate = 0.1
		st, err := gradient.Solver{Settings: set}.Init(p, n)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		at := st.Network().Clone()
		arrays := func(name string) []float32 { return slices.Clone(st.(dlam.Resumable).State().Float32[name]) }
		w, gain := arrays("real.w.0"), arrays("gain.0")
		if _, err := st.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		objective := func(n *dlam.Network) float64 {
			score, err := dlam.Evaluate(n, p.X, p.Y, p.Loss, 1)
			if err != nil {
				t.Fatal(err)
			}
			return score.Risk + omega.Value(n.Layers[0].W.Elements())/60
		}
		h, moved := nn.BinaryLimit(at.Layers[0].W), arrays("gain.0")
		for i, g := range gain {
			const d = 1e-2
			sides := [2]float64{}
			for k, to := range []float32{g + d, g - d} {
				m := at.Clone()
				nn.Binarize(m.Layers[0].W.Row(i), to*h, w[i*5:(i+1)*5])
				sides[k] = objective(m)
			}
			want := -set.Rate * (sides[0] - sides[1]) / (2 * d)
			if got := float64(moved[i] - g); math.Abs(got-want) > 1e-3*math.Abs(want)+2e-6 { // central differences, and float32 risks
				t.Errorf("%v: gain %d moved by %g, want %g", omega, i, got, want)
			}
		}
		q := *p
		q.Regularizer = prox.None{} // which is no matter of signs
		real := gradient.DefaultSettings(gradient.SGD)
		real.Rate = 1
		after := step(t, real, &q, at, 1)
		now := arrays("real.w.0")
		for k, x := range w {
			g := float64(gain[k/5]) * (float64(at.Layers[0].W.Data[k]) - float64(after.Layers[0].W.Data[k]))
			want := min(max(float64(x)-set.Rate*g, -float64(h)), float64(h))
			if got := float64(now[k]); math.Abs(got-want) > 1e-6 {
				t.Errorf("%v: W[%d] is %g, want %g", omega, k, got, want)
			}
		}
	}
}

// The schedule-free rule's network has the signs of the averages x that its state has.
func TestBinaryAverage(t *testing.T) {
	p := testprob.Blobs(120, 7, 3, 1)
	st, err := gradient.Solver{Settings: binarySettings(gradient.ScheduleFree)}.Init(p, testprob.Network(p, nil, activation.Tanh{}, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	state := st.(dlam.Resumable).State().Float32
	ahead := 0 // signs of y that are not those of x
	for range 40 {
		if _, err := st.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		x, y, w := state["memory.2"], state["real.w.0"], st.Network().Layers[0].W
		gains := x[w.Rows*w.Cols+w.Rows:] // after weights and intercepts
		for k, got := range w.Data {
			if want := gains[k/w.Cols] * nn.BinaryLimit(w) * sign(x[k]); got != want {
				t.Fatalf("W_b[%d] is %v, want %v", k, got, want)
			}
			if sign(x[k]) != sign(y[k]) {
				ahead++
			}
		}
	}
	if ahead == 0 {
		t.Error("no sign of y is another than that of the average: nothing was tried")
	}
}
