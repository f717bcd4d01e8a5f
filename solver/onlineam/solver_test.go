package onlineam

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/solvertest"
)

func TestConformance(t *testing.T) {
	for _, rule := range []Rule{Adam, Memory} { // by SGD weights differ in their step alone, which another test restates
		t.Run(string(rule), func(t *testing.T) {
			s := DefaultSettings(rule)
			s.Batch, s.Epochs = 64, 12
			whole := s
			whole.Batch = 0
			c := solvertest.Config{
				Solver: Solver{s}, Whole: Solver{whole}, Activation: activation.Tanh{}, Init: dlam.He,
				Iterations: 12, Accuracy: 0.95,
				RankTolerance: 0.3, // of other batches; they agree with each other bit for bit
				// Adam divides by the gradient's own size, and a sample's length is halved or
				// not by rounding.
				WeightTolerance: 5e-3,
			}
			solvertest.Run(t, c)
		})
	}
}

// begun is a run on a small problem, and its pass over all samples.
func begun(t *testing.T, set Settings, h activation.Func, l loss.Loss) (*stepper, *room) {
	t.Helper()
	p := testprob.Blobs(60, 6, 3, 2)
	p.Loss, p.Regularizer, p.Threads = l, prox.L2{Lambda: 0.3}, 1
	set.Batch = 0
	st, err := Solver{set}.Init(p, testprob.Network(p, []int{7, 5}, h, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	s := st.(*stepper)
	s.batch.x, s.batch.y = p.X, p.Y
	if err := s.sums.Run(&s.batch, p.X.Rows); err != nil { // one block, so that its room has all
		t.Fatal(err)
	}
	return s, s.batch.rooms[0]
}

// objective is that of one sample's code z of layer l, in float64.
func objective(s *stepper, l, i int, z, start, next []float64) float64 {
	d := make([]float32, len(z))
	var sum float64
	for j, v := range z {
		d[j] = float32(v)
		sum += (v - start[j]) * (v - start[j]) / 2
	}
	s.h[l].Apply(d, d)
	ly := s.net.Layers[l+1]
	out := mat.New(1, ly.W.Rows)
	for k := range ly.W.Rows {
		v := float64(ly.B[k])
		for j, w := range ly.W.Row(k) {
			v += float64(w) * float64(d[j])
		}
		out.Data[k] = float32(v)
		if l < len(s.net.Layers)-2 {
			sum += (v - next[k]) * (v - next[k]) / 2
		}
	}
	if l == len(s.net.Layers)-2 {
		sum += s.p.Loss.Value(out, s.p.Y.RowRange(i, i+1)) / (2 * s.Mu)
	}
	return sum
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// The codes of a sample are nowhere worse than where they start from, mostly better, and
// with many steps no gradient is left.
func TestCodesDescend(t *testing.T) {
	for _, h := range activation.All {
		if _, ok := h.(activation.Differentiable); !ok {
			continue
		}
		for _, l := range []loss.Loss{loss.CrossEntropy{}, loss.Squared{}, loss.Hinge{}} {
			for _, mu := range []float64{5, 0.5, 0.005} {
				set := DefaultSettings(Adam)
				set.Mu = mu
				s, r := begun(t, set, h, l)
				better, all := 0, 0
				for layer := range 2 {
					d := s.net.Layers[layer].Units()
					for i := range 60 {
						start, z := forward(s, layer, i), wide(r.z[layer].Data[i*d:(i+1)*d])
						var next []float64
						if layer == 0 {
							n := s.net.Layers[1].Units()
							next = wide(r.z[1].Data[i*n : (i+1)*n])
						}
						before, after := objective(s, layer, i, start, start, next), objective(s, layer, i, z, start, next)
						if after > before+1e-5*(1+before) { // values in float32
							t.Fatalf("%v, %v, μ = %g, layer %d, sample %d: from %g to %g", h.Spec(), l.Spec(), mu, layer+1, i, before, after)
						}
						all++
						if after < before {
							better++
						}
					}
				}
				if better < all/3 {
					t.Errorf("%v, %v, μ = %g: %d of %d codes are better than where they start", h.Spec(), l.Spec(), mu, better, all)
				}
			}
		}
	}
}

// forward is V of a forward pass of sample i.
func forward(s *stepper, layer, i int) []float64 {
	a := s.p.X.Row(i)
	for l := range layer + 1 {
		ly := s.net.Layers[l]
		v := make([]float32, ly.W.Rows)
		for k := range v {
			sum := float64(ly.B[k])
			for j, w := range ly.W.Row(k) {
				sum += float64(w) * float64(a[j])
			}
			v[k] = float32(sum)
		}
		if l == layer {
			return wide(v)
		}
		s.h[l].Apply(v, v)
		a = v
	}
	panic("no such layer")
}

// With many steps codes of a smooth activation are where their gradient is 0.
func TestCodesAreStationary(t *testing.T) {
	set := DefaultSettings(Adam)
	set.Mu, set.CodeSteps = 0.5, 400
	s, r := begun(t, set, activation.Tanh{}, loss.CrossEntropy{})
	for layer := range 2 {
		d := s.net.Layers[layer].Units()
		for i := range 60 {
			z, start := wide(r.z[layer].Data[i*d:(i+1)*d]), forward(s, layer, i)
			var next []float64
			if layer == 0 {
				n := s.net.Layers[1].Units()
				next = wide(r.z[1].Data[i*n : (i+1)*n])
			}
			for j := range z {
				const step = 1e-2 // objectives are held to 1e-7
				at := z[j]
				z[j] = at + step
				up := objective(s, layer, i, z, start, next)
				z[j] = at - step
				down := objective(s, layer, i, z, start, next)
				z[j] = at
				if g := (up - down) / (2 * step); math.Abs(g) > 3e-3 {
					t.Fatalf("layer %d, sample %d: a gradient of %g is left", layer+1, i, g)
				}
			}
		}
	}
}

// A step by SGD is F's gradient at the codes, restated in float64.
func TestStepIsTheObjectivesGradient(t *testing.T) {
	set := DefaultSettings(SGD)
	set.Rate, set.Mu, set.Cosine = 0.25, 0.7, false
	s, r := begun(t, set, activation.Tanh{}, loss.CrossEntropy{})
	codes := [][]float32{append([]float32(nil), r.z[0].Data...), append([]float32(nil), r.z[1].Data...)}
	old := s.net.Clone()
	if _, err := s.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	for l, ly := range old.Layers {
		in, out := ly.W.Cols, ly.W.Rows
		want := mat.New(out, in)
		for i := range 60 {
			a := s.p.X.Row(i)
			if l > 0 {
				a = make([]float32, in)
				s.h[l-1].Apply(a, codes[l-1][i*in:(i+1)*in])
			}
			e := mat.New(1, out)
			for k := range out {
				v := float64(ly.B[k])
				for j, w := range ly.W.Row(k) {
					v += float64(w) * float64(a[j])
				}
				if e.Data[k] = float32(v); l < 2 {
					e.Data[k] = float32(2 * set.Mu * (v - float64(codes[l][i*out+k])))
				}
			}
			if l == 2 {
				s.p.Loss.Grad(e, e, s.p.Y.RowRange(i, i+1))
			}
			for k, x := range e.Data {
				for j, v := range a {
					want.Row(k)[j] += x * v
				}
			}
		}
		for k, w := range ly.W.Data {
			g := (float64(want.Data[k]) + 0.3*float64(w)) / 60
			if got := (float64(w) - float64(s.net.Layers[l].W.Data[k])) / set.Rate; math.Abs(got-g) > 1e-5*(1+math.Abs(g)) {
				t.Fatalf("layer %d, weight %d: the step is along %g, want %g", l+1, k, got, g)
			}
		}
	}
}

// The memory's averages are those of the batches, newer ones counting more, and W and b
// solve their equations.
func TestMemory(t *testing.T) {
	set := DefaultSettings(Memory)
	set.Recall, set.Ridge, set.Mu = 0.3, 0.2, 0.5
	s, r := begun(t, set, activation.Tanh{}, loss.CrossEntropy{})
	const n, in, out, k = 60, 6, 7, 7
	square, cross := make([]float64, k*k), make([]float64, k*out)
	for step := range 3 {
		if step > 0 {
			if err := s.sums.Run(&s.batch, n); err != nil { // the codes that the step will find
				t.Fatal(err)
			}
		}
		keep, take := 0.7, 0.3/n
		if step == 0 {
			keep, take = 0, 1.0/n
		}
		for i := range square {
			square[i] *= keep
		}
		for i := range cross {
			cross[i] *= keep
		}
		for i := range n {
			a := append(wide(s.p.X.Row(i)), 1)
			for x := range k {
				for y := range k {
					square[x*k+y] += take * a[x] * a[y]
				}
				for o := range out {
					cross[x*out+o] += take * a[x] * float64(r.z[0].Data[i*out+o])
				}
			}
		}
		old := s.net.Clone().Layers[0]
		if _, err := s.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		now := s.net.Layers[0]
		var mean float64
		for i := range k {
			mean += square[i*k+i] / k
		}
		parameter := func(ly dlam.Layer, o, j int) float64 {
			if j == in {
				return float64(ly.B[o])
			}
			return float64(ly.W.At(o, j))
		}
		for o := range out {
			for x := range k {
				g := -cross[x*out+o] + set.Ridge*mean*(parameter(now, o, x)-parameter(old, o, x))
				for y := range k {
					g += square[x*k+y] * parameter(now, o, y)
				}
				if x < in {
					g += 0.3 / (2 * set.Mu * n) * parameter(now, o, x)
				}
				if math.Abs(g) > 1e-4 { // sums of 60 in float32
					t.Fatalf("step %d: a gradient of %g is left of parameter %d of unit %d", step+1, g, x, o)
				}
			}
		}
	}
}

// TestCosine measures how much of each hidden layer's step is backpropagation's, on the
// embedded digits: -v tells the cosines.
func TestCosine(t *testing.T) {
	split, err := dataset.Open(t.Context(), "digits", dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := split.Train
	p := dlam.NewProblem(d.X.Clone(), d.Target(), loss.CrossEntropy{}, 1)
	kernel.Axpby(p.X.Data, 1.0/16, 0, p.X.Data) // to 0 … 1
	n := testprob.Network(p, []int{100, 100}, activation.ReLU{}, dlam.He, 1)
	for _, c := range []struct {
		mu, least float64
	}{{5, 0.9}, {0.5, 0.87}, {0.05, 0.7}} {
		set := DefaultSettings(SGD)
		set.Batch, set.Mu, set.Cosine, set.Rate = 0, c.mu, false, 1e-3
		r, err := dlam.Run(context.Background(), Solver{set}, p, n, dlam.Options{Iterations: 1})
		if err != nil {
			t.Fatal(err)
		}
		e := pass.New(1, nil)
		defer e.Close()
		back, err := backprop.New(e, n.Clone().Layers, p.Loss)
		if err != nil {
			t.Fatal(err)
		}
		g, err := back.Gradient(p.X, p.Y)
		if err != nil {
			t.Fatal(err)
		}
		for l := range 2 {
			var dot, a, b float64
			for i, w := range n.Layers[l].W.Elements() {
				x, y := float64(w)-float64(r.Network.Layers[l].W.Data[i]), g.W[l].At(i)
				dot, a, b = dot+x*y, a+x*x, b+y*y
			}
			cosine := dot / math.Sqrt(a*b)
			t.Logf("μ = %g, layer %d: cosine with backpropagation %.3f, length %.3g of its", c.mu, l+1, cosine, math.Sqrt(a/b)/set.Rate*g.N)
			if cosine < c.least {
				t.Errorf("μ = %g, layer %d: cosine with backpropagation %.3f, want at least %g", c.mu, l+1, cosine, c.least)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	err := Settings{Rule: "best", Rate: 0, Cosine: true, Batch: -1, Mu: math.NaN(), Recall: 1.5, Ridge: -1}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"rule", "rate", "epochs", "batch", "mu", "code-steps", "recall", "ridge"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not reported: %v", want, err)
		}
	}
	p := testprob.Blobs(60, 6, 3, 2)
	n := testprob.Network(p, []int{5}, activation.Sign{}, dlam.He, 1)
	if _, err := (Solver{DefaultSettings(Adam)}).Init(p, n); err == nil || !strings.Contains(err.Error(), "has no derivative") {
		t.Errorf("sign: %v", err)
	}
	p.Regularizer = prox.L1{Lambda: 1}
	if _, err := (Solver{DefaultSettings(Memory)}).Init(p, testprob.Network(p, []int{5}, activation.ReLU{}, dlam.He, 1)); err == nil || !strings.Contains(err.Error(), "rule memory take only none and l2") {
		t.Errorf("l1: %v", err)
	}
}
