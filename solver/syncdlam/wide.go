package syncdlam

import (
	"math"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// A wide first layer's metric comes from the rows of its inputs, with nothing of the size
// of the inputs' square: with all samples at a time by rowInverse, with mini-batches by
// rowSketch. Deeper layers' inputs are not at hand, and their weights grow with the square
// of widths anyway.
const (
	// manyInputs is how many a layer has at most of which mini-batches average the moments,
	// which are some 0.4 GB then. Pictures of 32×32 points in colours have fewer.
	manyInputs = 4096
	// someInputs is how many a layer has at most of which the covariance of all samples is
	// inverted where the samples are fewer: next to nothing would be saved.
	someInputs = 1024
)

// fromRows reports whether the metric of a first layer of so many inputs comes from rows.
// On several ranks none of which has all samples, rowInverse would need the others'.
func (s Settings) fromRows(in, samples, ranks int) bool {
	if s.Batch > 0 {
		return s.rank(in) > 0 && in > manyInputs
	}
	return ranks == 1 && in > samples && in > someInputs
}

// rowMetric is an inputMetric's part that comes from rows.
type rowMetric interface {
	// solve makes m's (C + dI)⁻¹ = base·I + UᵀR and reports whether it could.
	solve(m *inputMetric, d, trace float64) bool
}

// wide has layer 0's metric come from rows where that suits.
func (c *core) wide() bool {
	ly := c.net.Layers[0]
	if _, dense := ly.Linear().(nn.Dense); !dense || !c.fromRows(ly.W.Cols, c.p.X.Rows, c.e.Comm.Size()) {
		return false
	}
	m := &c.layers[0].metric
	if c.Batch > 0 {
		c.sketch = newRowSketch(c.e, m, ly.W.Cols, ly.W.Rows, c.rank(ly.W.Cols))
	} else {
		m.rows = newRowInverse(c.e, m, c.p.X, c.p.Y, ly.W.Rows)
	}
	return true
}

// allocateRows makes room for what an inputMetric needs beside its rowMetric, which keeps
// so many numbers of the second moments.
func (m *inputMetric) allocateRows(in, out, rank, kept int) {
	m.square, m.mean = make([]float64, kept+1), make([]float64, in)
	m.mean32, m.meanMove, m.t = mat.New(1, in), mat.New(1, in), mat.New(out, rank)
}

// moment is the mean of the squares of a row, which is kept last.
func (m *inputMetric) moment() *float64 { return &m.square[len(m.square)-1] }

// rowTrace is covariance where C itself is not made.
func (m *inputMetric) rowTrace() (trace float64) {
	moment := *m.moment()
	trace = moment
	for i, mean := range m.mean {
		trace -= mean * mean
		m.mean32.Row(0)[i] = float32(mean)
	}
	return max(trace, noise*moment)
}

// rowInverse is exact, from fewer rows than inputs: with Y the n centred rows, each times
// the root of its weight's share of all (over √n, without weights), C = YᵀY, and by the identity of Woodbury
//
//	(C + dI)⁻¹ = (1/d)[I − Yᵀ(YYᵀ + dI)⁻¹Y]
type rowInverse struct {
	pool   *kernel.Pool
	y      mat.Dense
	gram   []float64 // YYᵀ, row-major, the upper triangle: m.square's first elements
	chol   []float64 // what is factorised
	factor mat.Cholesky
}

func newRowInverse(e *pass.Engine, m *inputMetric, x mat.Dense, targets loss.Target, out int) *rowInverse {
	n := x.Rows
	m.allocateRows(x.Cols, out, n, n*n)
	m.low = new(lowRank)
	r := &rowInverse{pool: e.Pool, y: mat.New(n, x.Cols), gram: m.square[:n*n], chol: make([]float64, n*n)}
	all := make([]float64, n) // rows that stand for as many as each, and itself
	for i, total := 0, targets.TotalWeight(); i < n; i++ {
		all[i] = total / targets.WeightOf(i)
		for j, v := range x.Row(i) {
			m.mean[j] += float64(v) / all[i]
		}
	}
	for i := range n {
		y, scale := r.y.Row(i), 1/math.Sqrt(all[i])
		*m.moment() += kernel.SumSquares(x.Row(i)) / all[i]
		for j, v := range x.Row(i) {
			y[j] = float32(scale * (float64(v) - m.mean[j]))
		}
	}
	e.Pool.Run(r)
	return r
}

// Do makes the worker's rows of YYᵀ in float64, every so manieth of them, as the rows of
// a triangle get shorter.
func (r *rowInverse) Do(worker int) {
	for i := worker; i < r.y.Rows; i += r.pool.Threads() {
		for j := i; j < r.y.Rows; j++ {
			r.gram[i*r.y.Rows+j] = kernel.Dot(r.y.Row(i), r.y.Row(j))
		}
	}
}

func (r *rowInverse) solve(m *inputMetric, d, _ float64) bool {
	n := r.y.Rows
	copy(r.chol, r.gram)
	for i := range n {
		r.chol[i*n+i] += d
	}
	if !r.factor.Factor(r.chol, n) {
		return false
	}
	inverse, short := make([]float64, n*n), mat.New(n, n)
	r.factor.Inverse(inverse)
	for i, v := range inverse {
		short.Data[i] = float32(-v / d)
	}
	m.panel.Pack(r.y)
	left := mat.New(n, r.y.Cols)
	m.panel.Mul(left, short)
	m.low.panel.PackT(left)
	m.base = float32(1 / d)
	return true
}

// rowSketch is a lowRank of the averages of mini-batches' covariances. What it remembers
// of the batches before is UᵀSU, with S = UCUᵀ: a metric of fewer directions than the
// rank is that of the averages themselves. S is kept as m.square's first elements.
type rowSketch struct {
	e     *pass.Engine
	m     *inputMetric
	x     mat.Dense // the batch
	y     loss.Target
	n     float64 // sum of its rows' weights, over all ranks
	share float64 // of what was before in the averages
	turn  bool    // the pass is for UC, and else for the mean

	pass         *pass.Pass
	rows, square pass.Scalar
	sum          pass.Vector
	product      pass.Product
	centred, t   []mat.Dense // scratch of each worker: a block's rows, and times Uᵀ

	before mat.Dense // U before, and the way from the mean to that before
	s, a   mat.Dense // share·S, with share for that way; scratch
	b      mat.Dense
	pack   mat.Packing
}

func newRowSketch(e *pass.Engine, m *inputMetric, in, out, rank int) *rowSketch {
	m.allocateRows(in, out, rank, rank*rank)
	m.low = newLowRank(rank, in)
	r := &rowSketch{e: e, m: m, pass: e.NewPass(pass.Fine), before: mat.New(rank+1, in)}
	r.s, r.a, r.b = mat.New(rank+1, rank+1), mat.New(rank+1, rank), mat.New(rank+1, rank)
	for range e.Pool.Threads() {
		r.centred, r.t = append(r.centred, mat.New(pass.Block, in)), append(r.t, mat.New(pass.Block, rank))
	}
	m.rows = r
	return r
}

// average takes a mini-batch's rows into the averages, as inputMetric.average its moments.
func (r *rowSketch) average(x mat.Dense, y loss.Target, decay float64) error {
	m, u := r.m, r.m.low.u
	turns := 1
	if !m.seen {
		decay, turns = 0, firstTurns
	}
	r.x, r.y, r.pass.Weights, r.share = x, y, y.Weight, decay
	if err := r.averageMeans(); err != nil {
		return err
	}
	rank := u.Rows
	r.before.RowRange(0, rank).CopyFrom(u)
	for i := range rank {
		for j := range rank {
			r.s.Set(i, j, float32(decay*m.square[i*rank+j]))
		}
	}
	r.s.Set(rank, rank, float32(decay))
	for range turns {
		if err := r.timesC(); err != nil {
			return err
		}
		u.CopyFrom(m.low.uc)
		orthonormalize(u)
	}
	if err := r.timesC(); err != nil {
		return err
	}
	m.low.panel.Mul(m.low.k, m.low.uc)
	kernel.ToFloat64(m.square[:rank*rank], m.low.k.Data)
	return nil
}

// averageMeans brings the means of the rows and of their squares up to date.
func (r *rowSketch) averageMeans() error {
	r.turn = false
	if err := r.pass.Run(r, r.x.Rows); err != nil {
		return err
	}
	r.n = r.pass.Scalar(r.rows)
	way, moment := r.before.Row(r.before.Rows-1), r.m.moment()
	*moment = r.share**moment + (1-r.share)*r.pass.Scalar(r.square)/r.n
	for i, v := range r.pass.Vector(r.sum) {
		old := r.m.mean[i]
		r.m.mean[i] = r.share*old + (1-r.share)*v/r.n
		way[i] = float32(old - r.m.mean[i])
	}
	return nil
}

// timesC makes uc = UC, of the averages' C.
func (r *rowSketch) timesC() error {
	low := r.m.low
	low.panel.PackT(low.u)
	r.turn = true
	if err := r.pass.Run(r, r.x.Rows); err != nil {
		return err
	}
	sum := r.pass.Product(r.product)
	clear(low.uc.Data)
	for i := range low.uc.Rows {
		sum.AddTo(low.uc.Row(i), 0, i*low.uc.Cols, float32((1-r.share)/r.n))
	}
	if r.share > 0 {
		low.panel.Mul(r.a, r.before)
		r.pack.MulAT(r.b, r.s, r.a)
		r.pack.AddMulAT(low.uc, r.b, r.before)
	}
	return nil
}

// Plan names the sums.
func (r *rowSketch) Plan(p *pass.Plan) {
	if r.turn {
		r.product = p.Product(r.m.low.u.Rows, r.m.low.u.Cols)
		return
	}
	r.rows, r.square, r.sum = p.Scalar(), p.Scalar(), p.Vector(r.x.Cols)
}

// Block adds samples lo to hi-1.
func (r *rowSketch) Block(w *pass.Worker, lo, hi int) {
	x := r.x.RowRange(lo, hi)
	if !r.turn {
		targets := r.y.RowRange(lo, hi)
		w.Add(r.rows, targets.TotalWeight())
		for lo := 0; lo < x.Rows; {
			hi, weight := targets.Run(lo)
			w.Add(r.square, weight*pass.SumSquares(x.RowRange(lo, hi)))
			lo = hi
		}
		w.AddColumns(r.sum, x)
		return
	}
	y, t := r.centred[w.Index].RowRange(0, x.Rows), r.t[w.Index].RowRange(0, x.Rows)
	for i := range x.Rows {
		row := y.Row(i)
		for j, v := range x.Row(i) {
			row[j] = float32(float64(v) - r.m.mean[j])
		}
	}
	r.m.low.panel.Mul(t, y)
	w.AddProduct(r.product, t, y)
}

func (r *rowSketch) solve(m *inputMetric, d, trace float64) bool {
	low := m.low
	low.panel.PackT(low.u)
	for i := range low.k.Data {
		low.k.Data[i] = float32(m.square[i])
	}
	var ok bool
	m.base, ok = low.invert(&m.panel, d, trace)
	return ok
}

// rowsMemory is about how many float32 a metric from rows takes, and those of each worker.
func (s Settings) rowsMemory(in, samples int) (floats, perWorker float64) {
	n, k := float64(in), float64(s.rank(in))
	if s.Batch == 0 {
		rows := float64(samples)
		return 5*n + (3*rows+panels(samples))*n + 7*rows*rows, 0 // Y, and what it makes of it; YYᵀ, its factor and inverse
	}
	return 5*n + 7*k*n, 3*k*n + (pass.Block+2)*n // U, UC and R, packed too; sums, and centred rows
}
