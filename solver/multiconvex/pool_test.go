package multiconvex

import (
	"math"
	"slices"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
)

// nearest is the point of a window's set that is nearest to v, and its winner, by brute
// force: of each box, all at most hi and one place at least lo, the nearest, and of these
// the nearest. With sticky 0 or more it is that of this place's box alone.
func nearest(v []float64, lo, hi float64, sticky int) (z []float64, winner int) {
	least := math.Inf(1)
	for k := range v {
		if sticky >= 0 && k != sticky {
			continue
		}
		p := make([]float64, len(v))
		for i, x := range v {
			p[i] = math.Min(x, hi)
		}
		p[k] = math.Max(p[k], lo)
		if d := distance(p, v); d < least {
			z, winner, least = p, k, d
		}
	}
	return z, winner
}

func distance(x, y []float64) (d float64) {
	for i := range x {
		d += sq(x[i] - y[i])
	}
	return d
}

// TestStickyWinner: in random windows a z-step stays in the window's set, falls by the
// square of its move, eq. 12, and is the nearest point of all boxes, or of the old winner's
// where that one falls too little; which happens.
func TestStickyWinner(t *testing.T) {
	rng := testprob.Rng(1)
	const windows = 38400
	var kept, changed int
	for range windows {
		n := 4
		if rng.IntN(4) == 0 {
			n = 9
		}
		hi := rng.NormFloat64()
		lo := hi - 2*rng.Float64()
		switch rng.IntN(4) {
		case 0:
			lo = math.Inf(-1)
		case 1:
			hi = math.Inf(1)
		}
		narrow := func(x float64) float64 { return float64(float32(x)) }
		lo, hi = narrow(lo), narrow(hi)
		old, v, offsets := make([]float64, n), make([]float64, n), make([]int, n)
		w := window{make([]float32, 2*n), make([]float32, 2*n), make([]float32, 2*n), offsets}
		for k := range n {
			offsets[k] = 2 * k
			old[k] = narrow(math.Min(rng.NormFloat64(), hi))
			v[k] = narrow(rng.NormFloat64())
		}
		old[rng.IntN(n)] = math.Max(slices.Max(old), math.Max(lo, math.Min(0, hi)))
		for k := range n {
			w.old[2*k], w.v[2*k] = float32(old[k]), float32(v[k])
		}
		w.project(float32(lo), float32(hi))
		got := make([]float64, n)
		for k := range n {
			got[k] = float64(w.z[2*k])
		}

		most := slices.Max(old)
		want, _ := nearest(v, lo, hi, slices.Index(old, most))
		free, winner := nearest(v, lo, hi, -1)
		falls := func(z []float64) bool { return distance(v, old)-distance(v, z) >= distance(z, old)-1e-12 }
		switch {
		case distance(free, v) == distance(want, v): // nothing to gain
		case falls(free):
			want = free
			changed++
		default:
			kept++
		}
		if !slices.Equal(got, want) {
			t.Fatalf("old %v, V %v, in [%v, %v]: got %v, want %v (nearest %v, by place %d)", old, v, lo, hi, got, want, free, winner)
		}
		if !falls(got) || slices.Max(got) < lo || slices.Max(got) > hi {
			t.Fatalf("old %v, V %v, in [%v, %v]: %v", old, v, lo, hi, got)
		}
	}
	t.Logf("of %d windows %d keep their winner, since the nearest point breaks eq. 12, and %d change it", windows, kept, changed)
	if kept < windows/100 || changed < windows/100 {
		t.Errorf("%d windows keep their winner and %d change it, want both often", kept, changed)
	}
}

// TestUpdateZPooled: the z-step of a layer with max pooling, seen from outside: z's largest
// of each window is in the band, and φ falls by the square of the move in each window; what
// no window takes goes to V.
func TestUpdateZPooled(t *testing.T) {
	for seed, h := range activation.All {
		p := testprob.Blobs(9, 128, 3, uint64(seed))
		set := DefaultSettings()
		set.Rho, set.Epsilon, set.EpsilonRule = 0.1, 0.05, Fixed
		s, err := New(set, p, testprob.Pooled(3, h, uint64(seed)))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		rng := testprob.Rng(uint64(seed))
		ly := &s.layers[0]
		for range 3 {
			noise := ly.net.W.Clone()
			testprob.Normal(noise, 0.3, rng)
			for i, x := range noise.Data {
				ly.net.W.Data[i] += x
			}
			ly.products.Pack()
			if err := s.refresh(); err != nil {
				t.Fatal(err)
			}
			old, a := ly.Z.Clone(), ly.A.Clone()
			if err := s.updateZA(ly); err != nil {
				t.Fatal(err)
			}
			v := affine(ly.net.Rows(ly.in, ly.A), ly.net.W, ly.net.B)
			places, taken := len(v)/ly.Z.Rows, 0
			for i := range a.Rows {
				for j := range a.Row(i) {
					y, x, c := j/8/4, j/8%4, j%8 // windows of 2×2 of 8×8 places, 8 channels
					largest := math.Inf(-1)
					var before, after, move, size float64
					for k := range 4 {
						place := (2*y+k/2)*8 + 2*x + k%2
						z0, z1, to := float64(old.At(i, place*8+c)), float64(ly.Z.At(i, place*8+c)), v[i*places+place][c]
						before, after, move = before+sq(to-z0), after+sq(to-z1), move+sq(z1-z0)
						size += sq(to) + sq(z0)
						largest = math.Max(largest, z1)
						taken++
					}
					if off := math.Abs(hard(h, largest)-float64(a.At(i, j))) - s.epsilon; off > activation.BandTolerance*(2+s.epsilon) {
						t.Fatalf("%v: sample %d, window %d: %g out of the band", h.Spec(), i, j, off)
					}
					if before-after < move-resid*size {
						t.Fatalf("%v: sample %d, window %d: φ falls by %g, the move's square is %g", h.Spec(), i, j, before-after, move)
					}
				}
			}
			if taken != len(ly.Z.Elements()) {
				t.Fatalf("%d of %d places seen", taken, len(ly.Z.Elements()))
			}
		}
	}
}
