package gradient

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
)

// orthogonal is the orthogonalizer's X of u after a step along it, as the move
// of weights that were 0, over −η√max(1, rows/cols).
func orthogonal(t *testing.T, u mat.Dense, threads int) mat.Dense {
	t.Helper()
	p := testprob.Blobs(20, u.Cols, 3, 1)
	p.Threads = threads
	st, err := Solver{DefaultSettings(Muon)}.Init(p, testprob.Network(p, []int{u.Rows}, activation.Tanh{}, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := st.(*stepper)
	clear(s.net.Layers[0].W.Data)
	copy(s.tensors[0].m[1], u.Data)
	s.muon.update(s, 1)
	x := s.net.Layers[0].W.Clone()
	for i := range x.Data {
		x.Data[i] /= -float32(s.Rate * math.Sqrt(max(1, float64(u.Rows)/float64(u.Cols))))
	}
	return x
}

// TestOrthogonalFactor holds Muon's direction against the same polynomial of the
// singular values in float64, for wide and for high matrices, and that they end
// near 1 where they began above a hundredth.
func TestOrthogonalFactor(t *testing.T) {
	for _, shape := range [][2]int{{7, 30}, {30, 7}, {12, 12}, {1, 5}, {5, 1}} {
		rows, cols := shape[0], shape[1]
		u := mat.New(rows, cols)
		testprob.Normal(u, 3, testprob.Rng(uint64(rows)))
		got := orthogonal(t, u, 2)
		want := newtonSchulz(u)
		for i := range rows {
			for j := range cols {
				if d := math.Abs(float64(got.At(i, j)) - want[i][j]); d > 1e-4 { // dozens of float32 terms, five times over
					t.Fatalf("%v: X[%d,%d] is %v, want %v", shape, i, j, got.At(i, j), want[i][j])
				}
			}
		}
		if one := orthogonal(t, u, 1); one.At(0, 0) != got.At(0, 0) {
			t.Errorf("%v: one thread gives %v, two %v", shape, one.At(0, 0), got.At(0, 0))
		}
		var square float64 // Σσ² of all but square shapes, whose least is near 0
		for _, x := range got.Data {
			square += float64(x) * float64(x)
		}
		if n := float64(min(rows, cols)); rows != cols && !(0.45 < square/n && square/n < 1.45) {
			t.Errorf("%v: mean square of the singular values is %v", shape, square/n)
		}
	}
	if zero := orthogonal(t, mat.New(4, 6), 2); zero.At(1, 2) != 0 {
		t.Errorf("a direction of 0 moves by %v", zero.At(1, 2))
	}
}

// newtonSchulz is five steps of the polynomial on u/‖u‖, in float64.
func newtonSchulz(u mat.Dense) [][]float64 {
	x, norm := make([][]float64, u.Rows), 0.0
	for i := range x {
		x[i] = make([]float64, u.Cols)
		for j := range x[i] {
			x[i][j] = float64(u.At(i, j))
			norm += x[i][j] * x[i][j]
		}
	}
	for i := range x {
		for j := range x[i] {
			x[i][j] /= math.Sqrt(norm)
		}
	}
	multiply := func(a, b [][]float64) [][]float64 {
		c := make([][]float64, len(a))
		for i := range c {
			c[i] = make([]float64, len(b[0]))
			for k, v := range a[i] {
				for j, w := range b[k] {
					c[i][j] += v * w
				}
			}
		}
		return c
	}
	for range schulzSteps {
		t := make([][]float64, u.Cols)
		for j := range t {
			t[j] = make([]float64, u.Rows)
			for i := range t[j] {
				t[j][i] = x[i][j]
			}
		}
		ax := multiply(multiply(x, t), x) // (XXᵀ)X
		aax := multiply(multiply(x, t), ax)
		for i := range x {
			for j := range x[i] {
				x[i][j] = schulzA*x[i][j] + schulzB*ax[i][j] + schulzC*aax[i][j]
			}
		}
	}
	return x
}

// Decoupled decay shrinks weights by ηλ beside the step, and leaves intercepts.
func TestDecay(t *testing.T) {
	p := testprob.Blobs(60, 5, 3, 1)
	n := testprob.Network(p, []int{6}, activation.Tanh{}, dlam.Paper, 1)
	for _, rule := range []Rule{AdamW, Muon, ScheduleFree} {
		set := DefaultSettings(rule)
		after := func(decay float64) *dlam.Network {
			set.Decay = decay
			st, err := Solver{set}.Init(p, n)
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			if _, err := st.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			return st.Network().Clone()
		}
		without, with := after(0), after(0.5)
		for i, w := range n.Layers[0].W.Data {
			got, want := float64(with.Layers[0].W.Data[i]-without.Layers[0].W.Data[i]), -set.Rate*0.5*float64(w)
			if math.Abs(got-want) > 1e-6 {
				t.Fatalf("%s: decay moves weight %d by %g, want %g", rule, i, got, want)
			}
		}
		for i, b := range without.Layers[0].B {
			if with.Layers[0].B[i] != b {
				t.Errorf("%s: decay moves intercept %d", rule, i)
			}
		}
	}
}

// The average of the schedule-free rule has the weights ηₜ²/Σηᵢ², and the rate
// grows over the warm-up.
func TestAverageWeight(t *testing.T) {
	p := testprob.Blobs(60, 5, 3, 1)
	for _, warmUp := range []float64{0, 0.001, 0.17, 0.5} {
		set := DefaultSettings(ScheduleFree)
		set.Batch, set.Epochs, set.WarmUp = 10, 10, warmUp
		st, err := Solver{set}.Init(p, testprob.Network(p, []int{6}, activation.Tanh{}, dlam.He, 1))
		if err != nil {
			t.Fatal(err)
		}
		s := st.(*stepper)
		var sum float64
		for k := range 60 {
			rate := s.schedule(k)
			if want := min(1, float64(k+1)/max(1, warmUp*60)); math.Abs(rate-want) > 1e-12 {
				t.Errorf("warm-up %v: share of the rate in update %d is %v, want %v", warmUp, k, rate, want)
			}
			sum += rate * rate
			if got, want := float64(s.averageWeight(k+1)), rate*rate/sum; math.Abs(got-want) > 1e-6 {
				t.Errorf("warm-up %v: weight of update %d is %v, want %v", warmUp, k, got, want)
			}
		}
		st.Close()
	}
}
