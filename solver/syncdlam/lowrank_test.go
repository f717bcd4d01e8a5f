package syncdlam

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
)

// spiked is QΛQᵀ + I/2 with eigenvalues Λ of so many directions: a spectrum
// for which a lowRank of as many is exact.
func spiked(n int, eigenvalues ...float64) mat.Dense {
	q, c := mat.New(len(eigenvalues), n), mat.New(n, n)
	testprob.Normal(q, 1, testprob.Rng(3))
	orthonormalize(q)
	for i := range n {
		for j := range n {
			v := 0.0
			for k, e := range eigenvalues {
				v += e * float64(q.At(k, i)) * float64(q.At(k, j))
			}
			if i == j {
				v += 0.5
			}
			c.Set(i, j, float32(v))
		}
	}
	return c
}

func TestLowRankInverse(t *testing.T) {
	const n, d = 40, 0.7
	for name, c := range map[string]mat.Dense{"spiked": spiked(n, 9, 5, 4, 2), "0": mat.New(n, n), "of lower rank": spiked(n, 30)} {
		t.Run(name, func(t *testing.T) {
			m := inputMetric{c: c, low: newLowRank(4, n), t: mat.New(3, 4)}
			var trace float64
			for i := range n {
				trace += float64(c.At(i, i))
			}
			if !m.solve(d, trace, 20) {
				t.Fatal("no inverse")
			}
			want, g, v, back := c.Clone(), mat.New(3, n), mat.New(3, n), mat.New(3, n)
			for i := range n {
				want.Row(i)[i] += d
			}
			testprob.Normal(g, 1, testprob.Rng(4))
			m.apply(v, g, 0, 0)
			var p mat.Panel
			p.Pack(want)
			p.Mul(back, v)
			for i, x := range back.Data {
				if abs(x-g.Data[i]) > 1e-4 {
					t.Fatalf("element %d of g(C+dI)⁻¹(C+dI): %g, want %g", i, x, g.Data[i])
				}
			}
			u := m.low.u
			for i := range u.Rows {
				for j := range u.Rows {
					want := 0.0
					if i == j {
						want = 1
					}
					if got := kernel.Dot(u.Row(i), u.Row(j)); math.Abs(got-want) > 1e-5 {
						t.Errorf("⟨u%d, u%d⟩ = %g, want %g", i, j, got, want)
					}
				}
			}
		})
	}
}

// TestLowRankRefuses: a covariance that is not finite has no inverse.
func TestLowRankRefuses(t *testing.T) {
	c := spiked(40, 3)
	c.Set(7, 7, float32(math.NaN()))
	m := inputMetric{c: c, low: newLowRank(4, 40)}
	if m.solve(1, math.NaN(), 1) {
		t.Error("an inverse of NaN")
	}
}
