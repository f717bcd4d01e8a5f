package pass

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// Scalar names a sum of numbers over samples.
type Scalar struct{ at int }

// Vector names sums of n numbers over samples.
type Vector struct{ at, n int }

// Product names a sum of products aᵀb of blocks of rows, and with it the sums
// of a's columns.
type Product struct {
	at, rows, cols, number int
	gram                   bool
	summed                 bool // made in the blocks of a stored Op too; it lies among the simple sums
}

// Plan is the sums that a pass makes: the simple ones first, then the products.
// The zero Product and Vector name nothing.
type Plan struct {
	simple   int // number of elements of the scalars, the vectors and what is Summed
	matrices int // number of elements of the products, with the sums of columns
	products []Product
}

func (p *Plan) clear() { *p = Plan{products: p.products[:0]} }

func (p *Plan) length() int { return p.simple + p.matrices }

// Scalar adds a number.
func (p *Plan) Scalar() Scalar {
	p.simple++
	return Scalar{p.simple - 1}
}

// Vector adds n numbers.
func (p *Plan) Vector(n int) Vector {
	p.simple += n
	return Vector{p.simple - n, n}
}

// Product adds Σ aᵀb, where blocks of a have rows columns and blocks of b cols.
func (p *Plan) Product(rows, cols int) Product { return p.product(rows, cols, false) }

// Gram adds Σ aᵀa, of which the upper triangle is made, for blocks of n columns.
func (p *Plan) Gram(n int) Product { return p.product(n, n, true) }

// Summed is Product, which the blocks of a stored Op add to as well: of factors that
// are not kept.
func (p *Plan) Summed(rows, cols int) Product { return p.summed(rows, cols, false) }

// SummedGram is Gram, as Summed is Product.
func (p *Plan) SummedGram(n int) Product { return p.summed(n, n, true) }

func (p *Plan) summed(rows, cols int, gram bool) Product {
	h := Product{at: p.simple, rows: rows, cols: cols, number: len(p.products) + 1, gram: gram, summed: true}
	p.simple += rows*cols + rows
	p.products = append(p.products, h)
	return h
}

func (p *Plan) product(rows, cols int, gram bool) Product {
	h := Product{at: p.matrices, rows: rows, cols: cols, number: len(p.products) + 1, gram: gram}
	p.matrices += rows*cols + rows
	p.products = append(p.products, h)
	return h
}

// Worker is one goroutine's part of the sums.
type Worker struct {
	Index int // of the worker, from 0

	plan    *Plan
	sums    []float64
	outer   []Outer     // of each product
	weights []float32   // of the block's samples; nil: all are 1
	scaled  []float32   // scratch: rows times what follows from their weights
	acc     []float32   // of a task
	pack    mat.Packing // of a task
}

// reserve makes room for so many sums; reset then starts them from 0.
func (w *Worker) reserve(length int) {
	if cap(w.sums) < length {
		w.sums = make([]float64, length)
	}
}

func (w *Worker) reset(length int) {
	w.reserve(length)
	w.sums = w.sums[:length]
	clear(w.sums)
}

// Add adds x to a scalar.
func (w *Worker) Add(h Scalar, x float64) { w.sums[h.at] += x }

// Vector is the worker's part of a vector, to be added to.
func (w *Worker) Vector(h Vector) []float64 { return w.sums[h.at : h.at+h.n] }

// AddProduct adds aᵀb, and a's columns. Each sample has as many rows, one after
// another; so in the following.
func (w *Worker) AddProduct(h Product, a, b mat.Dense) {
	a = w.weighted(a, w.weights, whole)
	w.outer[h.number-1].Add(a, b)
	addColumns(w.columns(h), a)
}

// AddGram adds the upper triangle of aᵀa, and a's columns.
func (w *Worker) AddGram(h Product, a mat.Dense) {
	w.outer[h.number-1].AddGram(w.weighted(a, w.weights, root))
	addColumns(w.columns(h), w.weighted(a, w.weights, whole))
}

// AddColumns adds m's columns to a vector.
func (w *Worker) AddColumns(h Vector, m mat.Dense) {
	addColumns(w.Vector(h), w.weighted(m, w.weights, whole))
}

// AddColumnSquares adds the squares of m's columns to a vector.
func (w *Worker) AddColumnSquares(h Vector, m mat.Dense) {
	m = w.weighted(m, w.weights, root)
	kernel.AddColumnSquares(w.Vector(h), m.Data, m.Stride, m.Rows)
}

// AddSampleGram is AddGram of the rows of sample i of the block alone.
func (w *Worker) AddSampleGram(h Product, a mat.Dense, i int) {
	var weight []float32
	if w.weights != nil {
		weight = w.weights[i : i+1]
	}
	w.outer[h.number-1].AddGram(w.weighted(a, weight, root))
	addColumns(w.columns(h), w.weighted(a, weight, whole))
}

// Weight is that of sample i of the block.
func (w *Worker) Weight(i int) float64 {
	if w.weights == nil {
		return 1
	}
	return float64(w.weights[i])
}

// Weighted is m with each sample's rows times its weight, for sums that are made
// without the Worker; until the Worker's next use.
func (w *Worker) Weighted(m mat.Dense) mat.Dense { return w.weighted(m, w.weights, whole) }

// SumSquares is the sum of the squares of m's elements, each sample's with its weight.
func (w *Worker) SumSquares(m mat.Dense) float64 { return SumSquares(w.weighted(m, w.weights, root)) }

// Accumulator is the product's sum under way, which aᵀb of some rows may be added to,
// with their weights; Added tells of it.
func (w *Worker) Accumulator(h Product) mat.Dense { return w.outer[h.number-1].acc }

// Added tells that aᵀb of so many rows is in the Accumulator.
func (w *Worker) Added(h Product, rows int) { w.outer[h.number-1].added(rows) }

// AddProductColumns adds a's columns alone, which are weighted as what is in the
// Accumulator.
func (w *Worker) AddProductColumns(h Product, a mat.Dense) { addColumns(w.columns(h), a) }

func (w *Worker) columns(h Product) []float64 {
	at := w.at(h) + h.rows*h.cols
	return w.sums[at : at+h.rows]
}

func (w *Worker) matrix(h Product) []float64 {
	at := w.at(h)
	return w.sums[at : at+h.rows*h.cols]
}

// at is where the product's sums begin.
func (w *Worker) at(h Product) int {
	if h.summed {
		return h.at
	}
	return w.plan.simple + h.at
}

// beginProducts starts the products that blocks add to: all, or those that a stored
// Op has beside the ones of its factors.
func (w *Worker) beginProducts(stored bool) {
	for len(w.outer) < len(w.plan.products) {
		w.outer = append(w.outer, Outer{})
	}
	for i, h := range w.plan.products {
		if h.summed || !stored {
			w.outer[i].Begin(w.matrix(h), h.rows, h.cols)
		}
	}
}

func (w *Worker) endProducts(stored bool) {
	for i, h := range w.plan.products {
		if h.summed || !stored {
			w.outer[i].Flush()
		}
	}
}

// Scalar is a sum over all workers and ranks; so are the following.
func (p *Pass) Scalar(h Scalar) float64 { return p.workers[0].sums[h.at] }

// Vector is the sums of a vector.
func (p *Pass) Vector(h Vector) []float64 { return p.workers[0].Vector(h) }

// Product is the sum of products, a row-major matrix.
func (p *Pass) Product(h Product) Sum {
	if p.inFloat32(h) {
		return Sum{f32: p.f32[h.number-1]}
	}
	return Sum{f64: p.workers[0].matrix(h)}
}

// Columns is the sums of the columns of the product's left factor.
func (p *Pass) Columns(h Product) []float64 { return p.workers[0].columns(h) }

// inFloat32 reports whether the product of the last run is in float32: one
// product made it, and there is no other rank to add.
func (p *Pass) inFloat32(h Product) bool {
	return p.stored != nil && !h.gram && !h.summed && p.e.Comm.Size() == 1
}

// Sum is a matrix of sums over samples, in float64 or in float32; see
// Pass.RunStored.
type Sum struct {
	f64 []float64
	f32 []float32 // used instead, if not nil
}

// SumOf is the columns of a product, or any sums, as a Sum.
func SumOf(v []float64) Sum { return Sum{f64: v} }

// At is element i, row by row.
func (s *Sum) At(i int) float64 {
	if s.f32 != nil {
		return float64(s.f32[i])
	}
	return s.f64[i]
}

// AddTo computes dst = β·dst + α·(the elements from lo on).
func (s *Sum) AddTo(dst []float32, beta float32, lo int, alpha float32) {
	if s.f32 != nil {
		kernel.Axpby(dst, beta, alpha, s.f32[lo:lo+len(dst)])
		return
	}
	kernel.AddToFloat32(dst, beta, s.f64[lo:lo+len(dst)], alpha)
}

// Float64 is the elements of a sum that is not in float32: a Gram matrix's, or
// those of a Run.
func (s *Sum) Float64() []float64 { return s.f64 }

// CopyTo copies the elements into m, rounded to float32.
func (s *Sum) CopyTo(m mat.Dense) {
	for i := range m.Rows {
		row := m.Row(i)
		if s.f32 != nil {
			copy(row, s.f32[i*m.Cols:])
			continue
		}
		for j, v := range s.f64[i*m.Cols : (i+1)*m.Cols] {
			row[j] = float32(v)
		}
	}
}
