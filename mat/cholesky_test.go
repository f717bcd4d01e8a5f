package mat_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dlam-go/dlam/mat"
)

// A Cholesky solves: AX is B, and A times its inverse the identity, for sizes
// within and beyond a block.
func TestCholesky(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 31, 32, 33, 100} {
		const m = 5
		x := make([]float64, 2*n*n)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		a := make([]float64, n*n) // XᵀX of 2n random rows
		for r := range 2 * n {
			for i := range n {
				for j := range n {
					a[i*n+j] += x[r*n+i] * x[r*n+j]
				}
			}
		}
		b := make([]float64, n*m)
		for i := range b {
			b[i] = rng.NormFloat64()
		}
		var c mat.Cholesky
		upper := slices.Clone(a)
		for i := range n {
			for j := range i {
				upper[i*n+j] = math.NaN() // nobody reads it
			}
		}
		if !c.Factor(upper, n) {
			t.Fatalf("n = %d: not positive definite", n)
		}
		solved, inverse := slices.Clone(b), make([]float64, n*n)
		c.Solve(solved, m)
		c.Inverse(inverse)
		for i := range n {
			for j := range m {
				if got := dot64(a[i*n:(i+1)*n], solved, j, m); math.Abs(got-b[i*m+j]) > 1e-8 {
					t.Errorf("n = %d: (AX)[%d,%d] = %v, want %v", n, i, j, got, b[i*m+j])
				}
			}
			for j := range n {
				want := 0.0
				if i == j {
					want = 1
				}
				if got := dot64(a[i*n:(i+1)*n], inverse, j, n); math.Abs(got-want) > 1e-8 {
					t.Errorf("n = %d: (AA⁻¹)[%d,%d] = %v, want %v", n, i, j, got, want)
				}
			}
		}
	}
}

// dot64 is the product of a row with column j of b, of m columns.
func dot64(row, b []float64, j, m int) float64 {
	var s float64
	for k, v := range row {
		s += v * b[k*m+j]
	}
	return s
}

func TestCholeskyRefuses(t *testing.T) {
	for name, a := range map[string][]float64{
		"indefinite": {1, 2, 2, 1}, "zero": {0, 0, 0, 0}, "NaN": {1, math.NaN(), 0, 1}, "infinite": {math.Inf(1), 0, 0, 1}, "overflow": {1e-300, 1e300, 0, 1},
	} {
		if new(mat.Cholesky).Factor(a, 2) {
			t.Errorf("%s: factorised", name)
		}
	}
}
