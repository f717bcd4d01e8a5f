package mat

import (
	"fmt"

	"github.com/dlam-go/dlam/internal/kernel"
)

// A Panel is a right-hand factor packed once and multiplied by many blocks of
// rows, from any number of goroutines at a time.
type Panel struct {
	k, n int
	p    kernel.Panel
}

// Pack packs b (k×n).
func (p *Panel) Pack(b Dense) {
	p.k, p.n = b.Rows, b.Cols
	p.p.Pack(b.Data, b.Stride, b.Rows, b.Cols)
}

// PackT packs the transpose of s (n×k): a layer's weights, usually.
func (p *Panel) PackT(s Dense) {
	p.k, p.n = s.Cols, s.Rows
	p.p.PackT(s.Data, s.Stride, s.Rows, s.Cols)
}

// Size makes room for a k×n factor, before PackPart or PackTPart.
func (p *Panel) Size(k, n int) {
	p.k, p.n = k, n
	p.p.Size(k, n)
}

// Runs is kernel.Runs: where a picture's patches lie in memory.
type Runs = kernel.Runs

// SizeWhole is Size for products with Runs.
func (p *Panel) SizeWhole(k, n int) {
	p.k, p.n = k, n
	p.p.SizeWhole(k, n)
}

// MulRuns computes dst = 1rᵀ + U·B, with a row of U, a patch, for each place of the
// picture a; no r is zeros. The panel must have been sized by SizeWhole.
func (p *Panel) MulRuns(dst Dense, a []float32, r Runs, row []float32) {
	if r.Count*r.Length != p.k || dst.Cols != p.n || r.Rows*r.Cols != dst.Rows {
		panic(fmt.Sprintf("mat: %d×%d patches of %d times %d×%d into %d×%d", r.Rows, r.Cols, r.Count*r.Length, p.k, p.n, dst.Rows, dst.Cols))
	}
	p.p.MulRuns(dst.Data, dst.Stride, a, r, row)
}

// MulRunsLargest computes of MulRuns' product, of one picture, the largest of each of the
// windows of side×side places to v, and which it was to win, unless it is nil; see
// kernel.Panel.
func (p *Panel) MulRunsLargest(v []float32, win []int32, a []float32, r Runs, row []float32, side int, offsets []int, scratch []float32) {
	if n := r.Rows / side * (r.Cols / side) * p.n; r.Count*r.Length != p.k || len(v) != n || win != nil && len(win) != n {
		panic(fmt.Sprintf("mat: windows of %d×%d in %d×%d patches of %d times %d×%d into %d", side, side, r.Rows, r.Cols, r.Count*r.Length, p.k, p.n, len(v)))
	}
	p.p.MulRunsLargest(v, win, a, r, row, side, offsets, scratch)
}

// AddRunsT computes dst += dᵀU, with a row of U, a patch, for each place of the picture a.
// scratch is room for the patches; what short runs are added up in may take more.
func AddRunsT(dst, d Dense, a []float32, r Runs, scratch []float32) {
	if r.Rows*r.Cols != d.Rows || dst.Rows != d.Cols || r.Count*r.Length != dst.Cols {
		panic(fmt.Sprintf("mat: (%d×%d)ᵀ times %d×%d patches of %d into %d×%d", d.Rows, d.Cols, r.Rows, r.Cols, r.Count*r.Length, dst.Rows, dst.Cols))
	}
	const short = 8 // elements: no whole vector, or one
	if r.Length > short || len(scratch) < dst.Rows*dst.Cols {
		kernel.AddRunsT(dst.Data, dst.Stride, d.Data, d.Stride, d.Cols, a, r, scratch)
		return
	}
	sum := scratch[:dst.Rows*dst.Cols] // its transpose
	clear(sum)
	kernel.AddRuns(sum, d.Cols, d.Data, d.Stride, d.Cols, a, r)
	for i := range dst.Rows {
		row := dst.Row(i)
		for j := range row {
			row[j] += sum[j*dst.Rows+i]
		}
	}
}

// PackPart packs a part of b, of so many, after Size: several goroutines may
// pack a part each.
func (p *Panel) PackPart(b Dense, part, parts int) { p.p.PackPart(b.Data, b.Stride, part, parts) }

// PackTPart is PackPart for the transpose of s.
func (p *Panel) PackTPart(s Dense, part, parts int) { p.p.PackTPart(s.Data, s.Stride, part, parts) }

// Mul computes dst = a·B (dst must not alias a): a is m×k, dst m×n.
func (p *Panel) Mul(dst, a Dense) { p.mul(dst, a, false) }

// AddMul computes dst += a·B.
func (p *Panel) AddMul(dst, a Dense) { p.mul(dst, a, true) }

func (p *Panel) mul(dst, a Dense, add bool) {
	p.check(dst, a)
	p.p.Mul(dst.Data, dst.Stride, a.Data, a.Stride, a.Rows, add)
}

func (p *Panel) check(dst, a Dense) {
	if a.Cols != p.k || dst.Cols != p.n || a.Rows != dst.Rows {
		panic(fmt.Sprintf("mat: %d×%d times %d×%d into %d×%d", a.Rows, a.Cols, p.k, p.n, dst.Rows, dst.Cols))
	}
}

// MulRow computes dst = 1rᵀ + a·B: row r is added to every row.
func (p *Panel) MulRow(dst, a Dense, r []float32) {
	p.check(dst, a)
	p.p.MulRow(dst.Data, dst.Stride, a.Data, a.Stride, a.Rows, r)
}

// A Packing is the memory in which products aᵀb pack their factors. The zero
// value is ready; one goroutine at a time may use it.
type Packing struct{ p kernel.Packing }

// MulAT computes dst = aᵀb; see AddMulAT.
func (p *Packing) MulAT(dst, a, b Dense) { p.mulAT(dst, a, b, false) }

// AddMulAT computes dst += aᵀb, a sum over rows: a is r×m, b r×n, dst m×n.
func (p *Packing) AddMulAT(dst, a, b Dense) { p.mulAT(dst, a, b, true) }

func (p *Packing) mulAT(dst, a, b Dense, add bool) {
	if a.Rows != b.Rows || dst.Rows != a.Cols || dst.Cols != b.Cols {
		panic(fmt.Sprintf("mat: (%d×%d)ᵀ times %d×%d into %d×%d", a.Rows, a.Cols, b.Rows, b.Cols, dst.Rows, dst.Cols))
	}
	p.p.MulAT(dst.Data, dst.Stride, a.Data, a.Stride, b.Data, b.Stride, a.Rows, a.Cols, b.Cols, add)
}

// AddGram computes the upper triangle of dst += aᵀa, leaving the part below
// the diagonal unspecified; see MirrorUpper.
func (p *Packing) AddGram(dst, a Dense) {
	if dst.Rows != a.Cols || dst.Cols != a.Cols {
		panic(fmt.Sprintf("mat: Gram matrix of %d×%d into %d×%d", a.Rows, a.Cols, dst.Rows, dst.Cols))
	}
	p.p.AddGram(dst.Data, dst.Stride, a.Data, a.Stride, a.Rows, a.Cols)
}

// MirrorUpper copies the upper triangle of the square matrix m onto the lower.
func MirrorUpper(m Dense) { kernel.MirrorUpper(m.Data, m.Stride, m.Rows) }
