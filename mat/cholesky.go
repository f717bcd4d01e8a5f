package mat

import "math"

// A Cholesky is the factor U of a symmetric positive definite matrix A = UᵀU
// in float64, for normal equations: they are as ill-conditioned as float32
// cannot bear. The zero value is ready for use.
type Cholesky struct {
	n int
	u []float64 // row-major; the upper triangle
}

// choleskyBlock is the number of rows that are eliminated together: they stay
// in cache while the rows above them stream by.
const choleskyBlock = 32

// Factor factorises A, n×n and row-major, of which it reads and overwrites the
// upper triangle, and keeps the memory. The result is false where A is not
// positive definite in float64, or not finite.
func (c *Cholesky) Factor(a []float64, n int) bool {
	c.n, c.u = n, a
	for lo := 0; lo < n; lo += choleskyBlock {
		hi := min(lo+choleskyBlock, n)
		for k := 0; k < lo; k += 4 {
			r0, r1, r2, r3 := c.row(k), c.row(k+1), c.row(k+2), c.row(k+3)
			for i := lo; i < hi; i++ {
				subtract4(c.row(i)[i:], r0[i], r1[i], r2[i], r3[i], r0[i:], r1[i:], r2[i:], r3[i:])
			}
		}
		for i := lo; i < hi; i++ {
			for k := lo; k < i; k++ {
				row := c.row(k)
				subtract(c.row(i)[i:], row[i], row[i:])
			}
			row := c.row(i)[i:]
			if !(row[0] > 0) || math.IsInf(row[0], 0) {
				return false
			}
			scale := 1 / math.Sqrt(row[0])
			for j := range row {
				row[j] *= scale
			}
		}
	}
	return true
}

func (c *Cholesky) row(i int) []float64 { return c.u[i*c.n : (i+1)*c.n] }

// subtract computes dst −= a·x.
func subtract(dst []float64, a float64, x []float64) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] -= a * x[i]
	}
}

// subtract4 computes dst −= a0·x0 + a1·x1 + a2·x2 + a3·x3: each element of dst
// is loaded and stored once for four products.
func subtract4(dst []float64, a0, a1, a2, a3 float64, x0, x1, x2, x3 []float64) {
	x0, x1, x2, x3 = x0[:len(dst)], x1[:len(dst)], x2[:len(dst)], x3[:len(dst)]
	for i := range dst {
		dst[i] -= a0*x0[i] + a1*x1[i] + a2*x2[i] + a3*x3[i]
	}
}

// Solve replaces B, n×m and row-major, by A⁻¹B.
func (c *Cholesky) Solve(b []float64, m int) {
	c.solve(b, m, func(int) int { return m })
}

// solve is Solve for the first so many columns of each row.
func (c *Cholesky) solve(b []float64, m int, columns func(row int) int) {
	at := func(i, n int) []float64 { return b[i*m : i*m+n] }
	for j := range c.n { // UᵀY = B
		i, u := 0, func(i int) float64 { return c.u[i*c.n+j] }
		for ; i+4 <= j; i += 4 {
			n := min(columns(i+3), columns(j)) // what row i lacks of them is 0
			subtract4(at(j, n), u(i), u(i+1), u(i+2), u(i+3), at(i, n), at(i+1, n), at(i+2, n), at(i+3, n))
		}
		for ; i < j; i++ {
			n := min(columns(i), columns(j))
			subtract(at(j, n), u(i), at(i, n))
		}
		divide(at(j, columns(j)), c.u[j*c.n+j])
	}
	for i := c.n - 1; i >= 0; i-- { // UX = Y
		u, row := c.row(i), at(i, columns(i))
		j, n := i+1, len(row)
		for ; j+4 <= c.n; j += 4 {
			subtract4(row, u[j], u[j+1], u[j+2], u[j+3], at(j, n), at(j+1, n), at(j+2, n), at(j+3, n))
		}
		for ; j < c.n; j++ {
			subtract(row, u[j], at(j, n))
		}
		divide(row, u[i])
	}
}

func divide(x []float64, d float64) {
	for i := range x {
		x[i] /= d
	}
}

// Inverse writes A⁻¹, n×n and row-major, to dst. It solves for the lower
// triangle alone: Y is one, and a row of X's needs no more of those below.
func (c *Cholesky) Inverse(dst []float64) {
	n := c.n
	clear(dst)
	for i := range n {
		dst[i*n+i] = 1
	}
	c.solve(dst, n, func(row int) int { return row + 1 })
	for i := range n {
		for j := range i {
			dst[j*n+i] = dst[i*n+j]
		}
	}
}
