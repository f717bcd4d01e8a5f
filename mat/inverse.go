package mat

import (
	"fmt"
	"math"
)

// inverseBlock is the size of the diagonal blocks that are factored one
// element at a time; the rest are products.
const inverseBlock = 48

// Inverse inverts symmetric positive definite matrices of one size by a
// blocked Cholesky factorisation, in float32. Use it for well-conditioned
// matrices: damped Gram matrices.
type Inverse struct {
	n          int
	l, inv     Dense // Cholesky factor and its inverse, lower triangles
	block, tmp Dense
	panel      Panel
	pack       Packing
}

// Invert writes the inverse of a to dst and reports whether a is numerically
// positive definite; if not, dst is unspecified. Only a's lower triangle is
// read. dst may be a.
func (v *Inverse) Invert(dst, a Dense) bool {
	if a.Rows != a.Cols || dst.Rows != a.Rows || dst.Cols != a.Cols {
		panic(fmt.Sprintf("mat: inverse of %d×%d into %d×%d", a.Rows, a.Cols, dst.Rows, dst.Cols))
	}
	if v.n != a.Rows {
		v.n, v.l, v.inv = a.Rows, New(a.Rows, a.Rows), New(a.Rows, a.Rows)
		v.block, v.tmp = New(inverseBlock, inverseBlock), New(a.Rows, a.Rows)
	}
	v.l.CopyFrom(a)
	clear(v.inv.Data)
	for j := 0; j < v.n; j += inverseBlock {
		if !v.column(j, min(j+inverseBlock, v.n)) {
			return false
		}
	}
	clear(dst.Data)
	for j := 0; j < v.n; j += inverseBlock { // dst = L⁻ᵀL⁻¹, row block by row block
		rows := v.inv.RowRange(j, min(j+inverseBlock, v.n)).ColRange(0, min(j+inverseBlock, v.n))
		v.pack.AddMulAT(dst.RowRange(0, rows.Cols).ColRange(0, rows.Cols), rows, rows)
	}
	return true
}

// column makes columns j to k-1 of L and rows j to k-1 of L⁻¹.
func (v *Inverse) column(j, k int) bool {
	w := k - j
	diagonal := v.l.RowRange(j, k).ColRange(j, k)
	inv := v.inv.RowRange(j, k).ColRange(j, k)
	if !factor(diagonal, inv) {
		return false
	}
	if k < v.n { // L21 = A21·L11⁻ᵀ, then A22 −= L21·L21ᵀ
		below := v.l.RowRange(k, v.n).ColRange(j, k)
		t := Dense{v.n - k, w, w, v.tmp.Data[:(v.n-k)*w]}
		v.panel.PackT(inv)
		v.panel.Mul(t, below)
		for i := range t.Rows {
			row := below.Row(i)
			for c, x := range t.Row(i) {
				row[c] = -x
			}
		}
		v.panel.PackT(below)
		v.panel.AddMul(v.l.RowRange(k, v.n).ColRange(k, v.n), t)
		below.CopyFrom(t)
	}
	if j > 0 { // row block of L⁻¹: −L11⁻¹ · (L10 · L⁻¹0)
		t := Dense{w, j, j, v.tmp.Data[:w*j]}
		v.panel.Pack(v.inv.RowRange(0, j).ColRange(0, j))
		v.panel.Mul(t, v.l.RowRange(j, k).ColRange(0, j))
		neg := Dense{w, w, w, v.block.Data[:w*w]}
		for i := range w {
			for c, x := range inv.Row(i) {
				neg.Row(i)[c] = -x
			}
		}
		v.panel.Pack(t)
		v.panel.Mul(v.inv.RowRange(j, k).ColRange(0, j), neg)
	}
	return true
}

// factor replaces the lower triangle of a by its Cholesky factor and writes
// that factor's inverse to inv, a lower triangle.
func factor(a, inv Dense) bool {
	for j := range a.Rows {
		row := a.Row(j)
		for c := range j {
			other := a.Row(c)
			s := float64(row[c])
			for p := range c {
				s -= float64(row[p]) * float64(other[p])
			}
			row[c] = float32(s / float64(other[c]))
		}
		s := float64(row[j])
		for _, x := range row[:j] {
			s -= float64(x) * float64(x)
		}
		if !(s > 0) || math.IsInf(s, 0) {
			return false
		}
		row[j] = float32(math.Sqrt(s))
	}
	for c := range a.Rows {
		inv.Set(c, c, 1/a.At(c, c))
		for i := c + 1; i < a.Rows; i++ {
			var s float64
			for p := c; p < i; p++ {
				s -= float64(a.At(i, p)) * float64(inv.At(p, c))
			}
			inv.Set(i, c, float32(s/float64(a.At(i, i))))
		}
	}
	return true
}
