package pass

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// FlushRows is the number of samples after which a float32 product is moved
// to float64: it bounds the rounding of long sums.
const FlushRows = 8 * Block

// Outer is one worker's sum of products aᵀb over samples.
type Outer struct {
	acc  mat.Dense
	into []float64
	rows int
	pack mat.Packing
}

// Begin starts a sum of m×n products that Flush adds to into, row-major.
func (o *Outer) Begin(into []float64, m, n int) {
	if cap(o.acc.Data) < m*n {
		o.acc.Data = make([]float32, m*n)
	}
	o.acc = mat.Dense{Rows: m, Cols: n, Stride: n, Data: o.acc.Data[:m*n]}
	clear(o.acc.Data)
	o.into, o.rows = into[:m*n], 0
}

// Add adds aᵀb, a being r×m and b r×n.
func (o *Outer) Add(a, b mat.Dense) {
	o.pack.AddMulAT(o.acc, a, b)
	o.added(a.Rows)
}

// AddGram adds the upper triangle of aᵀa.
func (o *Outer) AddGram(a mat.Dense) {
	o.pack.AddGram(o.acc, a)
	o.added(a.Rows)
}

func (o *Outer) added(rows int) {
	if o.rows += rows; o.rows >= FlushRows {
		o.Flush()
	}
}

// Flush moves the float32 sum so far to float64.
func (o *Outer) Flush() {
	kernel.AddTo64(o.into, o.acc.Data)
	clear(o.acc.Data)
	o.rows = 0
}

// addColumns computes sum += the sum over rows of m.
func addColumns(sum []float64, m mat.Dense) {
	kernel.AddColumns(sum[:m.Cols], m.Data, m.Stride, m.Rows)
}

// SumSquares is the sum of the squares of m's elements.
func SumSquares(m mat.Dense) float64 {
	var s float64
	for i := range m.Rows {
		s += kernel.SumSquares(m.Row(i))
	}
	return s
}
