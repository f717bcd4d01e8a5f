package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// vectors draws rows of n numbers, guards after each; some entries tie, so
// that bands cut and do not.
func vectors(t *rapid.T, rows, n int) (v [][]float32) {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	for range rows {
		x := matrix(rng, 1, n, n)
		for i := range n {
			if rng.IntN(4) == 0 {
				x[i] = float32(rng.IntN(3) - 1)
			}
		}
		v = append(v, x)
	}
	return v
}

// same holds a kernel's result to its twin's, bit for bit, and the guards
// untouched.
func same(t *rapid.T, what string, got, want []float32, n int) {
	t.Helper()
	for i := range got {
		if i >= n && got[i] != guard {
			t.Fatalf("%s: a store outside the result, at %d of %d", what, i, n)
		}
		if got[i] != want[i] {
			t.Fatalf("%s: entry %d of %d: got %v, want %v", what, i, n, got[i], want[i])
		}
	}
}

func clone[T any](x []T) []T { return append([]T(nil), x...) }

func TestFused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 130).Draw(t, "n")
		eps := rapid.SampledFrom([]float32{0.01, 0.5, 2}).Draw(t, "eps")
		v := vectors(t, 3, n)
		x, a, h := v[0], v[1], v[2]

		got, want := clone(x), clone(x)
		ReLU(got[:n], a[:n])
		reluGo(want[:n], a[:n])
		same(t, "ReLU", got, want, n)

		ReLUBand(got[:n], x[:n], a[:n], eps)
		reluBandGo(want[:n], x[:n], a[:n], eps)
		same(t, "ReLUBand", got, want, n)
		got = clone(x)
		ReLUBand(got[:n], got[:n], a[:n], eps)
		same(t, "ReLUBand in place", got, want, n)

		got, want = clone(a), clone(a)
		ClipAdd(got[:n], x[:n], h[:n], eps)
		clipAddGo(want[:n], x[:n], h[:n], eps)
		same(t, "ClipAdd", got, want, n)
	})
}

func TestBandStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 130).Draw(t, "n")
		// ½ and whole ε: a − k·g has one rounding, fused or not.
		eps := rapid.SampledFrom([]float32{0.5, 2, 100}).Draw(t, "eps")
		v := vectors(t, 4, n)
		d, want := clone(v[0]), clone(v[0])
		cut, square := BandStep(d[:n], v[1][:n], v[2][:n], v[3][:n], 0.5, eps)
		wantCut, wantSquare := bandStepGo(want[:n], v[1][:n], v[2][:n], v[3][:n], 0.5, eps)
		same(t, "BandStep", d, want, n)
		if cut != wantCut {
			t.Fatalf("BandStep of %d, ε = %g: cut is %v, want %v", n, eps, cut, wantCut)
		}
		near(t, "‖d‖²", square, wantSquare)
	})
}

func near(t *rapid.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-13*math.Abs(want)) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func TestSettle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 130).Draw(t, "n")
		v := vectors(t, 3, n)
		e, z, proposed := v[0], v[1], v[2]
		wantE, wantZ := clone(e), clone(z)
		before, after, move := Settle(e[:n], z[:n], proposed[:n])
		b, a, m := settleGo(wantE[:n], wantZ[:n], proposed[:n])
		same(t, "e", e, wantE, n)
		same(t, "z", z, wantZ, n)
		near(t, "before", before, b)
		near(t, "after", after, a)
		near(t, "move", move, m)
	})
}

// TestOmega holds ω to its definition, with log1p near 1, and to its twin.
func TestOmega(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "n")
		c := make([]float64, n+1)
		for j := range c {
			c[j] = rapid.SampledFrom([]float64{1, 1e2, 1e6, 1e9}).Draw(t, "scale") * rapid.Float64Range(-1, 1).Draw(t, "x")
		}
		shift := rapid.SampledFrom([]float64{0, 3, -1, 1e4}).Draw(t, "shift")
		w := make([]float64, n+1)
		w[n] = guard
		sum, slope := OmegaSum(w[:n], c[:n], shift)
		if w[n] != guard {
			t.Fatal("a store outside the result")
		}
		var wantSum, wantSlope float64
		for j, got := range w[:n] {
			x := max(c[j]+shift, omegaLeast)
			wantSum += got
			wantSlope += got / (1 + got)
			r := x - got - math.Log(got) // = −(1+ω)·(relative error)
			if bound := 0x1p-51 * (1 + math.Abs(x)) * (1 + got); !(math.Abs(r) <= bound) {
				t.Fatalf("ω(%g) = %g: residual %g", x, got, r)
			}
			if want := omegaGo(x); math.Abs(got-want) > 0x1p-50*(1+math.Abs(x))*want {
				t.Fatalf("ω(%g) = %g, in Go %g", x, got, want)
			}
		}
		near(t, "Σω", sum, wantSum)
		near(t, "Σω'", slope, wantSlope)
	})
	w := []float64{0}
	if OmegaSum(w, []float64{math.NaN()}, 0); w[0] == w[0] {
		t.Errorf("ω(NaN) = %g", w[0])
	}
}
