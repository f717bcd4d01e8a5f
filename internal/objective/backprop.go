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
	W, B    []Sum // of each layer: ∂/∂W_l, row-major, and ∂/∂b_l
}

// Sum is a sum over samples: in float64, or in float32 where one product made
// it and there is no other rank to add.
type Sum struct {
	long  []float64
	short []float32 // if not nil, instead
}

// At is element i.
func (s *Sum) At(i int) float64 {
	if s.short != nil {
		return float64(s.short[i])
	}
	return s.long[i]
}

// AddTo computes dst = β·dst + α·(the elements from lo on).
func (s *Sum) AddTo(dst []float32, beta float32, lo int, alpha float32) {
	if s.short != nil {
		kernel.Axpby(dst, beta, alpha, s.short[lo:lo+len(dst)])
		return
	}
	kernel.Narrow(dst, beta, s.long[lo:lo+len(dst)], alpha)
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
	phase   phase
	whole   *whole

	moments             *gramPass // what GradientAndGram adds, once it was called
	gathering, riskOnly bool      // in this pass: moments too; nothing but the risk
}

// phase is what the workers are at.
type phase int

const (
	phasePack     phase = iota // packing the weights
	phaseSum                   // running blocks of samples and summing
	phaseSamples               // running a whole batch
	phaseProducts              // and then its products
)

// backWorker is one worker's scratch, for Block rows.
type backWorker struct {
	z, a  [][]float32 // of each layer; δ_l = ∂R/∂z_l takes z_l's place
	own   [2][][]float32
	delta []float32
	outer []Outer
	acc   []float32 // of a task
	pack  mat.Packing
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
		b.grad.W, b.grad.B = append(b.grad.W, Sum{long: total[:m]}), append(b.grad.B, Sum{long: total[m : m+n]})
		total = total[m+n:]
	}
	b.workers = make([]backWorker, e.Pool.Threads())
	for w := range b.workers {
		b.workers[w].allocate(layers)
	}
	b.whole = newWhole(layers, len(b.workers))
	for l, ly := range layers {
		b.wT[l].Size(ly.W.Cols, ly.W.Rows)
		b.w[l].Size(ly.W.Rows, ly.W.Cols)
	}
	return b, nil
}

func (k *backWorker) allocate(layers []Layer) {
	k.z, k.a, k.outer = make([][]float32, len(layers)), make([][]float32, len(layers)), make([]Outer, len(layers))
	k.own = [2][][]float32{make([][]float32, len(layers)), make([][]float32, len(layers))}
	widest := 0
	for l, ly := range layers {
		k.own[0][l] = make([]float32, Block*ly.W.Rows)
		if l < len(layers)-1 {
			k.own[1][l] = make([]float32, Block*ly.W.Rows)
			widest = max(widest, ly.W.Rows)
		}
	}
	k.delta = make([]float32, Block*widest)
}

// reset has the scratch be the worker's own again.
func (k *backWorker) reset() {
	copy(k.z, k.own[0])
	copy(k.a, k.own[1])
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
	b.x, b.y = x, y
	b.run(phasePack)
	if b.riskOnly {
		length = 2
	}
	var total []float64
	var err error
	whole := x.Rows <= flushRows
	if !b.riskOnly {
		b.short(whole && b.e.Comm.Size() == 1)
	}
	if whole {
		total, err = b.sumWhole(length)
	} else {
		b.sums.Reset(length)
		b.run(phaseSum)
		total, err = b.sums.Reduce()
	}
	if err != nil {
		return nil, err
	}
	b.grad.N, b.grad.Risk = total[0], total[1]
	return &b.grad, nil
}

// short has the gradients of weights be in float32, or not.
func (b *Backprop) short(yes bool) {
	for l := range b.grad.W {
		g := &b.grad.W[l]
		if g.short = nil; yes {
			g.short = b.whole.grad(l, len(g.long))
		}
	}
}

// sumWhole is sum for a batch of few samples; see whole.
func (b *Backprop) sumWhole(length int) ([]float64, error) {
	first := 0
	if b.gathering {
		first = b.moments.first
	}
	b.whole.prepare(b.layers, b.x.Rows, b.riskOnly, b.gathering, first)
	b.run(phaseSamples)
	if !b.riskOnly {
		b.run(phaseProducts)
	}
	total := b.sums.Open(length)
	total[0], total[1] = 0, 0
	for _, r := range b.whole.part {
		total[0] += r.n
		total[1] += r.sum
	}
	return b.sums.Ranks()
}

func (b *Backprop) run(p phase) {
	b.phase = p
	b.e.Pool.Run(b)
}

// Do does the worker's share of a phase.
func (b *Backprop) Do(worker int) {
	switch b.phase {
	case phasePack:
		for l, ly := range b.layers {
			b.wT[l].PackTPart(ly.W, worker, len(b.workers))
			if l > 0 && !b.riskOnly {
				b.w[l].PackPart(ly.W, worker, len(b.workers))
			}
		}
	case phaseSum:
		b.blocks(worker)
	case phaseSamples:
		b.samples(worker)
	case phaseProducts:
		b.products(worker)
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

// backward makes δ_L = ∇R and δ_{l-1} = (δ_l W_l) ∘ h'(z_{l-1}), each in z_l's
// place, and hands on each δ_l with a_{l-1}.
func (b *Backprop) backward(k *backWorker, x mat.Dense, y loss.Target, use func(l int, delta, in mat.Dense)) {
	last := len(b.layers) - 1
	delta := blockOf(k.z[last], x.Rows, b.layers[last].W.Rows)
	b.loss.Grad(delta, delta, y)
	for l := last; l > 0; l-- {
		cols := b.layers[l].W.Cols
		use(l, delta, blockOf(k.a[l-1], x.Rows, cols))
		z, d := blockOf(k.z[l-1], x.Rows, cols), blockOf(k.delta, x.Rows, cols)
		b.w[l].Mul(d, delta)
		b.h[l-1].MulDeriv(z.Elements(), d.Elements(), z.Elements())
		delta = z
	}
	use(0, delta, x)
}

// blockOf is the first rows of a block's scratch.
func blockOf(buf []float32, rows, cols int) mat.Dense {
	return mat.FromSlice(rows, cols, buf[:rows*cols])
}

var _ kernel.Job = (*Backprop)(nil)
