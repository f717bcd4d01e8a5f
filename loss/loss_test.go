package loss

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/internal/fixedseed"
	"github.com/dlam-go/dlam/internal/variants"
	"github.com/dlam-go/dlam/mat"
	"pgregory.net/rapid"
)

// all are the losses of every kind, with their usual parameters and with others.
var all = append(variants.Of(All), CrossEntropy{Solver: FISTA})

// codes are the values that a loss compares outputs with.
func codes(l Loss, y Target, i int) []float32 {
	c := make([]float32, y.Width())
	if _, ok := l.(Hinge); ok {
		y.Code(c, i, -1, 1)
	} else {
		y.Code(c, i, 0, 1)
	}
	return c
}

// entry is R of one output x that is compared with y, from the definition of a loss
// that is a sum over outputs; nil for cross-entropy, which is none and has tests of
// its own.
func entry(tb testing.TB, l Loss) func(x, y float64) float64 {
	tb.Helper()
	switch l := l.(type) {
	case CrossEntropy:
		return nil
	case Squared:
		return func(x, y float64) float64 { return (x - y) * (x - y) / 2 }
	case Hinge:
		return func(x, y float64) float64 { return math.Max(0, 1-x*y) }
	case Huber:
		return func(x, y float64) float64 { return huber(l.Delta, x-y) }
	}
	tb.Fatalf("entry, in loss_test.go, has no form of %v", l.Spec())
	return nil
}

// TestValue holds the value of all but cross-entropy against its definition.
func TestValue(t *testing.T) {
	for _, l := range all {
		r := entry(t, l)
		if r == nil {
			continue
		}
		fixedseed.Check(t, func(t *rapid.T) {
			z, y := drawLogits(t, 3, 5), drawTarget(t, 3, 5)
			var want float64
			for i := range 3 {
				for j, c := range codes(l, y, i) {
					want += r(float64(z.At(i, j)), float64(c))
				}
			}
			if got := l.Value(z, y); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) { // float32 errors z − y
				t.Fatalf("%v: %g, want %g", l.Spec(), got, want)
			}
		})
	}
}

// TestSeparableProx holds the output step (eq. 5) of all but cross-entropy against
// a brute-force minimiser of R(x; y) + (ρ/2)(x − v)², entry by entry.
func TestSeparableProx(t *testing.T) {
	for _, l := range all {
		r := entry(t, l)
		proximal, ok := l.(Proximal)
		if r == nil || !ok {
			continue
		}
		t.Run(l.Spec().String(), func(t *testing.T) {
			fixedseed.Check(t, func(t *rapid.T) {
				rho, v := drawRho(t), drawLogits(t, 2, 70)
				y := Target{Class: []int32{0, 69}, Classes: 70}
				dst := drawLogits(t, 2, 70)
				if _, n := proximal.Prox(dst, v, y, rho); n != 0 {
					t.Fatalf("%d rows unmoved", n)
				}
				for i := range 2 {
					for j, c := range codes(l, y, i) {
						u := float64(v.At(i, j))
						f := func(x float64) float64 { return r(x, float64(c)) + rho/2*(x-u)*(x-u) }
						span := 2 + math.Min(1/rho, 1+math.Abs(u))
						best, got := golden(f, u-span, u+span), float64(dst.At(i, j))
						// Rounding x by d costs at most d times R's slope at a
						// kink, and half the curvature times d².
						d := unit32 * math.Abs(got)
						if tol := d + (1+rho)*d*d + 1e-13*f(best); f(got) > f(best)+tol {
							t.Fatalf("v = %g, y = %g, ρ = %g: %g at %g, %g at %g", u, c, rho, f(got), got, f(best), best)
						}
					}
				}
			})
		})
	}
}

// huber is H of an error, from its definition.
func huber(delta, r float64) float64 {
	if r = math.Abs(r); r <= delta {
		return r * r / 2
	}
	return delta * (r - delta/2)
}

// TestHuber holds the loss of values against its definition, and the quadratic
// of its curvature against what Curvature says of it: it is nowhere below the
// loss, and equal to it at the opposite error and where both errors are small.
func TestHuber(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		delta := math.Pow(10, rapid.Float64Range(-3, 3).Draw(t, "log10 delta"))
		l, error32 := Huber{Delta: delta}, rapid.Float32Range(-4, 4).Draw(t, "error over delta")*float32(delta)
		y := Target{Value: mat.FromSlice(1, 1, []float32{rapid.Float32Range(-3, 3).Draw(t, "y")})}
		z := mat.FromSlice(1, 1, []float32{y.Value.At(0, 0) + error32})
		r := float64(z.At(0, 0)) - float64(y.Value.At(0, 0))
		tol := 1e-12 * (1 + r*r + delta*delta)
		if got := l.Value(z, y); math.Abs(got-huber(delta, r)) > tol {
			t.Fatalf("H(%g) = %g, want %g", r, got, huber(delta, r))
		}
		d := mat.FromSlice(1, 1, []float32{1})
		slope, curvature := math.Max(-delta, math.Min(r, delta)), l.Curvature(z, d, y)
		quadratic := func(move float64) float64 { return huber(delta, r) + slope*move + curvature*move*move/2 }
		move := delta * rapid.Float64Range(-10, 10).Draw(t, "move over delta")
		tol = 1e-12 * (1 + r*r + delta*delta + move*move)
		if got := quadratic(move); got < huber(delta, r+move)-tol {
			t.Fatalf("r = %g, δ = %g: the quadratic is %g at %g, below H = %g", r, delta, got, r+move, huber(delta, r+move))
		}
		equal := []float64{-2 * r}
		if math.Abs(r) <= delta && math.Abs(r+move) <= delta {
			equal = append(equal, move)
		}
		for _, move := range equal {
			if got, want := quadratic(move), huber(delta, r+move); math.Abs(got-want) > 1e-12*(1+r*r+delta*delta) {
				t.Fatalf("r = %g, δ = %g: the quadratic is %g at %g, H %g", r, delta, got, r+move, want)
			}
		}
	})
}

// grid draws multiples of 2⁻¹⁰, so that steps of 2⁻⁷ times multiples of 2⁻³
// are exact in float32.
func grid(rows, cols int, scale float64, rng *rand.Rand) mat.Dense {
	m := mat.New(rows, cols)
	for i := range m.Data {
		m.Data[i] = float32(math.Round(scale*rng.NormFloat64()*1024) / 1024)
	}
	return m
}

const step = 0x1p-7

// TestGradients holds Grad against differences of Value: by convexity it lies between
// those down and up, and where Value is smooth it is the central one. It is taken to be
// smooth where central differences with two steps agree and the slope hardly changes.
func TestGradients(t *testing.T) {
	for _, l := range all {
		points, smooth := 0, 0
		fixedseed.Check(t, func(t *rapid.T) {
			y := drawTarget(t, 3, 5)
			z := grid(3, 5, 3, drawRng(t))
			g := mat.New(3, 5)
			points += 3 * 5
			l.Grad(g, z, y)
			at := func(i, j int, move float32) float64 {
				moved := z.Clone()
				moved.Set(i, j, z.At(i, j)+move)
				return l.Value(moved, y)
			}
			for i := range 3 {
				for j := range 5 {
					up, here, down := at(i, j, step), at(i, j, 0), at(i, j, -step)
					got, below, above := float64(g.At(i, j)), (here-down)/step, (up-here)/step
					if got < below-1e-5 || got > above+1e-5 { // float32 errors z − y
						t.Fatalf("%v: ∂%d,%d = %g, differences are %g below and %g above", l, i, j, got, below, above)
					}
					want := (at(i, j, step/4) - at(i, j, -step/4)) / (step / 2)
					// The third derivative of logsumexp is below 0.1, the second of all below 1.
					if math.Abs((below+above)/2-want) > 3e-6 || above-below > 2*step {
						continue
					}
					smooth++
					if math.Abs(got-want) > 1e-5 {
						t.Fatalf("%v: ∂%d,%d = %g, differences give %g", l, i, j, got, want)
					}
				}
			}
		})
		if 3*smooth < points {
			t.Errorf("%v: smooth at %d of %d points, too few to test", l, smooth, points)
		}
	}
}

// TestCurvature holds Curvature against second differences of Value along a
// direction, and Hinge's surrogate against those of the squared hinge. Huber's
// surrogate is TestHuber's.
func TestCurvature(t *testing.T) {
	for _, l := range all {
		_, isHuber := l.(Huber)
		curved, ok := l.(Curved)
		if !ok || isHuber {
			continue
		}
		fixedseed.Check(t, func(t *rapid.T) {
			y := drawTarget(t, 3, 5)
			rng := drawRng(t)
			z, d := grid(3, 5, 3, rng), mat.New(3, 5)
			for i := range d.Data {
				d.Data[i] = float32(rng.IntN(17)-8) / 8
			}
			value := l.Value
			if _, ok := l.(Hinge); ok {
				y = Target{Class: []int32{0, 3, 4}, Classes: 5} // codes are ±1
				value = func(z mat.Dense, y Target) float64 { return squaredHinge(l, z, y) }
				for i := range z.Rows {
					for j, c := range codes(l, y, i) {
						if math.Abs(1-float64(c*z.At(i, j))) <= step {
							z.Set(i, j, 0.5*z.At(i, j)) // off the kink
						}
					}
				}
			}
			at := func(k float32) float64 {
				m := z.Clone()
				for i := range m.Data {
					m.Data[i] += k * step * d.Data[i]
				}
				return value(m, y)
			}
			want := (at(1) - 2*at(0) + at(-1)) / (step * step)
			// Fourth derivatives are below ‖d‖⁴ ≤ 225; ×h²/12.
			if got := curved.Curvature(z, d, y); math.Abs(got-want) > 1.5e-3 {
				t.Fatalf("%v: curvature %g, differences give %g", l, got, want)
			}
		})
	}
}

func squaredHinge(l Loss, z mat.Dense, y Target) float64 {
	var s float64
	for i := range z.Rows {
		for j, c := range codes(l, y, i) {
			h := math.Max(0, 1-float64(c)*float64(z.At(i, j)))
			s += h * h / 2
		}
	}
	return s
}

// TestAliasing: dst of Grad and Probabilities may be z; views of a wider matrix
// give what compact matrices do, and nothing around them changes.
func TestAliasing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, l := range all {
		wide := grid(4, 9, 3, rng)
		view := mat.Dense{Rows: 4, Cols: 5, Stride: 9, Data: wide.Data[2:]}
		z := view.Clone()
		y := Target{Class: []int32{0, 1, 2, 4}, Classes: 5, Smoothing: 0.1}
		want := mat.New(4, 5)
		before := wide.Clone()
		l.Grad(want, z, y)
		l.Grad(view, view, y)
		equal(t, l, view, want)
		for i := range 4 {
			for j := range 9 {
				if (j < 2 || j > 6) && wide.At(i, j) != before.At(i, j) {
					t.Errorf("%v: Grad wrote beside its view, at %d,%d", l, i, j)
				}
			}
		}
		if p, ok := l.(Probabilistic); ok {
			p.Probabilities(want, z)
			p.Probabilities(z, z)
			equal(t, l, z, want)
		}
	}
}

func equal(t *testing.T, l Loss, got, want mat.Dense) {
	t.Helper()
	for i := range want.Rows {
		for j, w := range want.Row(i) {
			if g := got.At(i, j); g != w {
				t.Errorf("%v: [%d,%d] is %g, want %g", l, i, j, g, w)
			}
		}
	}
}

// Sums over samples add up: a target's rows can be taken apart.
func TestRowRange(t *testing.T) {
	for _, l := range all {
		fixedseed.Check(t, func(t *rapid.T) {
			z, y := drawLogits(t, 6, 4), drawTarget(t, 6, 4)
			whole := l.Value(z, y)
			parts := l.Value(z.RowRange(0, 2), y.RowRange(0, 2)) + l.Value(z.RowRange(2, 6), y.RowRange(2, 6))
			if math.Abs(whole-parts) > 1e-12*(1+math.Abs(whole)) {
				t.Fatalf("%v: %g in one, %g in parts", l, whole, parts)
			}
			if r := y.RowRange(2, 6); r.Rows() != 4 || r.Width() != 4 {
				t.Fatalf("%d×%d target from rows 2 to 5 of 4 outputs", r.Rows(), r.Width())
			}
		})
	}
}

func TestTargetValidate(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		y    Target
		want string
	}{
		{Target{Class: []int32{0, 2}, Classes: 3}, ""},
		{Target{Value: mat.New(2, 1)}, ""},
		{Target{Class: []int32{0, 3}, Classes: 3}, "class of sample 1: got 3, want 0 to 2"},
		{Target{Class: []int32{-1}, Classes: 3}, "class of sample 0: got -1, want 0 to 2"},
		{Target{Class: []int32{0}, Classes: 2, Smoothing: 1}, "label smoothing: got 1"},
		{Target{Class: []int32{0}, Classes: 2, Smoothing: -0.5}, "label smoothing: got -0.5"},
		{Target{Class: []int32{0}, Classes: 2, Smoothing: nan}, "label smoothing: got NaN"},
		{Target{Value: mat.New(2, 1), Weight: []float32{0.5, 3}}, ""},
		{Target{Value: mat.New(2, 1), Weight: []float32{1}}, "weights: got 1 for 2 samples"},
		{Target{Value: mat.New(2, 1), Weight: []float32{1, 0}}, "weight of sample 1: got 0, want a finite number > 0"},
		{Target{Class: []int32{0}, Classes: 2, Weight: []float32{-1}}, "weight of sample 0: got -1"},
		{Target{Class: []int32{0}, Classes: 2, Weight: []float32{nan}}, "weight of sample 0: got NaN"},
		{Target{Class: []int32{0}, Classes: 2, Weight: []float32{float32(math.Inf(1))}}, "weight of sample 0: got +Inf"},
	} {
		err := c.y.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %q", c.y, err, c.want)
		}
	}
}

// Weighted sums are those of samples as often as they weigh.
func TestWeighted(t *testing.T) {
	z, often := mat.New(5, 3), mat.New(9, 3)
	for i := range z.Data {
		z.Data[i] = float32(i*i%7) - 3
	}
	y := Target{Class: []int32{2, 0, 1, 1, 0}, Classes: 3, Weight: []float32{2, 2, 1, 3, 1}}
	twice := Target{Classes: 3}
	for i, w := range y.Weight {
		for range int(w) {
			copy(often.Row(len(twice.Class)), z.Row(i))
			twice.Class = append(twice.Class, y.Class[i])
		}
	}
	var c CrossEntropy
	// float64 sums of the same terms
	if got, want := Weighted(c, z, y), c.Value(often, twice); math.Abs(got-want) > 1e-12*want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := y.TotalWeight(); got != 9 {
		t.Errorf("total weight: got %v, want 9", got)
	}
	if part := y.RowRange(1, 4); part.TotalWeight() != 6 || part.WeightOf(2) != 3 {
		t.Errorf("weights of a part: %v", part.Weight)
	}
	if hi, w := y.Run(0); hi != 2 || w != 2 {
		t.Errorf("the first run ends at %d with weight %v, want 2 and 2", hi, w)
	}
	if hi, w := twice.Run(0); hi != 9 || w != 1 {
		t.Errorf("without weights the run ends at %d with weight %v, want 9 and 1", hi, w)
	}
	values := Target{Value: mat.FromSlice(2, 2, []float32{0.5, 0.5, 1, 0}), Weight: []float32{1, 3}} // of entropies log 2 and 0
	if got, want := Least(c, values), math.Ln2/4; math.Abs(got-want) > 1e-7 {
		t.Errorf("least mean: got %v, want %v", got, want)
	}
}

// A smoothed target is a distribution: it sums to 1, uniform but for the class.
func TestDistribution(t *testing.T) {
	y, d := Target{Class: []int32{2}, Classes: 4, Smoothing: 0.2}, make([]float32, 4)
	y.Distribution(d, 0)
	for j, want := range []float32{0.05, 0.05, 0.85, 0.05} {
		if math.Abs(float64(d[j]-want)) > 1e-7 {
			t.Errorf("entry %d: got %g, want %g", j, d[j], want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, l := range All {
		if got, err := Parse(l.Spec().String()); err != nil || got != l {
			t.Errorf("Parse(%q) = %v, %v", l.Spec(), got, err)
		}
	}
	if l, err := Parse("huber:delta=0.5"); err != nil || l != Loss(Huber{Delta: 0.5}) {
		t.Errorf("got %v, %v", l, err)
	}
	for text, want := range map[string]string{
		"absolute": "cross-entropy, squared, hinge", "huber:delta=0": "delta: got 0, want 0 < delta", "huber:delta=-1": "delta: got -1",
		"huber:slope=1": `unknown parameter "slope" (choose one of delta)`, "squared:delta=1": "it has none",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
