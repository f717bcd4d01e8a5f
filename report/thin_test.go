package report

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestThin holds that a thinned series has its ends, its extremes and its order, and
// few points.
func TestThin(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, maxPoints, maxPoints + 1, 2345, 100_000} {
		var s Series
		for i := range n {
			s.X, s.Y = append(s.X, float64(i)), append(s.Y, rng.NormFloat64())
		}
		got := s.thin(maxPoints)
		if n <= maxPoints {
			if !slices.Equal(got.Y, s.Y) {
				t.Errorf("%d points were changed", n)
			}
			continue
		}
		if len(got.X) != len(got.Y) || len(got.X) > maxPoints || len(got.X) < maxPoints/2 || !slices.IsSorted(got.X) || got.X[0] != 0 || got.X[len(got.X)-1] != float64(n-1) {
			t.Errorf("%d points: got %d from %g to %g", n, len(got.X), got.X[0], got.X[len(got.X)-1])
		}
		if slices.Min(got.Y) != slices.Min(s.Y) || slices.Max(got.Y) != slices.Max(s.Y) {
			t.Errorf("%d points: the extremes are not there", n)
		}
		for i, x := range got.X {
			if got.Y[i] != s.Y[int(x)] {
				t.Fatalf("%d points: point %d is not one of the series", n, i)
			}
		}
	}
}

// TestDrawn holds that layers are shown at even distances, each once.
func TestDrawn(t *testing.T) {
	for _, n := range []int{0, 1, maxSeries, maxSeries + 1, 1000} {
		got := drawn(n)
		if len(got) != min(n, maxSeries) || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) || n > 0 && (got[0] != 0 || got[len(got)-1] != n-1) {
			t.Errorf("of %d: got %v", n, got)
		}
	}
}
