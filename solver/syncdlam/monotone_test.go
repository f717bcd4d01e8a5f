package syncdlam

import (
	"math"
	"sync"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

// begun is a run about to start, on inputs that are far from centred.
func begun[S dlam.Stepper](t *testing.T, set Settings, omega prox.Regularizer, hidden ...int) S {
	t.Helper()
	p := testprob.Blobs(200, 5, 3, 4)
	for i := range p.X.Data {
		p.X.Data[i] += 2
	}
	p.Regularizer = omega
	if hidden == nil {
		hidden = []int{6}
	}
	st, err := Solver{set}.Init(p, testprob.Network(p, hidden, activation.Tanh{}, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	return st.(S)
}

// TestDirectionSolvesItsLeastSquares: at the moves of each layer the gradient
// of mean‖D − ΔWa − Δb‖² + λs̄‖ΔW‖² is 0, with s̄ the mean variance of the
// layer's inputs and D a step down the objective.
func TestDirectionSolvesItsLeastSquares(t *testing.T) {
	s := begun[*monotone](t, FullBatch(), prox.L2{Lambda: 20})
	s.solveMoves(s.grad, 0)
	in := s.p.X
	for l := range s.layers {
		ly := &s.layers[l]
		k, n := in.Cols, float64(in.Rows)
		mean, square := make([]float64, k), mat.New(k, k)
		var scale float64
		for a := range k {
			for i := range in.Rows {
				mean[a] += float64(in.At(i, a)) / n
			}
			for b := range k {
				var sum float64
				for i := range in.Rows {
					sum += float64(in.At(i, a)) * float64(in.At(i, b)) / n
				}
				square.Set(a, b, float32(sum))
			}
			scale += (float64(square.At(a, a)) - mean[a]*mean[a]) / float64(k)
		}
		for j := range ly.v.W.Rows {
			v, b := ly.v.W.Row(j), float64(ly.v.B[j])
			r := b + s.grad.B[l].At(j)/n
			for a := range k {
				r += float64(v[a]) * mean[a]
			}
			zero(t, l, "Δb", r)
			for a := range k {
				g := b*mean[a] + (s.grad.W[l].At(j*k+a)+20*float64(ly.w.At(j, a)))/n + s.Lambda*scale*float64(v[a])
				for c := range k {
					g += float64(v[c]) * float64(square.At(c, a))
				}
				zero(t, l, "ΔW", g)
			}
		}
		h := mat.New(in.Rows, ly.w.Rows)
		var panel mat.Panel
		panel.PackT(ly.w)
		panel.Mul(h, in)
		for i := range h.Rows {
			for j := range h.Row(i) {
				h.Row(i)[j] = float32(math.Tanh(float64(h.Row(i)[j] + ly.b[j])))
			}
		}
		in = h
	}
}

// zero holds a sum of float32 products of some hundreds of terms of size 1.
func zero(t *testing.T, l int, of string, g float64) {
	t.Helper()
	if math.Abs(g) > 1e-4 {
		t.Errorf("layer %d: gradient in %s is %g, want 0", l+1, of, g)
	}
}

// TestDirectionRemembers: V is μ times the last V and the move.
func TestDirectionRemembers(t *testing.T) {
	s := begun[*monotone](t, FullBatch(), prox.None{})
	s.solveMoves(s.grad, 0)
	w, b := s.layers[1].v.W.Clone(), append([]float32(nil), s.layers[1].v.B...)
	s.solveMoves(s.grad, 0.5)
	for i, v := range s.layers[1].v.W.Data {
		if want := 1.5 * w.Data[i]; abs(v-want) > 1e-6*(1+abs(want)) {
			t.Fatalf("V[%d] = %g, want %g", i, v, want)
		}
	}
	for i, v := range s.layers[1].v.B {
		if want := 1.5 * b[i]; abs(v-want) > 1e-6*(1+abs(want)) {
			t.Fatalf("V's b[%d] = %g, want %g", i, v, want)
		}
	}
}

// TestRegularizerModel: Ω's part of the model, by differences of Ω along V.
func TestRegularizerModel(t *testing.T) {
	for _, omega := range []prox.Regularizer{prox.L1{Lambda: 3}, prox.L2{Lambda: 3}} {
		s := begun[*monotone](t, FullBatch(), omega)
		s.solveMoves(s.grad, 0)
		slope, curve := s.regularizerModel()
		step := 1e-3 // short of the kinks of L1; of L2 any difference is exact
		if _, smooth := omega.(prox.Smooth); smooth {
			step = 1
		}
		f0 := s.regularization(s.net)
		s.moveAlong(step)
		up := s.regularization(s.net)
		s.moveAlong(-2 * step)
		down := s.regularization(s.net)
		if want := (down - up) / (2 * step); math.Abs(slope-want) > 1e-2*math.Abs(want) {
			t.Errorf("%v: slope %g, differences give %g", omega, slope, want)
		}
		if _, smooth := omega.(prox.Smooth); !smooth {
			continue
		}
		if want := (up - 2*f0 + down) / (step * step); math.Abs(curve-want) > 1e-3*want {
			t.Errorf("%v: curvature %g, differences give %g", omega, curve, want)
		}
	}
}

// TestProxTargets: a target of mode Prox is the way from the proximal step of
// eq. 5 to the output.
func TestProxTargets(t *testing.T) {
	p := testprob.Blobs(30, 5, 3, 4)
	z, next, d := mat.New(30, 3), mat.New(30, 3), mat.New(30, 3)
	testprob.Normal(z, 2, testprob.Rng(1))
	loss.CrossEntropy{}.Prox(next, z, p.Y, 0.3)
	s := begun[*monotone](t, func() Settings { s := FullBatch(); s.Mode = Prox; return s }(), prox.None{})
	if s.target == nil {
		t.Fatal("mode Prox has no targets")
	}
	targets{loss.CrossEntropy{}, 0.3, new(sync.Pool)}.Grad(d, z, p.Y)
	for i := range d.Data {
		if want := z.Data[i] - next.Data[i]; abs(d.Data[i]-want) > 1e-6 {
			t.Fatalf("entry %d: %g, want %g", i, d.Data[i], want)
		}
	}
}

// TestDescendNeverRises: whatever step it is asked for, F is not above where it
// was.
func TestDescendNeverRises(t *testing.T) {
	for step := 0.5; step < 1e4; step *= 1.5 {
		s := begun[*monotone](t, FullBatch(), prox.None{})
		s.solveMoves(s.grad, 0)
		before := s.objective
		s.before.CopyFrom(s.net)
		if _, err := s.descend(step); err != nil {
			t.Fatal(err)
		}
		if s.objective > before {
			t.Errorf("step %g: F rose from %g to %g", step, before, s.objective)
		}
	}
}
