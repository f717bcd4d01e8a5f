package report

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTicks(t *testing.T) {
	labels := func(lo, hi float64, log bool) []string {
		var s []string
		for _, v := range (scale{lo: lo, hi: hi, log: log}).ticks(6) {
			s = append(s, tickLabel(v))
		}
		return s
	}
	for _, c := range []struct {
		lo, hi float64
		log    bool
		want   []string
	}{
		{0, 1, false, []string{"0", "0.2", "0.4", "0.6", "0.8", "1"}},
		{1, 150, false, []string{"50", "100", "150"}},
		{-0.3, 0.3, false, []string{"-0.3", "-0.2", "-0.1", "0", "0.1", "0.2", "0.3"}},
		{0.9, 110, true, []string{"1", "2", "5", "10", "20", "50", "100"}},
		{1.8, 9, true, []string{"2", "3", "5", "7"}},
		{1e-8, 10, true, []string{"10⁻⁸", "10⁻⁶", "10⁻⁴", "0.01", "1"}},
		{2e6, 7e6, true, []string{"2·10⁶", "3·10⁶", "4·10⁶", "5·10⁶", "6·10⁶", "7·10⁶"}},
	} {
		if d := cmp.Diff(c.want, labels(c.lo, c.hi, c.log)); d != "" {
			t.Errorf("%g to %g, log %v: %s", c.lo, c.hi, c.log, d)
		}
	}
}

// TestSpread holds that labels keep a line's distance and stay inside.
func TestSpread(t *testing.T) {
	ys := []float64{10, 11, 12, 90, 99, 100}
	spread(ys, 0, 100)
	for i, y := range ys {
		if y < 0 || y > 100 || i > 0 && y-ys[i-1] < lineHeight-1e-9 {
			t.Errorf("got %v, want steps of at least %d within 0 to 100", ys, lineHeight)
		}
	}
}

func TestHistogram(t *testing.T) {
	h := newHistogram([][]float32{{-1, 0.5}, {2, 2}})
	total := 0.0
	for i, c := range h.counts {
		total += c
		if i > 0 && h.limits[i] <= h.limits[i-1] {
			t.Errorf("limit %d: %g after %g", i, h.limits[i], h.limits[i-1])
		}
	}
	if total != 4 || h.n != 4 || h.min != -1 || h.max != 2 || h.sum != 3.5 || h.squares != 9.25 || h.counts[buckets-1] != 2 {
		t.Errorf("got %+v", h)
	}
	if one := newHistogram([][]float32{{3, 3}}); one.counts[0] != 2 || !(one.limits[0] > 3) || math.IsInf(one.limits[0], 0) {
		t.Errorf("equal values: got %+v", one)
	}
}

// TestStylesDiffer holds that of 24 curves those of one colour have other dashes and other
// markers.
func TestStylesDiffer(t *testing.T) {
	for i := range 24 {
		for j := range i {
			if styleOf(i) == styleOf(j) && (dashNumber(i) == dashNumber(j) || markerOf(i) == markerOf(j)) {
				t.Errorf("series %d and %d have one colour, dashes %d and %d, markers %d and %d", j, i, dashNumber(j), dashNumber(i), markerOf(j), markerOf(i))
			}
		}
	}
}
