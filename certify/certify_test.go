package certify_test

import (
	"context"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/certify"
	"github.com/dlam-go/dlam/internal/fixedseed"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/multiconvex"
)

// drawProblem is a random small problem; every loss takes classes, squared
// also takes values.
func drawProblem(t *rapid.T, l loss.Loss) *dlam.Problem {
	seed := rapid.Uint64().Draw(t, "seed")
	rows := rapid.IntRange(2, 250).Draw(t, "rows")
	var p *dlam.Problem
	if loss.IsFor(l, loss.Values) && rapid.Bool().Draw(t, "regression") {
		p = testprob.Waves(rows, 0.1, seed)
	} else {
		p = testprob.Blobs(rows, rapid.IntRange(1, 20).Draw(t, "features"), rapid.IntRange(2, 12).Draw(t, "classes"), seed)
	}
	if rapid.Bool().Draw(t, "weighted") {
		rng := testprob.Rng(seed)
		p.Y.Weight = make([]float32, rows)
		for i := range p.Y.Weight {
			p.Y.Weight[i] = float32(pow10(float64(rng.IntN(5)-2) / 2)) // 0.1 to 10
		}
	}
	p.Loss = l
	p.Threads = rapid.IntRange(1, 3).Draw(t, "threads")
	return p
}

// TestLemma1 restates the paper's Lemma 1 and what its proof promises of each
// block (eqs. 10 to 13, appendix B): for any ρ > 0 and ε > 0, F falls by at
// least the weighted square of each block's move, whatever the activation,
// loss, regulariser and line search. It also checks feasibility.
func TestLemma1(t *testing.T) {
	for _, h := range activation.All {
		t.Run(h.Spec().String(), func(t *testing.T) {
			fixedseed.Check(t, func(t *rapid.T) {
				l := rapid.SampledFrom(losses).Draw(t, "loss")
				omega := rapid.SampledFrom(regularizers).Draw(t, "regularizer")
				search := rapid.SampledFrom(searches).Draw(t, "line search")
				certified(t, h, l, omega, search)
			})
		})
	}
}

var (
	losses       = []loss.Loss{loss.CrossEntropy{}, loss.CrossEntropy{Solver: loss.FISTA}, loss.Squared{}, loss.Hinge{}, loss.Huber{Delta: 0.3}}
	regularizers = []prox.Regularizer{prox.None{}, prox.L1{Lambda: 0.01}, prox.L2{Lambda: 0.1}}
	searches     = []multiconvex.LineSearch{multiconvex.Exact, multiconvex.Backtracking}
)

func certified(t *rapid.T, h activation.Func, l loss.Loss, omega prox.Regularizer, search multiconvex.LineSearch) {
	t.Helper()
	p := drawProblem(t, l)
	p.Regularizer = omega
	certifiedRun(t, p, search, func() *dlam.Network {
		hidden := rapid.SliceOfN(rapid.IntRange(1, 30), 0, 3).Draw(t, "hidden")
		return testprob.Network(p, hidden, h, dlam.Paper, rapid.Uint64().Draw(t, "network"))
	})
}

// certifiedRun is a run with random settings, from a network or beside it, that its
// certificate holds of.
func certifiedRun(t *rapid.T, p *dlam.Problem, search multiconvex.LineSearch, network func() *dlam.Network) *certify.Certificate {
	t.Helper()
	set := multiconvex.DefaultSettings()
	set.LineSearch = search
	set.Momentum = search == multiconvex.Exact && rapid.Bool().Draw(t, "momentum")
	if set.Momentum { // mDLAM, or TIAM
		set.Centre = rapid.SampledFrom([]float64{1, 0, 0.5, 3}).Draw(t, "centre")
		set.Result = rapid.SampledFrom([]float64{0, 0.5, 3}).Draw(t, "result")
	}
	set.BinaryWeights = search == multiconvex.Exact && !set.Momentum && p.Regularizer == prox.Regularizer(prox.None{}) && rapid.Bool().Draw(t, "binary")
	logRho := rapid.Float64Range(-5, 3).Draw(t, "log10 rho")
	if c, ok := p.Loss.(loss.CrossEntropy); ok && c.Solver == loss.FISTA {
		logRho = max(logRho, -2) // its cost grows with 1/√ρ
	}
	set.Rho = pow10(logRho)
	set.Epsilon = pow10(rapid.Float64Range(-3, 1).Draw(t, "log10 epsilon"))
	set.EpsilonRule = rapid.SampledFrom([]multiconvex.EpsilonRule{multiconvex.Adaptive, multiconvex.Fixed}).Draw(t, "rule")
	n := network()
	c := &certify.Certificate{Problem: p}
	_, err := dlam.Run(context.Background(), multiconvex.Solver{Settings: set}, p, n, dlam.Options{
		Iterations: 8, Recorders: []dlam.Recorder{c}, Observers: []dlam.Observer{c},
		Resume: jolt(rapid.Uint64().Draw(t, "jolt")),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Verdict(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Lemma 1 holds of layers with shared weights as well: U is linear, so that every
// block stays convex.
func TestConvolution(t *testing.T) {
	for i, search := range searches {
		for _, h := range []activation.Func{activation.ReLU{}, activation.Tanh{}} {
			p := testprob.Blobs(60, 72, 3, 1)
			p.Y.Weight = make([]float32, 60) // a layer has several rows a sample, of its weight
			for j := range p.Y.Weight {
				p.Y.Weight[j] = float32(1 + j%3)
			}
			set := multiconvex.DefaultSettings()
			set.LineSearch, set.Rho, set.Epsilon = search, 0.1, 0.1
			c := &certify.Certificate{Problem: p}
			_, err := dlam.Run(t.Context(), multiconvex.Solver{Settings: set}, p, testprob.Convolutional(3, h, 2), dlam.Options{
				Iterations: 8, Recorders: []dlam.Recorder{c}, Observers: []dlam.Observer{c}, Resume: jolt(uint64(i)),
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Verdict(); err != nil {
				t.Errorf("%s, %v: %v", search, h, err)
			}
		}
	}
}

// kinds are hidden layers of all kinds, for pictures of 6×7 pixels in two channels, or
// sequences of 6 steps.
var kinds = []string{
	"conv 3 3x3 same, max 2, dense 5", "conv 2 2x2, max 2, conv 3 3x3 same", "conv 4 2x2, max 3, conv 3 1x1",
	"conv 3 3x2 /2, max 2", "conv 2 2x2 pad 1, max 2, mean 2, dense 4", "conv 3 3x3, conv 4 1x1, max 2",
	"rnn 5", "rnn 4 all, rnn 3", "rnn 4 all, dense 6", "rnn 3 all, conv 2 3x1", "conv 2 3x3, max 2, rnn 4", "rnn 4 all",
}

// TestLayers: Lemma 1 of random networks with layers that share weights, and pooling,
// from random iterates. Each sweep checks four blocks a layer.
func TestLayers(t *testing.T) {
	blocks := 0
	fixedseed.Check(t, func(t *rapid.T) {
		p := testprob.Blobs(rapid.IntRange(2, 20).Draw(t, "rows"), 84, 3, rapid.Uint64().Draw(t, "seed"))
		if rapid.Bool().Draw(t, "weighted") {
			p.Y.Weight = make([]float32, p.X.Rows)
			for i := range p.Y.Weight {
				p.Y.Weight[i] = float32(1 + i%3)
			}
		}
		p.Loss = rapid.SampledFrom([]loss.Loss{loss.CrossEntropy{}, loss.Squared{}, loss.Hinge{}}).Draw(t, "loss")
		p.Regularizer = rapid.SampledFrom(regularizers).Draw(t, "regularizer")
		p.Threads = 1 // more would mostly wait for each other
		h := rapid.SampledFrom(activation.All).Draw(t, "activation")
		layers, err := nn.ParseLayers(rapid.SampledFrom(kinds).Draw(t, "layers"))
		if err != nil {
			t.Fatal(err)
		}
		c := certifiedRun(t, p, rapid.SampledFrom(searches).Draw(t, "line search"), func() *dlam.Network {
			n, err := nn.NewNetworkFor(nn.Shape{Height: 6, Width: 7, Channels: 2}, layers, 3, h, dlam.He, testprob.Rng(rapid.Uint64().Draw(t, "network")))
			if err != nil {
				t.Fatal(err)
			}
			return n
		})
		blocks += c.Sweeps * (4*len(c.Bounds) - 1)
	})
	t.Logf("%d blocks", blocks)
}

// With more features than samples there is no Gram matrix of the features, and
// the W-step's forms come from passes over the samples.
func TestMoreFeaturesThanSamples(t *testing.T) {
	for _, momentum := range []bool{false, true} {
		for _, omega := range regularizers {
			p := testprob.Blobs(40, 300, 3, 1)
			p.Regularizer, p.Y.Weight = omega, make([]float32, 40)
			for i := range p.Y.Weight {
				p.Y.Weight[i] = float32(1 + i%4)
			}
			set := multiconvex.DefaultSettings()
			set.Rho, set.Epsilon, set.Momentum = 0.1, 0.1, momentum
			c := &certify.Certificate{Problem: p}
			_, err := dlam.Run(t.Context(), multiconvex.Solver{Settings: set}, p, testprob.Network(p, []int{60, 50}, activation.ReLU{}, dlam.Paper, 1), dlam.Options{
				Iterations: 8, Recorders: []dlam.Recorder{c}, Observers: []dlam.Observer{c}, Resume: jolt(1),
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Verdict(); err != nil {
				t.Errorf("momentum %t, %v: %v", momentum, omega, err)
			}
		}
	}
}

// Two units that say the same make W's Gram matrix singular but for rounding,
// and W moves far along what it hardly sees: the curvature there is what is
// left of terms a million times as large.
func TestAllButSingular(t *testing.T) {
	for _, momentum := range []bool{false, true} {
		p := testprob.Blobs(250, 3, 2, 0)
		set := multiconvex.DefaultSettings()
		set.Rho, set.Epsilon, set.EpsilonRule, set.Momentum = 10, 1e-3, multiconvex.Fixed, momentum
		c := &certify.Certificate{Problem: p}
		n := testprob.Network(p, []int{1, 2}, activation.Sign{}, dlam.Paper, 4)
		if _, err := dlam.Run(t.Context(), multiconvex.Solver{Settings: set}, p, n, dlam.Options{
			Iterations: 8, Recorders: []dlam.Recorder{c}, Observers: []dlam.Observer{c},
		}); err != nil {
			t.Fatal(err)
		}
		if err := c.Verdict(); err != nil {
			t.Errorf("momentum %t: %v", momentum, err)
		}
	}
}

// jolt starts a run from other weights than z and a were made from: after the
// paper's own start the hidden layers' residuals are 0, and nothing in them
// moves. An even seed leaves the start as it is.
func jolt(seed uint64) func(dlam.Stepper) error {
	return func(st dlam.Stepper) error {
		if seed%2 == 0 {
			return nil
		}
		n, rng := st.Network().Clone(), testprob.Rng(seed)
		for _, ly := range n.Layers {
			_, binary := ly.Binary()
			for i := range ly.W.Data {
				ly.W.Data[i] += float32(0.1 * rng.NormFloat64())
			}
			for i := 0; binary && i < ly.W.Rows; i++ { // as the iterates of binary weights are
				nn.Binarize(ly.W.Row(i), nn.Magnitude(ly.W.Row(i)), ly.W.Row(i))
			}
		}
		r := st.(dlam.Resumable)
		return r.Restore(n, r.State())
	}
}

func pow10(x float64) float64 { return math.Pow(10, x) }
