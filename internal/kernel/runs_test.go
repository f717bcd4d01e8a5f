package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/dlam-go/dlam/internal/fixedseed"
)

// TestRuns: the products with the patches of a picture against naive sums in
// float64, at odd shapes, and nothing stored outside.
func TestRuns(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		draw := func(name string, lo, hi int) int { return rapid.IntRange(lo, hi).Draw(t, name) }
		channels, stride := draw("channels", 1, 20), draw("stride", 1, 3)
		high, wide := draw("kernel rows", 1, 5), draw("kernel columns", 1, 5)
		r := Runs{Rows: draw("rows", 1, 6), Cols: draw("columns", 1, 26), Across: stride * channels, Count: high, Length: wide * channels}
		r.Step = ((r.Cols-1)*stride + wide) * channels // a row of the picture
		r.Down = stride * r.Step
		n, gap := draw("units", 1, 70), draw("gap", 1, 3)
		pixels := ((r.Rows-1)*stride + high) * r.Step
		a := matrix(rng, 1, pixels, pixels)
		k, places := high*wide*channels, r.Rows*r.Cols
		patch := func(i, p int) float32 {
			return a[i/r.Cols*r.Down+i%r.Cols*r.Across+p/r.Length*r.Step+p%r.Length]
		}

		w, c, row := matrix(rng, n, k, k), matrix(rng, places, n, n+gap), matrix(rng, 1, n, n)
		var p Panel
		p.SizeWhole(k, n)
		p.PackTPart(w, k, 0, 1)
		sum := append([]float32(nil), c...)
		for i := range places {
			copy(sum[i*(n+gap):], row[:n])
		}
		want, scale := naive(places, n, k, sum, n+gap, true, patch, func(p, j int) float32 { return w[j*k+p] })
		got := append([]float32(nil), c...)
		p.MulRuns(got, n+gap, a, r, row)
		check(t, "1rᵀ + U·B", got, want, scale, places, n, n+gap, k)

		want, scale = naive(places, n, k, c, n+gap, false, patch, func(p, j int) float32 { return w[j*k+p] })
		p.MulRuns(got, n+gap, a, r, nil)
		check(t, "U·B", got, want, scale, places, n, n+gap, k)

		side := draw("side", 1, 3)
		offsets := []int{}
		for i := range side * side {
			offsets = append(offsets, (i/side*r.Cols+i%side)*n)
		}
		windows := r.Rows / side * (r.Cols / side)
		sum = make([]float32, places*n) // MulRuns is right
		p.MulRuns(sum, n, a, r, row)
		v, win := append(make([]float32, windows*n), 7), append(make([]int32, windows*n), 7)
		silent := append(make([]float32, windows*n), 7)
		p.MulRunsLargest(v[:windows*n], win[:windows*n], a, r, row, side, offsets, make([]float32, side*r.Cols*n))
		p.MulRunsLargest(silent[:windows*n], nil, a, r, row, side, offsets, make([]float32, side*r.Cols*n))
		if v[windows*n] != 7 || win[windows*n] != 7 || silent[windows*n] != 7 {
			t.Fatal("stored beyond the last window")
		}
		for i, got := range v[:windows*n] {
			first := (i/n/(r.Cols/side)*r.Cols+i/n%(r.Cols/side))*side*n + i%n
			most := sum[first]
			for _, at := range offsets {
				most = max(most, sum[first+at])
			}
			at := sum[first+offsets[win[i]]]
			if near := 1e-5 * float32(k); got != silent[i] || got > most+near || got < most-near || got > at+near || got < at-near {
				t.Fatalf("window %d, unit %d: %g, without winners %g, want %g, at winner %d %g", i/n, i%n, got, silent[i], most, win[i], at)
			}
		}

		g := matrix(rng, n, k, k+gap)
		want, scale = naive(n, k, places, g, k+gap, true, func(i, p int) float32 { return c[p*(n+gap)+i] }, patch)
		AddRunsT(g, k+gap, c, n+gap, n, a, r, make([]float32, places*r.whole().Length))
		check(t, "Dᵀ·U", g, want, scale, n, k, k+gap, places+1)

		g = matrix(rng, k, n, n+gap)
		want, scale = naive(k, n, places, g, n+gap, true, func(p, i int) float32 { return patch(i, p) }, func(i, j int) float32 { return c[i*(n+gap)+j] })
		AddRuns(g, n+gap, c, n+gap, n, a, r)
		check(t, "Uᵀ·D", g, want, scale, k, n, n+gap, places+1)

		var points []Point
		values := make([]float32, places)
		for i := range places {
			if rng.IntN(3) > 0 { // the others are 0
				values[i] = rng.Float32() - 0.5
				points = append(points, Point{uint32(i/r.Cols*r.Down + i%r.Cols*r.Across), values[i]})
			}
		}
		sums := matrix(rng, 1, k, k)
		want, scale = naive(1, k, places, sums, k, true, func(_, p int) float32 { return values[p] }, patch)
		AddPatches(sums, points, a, r)
		check(t, "Σ value·patch", sums, want, scale, 1, k, k, places+1)

		want, scale = make([]float64, pixels), make([]float64, pixels)
		for i, v := range a[:pixels] {
			want[i], scale[i] = float64(v), math.Abs(float64(v))
		}
		for i, v := range values {
			for p := range k {
				at, d := i/r.Cols*r.Down+i%r.Cols*r.Across+p/r.Length*r.Step+p%r.Length, float64(v)*float64(sums[p])
				want[at] += d
				scale[at] += math.Abs(d)
			}
		}
		AddToPatches(a, points, sums, r)
		check(t, "patch += value·C", a, want, scale, 1, pixels, pixels, k+1)
	})
}

// TestMulRunsLargestTies: of equal sums the first is the largest, and NaN is only where it is
// the first, as Largest has it of all sums.
func TestMulRunsLargestTies(t *testing.T) {
	r := Runs{Rows: 9, Cols: 31, Down: 33 * 3, Across: 3, Count: 3, Length: 9, Step: 33 * 3}
	for _, n := range []int{1, 5, 16, 27, 40} {
		rng := rand.New(rand.NewPCG(1, uint64(n)))
		a, w, row := make([]float32, 11*33*3), matrix(rng, n, 27, 27), matrix(rng, 1, n, n)
		for i := range a {
			if rng.IntN(60) == 0 {
				a[i] = float32(math.NaN())
			}
		}
		var p Panel
		p.SizeWhole(27, n)
		p.PackTPart(w, 27, 0, 1)
		z, offsets := make([]float32, r.Rows*r.Cols*n), []int{0, n, r.Cols * n, (r.Cols + 1) * n}
		p.MulRuns(z, n, a, r, row)
		want, winners := make([]float32, 4*15*n), make([]int32, 4*15*n)
		for y := range 4 {
			Largest(want[y*15*n:][:15*n], winners[y*15*n:], z[2*y*r.Cols*n:], n, 2*n, offsets)
		}
		got, win, silent := make([]float32, len(want)), make([]int32, len(want)), make([]float32, len(want))
		p.MulRunsLargest(got, win, a, r, row, 2, offsets, make([]float32, 2*r.Cols*n))
		p.MulRunsLargest(silent, nil, a, r, row, 2, offsets, make([]float32, 2*r.Cols*n))
		for i, v := range want {
			if same := func(x float32) bool { return x == v || x != x && v != v }; win[i] != winners[i] || !same(got[i]) || !same(silent[i]) {
				t.Fatalf("%d units, entry %d: %g at %d, without winners %g, want %g at %d", n, i, got[i], win[i], silent[i], v, winners[i])
			}
		}
	}
}

// TestListPoints: every value but 0 and −0 is a point, at its window's place that was largest;
// windows are in no order.
func TestListPoints(t *testing.T) {
	values := []float32{0, 1, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, -2, float32(math.Inf(-1)), float32(math.NaN()), 0}
	offsets := []uint32{0, 10, 200, 3000}
	var windows []Window
	var winners []int32
	for i := range values {
		windows = append(windows, Window{Taken: uint32(len(values) - 1 - i), First: uint32(100000 * i)})
		winners = append(winners, int32(i%len(offsets)))
	}
	for n := range len(windows) + 1 {
		got, want := make([]Point, n+1), make([]Point, n+1)
		const after = 7
		got[n].At = after
		many, few := ListPoints(got[:n], windows[:n], values, winners, offsets), listPointsGo(want, windows[:n], values, winners, offsets)
		if many != few || got[n].At != after {
			t.Fatalf("of %d windows: %d points, want %d", n, many, few)
		}
		for i, p := range got[:many] {
			if p.At != want[i].At || math.Float32bits(p.Value) != math.Float32bits(want[i].Value) {
				t.Errorf("of %d windows, point %d: got %v, want %v", n, i, p, want[i])
			}
		}
	}
	if all := listPointsGo(make([]Point, len(windows)), windows, values, winners, offsets); all != 5 {
		t.Errorf("%d points, want the 5 that are not 0", all)
	}
}
