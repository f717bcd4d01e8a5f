package sync

import (
	"math"
	stdsync "sync"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

// begun is a run about to start, on inputs that are far from centred.
func begun(t *testing.T, set Settings, omega prox.Regularizer) *stepper {
	t.Helper()
	p := testprob.Blobs(200, 5, 3, 4)
	for i := range p.X.Data {
		p.X.Data[i] += 2
	}
	p.Regularizer = omega
	st, err := Solver{set}.Init(p, testprob.Network(p, []int{6}, activation.Tanh{}, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	return st.(*stepper)
}

// TestDirectionSolvesItsLeastSquares: at the moves of each layer the gradient
// of mean‖D − ΔWa − Δb‖² + λs̄‖ΔW‖² is 0, with s̄ the mean variance of the
// layer's inputs and D a step down the objective.
func TestDirectionSolvesItsLeastSquares(t *testing.T) {
	s := begun(t, FullBatch(), prox.L2{Lambda: 20})
	s.direct(s.grad, 0)
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
	s := begun(t, FullBatch(), prox.None{})
	s.direct(s.grad, 0)
	w, b := s.layers[1].v.W.Clone(), append([]float32(nil), s.layers[1].v.B...)
	s.direct(s.grad, 0.5)
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

// TestPull: Ω's part of the model, by differences of Ω along V.
func TestPull(t *testing.T) {
	for _, omega := range []prox.Regularizer{prox.L1{Lambda: 3}, prox.L2{Lambda: 3}} {
		s := begun(t, FullBatch(), omega)
		s.direct(s.grad, 0)
		slope, curve := s.pull()
		step := 1e-3 // short of the kinks of L1; of L2 any difference is exact
		if _, smooth := omega.(prox.Smooth); smooth {
			step = 1
		}
		f0 := s.regularization()
		s.advance(step)
		up := s.regularization()
		s.advance(-2 * step)
		down := s.regularization()
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
	s := begun(t, func() Settings { s := FullBatch(); s.Mode = Prox; return s }(), prox.None{})
	if s.target == nil {
		t.Fatal("mode Prox has no targets")
	}
	targets{loss.CrossEntropy{}, 0.3, new(stdsync.Pool)}.Grad(d, z, p.Y)
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
		s := begun(t, FullBatch(), prox.None{})
		s.direct(s.grad, 0)
		before := s.f
		s.safe.CopyFrom(s.net)
		if _, err := s.descend(step); err != nil {
			t.Fatal(err)
		}
		if s.f > before {
			t.Errorf("step %g: F rose from %g to %g", step, before, s.f)
		}
	}
}

// TestGuard: a measured step after which the batch's risk has risen is taken
// back, and the next is half as long.
func TestGuard(t *testing.T) {
	set := DefaultSettings(4)
	set.Batch = 50
	s := begun(t, set, prox.None{})
	g, err := s.back.Gradient(s.p.X, s.p.Y)
	if err != nil {
		t.Fatal(err)
	}
	s.safe.CopyFrom(s.net)
	s.net.Layers[0].W.Data[0] += 1e-3
	risk := g.Risk
	for _, c := range []struct{ risk, gain float64 }{{2 * risk, 1}, {risk / 2, 0.5}} {
		if err := s.guard(c.risk, s.p.X, s.p.Y); err != nil {
			t.Fatal(err)
		}
		if s.gain != c.gain {
			t.Errorf("risk before %g: gain %g, want %g", c.risk, s.gain, c.gain)
		}
	}
	if s.net.Layers[0].W.Data[0] != s.safe.Layers[0].W.Data[0] {
		t.Error("the step was not taken back")
	}
}

// TestLength: the model's best step, warmed up, then annealed to nothing.
func TestLength(t *testing.T) {
	set := DefaultSettings(10)
	set.Batch = 2 // 1000 updates
	s := begun(t, set, prox.None{})
	s.slope, s.curve = 3, 2
	for k, want := range map[int]float64{0: 1.5 / 10, 4: 1.5 / 2, 500: 1.5 * 0.6, 1000: 1.5 * 0.2} {
		if got := s.length(k); math.Abs(got-want) > 3e-3*1.5 { // the warm-up is annealed too
			t.Errorf("update %d: step %g, want %g", k, got, want)
		}
	}
}

// TestAverage: the network is the average of where the steps have led, not of
// where gradients are taken; at first it is where they have led.
func TestAverage(t *testing.T) {
	set := DefaultSettings(4)
	set.Batch = 20 // 10 updates an epoch
	s := begun(t, set, prox.L2{Lambda: 1})
	at := func() []float64 {
		var all []float64
		for l := range s.layers {
			ly := &s.layers[l]
			for i, w := range ly.w.Data {
				all = append(all, float64(w)-s.lead*float64(ly.v.W.Data[i]))
			}
			for i, b := range ly.b {
				all = append(all, float64(b)-s.lead*float64(ly.v.B[i]))
			}
		}
		return all
	}
	mean, leads := at(), 0
	for k := range 40 {
		if k%10 == 0 {
			s.ahead(0)
			s.batches.Shuffle(k / 10)
		}
		x, y := s.batches.Take(k % 10)
		if _, _, err := s.mini(x, y); err != nil {
			t.Fatal(err)
		}
		if s.lead > 0 {
			leads++
		}
		w := s.weight(k)
		if k == 3 && w != 1 {
			t.Errorf("the first parameters that are averaged have weight %v, want 1", w)
		}
		for i, v := range at() {
			mean[i] += w * (v - mean[i])
		}
	}
	if leads < 10 {
		t.Errorf("only %d gradients are taken ahead", leads)
	}
	i := 0
	for l, ly := range s.Network().Layers {
		for _, got := range append(ly.W.Clone().Data, ly.B...) {
			if math.Abs(float64(got)-mean[i]) > 1e-5*(1+math.Abs(mean[i])) {
				t.Fatalf("layer %d: parameter %v, want %v", l+1, got, mean[i])
			}
			i++
		}
	}
}

// TestAhead: what is ahead goes back to where the steps have led, which is far
// from where gradients are taken.
func TestAhead(t *testing.T) {
	set := DefaultSettings(4)
	set.Batch = 20
	s := begun(t, set, prox.None{})
	s.batches.Shuffle(0)
	if _, _, err := s.mini(s.batches.Take(0)); err != nil { // for a metric
		t.Fatal(err)
	}
	g, err := s.back.Gradient(s.p.X, s.p.Y)
	if err != nil {
		t.Fatal(err)
	}
	s.turn(g, 0, 0.1, 0, 0)
	led := s.net.Clone()
	s.ahead(s.reach())
	var w, moved float64
	for l, ly := range led.Layers {
		for i, v := range ly.W.Data {
			w += float64(v) * float64(v)
			moved += math.Pow(float64(s.net.Layers[l].W.Data[i]-v), 2)
		}
	}
	if got := math.Sqrt(moved / w); math.Abs(got-set.Lead) > 1e-4 {
		t.Errorf("gradients are taken %v of the weights' norm ahead, want %v", got, set.Lead)
	}
	s.turn(g, 1, 0, 0, 0) // back
	for l, ly := range led.Layers {
		for i, v := range ly.W.Data {
			if got := s.net.Layers[l].W.Data[i]; abs(got-v) > 1e-6*(1+abs(v)) {
				t.Fatalf("layer %d: weight %d is %v, want %v", l+1, i, got, v)
			}
		}
	}
}

// TestWatch: noise of the batches' risk next to never shortens the steps; a rise
// of it does.
func TestWatch(t *testing.T) {
	for seed := range uint64(20) {
		s := begun(t, DefaultSettings(4), prox.None{})
		rng := testprob.Rng(seed)
		see := func(updates int, rise float64) {
			for k := range updates {
				s.follow(s.updates, 1+0.05*rng.NormFloat64()+rise*float64(k))
				s.updates++
				if k%10 == 9 {
					s.watch()
				}
			}
		}
		see(500, 0)
		noise := s.gain
		see(50, 0.005)
		if noise < 0.25 || s.gain > noise/2 {
			t.Errorf("seed %d: noise of the risk leaves %v of the step, and then a rise by a quarter %v; want at least a quarter, then at most half of that", seed, noise, s.gain)
		}
	}
}
