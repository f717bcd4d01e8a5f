package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/dlam-go/dlam/internal/fixedseed"
)

const guard = 12345.75 // what must stay around a result

// matrix is rows×cols in a wider matrix of guards.
func matrix(rng *rand.Rand, rows, cols, stride int) []float32 {
	m := make([]float32, rows*stride+64)
	for i := range m {
		m[i] = guard
	}
	for i := range rows {
		for j := range cols {
			m[i*stride+j] = float32(rng.NormFloat64())
		}
	}
	return m
}

// check compares c with want within the rounding of k terms, and its guards.
func check(t *rapid.T, what string, c []float32, want []float64, scale []float64, rows, cols, stride, k int) {
	t.Helper()
	for i, v := range c {
		r, j := i/stride, i%stride
		if r >= rows || j >= cols {
			if v != guard {
				t.Fatalf("%s: a store outside the result at row %d column %d", what, r, j)
			}
			continue
		}
		o := r*cols + j
		if d := math.Abs(float64(v) - want[o]); d > 6e-8*float64(k+2)*(scale[o]+1e-30) {
			t.Fatalf("%s: (%d,%d) of %d×%d, k %d: got %v, want %v", what, r, j, rows, cols, k, v, want[o])
		}
	}
}

var sizes = []int{0, 1, 2, 3, 7, 8, 11, 12, 13, 16, 17, 31, 32, 33, 97, 100, 128}

// TestProducts: the three products against naive sums in float64, at odd
// shapes and strides, and nothing stored outside.
func TestProducts(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		m, n := rapid.SampledFrom(sizes).Draw(t, "m"), rapid.SampledFrom(sizes).Draw(t, "n")
		k := rapid.SampledFrom(append([]int{192, 193, 400, 784}, sizes...)).Draw(t, "k")
		gap := rapid.IntRange(1, 5).Draw(t, "gap")
		add := rapid.Bool().Draw(t, "add")
		a, b, c := matrix(rng, m, k, k+gap), matrix(rng, k, n, n+gap), matrix(rng, m, n, n+gap)
		want, scale := naive(m, n, k, c, n+gap, add, func(i, p int) float32 { return a[i*(k+gap)+p] }, func(p, j int) float32 { return b[p*(n+gap)+j] })
		var p Panel
		p.Pack(b, n+gap, k, n)
		got := append([]float32(nil), c...)
		p.Mul(got, n+gap, a, k+gap, m, add)
		check(t, "A·B", got, want, scale, m, n, n+gap, k)

		row := matrix(rng, 1, n, n)
		sum := append([]float32(nil), c...)
		for i := range m {
			copy(sum[i*(n+gap):], row[:n])
		}
		want, scale = naive(m, n, k, sum, n+gap, true, func(i, p int) float32 { return a[i*(k+gap)+p] }, func(p, j int) float32 { return b[p*(n+gap)+j] })
		got = append(got[:0], c...)
		p.MulRow(got, n+gap, a, k+gap, m, row)
		check(t, "1rᵀ + A·B", got, want, scale, m, n, n+gap, k)

		s := matrix(rng, n, k, k+gap)
		want, scale = naive(m, n, k, c, n+gap, add, func(i, p int) float32 { return a[i*(k+gap)+p] }, func(p, j int) float32 { return s[j*(k+gap)+p] })
		p.Size(k, n)
		for part := range 3 {
			p.PackTPart(s, k+gap, part, 3)
		}
		got = append(got[:0], c...)
		p.Mul(got, n+gap, a, k+gap, m, add)
		check(t, "A·Sᵀ", got, want, scale, m, n, n+gap, k)

		l := matrix(rng, k, m, m+gap)
		want, scale = naive(m, n, k, c, n+gap, add, func(i, p int) float32 { return l[p*(m+gap)+i] }, func(p, j int) float32 { return b[p*(n+gap)+j] })
		got = append(got[:0], c...)
		var pack Packing
		pack.MulAT(got, n+gap, l, m+gap, b, n+gap, k, m, n, add)
		check(t, "Aᵀ·B", got, want, scale, m, n, n+gap, k)
	})
}

func naive(m, n, k int, c []float32, stride int, add bool, a, b func(i, j int) float32) (want, scale []float64) {
	want, scale = make([]float64, m*n), make([]float64, m*n)
	for i := range m {
		for j := range n {
			o := i*n + j
			if add {
				want[o], scale[o] = float64(c[i*stride+j]), math.Abs(float64(c[i*stride+j]))
			}
			for p := range k {
				v := float64(a(i, p)) * float64(b(p, j))
				want[o] += v
				scale[o] += math.Abs(v)
			}
		}
	}
	return want, scale
}

func TestGram(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		m, rows, gap := rapid.SampledFrom(sizes).Draw(t, "m"), rapid.IntRange(0, 300).Draw(t, "rows"), rapid.IntRange(1, 3).Draw(t, "gap")
		a, c := matrix(rng, rows, m, m+gap), matrix(rng, m, m, m+gap)
		for i := range m {
			for j := range i {
				c[i*(m+gap)+j] = c[j*(m+gap)+i]
			}
		}
		at := func(p, i int) float32 { return a[p*(m+gap)+i] }
		want, scale := naive(m, m, rows, c, m+gap, true, func(i, p int) float32 { return at(p, i) }, at)
		var pack Packing
		pack.AddGram(c, m+gap, a, m+gap, rows, m)
		MirrorUpper(c, m+gap, m)
		check(t, "AᵀA", c, want, scale, m, m, m+gap, rows)
	})
}

func TestVectors(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		n := rapid.IntRange(0, 300).Draw(t, "n")
		x, y := matrix(rng, 1, n, n), matrix(rng, 1, n, n)
		if got, want := SumSquares(x[:n]), sumSquaresGo(x[:n]); math.Abs(got-want) > 1e-13*want {
			t.Fatalf("SumSquares of %d: got %v, want %v", n, got, want)
		}
		if got, want := Dot(x[:n], y[:n]), dotGo(x[:n], y[:n]); math.Abs(got-want) > 1e-12*float64(n) {
			t.Fatalf("Dot of %d: got %v, want %v", n, got, want)
		}
		sum := make([]float64, n+1)
		sum[n] = guard
		ToFloat64(sum[:n], x[:n])
		for i, v := range sum[:n] {
			if v != float64(x[i]) {
				t.Fatalf("ToFloat64: element %d: got %v, want %v", i, v, x[i])
			}
		}
		AddTo64(sum[:n], x[:n])
		if sum[n] != guard {
			t.Fatal("a store outside the result")
		}
		before := append([]float32(nil), y...)
		Axpby(y[:n], 0.25, 0.5, x[:n])
		for i := range y {
			want := before[i]
			if i < n {
				want = 0.25*want + 0.5*x[i]
				if sum[i] != 2*float64(x[i]) {
					t.Fatalf("AddTo64: element %d: got %v, want %v", i, sum[i], 2*x[i])
				}
			}
			if y[i] != want && math.Abs(float64(y[i]-want)) > 1e-6 {
				t.Fatalf("Axpby: element %d of %d: got %v, want %v", i, n, y[i], want)
			}
		}
	})
}

// TestColumns: sums of columns at odd shapes and strides are those of Go, bit
// for bit, and nothing is stored outside.
func TestColumns(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		rows, cols := rapid.SampledFrom(sizes).Draw(t, "rows"), rapid.IntRange(0, 70).Draw(t, "cols")
		stride := cols + rapid.IntRange(0, 5).Draw(t, "gap")
		x := matrix(rng, rows, cols, stride)
		sum := make([]float64, cols+16)
		for j := range sum {
			sum[j] = guard
		}
		for _, f := range []struct {
			name         string
			kernel, inGo func(sum []float64, x []float32, stride, rows int)
		}{{"AddColumns", AddColumns, addColumnsGo}, {"AddColumnSquares", AddColumnSquares, addColumnSquaresGo}} {
			got, want := clone(sum), clone(sum)
			f.kernel(got[:cols], x, stride, rows)
			f.inGo(want[:cols], x, stride, rows)
			if !slices.Equal(got, want) {
				t.Fatalf("%s of %d×%d: got %v, want %v", f.name, rows, cols, got, want)
			}
		}
	})
}

type count struct{ seen []int }

func (c *count) Do(worker int) { c.seen[worker]++ }

func TestPool(t *testing.T) {
	for threads := 1; threads <= 4; threads++ {
		p, c := NewPool(threads), &count{make([]int, threads)}
		for range 100 {
			p.Run(c)
		}
		if got := testing.AllocsPerRun(10, func() { p.Run(c) }); got != 0 {
			t.Errorf("%d threads: %v allocations in Run", threads, got)
		}
		p.Close()
		for w, n := range c.seen {
			if n < 100 {
				t.Errorf("worker %d ran %d times, want every time", w, n)
			}
		}
	}
}

func TestRange(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		n, grain, workers := rapid.IntRange(0, 1000).Draw(t, "n"), rapid.IntRange(1, 200).Draw(t, "grain"), rapid.IntRange(1, 9).Draw(t, "workers")
		end := 0
		for w := range workers {
			lo, hi := Range(n, grain, w, workers)
			if lo != end || hi < lo || lo%grain != 0 && lo != n {
				t.Fatal(fmt.Sprint("part ", w, " of ", workers, ": ", lo, "-", hi, " after ", end))
			}
			end = hi
		}
		if end != n {
			t.Fatalf("parts end at %d, want %d", end, n)
		}
	})
}
