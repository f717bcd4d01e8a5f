package syncdlam

import (
	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// moveJob takes a step along V, then makes a new V, then takes the parameters
// into an average; each if it is asked to. Workers share the rows of each layer.
type moveJob struct {
	c    *core
	step float32 // along V

	g        *backprop.Gradient // makes V ← momentum·V + scale·(least squares' moves for g); nil leaves V
	momentum float32
	scale    float32

	mean      *dlam.Network // the average, or nil
	share     float32       // of the parameters in it
	lookahead float32       // how far they are ahead along V of what is averaged

	sums bool // make rowSums
}

// rowSums are what is summed over a row of a layer's weights.
type rowSums struct {
	w, v float64 // squares of W and of V
	// of −gradient ∘ V, V as it was, and −gradient ∘ move, for the last gradient, a sample
	slope, move float64
}

// moveRows is the number of rows that are moved at a time: they stay in cache.
const moveRows = 48

func (j *moveJob) Do(worker int) {
	threads := j.c.e.Pool.Threads()
	for l := range j.c.layers {
		lo, hi := kernel.Range(j.c.layers[l].w.Rows, 4, worker, threads)
		for ; lo < hi; lo += moveRows {
			end := min(lo+moveRows, hi)
			j.advance(l, lo, end)
			switch {
			case j.g == nil:
			case j.c.layers[l].output == nil:
				j.solve(l, lo, end, j.c.scratch[worker])
			default:
				j.solveBoth(l, lo, end, j.c.scratch[worker])
			}
			if j.mean != nil {
				j.average(l, lo, end)
			}
			if j.sums {
				j.sumSquares(l, lo, end)
			}
		}
	}
}

// advance takes rows lo to hi-1 of layer l by step along V.
func (j *moveJob) advance(l, lo, hi int) {
	ly := &j.c.layers[l]
	if j.step == 0 {
		return
	}
	kernel.Axpy(ly.b[lo:hi], j.step, ly.v.B[lo:hi])
	if ly.binary == nil {
		kernel.Axpy(ly.w.RowRange(lo, hi).Elements(), j.step, ly.v.W.RowRange(lo, hi).Elements())
		return
	}
	for i := lo; i < hi; i++ {
		ly.advanceRow(j.c.net.Layers[l].W.Row(i), i, j.step)
	}
}

// solve solves layer l's least squares for rows lo to hi-1: with G and g the
// means of D aᵀ and D, ΔW = f·(G − g āᵀ)(C + λs̄)⁻¹ and Δb = f·g − ΔW ā; and adds
// the move to μV. The right side, f times that of least squares, is made in scratch. In rows
// with weights in some columns alone, of a layer with gates, G − g āᵀ and ΔW are 0 in the
// others: ΔW = f·(G − g āᵀ)P(C + λs̄)⁻¹P goes down as well.
func (j *moveJob) solve(l, lo, hi int, scratch []float32) {
	ly, net := &j.c.layers[l], j.c.net.Layers[l]
	m, in := &ly.metric, ly.w.Cols
	rhs, gated := mat.FromSlice(hi-lo, in, scratch[:(hi-lo)*in]), net.Gated()
	for i := lo; i < hi; i++ {
		row := rhs.Row(i - lo)
		g := j.rightSide(l, i, row)
		var db float32
		if gated { // without what V gains, below
			keepColumns(net, i, row)
			db = g + j.momentum*float32(kernel.Dot(ly.v.W.Row(i), m.mean32.Row(0)))
		} else {
			db = g - float32(kernel.Dot(row, m.meanMove.Row(0)))
		}
		if j.sums {
			j.sumSlope(ly, i, row, float64(g), float64(g))
		}
		ly.v.B[i] = j.momentum*ly.v.B[i] + db
	}
	m.apply(ly.v.W.RowRange(lo, hi), rhs, j.momentum, lo)
	for i := lo; gated && i < hi; i++ {
		v := ly.v.W.Row(i)
		keepColumns(net, i, v)
		ly.v.B[i] -= float32(kernel.Dot(v, m.mean32.Row(0)))
	}
	for i := lo; j.sums && i < hi; i++ {
		j.sumMove(ly, i, rhs.Row(i-lo))
	}
}

// rightSide makes row i of layer l's right side, f times that of least squares, in row, and
// returns that of the intercept.
func (j *moveJob) rightSide(l, i int, row []float32) (g float32) {
	c, ly := j.c, &j.c.layers[l]
	f := float32(ly.scale)
	share, omega := f*(j.scale*float32(1/j.g.N)), f*(j.scale*float32(1/c.weight))
	g = -share * float32(j.g.B[l].At(i))
	clear(row)
	c.omega.AddGrad(row, c.net.Layers[l].W.Row(i))
	j.g.W[l].AddTo(row, -omega, i*len(row), -share)
	kernel.Axpy(row, -g, ly.metric.mean32.Row(0))
	return g
}

// sumSlope makes row i's rowSums but for what its V gains. With r the right side's row, the
// parts of the row in ⟨G, ·⟩ + g· are ⟨r + g ā, V⟩ + g Vb for V, and ⟨r, ΔW⟩ + g·moved for
// the move, as Δb = moved − ΔW ā.
func (j *moveJob) sumSlope(ly *layer, i int, r []float32, g, moved float64) {
	v := ly.v.W.Row(i)
	old := kernel.Dot(r, v)
	ly.rows[i].slope = (old + g*(kernel.Dot(v, ly.metric.mean32.Row(0))+float64(ly.v.B[i]))) / ly.scale
	ly.rows[i].move = g*moved - float64(j.momentum)*old
}

// sumMove adds what row i's V has gained.
func (j *moveJob) sumMove(ly *layer, i int, r []float32) {
	ly.rows[i].move = (ly.rows[i].move + kernel.Dot(r, ly.v.W.Row(i))) / ly.scale
}

// keepColumns clears what is in row beyond the columns of row i of the layer's weights.
func keepColumns(net dlam.Layer, i int, row []float32) {
	lo, hi := net.Columns(i)
	clear(row[:lo])
	clear(row[hi:])
}

// average takes rows lo to hi-1 of layer l into their average.
func (j *moveJob) average(l, lo, hi int) {
	ly, mean := &j.c.layers[l], j.mean.Layers[l]
	add := func(dst, x, v []float32) {
		kernel.Axpby(dst, 1-j.share, j.share, x)
		kernel.Axpy(dst, -j.share*j.lookahead, v)
	}
	add(mean.B[lo:hi], ly.b[lo:hi], ly.v.B[lo:hi])
	if ly.binary == nil {
		add(mean.W.RowRange(lo, hi).Elements(), ly.w.RowRange(lo, hi).Elements(), ly.v.W.RowRange(lo, hi).Elements())
		return
	}
	for i := lo; i < hi; i++ { // which are not ahead
		ly.averageRow(mean.W.Row(i), i, j.share)
	}
}

// sumSquares sums the squares of rows lo to hi-1 of layer l's W and V.
func (j *moveJob) sumSquares(l, lo, hi int) {
	ly := &j.c.layers[l]
	for i := lo; i < hi; i++ {
		ly.rows[i].w, ly.rows[i].v = kernel.SumSquares(ly.w.Row(i)), kernel.SumSquares(ly.v.W.Row(i))
	}
}

// solveMoves makes V ← momentum·V + the least squares' moves for gradient g.
func (c *core) solveMoves(g *backprop.Gradient, momentum float64) {
	c.run(moveJob{g: g, momentum: float32(momentum), scale: 1})
}

// moveAlong takes a step along V.
func (c *core) moveAlong(step float64) { c.run(moveJob{step: float32(step)}) }

// run runs the job.
func (c *core) run(j moveJob) {
	j.c = c
	c.moves = j
	if c.deep && j.g != nil {
		c.e.Pool.Run((*sidesJob)(&c.moves))
		c.e.Pool.Run((*packJob)(&c.moves))
		c.moves.step = 0 // it has been taken
	}
	c.e.Pool.Run(&c.moves)
}
