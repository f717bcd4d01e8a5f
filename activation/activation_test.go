package activation_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/fixedseed"
	"github.com/dlam-go/dlam/internal/variants"
	"pgregory.net/rapid"
)

// naive is each h in float64, written down from its definition.
func naive(h activation.Func, z float64) float64 {
	switch h := h.(type) {
	case activation.ReLU:
		return math.Max(z, 0)
	case activation.LeakyReLU:
		if z < 0 {
			return float64(h.Slope) * z
		}
		return z
	case activation.Tanh:
		return math.Tanh(z)
	case activation.Sigmoid:
		return 1 / (1 + math.Exp(-z))
	case activation.HardTanh:
		return math.Max(-1, math.Min(1, z))
	case activation.Identity:
		return z
	case activation.Sign:
		if z < 0 {
			return -1
		}
		return 1
	}
	panic("naive, in activation_test.go, has no form of " + h.Spec().String())
}

func apply(h activation.Func, z float32) float32 {
	x := []float32{z}
	h.Apply(x, x)
	return x[0]
}

func project(h activation.Func, v, a, eps float32) float32 {
	dst := make([]float32, 1)
	h.(activation.Monotone).ProjectBand(dst, []float32{v}, []float32{a}, eps)
	return dst[0]
}

// each runs check as a property of every activation, with its usual parameters and
// with others.
func each(t *testing.T, check func(t *rapid.T, h activation.Func)) {
	for _, h := range variants.Of(activation.All) {
		t.Run(h.Spec().String(), func(t *testing.T) {
			fixedseed.Check(t, func(t *rapid.T) { check(t, h) })
		})
	}
}

// drawPoint is a z of any size: near 0, where h saturates, and far beyond.
func drawPoint(t *rapid.T, name string) float32 {
	size := float32(math.Pow(10, rapid.Float64Range(-3, 4).Draw(t, "log10 "+name)))
	return size * rapid.Float32Range(-1, 1).Draw(t, name)
}

func TestApply(t *testing.T) {
	each(t, func(t *rapid.T, h activation.Func) {
		z := drawPoint(t, "z")
		got, want := float64(apply(h, z)), naive(h, float64(z))
		if math.Abs(got-want) > 0x1p-23*math.Abs(want)+0x1p-149 { // the last term is of subnormals
			t.Fatalf("h(%g) = %g, want %g", z, got, want)
		}
	})
}

// Assumption 1 of the paper has h quasilinear, which in one dimension is
// monotone.
func TestMonotone(t *testing.T) {
	each(t, func(t *rapid.T, h activation.Func) {
		if _, ok := h.(activation.Monotone); !ok {
			return
		}
		z := make([]float32, 50)
		for i := range z {
			z[i] = drawPoint(t, "z")
		}
		sort.Slice(z, func(i, j int) bool { return z[i] < z[j] })
		y := make([]float32, len(z))
		h.Apply(y, z)
		for i := 1; i < len(y); i++ {
			if y[i] < y[i-1] {
				t.Fatalf("h(%g) = %g > h(%g) = %g", z[i-1], y[i-1], z[i], y[i])
			}
		}
	})
}

// drawBand is v, and an a that some z has in its band, as in the algorithm: at
// the band's ends, where rounding bites, in half the cases.
func drawBand(t *rapid.T, h activation.Func) (v, a, eps, z0 float32) {
	v, z0 = drawPoint(t, "v"), drawPoint(t, "z")
	eps = float32(math.Pow(10, rapid.Float64Range(-4, 1).Draw(t, "log10 eps")))
	at := rapid.OneOf(rapid.SampledFrom([]float32{-1, 0, 1}), rapid.Float32Range(-1, 1)).Draw(t, "place in the band")
	mid := apply(h, z0)
	return v, min(max(mid+at*eps, mid-eps), mid+eps), eps, z0
}

// excess is by how much z leaves the band, relative to 1 + |a| + ε.
func excess(h activation.Func, z, a, eps float32) float64 {
	x, e := float64(a), float64(eps)
	return (math.Abs(float64(apply(h, z))-x) - e) / (1 + math.Abs(x) + e)
}

// TestReach holds what nn.Network.Reach goes by: |h(z)| ≤ |z| + 1.
func TestReach(t *testing.T) {
	z := []float32{0, 1e-38, 1e-3, 0.5, 0.9, 1, 1.1, 2, 3, 10, 100, 1e10, 3e38}
	for _, h := range variants.Of(activation.All) {
		for _, sign := range []float32{1, -1} {
			for _, x := range z {
				y := make([]float32, 1)
				h.Apply(y, []float32{sign * x})
				if got, most := math.Abs(float64(y[0])), float64(x)+1; !(got <= most) {
					t.Errorf("%v: h(%g) is %g", h.Spec(), sign*x, y[0])
				}
			}
		}
	}
}

// TestProjectBand restates eq. 4: z is the point nearest to v of those with
// h(z) − ε ≤ a ≤ h(z) + ε. It is in the band, up to BandTolerance, and no
// point of a grid, refined at the band's edge, is in the band and nearer to v.
func TestProjectBand(t *testing.T) {
	each(t, func(t *rapid.T, h activation.Func) {
		if _, ok := h.(activation.Monotone); !ok {
			return
		}
		v, a, eps, z0 := drawBand(t, h)
		got := project(h, v, a, eps)
		if x := excess(h, got, a, eps); !(x <= activation.BandTolerance) {
			t.Fatalf("v = %g, a = %g, ε = %g: h(%g) = %g leaves the band by %g", v, a, eps, got, apply(h, got), x)
		}
		best := nearest(h, float64(v), float64(a), float64(eps), float64(z0))
		far := math.Abs(float64(got) - float64(v))
		// Sign's 0⁻ is the largest normal number below 0.
		if tol := 4*0x1p-24*(math.Abs(best)+math.Abs(float64(v))) + 0x1p-126; far > math.Abs(best-float64(v))+tol {
			t.Fatalf("v = %g, a = %g, ε = %g: got %g, but %g is in the band and nearer", v, a, eps, got, best)
		}
	})
}

// nearest is the point nearest to v whose h, in float64, is strictly in the
// band, by brute force; z0 is in it but for rounding.
func nearest(h activation.Func, v, a, eps, z0 float64) float64 {
	const inside = 1e-6 // of float32's rounding of a and h
	in := func(z float64) bool {
		return math.Abs(naive(h, z)-a) <= eps-inside*(1+math.Abs(a)+eps)
	}
	if in(v) {
		return v
	}
	best := math.Inf(1)
	try := func(z float64) {
		if in(z) && math.Abs(z-v) < math.Abs(best-v) {
			best = z
		}
	}
	for _, c := range []float64{v, z0, 0} {
		for k := range 400 {
			d := math.Pow(10, -4+float64(k)/50)
			try(c + d)
			try(c - d)
		}
	}
	lo, hi := v, best // out of the band, and in it
	for range 100 {
		if math.IsInf(best, 0) {
			break
		}
		if mid := (lo + hi) / 2; in(mid) {
			hi, best = mid, mid
		} else {
			lo = mid
		}
	}
	return best
}

// Where the band holds a whole saturated end, that end is open to ±∞.
func TestSaturatedEnds(t *testing.T) {
	for _, c := range []struct {
		h         activation.Func
		v, a, eps float32
	}{
		{activation.ReLU{}, -1e6, 0.1, 0.2},
		{activation.Tanh{}, -1e6, -0.9, 0.2}, {activation.Tanh{}, 1e6, 0.9, 0.2},
		{activation.Sigmoid{}, -1e6, 0.1, 0.2}, {activation.Sigmoid{}, 1e6, 0.9, 0.2},
		{activation.HardTanh{}, -1e6, -0.9, 0.2}, {activation.HardTanh{}, 1e6, 0.9, 0.2},
		{activation.Sign{}, -1e6, -0.9, 0.2}, {activation.Sign{}, 1e6, 0.9, 0.2},
		{activation.Sign{}, 1e6, 0, 2}, {activation.Sign{}, -1e6, 0, 2},
	} {
		if got := project(c.h, c.v, c.a, c.eps); got != c.v {
			t.Errorf("%v: a = %g, ε = %g: %g moved to %g", c.h, c.a, c.eps, c.v, got)
		}
	}
}

// The far side of a saturated end stays bounded: a = 1 + ε allows only z with
// h(z) = 1, to rounding.
func TestOnlySaturatedPoints(t *testing.T) {
	for _, h := range []activation.Func{activation.Tanh{}, activation.Sigmoid{}, activation.HardTanh{}, activation.Sign{}} {
		for _, eps := range []float32{1e-4, 0.1, 0.3, 1, 10} {
			bottom, top := apply(h, -1e6), apply(h, 1e6)
			for _, c := range [][2]float32{{-0.5, top + eps}, {0.5, bottom - eps}} {
				z := project(h, c[0], c[1], eps)
				if x := excess(h, z, c[1], eps); !(x <= activation.BandTolerance) {
					t.Errorf("%v: v = %g, a = %g, ε = %g: h(%g) leaves the band by %g", h, c[0], c[1], eps, z, x)
				}
			}
		}
	}
}

// TestMulDeriv holds the derivative against central differences of the naive
// form, away from kinks.
func TestMulDeriv(t *testing.T) {
	each(t, func(t *rapid.T, h activation.Func) {
		d, ok := h.(activation.Differentiable)
		if !ok {
			return
		}
		z, g := drawPoint(t, "z"), rapid.Float32Range(-3, 3).Draw(t, "g")
		step := 1e-5 * (1 + math.Abs(float64(z)))
		for _, kink := range []float64{-1, 0, 1} {
			if math.Abs(float64(z)-kink) <= step {
				return
			}
		}
		dst := []float32{0}
		d.MulDeriv(dst, []float32{g}, []float32{z})
		want := float64(g) * (naive(h, float64(z)+step) - naive(h, float64(z)-step)) / (2 * step)
		if math.Abs(float64(dst[0])-want) > 1e-6*math.Abs(float64(g))+1e-9 {
			t.Fatalf("g·h'(%g) = %g, differences give %g", z, dst[0], want)
		}
	})
}

// At kinks the derivative is the right one's lower neighbour, 0 for ReLU.
func TestMulDerivAtKinks(t *testing.T) {
	for _, c := range []struct {
		h    activation.Differentiable
		z, d float32
	}{
		{activation.ReLU{}, 0, 0}, {activation.LeakyReLU{Slope: 0.01}, 0, 0.01},
		{activation.HardTanh{}, -1, 0}, {activation.HardTanh{}, 1, 0},
	} {
		dst := []float32{9}
		c.h.MulDeriv(dst, []float32{1}, []float32{c.z})
		if dst[0] != c.d {
			t.Errorf("%v: h'(%g) = %g, want %g", c.h, c.z, dst[0], c.d)
		}
	}
}

// TestAliasing: dst may be any other argument.
func TestAliasing(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	draw := func() []float32 {
		x := make([]float32, 37)
		for i := range x {
			x[i] = float32(2 * rng.NormFloat64())
		}
		return x
	}
	clone := func(x []float32) []float32 { return append([]float32(nil), x...) }
	for _, h := range activation.All {
		z, v := draw(), draw()
		want, got := make([]float32, len(z)), clone(z)
		h.Apply(want, z)
		h.Apply(got, got)
		equal(t, h, "Apply in place", got, want)
		if m, ok := h.(activation.Monotone); ok {
			a := clone(want)
			m.ProjectBand(want, v, a, 0.3)
			got = clone(v)
			m.ProjectBand(got, got, a, 0.3)
			equal(t, h, "ProjectBand into v", got, want)
			got = clone(a)
			m.ProjectBand(got, v, got, 0.3)
			equal(t, h, "ProjectBand into a", got, want)
		}
		if d, ok := h.(activation.Differentiable); ok {
			d.MulDeriv(want, v, z)
			got = clone(v)
			d.MulDeriv(got, got, z)
			equal(t, h, "MulDeriv into g", got, want)
			got = clone(z)
			d.MulDeriv(got, v, got)
			equal(t, h, "MulDeriv into z", got, want)
		}
	}
}

func equal(t *testing.T, h activation.Func, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v: %s: entry %d is %g, want %g", h, what, i, got[i], want[i])
			return
		}
	}
}

func TestParse(t *testing.T) {
	for _, h := range activation.All {
		if got, err := activation.Parse(h.Spec().String()); err != nil || got != h {
			t.Errorf("Parse(%q) = %v, %v", h.Spec(), got, err)
		}
		if got, err := activation.Parse(h.Spec().Kind); err != nil || got != h {
			t.Errorf("Parse(%q) = %v, %v", h.Spec().Kind, got, err)
		}
	}
	if got, err := activation.Parse("leaky-relu:slope=0.5"); err != nil || got != activation.Func(activation.LeakyReLU{Slope: 0.5}) {
		t.Errorf("got %v, %v", got, err)
	}
	for text, want := range map[string]string{
		"gelu": "choose one of relu, leaky-relu, tanh", "relu:slope=1": `unknown parameter "slope"`, "leaky-relu:slope=0": "slope: got 0, want 0 < slope ≤ 1",
		"leaky-relu:slope=1.5": "slope: got 1.5", "leaky-relu:slope=1e-50": "slope: got 0", "relu,tanh": "kind: got",
	} {
		if _, err := activation.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	list, err := activation.ParseList("leaky-relu:slope=0.5,tanh")
	if want := []activation.Func{activation.LeakyReLU{Slope: 0.5}, activation.Tanh{}}; err != nil || !slices.Equal(list, want) {
		t.Errorf("got %v, %v, want %v", list, err, want)
	}
	if _, err := activation.ParseList("tanh,gelu"); err == nil {
		t.Error("a list with an unknown activation was accepted")
	}
}

// TestGap: Φ(v) + Φ*(a) − av is nowhere below 0, and 0 where a = h(v) and where v = h⁻¹(a),
// which h brings back to a. With split's test of its derivative by v, that defines it.
func TestGap(t *testing.T) {
	each(t, func(t *rapid.T, h activation.Func) {
		c, ok := h.(activation.Conjugated)
		if !ok {
			return
		}
		gap := func(a, v float32) (value, size float64) {
			return c.Gap([]float32{a}, []float32{v}), 1 + math.Abs(float64(a)*float64(v)) + float64(a)*float64(a) + float64(v)*float64(v)
		}
		v := drawPoint(t, "v")
		a := apply(h, drawPoint(t, "a"))
		if got, size := gap(a, v); got < -1e-12*size {
			t.Fatalf("D(%g, %g) = %g", a, v, got)
		}
		if got, size := gap(apply(h, v), v); math.Abs(got) > 1e-7*size { // h(v) is rounded
			t.Fatalf("D(h(%g), %g) = %g", v, v, got)
		}
		u := []float32{a}
		c.Inverse(u, u)
		if got, size := gap(a, u[0]); math.Abs(got) > 1e-7*size {
			t.Fatalf("D(%g, h⁻¹) = %g", a, got)
		}
		if back := apply(h, u[0]); math.Abs(float64(back-a)) > 2e-7*(1+math.Abs(float64(a))) {
			t.Fatalf("h(h⁻¹(%g)) = %g", a, back)
		}
	})
}

// TestFitCurvature: the bound holds on a fine grid (as split's test has it at random points)
// and is no more than a thousandth above the largest that is found there, where a is in the
// range of h; and so of the slope.
func TestFitCurvature(t *testing.T) {
	for _, h := range activation.All {
		const step = 1e-3
		var slope, bend float64
		low, high := naive(h, -30), naive(h, 30)
		for z := -8.0; z < 8; z += step {
			up, at, down := naive(h, z+step), naive(h, z), naive(h, z-step)
			slope = max(slope, (up-down)/(2*step))
			for _, a := range []float64{low, high} {
				fit := func(y float64) float64 { return (a - y) * (a - y) / 2 }
				bend = max(bend, (fit(up)-2*fit(at)+fit(down))/(step*step))
			}
		}
		if c, ok := h.(activation.Conjugated); ok && math.Abs(slope-c.Steepest()) > 1e-3*slope {
			t.Errorf("%v: the slope is at most %g, said to be %g", h, slope, c.Steepest())
		}
		if f, ok := h.(activation.Fitted); ok {
			if _, linear := h.(activation.Identity); linear {
				low, high = -1, 1
			}
			if got := f.FitCurvature(low, high); math.Abs(got-bend) > 1e-3*bend {
				t.Errorf("%v: the fit bends by at most %g, said to be %g", h, bend, got)
			}
		}
	}
}
