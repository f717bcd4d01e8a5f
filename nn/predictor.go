package nn

import (
	"fmt"
	"slices"
	"sync"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// Block is the number of samples that a pass works on at a time: what it
// touches of a few layers stays in the second-level cache.
const Block = 192

// Predict is the network's outputs for each row of x, computed on threads
// goroutines, at least 1.
func (n *Network) Predict(x mat.Dense, threads int) (mat.Dense, error) {
	out := mat.New(x.Rows, n.Outputs())
	return out, n.packed().predictOn(threads, out, x)
}

// Activations calls f with what each layer gives for blocks of the rows of x, the layers of a
// block in their order. f is called by threads goroutines, at least 1, and a is its own until it returns.
func (n *Network) Activations(x mat.Dense, threads int, f func(layer int, a mat.Dense)) error {
	p := n.packed()
	p.seen = f
	return p.predictOn(threads, mat.New(x.Rows, n.Outputs()), x)
}

// predictOn is Predict on so many goroutines.
func (p *Predictor) predictOn(threads int, dst, x mat.Dense) error {
	if threads < 1 {
		return fmt.Errorf("threads: got %d, want at least 1", threads)
	}
	j := predictJob{p: p, out: dst, x: x, threads: threads, errs: make([]error, threads)}
	pool := kernel.NewPool(threads)
	defer pool.Close()
	pool.Run(&j)
	return j.errs[0]
}

// predictJob predicts for rows of x, shared out between threads.
type predictJob struct {
	p       *Predictor
	out, x  mat.Dense
	threads int
	errs    []error
}

// Do predicts for the worker's rows.
func (j *predictJob) Do(worker int) {
	lo, hi := kernel.Range(j.x.Rows, Block, worker, j.threads)
	j.errs[worker] = j.p.Predict(j.out.RowRange(lo, hi), j.x.RowRange(lo, hi))
}

// Predictor is a network made ready for many predictions: its weights are
// packed once, and scratch memory is used again. Several goroutines may use
// one at the same time.
type Predictor struct {
	net     *Network
	layers  []*Products
	in, out int
	width   int // of the widest layer's z
	seen    func(layer int, a mat.Dense)
	scratch sync.Pool // of *[]float32
}

// Predictor makes a Predictor of the network as it is now.
func (n *Network) Predictor() *Predictor {
	kept := &Network{Layers: slices.Clone(n.Layers)}
	for l := range kept.Layers {
		kept.Layers[l].B = slices.Clone(kept.Layers[l].B) // W is packed, which copies it
	}
	return kept.packed()
}

// packed is a Predictor that refers to n's intercepts.
func (n *Network) packed() *Predictor {
	p := &Predictor{net: n, in: n.Layers[0].Inputs(), out: n.Outputs()}
	for _, ly := range n.Layers {
		products := NewProducts(ly)
		products.PackForward(0, 1)
		p.layers = append(p.layers, products)
		p.width = max(p.width, ly.ZSize())
	}
	return p
}

// Predict writes the network's outputs for each row of x to dst, on the
// caller's goroutine: x has a column for each feature, dst as many rows and a
// column for each output.
func (p *Predictor) Predict(dst, x mat.Dense) error {
	if x.Cols != p.in {
		return fmt.Errorf("predict: samples have %d features, the network takes %d", x.Cols, p.in)
	}
	if dst.Rows != x.Rows || dst.Cols != p.out {
		return fmt.Errorf("predict: room for %d×%d outputs, want %d×%d", dst.Rows, dst.Cols, x.Rows, p.out)
	}
	need := p.need(min(x.Rows, Block))
	scratch, ok := p.scratch.Get().(*[]float32)
	if !ok || cap(*scratch) < need {
		fresh := make([]float32, need)
		scratch = &fresh
	}
	defer p.scratch.Put(scratch)
	for lo := 0; lo < x.Rows; lo += Block {
		hi := min(lo+Block, x.Rows)
		dst.RowRange(lo, hi).CopyFrom(p.forward(x.RowRange(lo, hi), (*scratch)[:need]))
	}
	return nil
}

// need is how much scratch Forward needs for so many rows: two layers' outputs
// and what a map needs.
func (p *Predictor) need(rows int) int {
	most := 0
	for _, products := range p.layers {
		most = max(most, products.Room())
	}
	return 2*rows*p.width + most
}

// forward gives the outputs for the rows of a, at most Block, in scratch.
func (p *Predictor) forward(a mat.Dense, scratch []float32) mat.Dense {
	rows := a.Rows
	half := rows * p.width
	var firsts [Block]int32
	p.layers[0].Firsts(firsts[:rows], a)
	free := 0 // the half without a
	for l, products := range p.layers {
		ly := p.net.Layers[l]
		room := func(half, size int) mat.Dense { return mat.FromSlice(rows, size, scratch[half:][:rows*size]) }
		z := room(free, ly.ZSize())
		free = half - free
		to := z
		if ly.Gated() { // z has served, and a takes the place of what went in
			to, free = room(free, ly.Units()), half-free
		}
		var winners []int32
		if products.Recurrent() {
			winners = firsts[:rows]
		}
		products.Forward(z, to, a, winners, scratch[2*half:])
		if p.seen != nil {
			p.seen(l, to)
		}
		a = to
	}
	return a
}
