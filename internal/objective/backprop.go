package objective

import (
	"fmt"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// grain is what the workers' shares of the samples are multiples of: small,
// so that a mini-batch of some dozens of samples is shared too.
const grain = 16

// Gradient is the risk and its gradient, summed over all ranks' samples.
type Gradient struct {
	N, Risk float64
	W, B    [][]float64 // of each layer: ∂/∂W_l, row-major, and ∂/∂b_l
}

// Backprop computes the gradient of the risk by backpropagation.
type Backprop struct {
	e       *Engine
	layers  []Layer
	loss    loss.Loss
	h       []activation.Differentiable // of the hidden layers
	w, wT   []mat.Panel                 // W_l and W_lᵀ, packed
	sums    *Sums
	length  int
	grad    Gradient
	workers []backWorker
	x       mat.Dense
	y       loss.Target
	packing bool

	moments             *gramPass // what GradientAndGram adds, once it was called
	gathering, riskOnly bool      // in this pass: moments too; nothing but the risk
}

// backWorker is one worker's scratch, for Block rows.
type backWorker struct {
	z, a  [][]float32 // of each layer; δ_l = ∂R/∂z_l takes z_l's place
	delta []float32
	outer []Outer
}

// NewBackprop prepares for the layers, whose memory it refers to. It refuses
// hidden activations without a derivative.
func (e *Engine) NewBackprop(layers []Layer, l loss.Loss) (*Backprop, error) {
	b := &Backprop{e: e, layers: layers, loss: l, w: make([]mat.Panel, len(layers)), wT: make([]mat.Panel, len(layers))}
	b.length = 2
	for i, ly := range layers {
		b.length += ly.W.Rows*ly.W.Cols + len(ly.B)
		if i == len(layers)-1 {
			break
		}
		h, ok := ly.H.(activation.Differentiable)
		if !ok {
			return nil, fmt.Errorf("layer %d: activation %v has no derivative, which backpropagation needs", i+1, ly.H)
		}
		b.h = append(b.h, h)
	}
	b.sums = e.NewSums(b.length + momentsLength(layers, 0)) // memory that Gradient alone never touches
	total := b.sums.Part(0)[2:]                             // where Reduce leaves the sums
	for _, ly := range layers {
		m, n := ly.W.Rows*ly.W.Cols, len(ly.B)
		b.grad.W, b.grad.B = append(b.grad.W, total[:m]), append(b.grad.B, total[m:m+n])
		total = total[m+n:]
	}
	b.workers = make([]backWorker, e.Pool.Threads())
	for w := range b.workers {
		b.workers[w].allocate(layers)
	}
	return b, nil
}

func (k *backWorker) allocate(layers []Layer) {
	k.z, k.a, k.outer = make([][]float32, len(layers)), make([][]float32, len(layers)), make([]Outer, len(layers))
	widest := 0
	for l, ly := range layers {
		k.z[l] = make([]float32, Block*ly.W.Rows)
		if l < len(layers)-1 {
			k.a[l] = make([]float32, Block*ly.W.Rows)
			widest = max(widest, ly.W.Rows)
		}
	}
	k.delta = make([]float32, Block*widest)
}

// Sums is where Gradient leaves its result.
func (b *Backprop) Sums() *Gradient { return &b.grad }

// Gradient is the gradient on the samples x with targets y. It is valid until
// the next call.
func (b *Backprop) Gradient(x mat.Dense, y loss.Target) (*Gradient, error) {
	return b.sum(x, y, b.length)
}

// sum is a pass that adds up the first length sums, over ranks at once.
func (b *Backprop) sum(x mat.Dense, y loss.Target, length int) (*Gradient, error) {
	b.x, b.y, b.packing = x, y, true
	b.e.Pool.Run(b)
	b.packing = false
	b.sums.Reset(length)
	b.e.Pool.Run(b)
	total, err := b.sums.Reduce()
	if err != nil {
		return nil, err
	}
	b.grad.N, b.grad.Risk = total[0], total[1]
	return &b.grad, nil
}

// Do packs the worker's share of the weights, or runs its share of the
// samples forward and backward.
func (b *Backprop) Do(worker int) {
	if b.packing {
		b.pack(worker)
		return
	}
	k, part := &b.workers[worker], b.sums.Part(worker)
	at := 2
	for l, ly := range b.layers {
		k.outer[l].Begin(part[at:], ly.W.Rows, ly.W.Cols)
		at += ly.W.Rows*ly.W.Cols + len(ly.B)
	}
	if b.gathering {
		b.moments.begin(b, worker)
	}
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
		b.backward(k, x, y, part)
	}
	if b.gathering {
		b.moments.flush(worker)
	}
	for l := range k.outer {
		k.outer[l].Flush()
	}
}

func (b *Backprop) pack(worker int) {
	for l := range b.layers {
		if (2*l)%b.e.Pool.Threads() == worker {
			b.wT[l].PackT(b.layers[l].W)
		}
		if l > 0 && (2*l-1)%b.e.Pool.Threads() == worker {
			b.w[l].Pack(b.layers[l].W)
		}
	}
}

// forward fills z_l and a_l and returns the risk.
func (b *Backprop) forward(k *backWorker, x mat.Dense, y loss.Target) float64 {
	last := len(b.layers) - 1
	in := x
	for l, ly := range b.layers {
		z := blockOf(k.z[l], x.Rows, ly.W.Rows)
		Affine(z, in, &b.wT[l], ly.B)
		if l == last {
			return b.loss.Value(z, y)
		}
		in = blockOf(k.a[l], x.Rows, ly.W.Rows)
		b.h[l].Apply(in.Elements(), z.Elements())
	}
	panic("objective: a network without layers")
}

// backward adds δ_lᵀa_{l-1} and δ_l's columns, with δ_L = ∇R and
// δ_{l-1} = (δ_l W_l) ∘ h'(z_{l-1}).
func (b *Backprop) backward(k *backWorker, x mat.Dense, y loss.Target, part []float64) {
	last := len(b.layers) - 1
	delta := blockOf(k.z[last], x.Rows, b.layers[last].W.Rows)
	b.loss.Grad(delta, delta, y)
	end := b.length
	for l := last; l >= 0; l-- {
		ly := b.layers[l]
		in := x
		if l > 0 {
			in = blockOf(k.a[l-1], x.Rows, ly.W.Cols)
		}
		k.outer[l].Add(delta, in)
		AddColumns(part[end-len(ly.B):end], delta)
		end -= ly.W.Rows*ly.W.Cols + len(ly.B)
		if l == 0 {
			return
		}
		z, d := blockOf(k.z[l-1], x.Rows, ly.W.Cols), blockOf(k.delta, x.Rows, ly.W.Cols)
		b.w[l].Mul(d, delta)
		b.h[l-1].MulDeriv(z.Elements(), d.Elements(), z.Elements())
		delta = z
	}
}

// blockOf is the first rows of a block's scratch.
func blockOf(buf []float32, rows, cols int) mat.Dense {
	return mat.FromSlice(rows, cols, buf[:rows*cols])
}

var _ kernel.Job = (*Backprop)(nil)
