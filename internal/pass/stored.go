package pass

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// taskRows is the number of rows of a task: whole tiles, few enough that what
// they are summed in stays in cache.
const taskRows = 96

// task is rows lo to hi-1 of a product.
type task struct {
	h      Product
	lo, hi int
}

// makeTasks divides the products into tasks, in the order of the plan.
func (p *Pass) makeTasks() {
	p.tasks = p.tasks[:0]
	for i, h := range p.plan.products {
		if h.summed {
			continue
		}
		for lo := 0; lo < h.rows; lo += taskRows {
			p.tasks = append(p.tasks, task{h, lo, min(lo+taskRows, h.rows)})
		}
		if !p.inFloat32(h) {
			continue
		}
		for len(p.f32) <= i {
			p.f32 = append(p.f32, nil)
		}
		if n := h.rows * h.cols; cap(p.f32[i]) < n {
			p.f32[i] = make([]float32, n)
		} else {
			p.f32[i] = p.f32[i][:n]
		}
	}
	p.next.Store(0)
}

// runTasks does tasks until none is left. Which worker does which changes
// nothing in the result.
func (p *Pass) runTasks(w *Worker) {
	for {
		i := int(p.next.Add(1)) - 1
		if i >= len(p.tasks) {
			return
		}
		p.run(w, p.tasks[i])
	}
}

func (p *Pass) run(w *Worker, t task) {
	a, b := p.stored.Factors(t.h)
	part := w.weighted(a.ColRange(t.lo, t.hi), p.Weights, whole)
	total, n := &p.workers[0], t.h.cols
	switch {
	case t.h.gram: // the upper triangle
		acc := w.product(part, b.ColRange(t.lo, n))
		for i := range acc.Rows {
			kernel.ToFloat64(total.matrix(t.h)[(t.lo+i)*n+t.lo:(t.lo+i+1)*n], acc.Row(i))
		}
	case p.inFloat32(t.h):
		w.pack.MulAT(mat.FromSlice(t.hi-t.lo, n, p.f32[t.h.number-1][t.lo*n:t.hi*n]), part, b)
	default:
		kernel.ToFloat64(total.matrix(t.h)[t.lo*n:t.hi*n], w.product(part, b).Data)
	}
	columns := total.columns(t.h)[t.lo:t.hi]
	clear(columns)
	addColumns(columns, part)
}

// product is aᵀb in scratch.
func (w *Worker) product(a, b mat.Dense) mat.Dense {
	n := a.Cols * b.Cols
	if cap(w.acc) < n {
		w.acc = make([]float32, n)
	}
	acc := mat.FromSlice(a.Cols, b.Cols, w.acc[:n])
	w.pack.MulAT(acc, a, b)
	return acc
}
