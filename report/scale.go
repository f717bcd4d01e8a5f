package report

import (
	"math"
	"strconv"
	"strings"
)

// scale maps values from lo to hi onto pixels from a to b.
type scale struct {
	lo, hi float64
	log    bool
	a, b   float64
}

// newScale covers the values, widened to where its ticks are.
func newScale(values []float64, ax Axis, a, b float64) scale {
	s := scale{lo: math.Inf(1), hi: math.Inf(-1), log: ax.Log, a: a, b: b}
	for _, v := range values {
		if s.shows(v) {
			s.lo, s.hi = math.Min(s.lo, v), math.Max(s.hi, v)
		}
	}
	if s.lo > s.hi { // nothing to show
		s.lo, s.hi = 1, 10
	}
	if s.log {
		s.padLog()
	} else if s.lo == s.hi {
		s.lo, s.hi = s.lo-0.5, s.hi+0.5
	}
	return s
}

// padLog leaves room, and shows at least a factor of two.
func (s *scale) padLog() {
	f := math.Pow(s.hi/s.lo, 0.05)
	if s.hi/s.lo < 2 {
		f = 1.5
	}
	s.lo, s.hi = s.lo/f, s.hi*f
}

// padLinear leaves room above and below, but not across zero.
func (s *scale) padLinear() {
	pad := 0.05 * (s.hi - s.lo)
	if s.lo >= 0 {
		s.lo = math.Max(0, s.lo-pad)
	} else {
		s.lo -= pad
	}
	s.hi += pad
}

// shows reports whether v has a place on the scale.
func (s scale) shows(v float64) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (!s.log || v > 0)
}

func (s scale) at(v float64) float64 {
	lo, hi := s.lo, s.hi
	if s.log {
		lo, hi, v = math.Log(lo), math.Log(hi), math.Log(v)
	}
	return s.a + (s.b-s.a)*(v-lo)/(hi-lo)
}

// ticks are round values on the scale, about n of them.
func (s scale) ticks(n int) []float64 {
	if s.log {
		return s.logTicks(n)
	}
	return linearTicks(s.lo, s.hi, n)
}

func linearTicks(lo, hi float64, n int) []float64 {
	raw := (hi - lo) / float64(n)
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*step >= raw {
			step *= m
			break
		}
	}
	var t []float64
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+1e-9*step; k++ {
		t = append(t, k*step)
	}
	return t
}

func (s scale) logTicks(n int) []float64 {
	first, last := math.Floor(math.Log10(s.lo)), math.Ceil(math.Log10(s.hi))
	every := math.Max(1, math.Ceil((last-first)/float64(n)))
	mantissas := []float64{1}
	switch spread := math.Log10(s.hi / s.lo); {
	case spread < 0.6:
		return linearTicks(s.lo, s.hi, n)
	case spread < 1.2:
		mantissas = []float64{1, 2, 3, 5, 7}
	case spread < 2.2:
		mantissas = []float64{1, 2, 5}
	}
	var t []float64
	for e := first; e <= last; e++ {
		if math.Mod(e, every) != 0 {
			continue
		}
		for _, m := range mantissas {
			if v := m * math.Pow(10, e); v >= s.lo && v <= s.hi {
				t = append(t, v)
			}
		}
	}
	return t
}

var superscripts = strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³",
	"4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

// tickLabel writes v as a tick's label: 0.25, 40, 2·10⁶.
func tickLabel(v float64) string {
	if v == 0 {
		return "0"
	}
	if m := math.Abs(v); m >= 1e-3 && m < 1e5 {
		return strconv.FormatFloat(round(v), 'g', -1, 64)
	}
	e := int(math.Floor(math.Log10(math.Abs(v)) + 1e-9))
	power := "10" + superscripts.Replace(strconv.Itoa(e))
	if m := round(v / math.Pow(10, float64(e))); m != 1 {
		return strconv.FormatFloat(m, 'g', 3, 64) + "·" + power
	}
	return power
}

// round drops the noise of binary arithmetic from a tick.
func round(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 10, 64), 64)
	if err != nil {
		return v
	}
	return r
}
