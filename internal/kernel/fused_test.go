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

func TestAxpySquares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 130).Draw(t, "n")
		v := vectors(t, 2, n)
		got, want := clone(v[0]), clone(v[0])
		before, after := AxpySquares(got[:n], 0.5, v[1][:n]) // one rounding, fused or not
		b, a := axpySquaresGo(want[:n], 0.5, v[1][:n])
		same(t, "AxpySquares", got, want, n)
		near(t, "before", before, b)
		near(t, "after", after, a)
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
		if !(before-after >= move-1e-6*before) {
			t.Fatalf("‖v−z‖² fell from %v to %v: by less than %v, the square of the move", before, after, move)
		}
	})
}

// TestOmega holds ω to its definition and to its twin, from nothing and from
// where it was a step before.
func TestOmega(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := Group * rapid.IntRange(0, 20).Draw(t, "n")
		c, w, d := make([]float64, n), make([]float64, n+1), make([]float64, n+1)
		for j := range c {
			c[j] = rapid.SampledFrom([]float64{1, 1e2, 1e6, 1e9}).Draw(t, "scale") * rapid.Float64Range(-1, 1).Draw(t, "x")
		}
		var s, step [Group]float64
		for i := range s {
			s[i] = rapid.SampledFrom([]float64{0, -3, 1, -1e4}).Draw(t, "s")
			step[i] = rapid.Float64Range(-0.25, 0.25).Draw(t, "step")
		}
		w[n], d[n] = guard, guard
		checkOmega(t, c, w, d, s, step, false, 0x1p-51)
		for i := range s {
			s[i] += step[i]
		}
		checkOmega(t, c, w, d, s, step, true, 0x1p-51+1e-2*math.Pow(0.25, 8))
	})
	c, w, d := make([]float64, Group), make([]float64, Group), make([]float64, Group)
	c[3] = math.NaN()
	var s [Group]float64
	var sums [3][Group]float64
	if OmegaStep(c, w, d, &s, &s, &sums, false); w[3] == w[3] || w[4] != w[4] {
		t.Errorf("ω of one NaN and zeros: %g", w)
	}
}

// checkOmega calls OmegaStep; w and d have one element more, the guard.
func checkOmega(t *rapid.T, c, w, d []float64, s, step [Group]float64, warm bool, within float64) {
	n := len(c)
	twin, twinD := clone(w), clone(d)
	var sums, twinSums, want [3][Group]float64
	OmegaStep(c, w[:n], d[:n], &s, &step, &sums, warm)
	omegaStepGo(c, twin[:n], twinD[:n], &s, &step, &twinSums, warm)
	if w[n] != guard || d[n] != guard {
		t.Fatal("a store outside the result")
	}
	for j, got := range w[:n] {
		i := j % Group
		x := max(c[j]-s[i], omegaLeast)
		want[0][i] += got
		want[1][i] += got / (1 + got)
		want[2][i] += got / ((1 + got) * (1 + got) * (1 + got))
		r := x - got - math.Log(got) // = −(1+ω)·(relative error)
		if bound := within * (1 + math.Abs(x)) * (1 + got); !(math.Abs(r) <= bound) {
			t.Fatalf("ω(%g) = %g, warm %v: residual %g", x, got, warm, r)
		}
		if math.Abs(got-twin[j]) > 2*within*(1+math.Abs(x))*twin[j] {
			t.Fatalf("ω(%g) = %g, in Go %g", x, got, twin[j])
		}
		if dw := got / (1 + got); math.Abs(d[j]-dw) > 1e-15*dw {
			t.Fatalf("ω'(%g) = %g, want %g", x, d[j], dw)
		}
	}
	for k := range sums {
		for i, v := range sums[k] {
			near(t, "a sum of ω", v, want[k][i])
		}
	}
}

func TestExpSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, cols := rapid.IntRange(0, 5).Draw(t, "rows"), rapid.IntRange(1, 40).Draw(t, "cols")
		gap := rapid.IntRange(1, 3).Draw(t, "gap")
		scale := rapid.SampledFrom([]float32{1, 30, 1e4}).Draw(t, "scale")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		z, dst := matrix(rng, rows, cols, cols+gap), matrix(rng, rows, cols, cols+gap)
		for i := range rows {
			for j := range cols {
				z[i*(cols+gap)+j] *= scale
			}
		}
		top, sum := make([]float32, rows+1), make([]float64, rows+1)
		top[rows], sum[rows] = guard, guard
		wantTop, wantSum, want := clone(top), clone(sum), clone(dst)
		expSumGo(want, cols+gap, z, cols+gap, rows, cols, wantTop, wantSum)
		inPlace := clone(z)
		ExpSum(dst, cols+gap, z, cols+gap, rows, cols, top, sum)
		ExpSum(inPlace, cols+gap, inPlace, cols+gap, rows, cols, clone(top), clone(sum))
		same(t, "top", top, wantTop, rows)
		for i, v := range sum {
			if math.Abs(v-wantSum[i]) > 0x1p-50*wantSum[i] {
				t.Fatalf("row %d of %d×%d: sum %v, want %v", i, rows, cols, v, wantSum[i])
			}
		}
		for i, v := range dst {
			if math.Abs(float64(v-want[i])) > 0x1p-23*float64(want[i])+2e-45 || v != inPlace[i] && i%(cols+gap) < cols && i < rows*(cols+gap) {
				t.Fatalf("element %d of rows of %d: got %v, in place %v, want %v", i, cols, v, inPlace[i], want[i])
			}
		}
	})
	for _, cols := range []int{1, 7, 8, 9, 17} {
		z, top, sum := make([]float32, cols), []float32{0}, []float64{0}
		z[cols/2] = float32(math.NaN())
		if ExpSum(z, cols, z, cols, 1, cols, top, sum); sum[0] == sum[0] {
			t.Errorf("a NaN among %d: sum %v", cols, sum[0])
		}
	}
}
