package multiconvex

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/fixedseed"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

func binarySettings() Settings {
	s := DefaultSettings()
	s.BinaryWeights = true
	return s
}

// rowPhi is φ/ρ of a row w, in float64 from the samples.
func rowPhi(a, z mat.Dense, i int, w []float64, b float64, weight []float32) float64 {
	var sum float64
	for n := range a.Rows {
		e := b - float64(z.At(n, i))
		for j, x := range a.Row(n) {
			e += w[j] * float64(x)
		}
		if weight != nil {
			e *= math.Sqrt(float64(weight[n]))
		}
		sum += e * e / 2
	}
	return sum
}

// bestSize is the magnitude with the least φ of a row with these signs.
func bestSize(a, z mat.Dense, i int, sign []float64, b float64, weight []float32) float64 {
	at := func(s float64) float64 {
		w := make([]float64, len(sign))
		for j := range w {
			w[j] = s * sign[j]
		}
		return rowPhi(a, z, i, w, b, weight)
	}
	lo, mid, hi := at(-1), at(0), at(1) // a parabola
	if curve := lo - 2*mid + hi; curve > 0 {
		return (lo - hi) / (2 * curve)
	}
	return 0
}

// The W-step with binary weights, against all single flips and the best magnitude of each
// row in float64.
func TestSingleFlips(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		p := testprob.Blobs(rapid.IntRange(3, 40).Draw(t, "rows"), rapid.IntRange(2, 9).Draw(t, "features"), 3, rapid.Uint64().Draw(t, "seed"))
		p.Threads = rapid.IntRange(1, 2).Draw(t, "threads")
		rng := testprob.Rng(rapid.Uint64().Draw(t, "jolt"))
		if rapid.Bool().Draw(t, "weighted") {
			p.Y.Weight = make([]float32, p.X.Rows)
			for i := range p.Y.Weight {
				p.Y.Weight[i] = 0.5 + rng.Float32()
			}
		}
		s, err := New(binarySettings(), p, testprob.Network(p, []int{rapid.IntRange(2, 7).Draw(t, "hidden")}, activation.Tanh{}, dlam.He, 1))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for l := range s.layers { // off the start, where all residuals of hidden layers are 0
			ly := &s.layers[l]
			for i := range ly.net.B {
				ly.net.B[i] = float32(rng.NormFloat64())
				size := float32(rng.ExpFloat64())
				for j := range ly.net.W.Row(i) {
					ly.net.W.Row(i)[j] = size * float32(2*rng.IntN(2)-1)
				}
			}
			ly.products.Pack()
		}
		if err := s.refresh(); err != nil {
			t.Fatal(err)
		}
		for l := range s.layers {
			ly := &s.layers[l]
			old := remember(ly)
			if err := s.UpdateW(l); err != nil {
				t.Fatal(err)
			}
			for i := range ly.net.W.Rows {
				checkRow(t, ly, old, i, p.Y.Weight)
			}
		}
	})
}

func checkRow(t *rapid.T, ly *layer, old before, i int, weight []float32) {
	t.Helper()
	a, z, b := old.in, old.Z, float64(old.B[i])
	wide := func(row []float32) []float64 {
		w := make([]float64, len(row))
		for j, x := range row {
			w[j] = float64(x)
		}
		return w
	}
	was, w := wide(old.W.Row(i)), wide(ly.net.W.Row(i))
	before, phi := rowPhi(a, z, i, was, b, weight), rowPhi(a, z, i, w, b, weight)
	// Sums of at most 40 float32 terms, of the size of the residuals and of WA.
	tolerance := 1e-5 * (before + rowPhi(a, z, i, make([]float64, len(w)), b, weight) + rowPhi(a, mat.New(z.Rows, z.Cols), i, w, 0, weight))
	if phi > before+tolerance {
		t.Errorf("row %d: φ rose from %g to %g", i, before, phi)
	}
	sign := make([]float64, len(w))
	for j, x := range w {
		if math.Abs(x) != math.Abs(w[0]) {
			t.Errorf("row %d has the magnitudes %g and %g", i, w[0], x)
		}
		sign[j] = math.Copysign(1, x)
	}
	for j := range w {
		w[j] = -w[j]
		if other := rowPhi(a, z, i, w, b, weight); other < phi-tolerance {
			t.Errorf("row %d: the sign of entry %d changed gives φ = %g, less than %g", i, j, other, phi)
		}
		w[j] = -w[j]
	}
	size := bestSize(a, z, i, sign, b, weight)
	for j := range w {
		w[j] = size * sign[j]
	}
	if other := rowPhi(a, z, i, w, b, weight); other < phi-tolerance {
		t.Errorf("row %d: the magnitude %g gives φ = %g, less than %g", i, size, other, phi)
	}
}

// Where columns are orthogonal, and only there, single flips lead to the best of all
// signs: the W-step is the minimum over all 2^d of them.
func TestFlipsOfOrthogonalColumns(t *testing.T) {
	const d = 6
	p := testprob.Blobs(d, d, 3, 1)
	clear(p.X.Data)
	for i := range d {
		p.X.Set(i, i, 2)
	}
	s, err := New(binarySettings(), p, testprob.Network(p, []int{4}, activation.Tanh{}, dlam.He, 2))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ly, rng := &s.layers[0], testprob.Rng(3)
	for k := range ly.Z.Data {
		ly.Z.Data[k] = float32(rng.NormFloat64())
	}
	if err := s.refresh(); err != nil {
		t.Fatal(err)
	}
	if err := s.UpdateW(0); err != nil {
		t.Fatal(err)
	}
	for i := range ly.net.W.Rows {
		b, least := float64(ly.net.B[i]), math.Inf(1)
		w := make([]float64, d)
		for signs := range 1 << d {
			for j := range w {
				w[j] = float64(2*(signs>>j&1) - 1)
			}
			size := bestSize(p.X, ly.Z, i, w, b, nil)
			for j := range w {
				w[j] *= size
			}
			least = min(least, rowPhi(p.X, ly.Z, i, w, b, nil))
		}
		for j, x := range ly.net.W.Row(i) {
			w[j] = float64(x)
		}
		if got := rowPhi(p.X, ly.Z, i, w, b, nil); got > least*(1+1e-5) {
			t.Errorf("row %d: φ/ρ %g, the least of all signs is %g", i, got, least)
		}
	}
}

// Sums that overflow end the step, and the run with it, and are no search without end.
func TestFlipsOfNoNumbers(t *testing.T) {
	for _, bad := range []float32{float32(math.Inf(1)), float32(math.NaN())} {
		p := testprob.Blobs(30, 4, 3, 1)
		s, err := New(binarySettings(), p, testprob.Network(p, []int{4}, activation.Tanh{}, dlam.He, 1))
		if err != nil {
			t.Fatal(err)
		}
		s.layers[0].sums.g.Set(0, 1, bad)
		if err := s.UpdateW(0); !errors.Is(err, dlam.ErrDiverged) {
			t.Errorf("a gradient of %v: %v, want dlam.ErrDiverged", bad, err)
		}
		s.Close()
	}
}

func TestBinaryWeightsRefused(t *testing.T) {
	s := binarySettings()
	s.Momentum = true
	if s.Validate() == nil {
		t.Error("binary weights with momentum were accepted")
	}
	s = binarySettings()
	s.LineSearch = Backtracking
	if s.Validate() == nil {
		t.Error("binary weights with backtracking were accepted")
	}
	p := testprob.Blobs(30, 4, 3, 1)
	p.Regularizer = prox.L2{Lambda: 1}
	if b, err := New(binarySettings(), p, testprob.Network(p, []int{4}, activation.Tanh{}, dlam.He, 1)); err == nil {
		b.Close()
		t.Error("binary weights with a regulariser were accepted")
	}
}
