package loss

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam/internal/fixedseed"
	"github.com/dlam-go/dlam/mat"
	"pgregory.net/rapid"
)

// unit32 is the rounding of a float32, relative.
const unit32 = 0x1p-24

// TestOmegaIsOptimal holds eq. 5 of cross-entropy, from anywhere, against its
// optimality condition, p − y + ρ(x − v) = 0 with p = softmax(x), and the value
// that it knows there.
func TestOmegaIsOptimal(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		rows := rapid.IntRange(1, 40).Draw(t, "rows")
		cols := rapid.SampledFrom([]int{2, 3, 10, 100}).Draw(t, "classes")
		rho := drawRho(t)
		v, target := drawLogits(t, rows, cols), drawTarget(t, rows, cols)
		dst := drawLogits(t, rows, cols)
		value, _ := CrossEntropy{}.Prox(dst, v, target, rho)
		y, within := make([]float32, cols), 0.
		for i := range rows {
			target.Distribution(y, i)
			stationary(t, dst.Row(i), v.Row(i), y, rho, 0)
			size := largest(dst.Row(i))
			within += 1e-11 + 0x1p-50*(1/rho+size+largest(v.Row(i))) + unit32*unit32*size*size
		}
		if want := (CrossEntropy{}).Value(dst, target); !(math.Abs(value-want) <= within) {
			t.Fatalf("value %g, want %g to %g", value, want, within)
		}
	})
}

// stationary checks the optimality of a float32 x to 1e-5, and what rounding x
// by half a unit in the last place costs: (½ + ρ)·2⁻²⁴|x|, ½ + ρ being the
// Lipschitz constant of the gradient; stop is where the method stopped before.
func stationary(t *rapid.T, x, v, y []float32, rho, stop float64) {
	t.Helper()
	x64, g := make([]float64, len(x)), make([]float64, len(x))
	for j := range x {
		x64[j] = float64(x[j])
	}
	fistaGrad(g, x64, v, y, rho)
	round := (0.5 + rho) * unit32 * largest(x) * math.Sqrt(float64(len(x)))
	for j := range g {
		if tol := 1e-5*(1+rho*math.Abs(float64(v[j]))) + round + stop; math.Abs(g[j]) > tol {
			t.Fatalf("entry %d: gradient %g, tolerance %g (x = %g, v = %g, y = %g, ρ = %g)", j, g[j], tol, x[j], v[j], y[j], rho)
		}
	}
}

// TestFISTA: where it accepts, eq. 12 holds, f(old) − f(new) ≥ (ρ/2)‖new −
// old‖², and the value is Omega's; where it does not, the row stays bit for
// bit and is counted.
func TestFISTA(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		rows, cols := 3, rapid.SampledFrom([]int{2, 5, 80}).Draw(t, "classes")
		rho := math.Pow(10, rapid.Float64Range(-3, 8).Draw(t, "log10 rho"))
		v, y := drawLogits(t, rows, cols), drawTarget(t, rows, cols)
		start := drawLogits(t, rows, cols)
		if rapid.Bool().Draw(t, "start at the minimiser") {
			CrossEntropy{}.Prox(start, v, y, rho)
		}
		fast, exact := start.Clone(), start.Clone()
		_, unmoved := CrossEntropy{Solver: FISTA}.Prox(fast, v, y, rho)
		CrossEntropy{}.Prox(exact, v, y, rho)
		stayed, yi := 0, make([]float32, cols)
		for i := range rows {
			y.Distribution(yi, i)
			f := func(m mat.Dense) float64 { return fistaValue(widen(m.Row(i)), v.Row(i), yi, rho) }
			if same(fast.Row(i), start.Row(i)) {
				stayed++
				continue
			}
			round := rounding(f(fast)+f(start), fast.Row(i), rho)
			var move, size float64
			for j, x := range fast.Row(i) {
				d := float64(x) - float64(start.At(i, j))
				move += d * d
				size += float64(x) * float64(x)
			}
			// The test was passed before x was rounded to float32, within its slack.
			round += rho*math.Sqrt(move*size)*0x1p-23 + fistaSlack*(f(fast)+f(start))
			if fall := f(start) - f(fast); fall < rho/2*move-round {
				t.Fatalf("row %d: f fell by %g, want %g", i, fall, rho/2*move)
			}
			// f at a gradient g is at most ‖g‖²/2ρ above its minimum.
			g := make([]float64, cols)
			worst := fistaGrad(g, widen(fast.Row(i)), v.Row(i), yi, rho)
			if over := f(fast) - f(exact); over > float64(cols)*worst*worst/(2*rho)+round {
				t.Fatalf("row %d: %g above Omega's value", i, over)
			}
			stationary(t, fast.Row(i), v.Row(i), yi, rho, fistaTolerance*(1+rho*largest(v.Row(i))))
		}
		if unmoved > stayed {
			t.Fatalf("%d rows reported unmoved, %d did not move", unmoved, stayed)
		}
	})
}

// A row whose fall cannot be shown stays, and is reported.
func TestFISTARefuses(t *testing.T) {
	v, y := []float32{1e4, -1e4}, []float32{1, 0}
	work := make([]float64, 8)
	dst := []float32{float32(math.Inf(1)), 0} // f is NaN there: no fall can be shown
	old := [2]float32{dst[0], dst[1]}
	if fista(dst, v, y, 1, work) {
		t.Errorf("accepted a step to %v whose fall is not a number", dst)
	}
	if dst[0] != old[0] || dst[1] != old[1] {
		t.Errorf("moved to %v although refused", dst)
	}
}

// rounding bounds what float64 sums of size f and float32 coordinates x may
// cost in f.
func rounding(f float64, x []float32, rho float64) float64 {
	d := unit32 * largest(x)
	return 3e-7*math.Abs(f) + float64(len(x))*(d+rho*d*d+d*rho*largest(x)*1e-6)
}

func widen(x []float32) []float64 {
	w := make([]float64, len(x))
	for j, v := range x {
		w[j] = float64(v)
	}
	return w
}

func same(a, b []float32) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestSoftmaxOfExtremes(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		z, y := drawLogits(t, 4, 7), drawTarget(t, 4, 7)
		p := mat.New(4, 7)
		CrossEntropy{}.Probabilities(p, z)
		for i := range 4 {
			var sum float64
			for j, want := range softmax64(widen(z.Row(i))) {
				got := float64(p.At(i, j))
				sum += got
				// Differences of logits are rounded to float32: 2⁻²⁴·2e4.
				if math.Abs(got-want) > 2e-3*want+1e-6 {
					t.Fatalf("p = %g, want %g", got, want)
				}
			}
			if math.Abs(sum-1) > 1e-6 {
				t.Fatalf("Σp = %g", sum)
			}
		}
		if f := (CrossEntropy{}).Value(z, y); !(f >= -1e-3) || math.IsInf(f, 0) {
			t.Fatalf("value %g of logits %v", f, z.Data)
		}
	})
}
