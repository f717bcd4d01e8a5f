package objective

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// Sums is a vector of float64 sums over samples: every worker adds to its own
// part, and Reduce adds the parts, then the ranks.
type Sums struct {
	e     *Engine
	parts [][]float64
}

// NewSums is a vector of the given length.
func (e *Engine) NewSums(length int) *Sums {
	s := &Sums{e: e, parts: make([][]float64, e.Pool.Threads())}
	for w := range s.parts {
		s.parts[w] = make([]float64, length)
	}
	return s
}

// Reset sets the first length sums to zero; Reduce then returns that many.
func (s *Sums) Reset(length int) {
	for w := range s.parts {
		s.parts[w] = s.parts[w][:length]
		clear(s.parts[w])
	}
}

// Open is the first length sums of all workers together, to be written instead
// of added up; Ranks then adds the ranks.
func (s *Sums) Open(length int) []float64 {
	s.parts[0] = s.parts[0][:length]
	return s.parts[0]
}

// Ranks is Reduce for sums that are in worker 0's part already.
func (s *Sums) Ranks() ([]float64, error) { return s.parts[0], s.e.Comm.Sum(s.parts[0]) }

// Part is what worker adds to.
func (s *Sums) Part(worker int) []float64 { return s.parts[worker] }

// Reduce is the sums over all workers, in order, and all ranks. It is valid
// until the next Reset.
func (s *Sums) Reduce() ([]float64, error) {
	total := s.parts[0]
	for _, p := range s.parts[1:] {
		for i, v := range p {
			total[i] += v
		}
	}
	return total, s.e.Comm.Sum(total)
}

// flushRows is the number of samples after which a float32 product is moved
// to float64: it bounds the rounding of long sums.
const flushRows = 8 * Block

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
	if o.rows += rows; o.rows >= flushRows {
		o.Flush()
	}
}

// Flush moves the float32 sum so far to float64.
func (o *Outer) Flush() {
	kernel.AddTo64(o.into, o.acc.Data)
	clear(o.acc.Data)
	o.rows = 0
}

// AddColumns computes sum += the sum over rows of m.
func AddColumns(sum []float64, m mat.Dense) {
	kernel.AddColumns(sum[:m.Cols], m.Data, m.Stride, m.Rows)
}

// AddColumnSquares computes sum += the squares of m's columns.
func AddColumnSquares(sum []float64, m mat.Dense) {
	kernel.AddColumnSquares(sum[:m.Cols], m.Data, m.Stride, m.Rows)
}

// SumSquares is the sum of the squares of m's elements.
func SumSquares(m mat.Dense) float64 {
	var s float64
	for i := range m.Rows {
		s += kernel.SumSquares(m.Row(i))
	}
	return s
}
