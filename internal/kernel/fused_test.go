package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/dlam-go/dlam/internal/fixedseed"
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
	fixedseed.Check(t, func(t *rapid.T) {
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
	fixedseed.Check(t, func(t *rapid.T) {
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
	fixedseed.Check(t, func(t *rapid.T) {
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

func TestMoveClipped(t *testing.T) {
	type kernel func(e, z, proposed []float32) (before, after, move float64)
	check := func(t *rapid.T, fast, twin kernel) (before, after, move float64) {
		n := rapid.IntRange(0, 130).Draw(t, "n")
		v := vectors(t, 3, n)
		e, z, proposed := v[0], v[1], v[2]
		wantE, wantZ := clone(e), clone(z)
		before, after, move = fast(e[:n], z[:n], proposed[:n])
		b, a, m := twin(wantE[:n], wantZ[:n], proposed[:n])
		same(t, "e", e, wantE, n)
		same(t, "z", z, wantZ, n)
		near(t, "before", before, b)
		near(t, "after", after, a)
		near(t, "move", move, m)
		return before, after, move
	}
	fixedseed.Check(t, func(t *rapid.T) {
		if before, after, move := check(t, MoveClipped, moveClippedGo); !(before-after >= move-1e-6*before) {
			t.Fatalf("‖v−z‖² fell from %v to %v: by less than %v, the square of the move", before, after, move)
		}
		check(t, Move, moveGo)
	})
}

// TestOmega holds eq. 5's solution to ω's definition and to its twin, and each
// sample's to what it is alone.
func TestOmega(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		rows, classes := rapid.IntRange(1, Group).Draw(t, "rows"), rapid.IntRange(1, 20).Draw(t, "classes")
		rho := math.Pow(10, rapid.Float64Range(-8, 8).Draw(t, "log10 rho"))
		scale := rapid.SampledFrom([]float32{0.1, 1, 30, 1e4}).Draw(t, "scale")
		move := rapid.SampledFrom([]float32{0, 0.1, 2, 1e3}).Draw(t, "move")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		zStride, vStride := classes+1, classes+2
		z, v := matrix(rng, rows, classes, zStride), matrix(rng, rows, classes, vStride)
		problem := func(class func(i int) int) Omega {
			o := NewOmega(rho, classes, make([]float64, OmegaWork*classes))
			for i := range Group {
				o.Target()[class(i)*Group+i] = 1 / rho
			}
			return o
		}
		class := func(i int) int { return min(i, rows-1) % classes }
		for i := range rows {
			for j := range classes {
				v[i*vStride+j] *= scale
				z[i*zStride+j] = v[i*vStride+j] + move*z[i*zStride+j]
			}
		}
		got, want := clone(z), clone(z)
		o, twin := problem(class), problem(class)
		o.Solve(got, zStride, v, vStride, rows)
		checkOmega(t, &o)
		twin.startGo(want, zStride, v, vStride, rows)
		for range omegaSteps {
			twin.advanceGo(omegaWarm, 1)
			twin.advanceGo(omegaCold, 1)
		}
		twin.endGo(want, zStride, rows)
		for at, x := range want {
			if d := math.Abs(float64(got[at] - x)); !(d <= 0x1p-22*math.Abs(float64(x))+2e-8+0x1p-50/rho) {
				t.Fatalf("entry %d: %g, its twin %g", at, got[at], x)
			}
		}
		i := rng.IntN(rows)
		alone := clone(z[i*zStride:][:classes])
		o = problem(func(int) int { return class(i) })
		o.Solve(alone, zStride, v[i*vStride:], vStride, 1)
		for j, x := range alone {
			if x != got[i*zStride+j] {
				t.Fatalf("class %d of sample %d: %g, alone %g", j, i, got[i*zStride+j], x)
			}
		}
	})
	z, v := []float32{0, float32(math.NaN()), 0, 0}, []float32{0, 1, 0, float32(math.NaN())}
	o := NewOmega(1, 2, make([]float64, OmegaWork*2))
	o.Solve(z, 2, v, 2, 2)
	if z[0] != z[0] || z[1] != z[1] || z[2] == z[2] || z[3] == z[3] {
		t.Errorf("from NaN, and to NaN: %g", z)
	}
}

// checkOmega holds a solution to ω + log ω = c − s and Σp = 1.
func checkOmega(t *rapid.T, o *Omega) {
	t.Helper()
	b, v, w, d := o.rows()
	for i := range Group {
		sum, size := 0., 10.
		for at := i; at < len(w); at += Group {
			sum += o.rho * along(w[at], d[at], o.step[i])
			size = max(size, math.Abs(v[at]))
			x := v[at] - o.s[i] + b[at]
			r := max(v[at]-o.s[i]+(b[at]-w[at]), omegaLeast-w[at]) - math.Log(w[at])
			if round := 0x1p-50 * (1 + math.Abs(x) + math.Abs(v[at]) + w[at]); !(math.Abs(r) <= 1.1e-8+round) {
				t.Fatalf("ω(%g) = %g: residual %g", x, w[at], r)
			}
			if k := 1 / (1 + w[at]); math.Abs(d[at]-w[at]*k) > 0x1p-27*d[at] {
				t.Fatalf("ω' = %g where ω = %g", d[at], w[at])
			}
		}
		if math.Abs(sum-1) > 1e-11+0x1p-51*size {
			t.Fatalf("sample %d: Σp − 1 = %g", i, sum-1)
		}
	}
}

// TestTanh holds the kernels to float64's tanh, whose own error is far below, rounded to
// float32: a half and a bit of a unit in the last place, from the smallest numbers to
// saturation. Where tanh is near 1 its derivative has the digits that 1 − tanh² leaves.
func TestTanh(t *testing.T) {
	special := []float32{0, float32(math.Copysign(0, -1)), 1e-45, -3e-40, 1e-10, -1e-6, 0.34, 0.35, -0.7, 8, -9.5, 20, -1e9, float32(math.Inf(1)), float32(math.Inf(-1))}
	fixedseed.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 130).Draw(t, "n")
		v := vectors(t, 3, n)
		x, g, scale := v[0], v[1], rapid.SampledFrom([]float32{1e-8, 1e-3, 1, 5}).Draw(t, "scale")
		for i := range n {
			if x[i] *= scale; i%5 == 0 {
				x[i] = special[i/5%len(special)]
			}
		}
		near := func(what string, got []float32, want func(i int) (value, absolute float64)) {
			for i := range got {
				w, absolute := want(i)
				if i >= n && got[i] != guard {
					t.Fatalf("%s: a store outside the result, at %d of %d", what, i, n)
				}
				if i < n && !(math.Abs(float64(got[i])-w) <= 0.51*0x1p-23*math.Abs(w)+0x1p-149+absolute) || i < n && math.Signbit(float64(got[i])) != math.Signbit(w) {
					t.Fatalf("%s of %g: got %g, want %g", what, x[i], got[i], w)
				}
			}
		}
		got := clone(v[2])
		Tanh(got[:n], x[:n])
		near("tanh", got, func(i int) (float64, float64) { return math.Tanh(float64(x[i])), 0 })
		TanhDeriv(got[:n], g[:n], x[:n])
		near("derivative", got, func(i int) (float64, float64) {
			c := math.Cosh(float64(x[i]))
			return float64(g[i]) / (c * c), 1e-9 * math.Abs(float64(g[i]))
		})
		inPlace := clone(x)
		TanhDeriv(inPlace[:n], g[:n], inPlace[:n])
		same(t, "derivative in place", inPlace, got, n)
	})
	nan := []float32{1, float32(math.NaN()), 2}
	if Tanh(nan, nan); nan[1] == nan[1] || nan[0] != nan[0] {
		t.Errorf("tanh of 1, NaN and 2: got %v", nan)
	}
}

func TestExpSum(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
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

func TestWindows(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		channels, side := rapid.IntRange(1, 40).Draw(t, "channels"), rapid.IntRange(1, 3).Draw(t, "side")
		across, over := rapid.IntRange(1, 5).Draw(t, "windows"), rapid.IntRange(0, 2).Draw(t, "left over")
		width := (across*side + over) * channels
		var offsets []int
		for dy := range side {
			for dx := range side {
				offsets = append(offsets, dy*width+dx*channels)
			}
		}
		n := across * channels
		v := vectors(t, 2, side*width)
		z, spreadWant := v[0], v[1]
		got, want := vectors(t, 1, n)[0], vectors(t, 1, n)[0]
		win, twin := make([]int32, n), make([]int32, n)
		Largest(got[:n], win, z, channels, side*channels, offsets)
		largestGo(want[:n], twin, z, channels, side*channels, offsets)
		same(t, "Largest", got, want, n)
		for i := range win {
			if win[i] != twin[i] {
				t.Fatalf("Largest: entry %d of %d is at %d, want %d", i, n, win[i], twin[i])
			}
		}
		clear(got[:n])
		Largest(got[:n], nil, z, channels, side*channels, offsets)
		same(t, "Largest", got, want, n)
		spreadGot := clone(spreadWant)
		Spread(spreadGot, got[:n], win, channels, side*channels, offsets)
		spreadGo(spreadWant, want[:n], twin, channels, side*channels, offsets)
		same(t, "Spread", spreadGot, spreadWant, side*width)
	})
}
