package objective

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// blocks runs the worker's share of the samples forward and backward, in
// blocks, and sums.
func (b *Backprop) blocks(worker int) {
	k, part := &b.workers[worker], b.sums.Part(worker)
	k.reset()
	b.begin(worker)
	lo, hi := kernel.Range(b.x.Rows, grain, worker, b.e.Pool.Threads())
	for ; lo < hi; lo += Block {
		end := min(lo+Block, hi)
		x, y := b.x.RowRange(lo, end), b.y.RowRange(lo, end)
		part[0] += float64(x.Rows)
		part[1] += b.forward(k, x, y)
		if b.riskOnly {
			continue
		}
		if b.gathering {
			b.moments.add(b, worker, k, x)
		}
		at := b.length
		b.backward(k, x, y, func(l int, delta, in mat.Dense) {
			k.outer[l].Add(delta, in)
			AddColumns(part[at-delta.Cols:at], delta)
			at -= delta.Cols * (in.Cols + 1)
		})
	}
	if b.gathering {
		b.moments.flush(worker)
	}
	for l := range k.outer {
		if !b.riskOnly {
			k.outer[l].Flush()
		}
	}
}

// begin starts the worker's sums.
func (b *Backprop) begin(worker int) {
	if b.riskOnly {
		return
	}
	k, part, at := &b.workers[worker], b.sums.Part(worker), 2
	for l, ly := range b.layers {
		k.outer[l].Begin(part[at:], ly.W.Rows, ly.W.Cols)
		at += ly.W.Rows*ly.W.Cols + len(ly.B)
	}
	if b.gathering {
		b.moments.begin(b, worker)
	}
}
