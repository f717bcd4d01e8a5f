package lifted

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/internal/variants"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// begun is a run on a small problem, with a away from the forward pass.
func begun(t *testing.T, h activation.Func, set Settings) *stepper {
	t.Helper()
	p := testprob.Blobs(60, 6, 3, 2)
	p.Regularizer, p.Threads = prox.L2{Lambda: 0.3}, 1
	st, err := Solver{set}.Init(p, testprob.Network(p, []int{9, 7}, h, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	s := st.(*stepper)
	for l := range s.steps {
		a := s.Layers[l].A
		testprob.Normal(a, 1, testprob.Rng(uint64(l+7)))
		h.Apply(a.Elements(), a.Elements())
	}
	return s
}

// TestActivationStep: a step lowers F by at least (γ/(2 sup h'))‖ΔA‖², which is the least that
// the strong convexity of its model leaves, and keeps a in the range of h.
func TestActivationStep(t *testing.T) {
	for _, h := range variants.Of(activation.All) {
		c, ok := h.(activation.Conjugated)
		if !ok {
			continue
		}
		for _, set := range []Settings{{Penalty: Fenchel, Gamma: 1, Rounds: 1, Theta: 1}, {Penalty: Fenchel, Gamma: 0.01, Rounds: 1, Theta: 1}, {Penalty: Quadratic, Gamma: 0.5, Rounds: 1, Theta: 1}} {
			if set.Penalty == Quadratic && !projects(h) {
				continue
			}
			s := begun(t, h, set)
			for l := len(s.steps) - 1; l >= 0; l-- {
				ly := &s.Layers[l]
				before, old := objective(t, s), ly.A.Clone()
				if err := s.Run(&s.steps[l]); err != nil {
					t.Fatal(err)
				}
				after, move := objective(t, s), set.Gamma/(2*c.Steepest())*distance(old, ly.A)
				if before-after < move-1e-5*before || !(move > 0) {
					t.Errorf("%v, %+v, layer %d: F fell from %v to %v, by less than %v", h.Spec(), set, l+1, before, after, move)
				}
				u := ly.A.Clone() // h(h⁻¹(a)) = a for a in the range alone
				c.Inverse(u.Elements(), u.Elements())
				h.Apply(u.Elements(), u.Elements())
				if off := distance(u, ly.A); !(off < 1e-9*float64(len(u.Data))) {
					t.Errorf("%v, layer %d: a is out of the range of h by %v", h.Spec(), l+1, math.Sqrt(off))
				}
			}
		}
	}
}

// TestMovesPass: each sample's move Δ has c‖ΔWᵀ‖² ≤ τ‖Δ‖² with the τ that it was made with,
// where some samples' first τ is too small.
func TestMovesPass(t *testing.T) {
	for _, h := range []activation.Func{activation.ReLU{}, activation.Sigmoid{}} {
		s := begun(t, h, Settings{Penalty: Fenchel, Gamma: 0.1, Rounds: 1, Theta: 1})
		f := &s.steps[0]
		old := f.ly.A.Clone()
		if err := s.Run(f); err != nil {
			t.Fatal(err)
		}
		if s.Sums.Scalar(f.trials) == 0 {
			t.Errorf("%v: every first τ is enough", h.Spec())
		}
		c := f.ly.Next.Term.Curvature()
		for i := range old.Rows { // fewer than a block: the room's τ are theirs
			var norm, curved float64
			for _, w := range rows(f.ly.Next.Net.W) {
				var image float64
				for k, x := range f.ly.A.Row(i) {
					image += (float64(x) - float64(old.At(i, k))) * float64(w[k])
				}
				curved += c * image * image
			}
			for k, x := range f.ly.A.Row(i) {
				d := float64(x) - float64(old.At(i, k))
				norm += d * d
			}
			if !(curved <= s.rooms[0].tau[i]*norm*(1+1e-4)) {
				t.Errorf("%v, sample %d: c‖ΔWᵀ‖² is %v, τ‖Δ‖² %v", h.Spec(), i, curved, s.rooms[0].tau[i]*norm)
			}
		}
	}
}

func rows(m mat.Dense) (list [][]float32) {
	for i := range m.Rows {
		list = append(list, m.Row(i))
	}
	return list
}

// TestBlocksEnd: steps of one block repeated end where F's gradient by it is 0, or points
// out of the range of h, where F is without h: the gradients are restated here from V and A.
func TestBlocksEnd(t *testing.T) {
	for _, set := range []Settings{{Penalty: Fenchel, Gamma: 0.8, Rounds: 400, Theta: 1}, {Penalty: Quadratic, Gamma: 0.8, Rounds: 400, Theta: 1}} {
		for _, h := range []activation.Func{activation.ReLU{}, activation.HardTanh{}, activation.Tanh{}, activation.Sigmoid{}} {
			if set.Penalty == Quadratic && !projects(h) {
				continue
			}
			s := begun(t, h, set)
			ly, next := &s.Layers[0], &s.Layers[1]
			if err := s.Run(&s.steps[0]); err != nil {
				t.Fatal(err)
			}
			v, ahead := linear(ly), linear(next)
			g := penaltySlope(set, h, ahead, next.A)
			for i := range v.Rows {
				for k, a := range ly.A.Row(i) {
					d := set.Gamma * (inverse(h, float64(a)) - float64(v.At(i, k)))
					for j := range next.Net.W.Rows {
						d += float64(g.At(i, j)) * float64(next.Net.W.At(j, k))
					}
					low, high := ends(h)
					if a <= low && d > 0 || a >= high && d < 0 { // held by the range
						continue
					}
					// Of terms of a few units, in float32; a's last bit is more of h⁻¹ near the ends.
					last := 0x1p-22 / math.Max(0x1p-22, slope(h, float64(a)))
					if math.Abs(d) > 2e-3+last {
						t.Fatalf("%v, %s: the gradient by a of sample %d, unit %d is %g", h.Spec(), set.Penalty, i, k, d)
					}
				}
			}
			for range 1500 {
				if _, err := s.fitAffine(ly); err != nil {
					t.Fatal(err)
				}
			}
			g = penaltySlope(set, h, linear(ly), ly.A)
			for j := range ly.Net.W.Rows {
				for k, w := range ly.Net.W.Row(j) {
					d := 0.3 * float64(w)
					for i := range g.Rows {
						d += float64(g.At(i, j)) * float64(ly.In.At(i, k))
					}
					if math.Abs(d) > 5e-3 { // a sum of 60
						t.Fatalf("%v, %s: the gradient by W[%d, %d] is %g", h.Spec(), set.Penalty, j, k, d)
					}
				}
			}
		}
	}
}

// penaltySlope is the penalty's gradient by v.
func penaltySlope(set Settings, h activation.Func, v, a mat.Dense) mat.Dense {
	g := v.Clone()
	if set.Penalty == Fenchel {
		h.Apply(g.Elements(), v.Elements())
	}
	for i, x := range a.Elements() {
		g.Elements()[i] = float32(set.Gamma) * (g.Elements()[i] - x)
	}
	return g
}

func inverse(h activation.Func, a float64) float64 {
	switch h.(type) {
	case activation.Tanh:
		return math.Atanh(a)
	case activation.Sigmoid:
		return math.Log(a / (1 - a))
	}
	return a
}

// slope is h' where h is a.
func slope(h activation.Func, a float64) float64 {
	switch h.(type) {
	case activation.Tanh:
		return 1 - a*a
	case activation.Sigmoid:
		return a * (1 - a)
	}
	return 1
}

// ends are those of a range where a step may end without a gradient of 0.
func ends(h activation.Func) (low, high float32) {
	switch h.(type) {
	case activation.ReLU:
		return 0, float32(math.Inf(1))
	case activation.HardTanh:
		return -1, 1
	}
	return float32(math.Inf(-1)), float32(math.Inf(1))
}

// TestTheta: with θ the blocks go a share of the way that they go without.
func TestTheta(t *testing.T) {
	set := Settings{Penalty: Quadratic, Gamma: 0.8, Rounds: 2, Alpha: 0.4, Theta: 1}
	whole := begun(t, activation.ReLU{}, set)
	set.Theta = 0.25
	part := begun(t, activation.ReLU{}, set)
	a, w := part.Layers[0].A.Clone(), part.Layers[0].Net.W.Clone()
	for _, s := range []*stepper{whole, part} {
		if err := s.Run(&s.steps[0]); err != nil {
			t.Fatal(err)
		}
	}
	quarter(t, "A", a, part.Layers[0].A, whole.Layers[0].A)
	whole.Layers[0].A.CopyFrom(part.Layers[0].A) // the same problem for W
	for _, s := range []*stepper{whole, part} {
		if _, err := s.fitAffine(&s.Layers[0]); err != nil {
			t.Fatal(err)
		}
	}
	quarter(t, "W", w, part.Layers[0].Net.W, whole.Layers[0].Net.W)
}

func quarter(t *testing.T, name string, from, part, whole mat.Dense) {
	t.Helper()
	moved := false
	for i, x := range from.Elements() {
		got, want := part.Elements()[i]-x, (whole.Elements()[i]-x)/4
		moved = moved || want != 0
		if math.Abs(float64(got-want)) > 1e-5 {
			t.Fatalf("%s: entry %d moves by %g, want %g", name, i, got, want)
		}
	}
	if !moved {
		t.Errorf("%s does not move", name)
	}
}

// TestProximal: α holds both blocks back.
func TestProximal(t *testing.T) {
	var moved [2]float64
	for k, alpha := range []float64{0, 1e6} {
		s := begun(t, activation.ReLU{}, Settings{Penalty: Quadratic, Gamma: 0.8, Rounds: 3, Alpha: alpha, Theta: 1})
		a, w := s.Layers[0].A.Clone(), s.Layers[0].Net.W.Clone()
		if _, err := s.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		moved[k] = distance(a, s.Layers[0].A) + distance(w, s.Layers[0].Net.W)
	}
	if !(moved[1] < 1e-6*moved[0]) {
		t.Errorf("squared moves %v with α of 0 and 1e6", moved)
	}
}

func objective(t *testing.T, s *stepper) float64 {
	t.Helper()
	r, err := s.RecordTerms(&s.tally)
	if err != nil {
		t.Fatal(err)
	}
	return r.Objective
}

// linear is V_l.
func linear(ly *split.Layer) mat.Dense {
	v := mat.New(ly.In.Rows, ly.Net.Units())
	ly.Products.Affine(v, ly.In, nil)
	return v
}

// distance is squared.
func distance(a, b mat.Dense) (sum float64) {
	for i, x := range a.Elements() {
		d := float64(x - b.Elements()[i])
		sum += d * d
	}
	return sum
}
