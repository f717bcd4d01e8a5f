package prox_test

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam/internal/fixedseed"
	"github.com/dlam-go/dlam/prox"
	"pgregory.net/rapid"
)

// naive is Ω of one weight in float64.
func naive(r prox.Regularizer, x float64) float64 {
	switch r := r.(type) {
	case prox.None:
		return 0
	case prox.L1:
		return r.Lambda * math.Abs(x)
	case prox.L2:
		return r.Lambda / 2 * x * x
	}
	panic("no naive form of " + r.Spec().String())
}

// draw is a regulariser with a weight from 1e-8 to 1e4, or none, or 0.
func draw(t *rapid.T) prox.Regularizer {
	lambda := math.Pow(10, rapid.Float64Range(-8, 4).Draw(t, "log10 lambda"))
	return rapid.SampledFrom([]prox.Regularizer{
		prox.None{}, prox.L1{Lambda: lambda}, prox.L2{Lambda: lambda}, prox.L1{}, prox.L2{},
	}).Draw(t, "regularizer")
}

// golden minimises a convex f over [lo, hi] by golden sections.
func golden(f func(float64) float64, lo, hi float64) float64 {
	r := (math.Sqrt(5) - 1) / 2
	for range 200 {
		a, b := hi-r*(hi-lo), lo+r*(hi-lo)
		if f(a) < f(b) {
			hi = b
		} else {
			lo = a
		}
	}
	return (lo + hi) / 2
}

// TestProx holds the proximal operators of eq. 2 against a brute-force
// minimiser of Ω(x) + (θ/2)(x − v)².
func TestProx(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		r := draw(t)
		theta := math.Pow(10, rapid.Float64Range(-8, 8).Draw(t, "log10 theta"))
		v := float32(math.Pow(10, rapid.Float64Range(-4, 4).Draw(t, "log10 v"))) * rapid.Float32Range(-1, 1).Draw(t, "v")
		in, dst := []float32{v}, []float32{7}
		r.Prox(dst, in, theta)
		if in[0] != v {
			t.Fatalf("%v: v changed", r)
		}
		r.Prox(in, in, theta)
		if in[0] != dst[0] {
			t.Fatalf("%v: %g in place, %g otherwise", r, in[0], dst[0])
		}
		u := float64(v)
		f := func(x float64) float64 { return naive(r, x) + theta/2*(x-u)*(x-u) }
		best, got := golden(f, math.Min(0, u), math.Max(0, u)), float64(dst[0]) // Ω draws towards 0
		// Rounding to float32 costs two half units of v, at most.
		d := 0x1p-23*math.Abs(u) + 0x1p-149
		slope := 0.0 // L1's, where a rounded 0 is none
		if l1, ok := r.(prox.L1); ok {
			slope = 2 * l1.Lambda
		}
		curvature := theta
		if s, ok := r.(prox.Smooth); ok {
			curvature += s.Strong()
		}
		if tol := slope*d + curvature*d*d + 1e-13*f(best); f(got) > f(best)+tol {
			t.Fatalf("%v: θ = %g, v = %g: %g at %g, %g at %g", r, theta, v, f(got), got, f(best), best)
		}
	})
}

// TestValue holds Ω and its gradient against the naive form and differences.
func TestValueAndGrad(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		r := draw(t)
		w := rapid.SliceOfN(rapid.Float32Range(-10, 10), 0, 20).Draw(t, "w")
		var want float64
		for _, x := range w {
			want += naive(r, float64(x))
		}
		if got := r.Value(w); math.Abs(got-want) > 1e-12*want {
			t.Fatalf("%v: Ω(%v) = %g, want %g", r, w, got, want)
		}
		g := make([]float32, len(w))
		for i := range g {
			g[i] = 1
		}
		r.(prox.Differentiable).AddGrad(g, w)
		for i, x := range w {
			h := 1e-3 * math.Abs(float64(x))
			if h == 0 {
				if g[i] != 1 {
					t.Fatalf("%v: adds %g at 0, want 0 (of ∂|0|)", r, g[i]-1)
				}
				continue
			}
			slope := (naive(r, float64(x)+h) - naive(r, float64(x)-h)) / (2 * h)
			if got := float64(g[i]); math.Abs(got-1-slope) > 1e-6*(1+math.Abs(slope)) {
				t.Fatalf("%v: adds %g at %g, want %g", r, got-1, x, slope)
			}
		}
	})
}

// TestSmooth restates what Smooth promises of a proximal step.
func TestSmooth(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		r, ok := draw(t).(prox.Smooth)
		if !ok {
			return
		}
		w, g := rapid.Float32Range(-10, 10).Draw(t, "w"), rapid.Float32Range(-10, 10).Draw(t, "g")
		theta := math.Pow(10, rapid.Float64Range(-2, 6).Draw(t, "log10 theta"))
		start := float32(float64(w) - float64(g)/theta)
		dst, grad := []float32{start}, []float32{g}
		r.Prox(dst, dst, theta)
		r.AddGrad(grad, []float32{w})
		want := float64(w) - float64(grad[0])/(theta+r.Strong())
		if tol := 1e-6*(math.Abs(float64(w))+math.Abs(float64(start))) + 0x1p-148; math.Abs(float64(dst[0])-want) > tol {
			t.Fatalf("%v: prox gives %g, the step %g (w = %g, g = %g, θ = %g)", r, dst[0], want, w, g, theta)
		}
	})
}

func TestSpec(t *testing.T) {
	for want, r := range map[string]prox.Regularizer{"none": prox.None{}, "l1:lambda=0.01": prox.L1{Lambda: 0.01}, "l2:lambda=0.001": prox.L2{Lambda: 1e-3}} {
		if got := r.Spec().String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
