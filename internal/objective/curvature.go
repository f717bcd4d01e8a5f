package objective

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// Gram is the second moments of each layer's input a_{l-1}, summed over all
// ranks' samples.
type Gram struct {
	N      float64
	Square [][]float64 // Σ aaᵀ, row-major; the upper triangle
	Sum    [][]float64 // Σ a
}

// gramPass is what a Backprop adds up beside the gradient. Its sums follow the
// gradient's, the last layer's first: those of the layers that are summed are
// in front, and all is one vector for the ranks to add.
type gramPass struct {
	first int // first layer that is summed
	outer [][]Outer
	gram  Gram
}

// momentsLength is the number of moments of the inputs of layers first, ….
func momentsLength(layers []Layer, first int) (n int) {
	for _, ly := range layers[first:] {
		n += ly.W.Cols * (ly.W.Cols + 1)
	}
	return n
}

// GradientAndGram is Gradient, and the second moments of the inputs of layers
// first, first+1, … (from 0) on the same samples. Both are valid until the
// next call.
func (b *Backprop) GradientAndGram(x mat.Dense, y loss.Target, first int) (*Gradient, *Gram, error) {
	if b.moments == nil {
		b.allocateGram()
	}
	g := b.moments
	g.first = first
	b.gathering = true
	grad, err := b.sum(x, y, b.length+momentsLength(b.layers, first))
	b.gathering = false
	if err != nil {
		return nil, nil, err
	}
	g.gram.N = grad.N
	return grad, &g.gram, nil
}

func (b *Backprop) allocateGram() {
	layers := len(b.layers)
	g := &gramPass{outer: make([][]Outer, len(b.workers))}
	g.gram.Square, g.gram.Sum = make([][]float64, layers), make([][]float64, layers)
	b.sums.Reset(b.length + momentsLength(b.layers, 0))
	total := b.sums.Part(0)[b.length:] // where Reduce leaves the sums
	for l := layers - 1; l >= 0; l-- {
		n := b.layers[l].W.Cols
		g.gram.Square[l], g.gram.Sum[l] = total[:n*n], total[n*n:n*n+n]
		total = total[n*n+n:]
	}
	for w := range g.outer {
		g.outer[w] = make([]Outer, layers)
	}
	b.moments = g
}

// begin starts a worker's sums of moments; add and flush go on.
func (g *gramPass) begin(b *Backprop, worker int) {
	at := b.length
	for l := len(b.layers) - 1; l >= g.first; l-- {
		n := b.layers[l].W.Cols
		g.outer[worker][l].Begin(b.sums.Part(worker)[at:], n, n)
		at += n * (n + 1)
	}
}

func (g *gramPass) add(b *Backprop, worker int, k *backWorker, x mat.Dense) {
	part, at := b.sums.Part(worker), b.length
	for l := len(b.layers) - 1; l >= g.first; l-- {
		n, in := b.layers[l].W.Cols, x
		if l > 0 {
			in = blockOf(k.a[l-1], x.Rows, n)
		}
		g.outer[worker][l].AddGram(in)
		AddColumns(part[at+n*n:at+n*n+n], in)
		at += n * (n + 1)
	}
}

func (g *gramPass) flush(worker int) {
	for l := g.first; l < len(g.outer[worker]); l++ {
		g.outer[worker][l].Flush()
	}
}

// Model is the Gauss–Newton model of the risk along a direction, summed over
// all ranks' samples: Risk(t) ≈ Risk(0) − t·Slope + ½t²·Curve.
type Model struct{ N, Risk, Slope, Curve float64 }

// Direction is a move of a layer's parameters.
type Direction struct {
	W mat.Dense
	B []float32
}

// Along measures Models along one direction, by forward-mode products.
type Along struct {
	b       *Backprop
	loss    loss.Curved
	dir     []Direction
	panels  []mat.Panel
	sums    *Sums
	dz, out [][]float32 // scratch of each worker: two layers' dz, and ∇R
	packing bool
}

// NewAlong prepares measurements along dir, whose memory it refers to.
func (b *Backprop) NewAlong(dir []Direction, l loss.Curved) *Along {
	widest := 0
	for _, ly := range b.layers {
		widest = max(widest, ly.W.Rows)
	}
	a := &Along{b: b, loss: l, dir: dir, panels: make([]mat.Panel, len(dir)), sums: b.e.NewSums(4)}
	for l, ly := range b.layers {
		a.panels[l].Size(ly.W.Cols, ly.W.Rows)
	}
	for range b.workers {
		a.dz = append(a.dz, make([]float32, 2*Block*widest))
		a.out = append(a.out, make([]float32, Block*widest))
	}
	return a
}

// Measure is the model on the samples x with targets y, at the weights of the
// last Gradient.
func (a *Along) Measure(x mat.Dense, y loss.Target) (Model, error) {
	a.b.x, a.b.y = x, y
	a.packing = true
	a.b.e.Pool.Run(a)
	a.packing = false
	a.sums.Reset(4)
	a.b.e.Pool.Run(a)
	s, err := a.sums.Reduce()
	if err != nil {
		return Model{}, err
	}
	return Model{N: s[0], Slope: s[1], Curve: s[2], Risk: s[3]}, nil
}

// Do packs the worker's share of the direction, or measures its share of the
// samples.
func (a *Along) Do(worker int) {
	if a.packing {
		for l := range a.dir {
			a.panels[l].PackTPart(a.dir[l].W, worker, len(a.b.workers))
		}
		return
	}
	b, part := a.b, a.sums.Part(worker)
	b.workers[worker].reset()
	lo, hi := kernel.Range(b.x.Rows, grain, worker, b.e.Pool.Threads())
	for ; lo < hi; lo += Block {
		end := min(lo+Block, hi)
		x, y := b.x.RowRange(lo, end), b.y.RowRange(lo, end)
		part[3] += b.forward(&b.workers[worker], x, y)
		z, dz := a.push(worker, x)
		part[0] += float64(x.Rows)
		part[2] += a.loss.Curvature(z, dz, y)
		g := blockOf(a.out[worker], z.Rows, z.Cols)
		a.loss.Grad(g, z, y)
		part[1] -= kernel.Dot(g.Elements(), dz.Elements())
	}
}

// push carries the direction through the network: dz_l = a_{l-1}ΔW_lᵀ + Δb_l +
// (h'(z_{l-1}) ∘ dz_{l-1})W_lᵀ. It returns the outputs and their derivative.
func (a *Along) push(worker int, x mat.Dense) (z, dz mat.Dense) {
	b, k := a.b, &a.b.workers[worker]
	buf := a.dz[worker]
	halves := [2][]float32{buf[:len(buf)/2], buf[len(buf)/2:]}
	in := x
	for l, ly := range b.layers {
		last := dz
		dz = blockOf(halves[l%2], x.Rows, ly.W.Rows)
		Affine(dz, in, &a.panels[l], a.dir[l].B)
		if l > 0 {
			zBefore := blockOf(k.z[l-1], x.Rows, ly.W.Cols)
			b.h[l-1].MulDeriv(last.Elements(), last.Elements(), zBefore.Elements())
			b.wT[l].AddMul(dz, last)
		}
		z = blockOf(k.z[l], x.Rows, ly.W.Rows)
		if l < len(b.layers)-1 {
			in = blockOf(k.a[l], x.Rows, ly.W.Rows)
		}
	}
	return z, dz
}

// Risk is the summed risk and the number of samples, at the weights as they
// are now.
func (b *Backprop) Risk(x mat.Dense, y loss.Target) (risk, n float64, err error) {
	b.riskOnly = true
	g, err := b.Gradient(x, y)
	b.riskOnly = false
	if err != nil {
		return 0, 0, err
	}
	return g.Risk, g.N, nil
}
