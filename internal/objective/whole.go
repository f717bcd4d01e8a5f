package objective

import (
	"sync/atomic"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// whole is how a batch that one float32 product may sum is dealt with: the
// workers share the samples forward and backward, a_l and δ_l of all of them
// staying in memory, and then the rows of the gradients and moments, each of
// which is one product over the batch. There are no partial sums of workers to
// clear, to add up and to wait for.
type whole struct {
	z, a  [][]float32 // of each layer; δ_l takes z_l's place
	sums  [][]float32 // gradients of weights, of each layer
	tasks []task      // gradients, then moments as far as they are asked for
	count int         // of tasks this time
	next  atomic.Int64
	part  []risk // of each worker
}

// risk is the number of samples and their risk.
type risk struct{ n, sum float64 }

// task is rows lo to hi-1 of a layer's gradient, or of its moments.
type task struct {
	layer, lo, hi int
	moments       bool
}

// taskRows is the number of rows of a task: whole tiles, few enough that what
// they are summed in stays in cache.
const taskRows = 96

func newWhole(layers []Layer, workers int) *whole {
	w := &whole{z: make([][]float32, len(layers)), a: make([][]float32, len(layers)), sums: make([][]float32, len(layers)), part: make([]risk, workers)}
	add := func(layer, rows int, moments bool) {
		for lo := 0; lo < rows; lo += taskRows {
			w.tasks = append(w.tasks, task{layer, lo, min(lo+taskRows, rows), moments})
		}
	}
	for l, ly := range layers {
		add(l, ly.W.Rows, false)
	}
	for l := len(layers) - 1; l >= 0; l-- {
		add(l, layers[l].W.Cols, true)
	}
	return w
}

// prepare makes room for a batch of rows, and picks the tasks: none, or
// gradients, and with moments those of the layers from first on.
func (w *whole) prepare(layers []Layer, rows int, none, moments bool, first int) {
	for l, ly := range layers {
		if n := rows * ly.W.Rows; cap(w.z[l]) < n {
			w.z[l], w.a[l] = make([]float32, n), make([]float32, n)
		}
	}
	w.next.Store(0)
	w.count = 0
	for w.count < len(w.tasks) && !none {
		if t := w.tasks[w.count]; t.moments && (!moments || t.layer < first) {
			break
		}
		w.count++
	}
}

// grad is room for the gradient of layer l's n weights.
func (w *whole) grad(l, n int) []float32 {
	if w.sums[l] == nil {
		w.sums[l] = make([]float32, n)
	}
	return w.sums[l]
}

// point has a worker's scratch be the batch's memory from row lo on.
func (w *whole) point(k *backWorker, layers []Layer, lo int) {
	for l, ly := range layers {
		k.z[l], k.a[l] = w.z[l][lo*ly.W.Rows:cap(w.z[l])], w.a[l][lo*ly.W.Rows:cap(w.a[l])]
	}
}

// samples runs the worker's share of the batch forward and backward.
func (b *Backprop) samples(worker int) {
	k := &b.workers[worker]
	var r risk
	lo, hi := kernel.Range(b.x.Rows, grain, worker, b.e.Pool.Threads())
	for ; lo < hi; lo += Block {
		end := min(lo+Block, hi)
		b.whole.point(k, b.layers, lo)
		x, y := b.x.RowRange(lo, end), b.y.RowRange(lo, end)
		r.n += float64(x.Rows)
		r.sum += b.forward(k, x, y)
		if !b.riskOnly {
			b.backward(k, x, y, func(int, mat.Dense, mat.Dense) {})
		}
	}
	b.whole.part[worker] = r
}

// products runs tasks until none is left. Which worker runs which changes
// nothing in the result.
func (b *Backprop) products(worker int) {
	for w := b.whole; ; {
		i := int(w.next.Add(1)) - 1
		if i >= w.count {
			return
		}
		b.product(&b.workers[worker], w.tasks[i])
	}
}

func (b *Backprop) product(k *backWorker, t task) {
	rows := b.x.Rows
	in := b.x
	if t.layer > 0 {
		in = blockOf(b.whole.a[t.layer-1], rows, b.layers[t.layer].W.Cols)
	}
	n := in.Cols
	if !t.moments {
		delta := blockOf(b.whole.z[t.layer], rows, b.layers[t.layer].W.Rows).ColRange(t.lo, t.hi)
		if g := &b.grad.W[t.layer]; g.short != nil {
			k.pack.MulAT(blockOf(g.short[t.lo*n:], t.hi-t.lo, n), delta, in)
		} else {
			kernel.Widen(g.long[t.lo*n:t.hi*n], k.product(delta, in).Data)
		}
		columns(b.grad.B[t.layer].long[t.lo:t.hi], delta)
		return
	}
	part := in.ColRange(t.lo, t.hi)
	acc := k.product(part, in.ColRange(t.lo, n)) // the upper triangle
	for i := range acc.Rows {
		kernel.Widen(b.moments.gram.Square[t.layer][(t.lo+i)*n+t.lo:(t.lo+i+1)*n], acc.Row(i))
	}
	columns(b.moments.gram.Sum[t.layer][t.lo:t.hi], part)
}

// product is aᵀb in scratch.
func (k *backWorker) product(a, b mat.Dense) mat.Dense {
	if n := a.Cols * b.Cols; cap(k.acc) < n {
		k.acc = make([]float32, n)
	}
	acc := blockOf(k.acc, a.Cols, b.Cols)
	k.pack.MulAT(acc, a, b)
	return acc
}

// columns computes sum = the sum over rows of m.
func columns(sum []float64, m mat.Dense) {
	clear(sum)
	AddColumns(sum, m)
}
