// Package backprop computes what follows from a network's forward pass and the
// chain rule, summed over samples: the risk and its gradient, the second moments
// of the layers' inputs, and the Gauss–Newton model of the risk along a direction.
// Batches divides the samples into mini-batches.
package backprop

import (
	"fmt"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// Gradient is the risk and its gradient, summed over all ranks' samples, each times
// its weight.
type Gradient struct {
	// N is what divides sums to give means: the number of samples times
	// Backprop.MeanWeight, so that the mean of a mini-batch is unbiased, and, of all
	// samples, the sum of their weights. Weight is that sum of the samples at hand.
	N, Weight, Risk float64
	W, B            []pass.Sum // of each layer: ∂/∂W_l, row-major, and ∂/∂b_l
}

// Moments are the second moments of each layer's rows U(a_{l-1}) (in a dense
// layer a_{l-1} itself), summed over all ranks' samples.
type Moments struct {
	Rows   []float64   // number of rows: samples times places
	Square [][]float64 // Σ uuᵀ, row-major; the upper triangle
	Sum    [][]float64 // Σ u
	// Energy is, of each layer, the mean over samples of Σ‖δ‖² over places, divided by
	// W's rows. It is made of networks in which some layer shares its weights.
	Energy []float64
	// Output is, of each layer, Σ δδᵀ, row-major; the upper triangle. It is made where
	// Backprop.Outputs asks for it.
	Output [][]float64
}

// momentSamples is how many samples of a batch, and of more, the moments of layers
// that share weights are made of: each has many rows.
const (
	momentSamples     = 64
	momentSamplesMany = 1024
)

// Backprop computes the gradient of the risk by backpropagation. It is the Op
// of its own passes.
type Backprop struct {
	// MeanWeight is the mean weight of all samples, of which those at hand may be a
	// mini-batch; 1 at first.
	MeanWeight float64
	// Outputs has GradientAndMoments make Moments.Output, of a network of dense layers.
	Outputs bool

	e        *pass.Engine
	layers   []nn.Layer
	loss     loss.Loss
	h        []activation.Differentiable // activations of the hidden layers
	products []*nn.Products
	pass     *pass.Pass
	workers  []worker
	pack     packJob

	// The pass under way.
	x      mat.Dense
	y      loss.Target
	goal   goal
	first  int         // first layer whose moments are summed, from 0
	stored layerValues // of all samples of a small batch
	store  bool        // whether the batch is small enough: its products are made after its blocks
	stride int         // each so manieth sample's rows are in the moments of layers that share weights
	shared bool        // there is such a layer

	n, weight  pass.Scalar
	risk       pass.Scalar
	momentRows pass.Vector // weight of the rows that are in the moments of each layer that shares weights
	energy     pass.Vector
	dW         []pass.Product // of each layer: δᵀU(a), with the sums of δ's columns
	momentSums []pass.Product // of each layer: U(a)ᵀU(a), with the sums of U(a)'s columns
	outputSums []pass.Product // of each layer: δᵀδ
	grad       Gradient
	moments    Moments
}

// goal is what a pass computes.
type goal int

const (
	goalRisk goal = iota
	goalGradient
	goalMoments // and the gradient
)

// layerValues has room for what a forward and a backward pass compute for some
// samples.
type layerValues struct {
	z, a [][]float32 // of each layer; δ_l = ∂R/∂z_l takes z_l's place
	max  [][]int32   // where the largest of windows were, with max pooling; first steps, of recurrent layers
}

// worker is one worker's scratch, for Block samples.
type worker struct {
	layerValues             // where the block under way is: own, or the batch's
	own         layerValues // the worker's own, for one block
	delta       []float32
	scratch     []float32   // of a layer's map
	patches     []float32   // of a sample
	pack        mat.Packing // of gradients of layers that share weights
}

// New prepares for the layers, whose memory it refers to. It refuses hidden
// activations without a derivative.
func New(e *pass.Engine, layers []nn.Layer, l loss.Loss) (*Backprop, error) {
	b := &Backprop{MeanWeight: 1, e: e, layers: layers, loss: l, pass: e.NewPass(pass.Fine)}
	for i, ly := range layers {
		b.products = append(b.products, nn.NewProducts(ly))
		b.shared = b.shared || !b.products[i].Dense()
		if i == len(layers)-1 {
			break
		}
		h, ok := ly.H.(activation.Differentiable)
		if !ok {
			return nil, fmt.Errorf("layer %d: activation %v has no derivative (activation.Differentiable), which backpropagation needs", i+1, ly.H.Spec())
		}
		b.h = append(b.h, h)
	}
	n := len(layers)
	b.dW, b.momentSums, b.outputSums = make([]pass.Product, n), make([]pass.Product, n), make([]pass.Product, n)
	b.grad.W, b.grad.B = make([]pass.Sum, n), make([]pass.Sum, n)
	b.moments = Moments{Rows: make([]float64, n), Square: make([][]float64, n), Sum: make([][]float64, n), Output: make([][]float64, n)}
	if b.shared {
		b.moments.Energy = make([]float64, n)
	}
	b.workers = make([]worker, e.Pool.Threads())
	for w := range b.workers {
		b.workers[w].allocate(b)
	}
	b.stored = newLayerValues(n)
	return b, nil
}

func newLayerValues(layers int) layerValues {
	return layerValues{make([][]float32, layers), make([][]float32, layers), make([][]int32, layers)}
}

// grow makes room for so many samples.
func (v *layerValues) grow(b *Backprop, samples int) {
	for l, ly := range b.layers {
		if n := samples * ly.ZSize(); cap(v.z[l]) < n {
			v.z[l], v.a[l] = make([]float32, n), make([]float32, samples*ly.Units())
		}
		if n := samples * b.products[l].Winners(); cap(v.max[l]) < n {
			v.max[l] = make([]int32, n)
		}
	}
}

// use makes the worker write its block's values to v, from sample lo on.
func (w *worker) use(b *Backprop, v *layerValues, lo int) {
	for l, ly := range b.layers {
		w.z[l], w.a[l] = v.z[l][lo*ly.ZSize():cap(v.z[l])], v.a[l][lo*ly.Units():cap(v.a[l])]
		w.max[l] = v.max[l][lo*b.products[l].Winners() : cap(v.max[l])]
	}
}

func (w *worker) allocate(b *Backprop) {
	w.layerValues, w.own = newLayerValues(len(b.layers)), newLayerValues(len(b.layers))
	w.own.grow(b, pass.Block)
	widest, room, patches := 0, 0, 0
	for l, ly := range b.layers {
		room = max(room, b.products[l].Room())
		if !b.products[l].Dense() {
			patches = max(patches, b.products[l].Scratch(1))
		}
		if l < len(b.layers)-1 {
			widest = max(widest, ly.Units())
		}
	}
	w.delta, w.scratch = make([]float32, pass.Block*widest), make([]float32, room)
	w.patches = make([]float32, patches)
}

// LastGradient is what the last call of Gradient returned, and where the next
// one writes.
func (b *Backprop) LastGradient() *Gradient { return &b.grad }

// Gradient is the gradient on the samples x with targets y. It is valid until
// the next call.
func (b *Backprop) Gradient(x mat.Dense, y loss.Target) (*Gradient, error) {
	if err := b.run(goalGradient, x, y); err != nil {
		return nil, err
	}
	return &b.grad, nil
}

// GradientAndMoments is the gradient, as Gradient has it, and the second moments of the inputs of layers
// first, first+1, … (from 0) on the same samples. Both are valid until the
// next call.
func (b *Backprop) GradientAndMoments(x mat.Dense, y loss.Target, first int) (*Gradient, *Moments, error) {
	b.first = first
	if err := b.run(goalMoments, x, y); err != nil {
		return nil, nil, err
	}
	for l := first; l < len(b.layers); l++ {
		square := b.pass.Product(b.momentSums[l])
		b.moments.Rows[l] = b.grad.Weight
		if !b.products[l].Dense() {
			b.moments.Rows[l] = b.pass.Vector(b.momentRows)[l]
		}
		b.moments.Square[l], b.moments.Sum[l] = square.Float64(), b.pass.Columns(b.momentSums[l])
	}
	for l := range b.moments.Energy {
		b.moments.Energy[l] = b.pass.Vector(b.energy)[l] / b.grad.Weight
	}
	for l := range b.layers {
		if b.Outputs {
			output := b.pass.Product(b.outputSums[l])
			b.moments.Output[l] = output.Float64()
		}
	}
	return &b.grad, &b.moments, nil
}

// Risk is the summed risk, and what divides it to give the mean (Gradient.N), at the
// parameters as they are now.
func (b *Backprop) Risk(x mat.Dense, y loss.Target) (risk, n float64, err error) {
	if err := b.run(goalRisk, x, y); err != nil {
		return 0, 0, err
	}
	return b.grad.Risk, b.grad.N, nil
}

// run is a pass over the samples. A small batch is stored, and its products
// are made after its blocks.
func (b *Backprop) run(g goal, x mat.Dense, y loss.Target) error {
	b.goal, b.x, b.y, b.pass.Weights = g, x, y, y.Weight
	b.pack = packJob{b: b, back: g != goalRisk}
	b.e.Pool.Run(&b.pack)
	b.store = x.Rows <= pass.FlushRows
	b.stride = max(1, x.Rows/momentSamplesMany)
	if b.store {
		b.stride = max(1, x.Rows/momentSamples)
	}
	var err error
	if b.store {
		b.stored.grow(b, x.Rows)
		err = b.pass.RunStored(b, x.Rows)
	} else {
		err = b.pass.Run(b, x.Rows)
	}
	if err != nil {
		return err
	}
	b.grad.N, b.grad.Weight, b.grad.Risk = b.pass.Scalar(b.n)*b.MeanWeight, b.pass.Scalar(b.weight), b.pass.Scalar(b.risk)
	if g == goalRisk {
		return nil
	}
	for l, h := range b.dW {
		b.grad.W[l], b.grad.B[l] = b.pass.Product(h), pass.SumOf(b.pass.Columns(h))
	}
	return nil
}

// packJob packs the weights, each worker a part of them.
type packJob struct {
	b    *Backprop
	back bool // for the backward pass too
}

// Do packs the worker's part.
func (j *packJob) Do(worker int) {
	parts := len(j.b.workers)
	for l, p := range j.b.products {
		p.PackForward(worker, parts)
		if j.back && (l > 0 || p.Recurrent()) {
			p.PackBack(worker, parts)
		}
	}
}

// Plan names the sums of a pass. The moments' come last layer first.
func (b *Backprop) Plan(p *pass.Plan) {
	b.n, b.weight, b.risk = p.Scalar(), p.Scalar(), p.Scalar()
	if b.goal == goalRisk {
		return
	}
	for l, ly := range b.layers {
		if b.products[l].Dense() {
			b.dW[l] = p.Product(ly.W.Rows, ly.W.Cols)
		} else {
			b.dW[l] = p.Summed(ly.W.Rows, ly.W.Cols)
		}
	}
	if b.goal != goalMoments {
		return
	}
	for l := len(b.layers) - 1; l >= b.first; l-- {
		if b.products[l].Dense() {
			b.momentSums[l] = p.Gram(b.layers[l].W.Cols)
		} else {
			b.momentSums[l] = p.SummedGram(b.layers[l].W.Cols)
		}
	}
	for l, ly := range b.layers {
		if b.Outputs {
			b.outputSums[l] = p.Gram(ly.W.Rows)
		}
	}
	if b.shared {
		b.momentRows, b.energy = p.Vector(len(b.layers)), p.Vector(len(b.layers))
	}
}

// Block runs samples lo to hi-1 forward and, but for the risk alone, backward.
func (b *Backprop) Block(pw *pass.Worker, lo, hi int) {
	w := &b.workers[pw.Index]
	if b.store {
		w.use(b, &b.stored, lo)
	} else {
		w.use(b, &w.own, 0)
	}
	x, y := b.x.RowRange(lo, hi), b.y.RowRange(lo, hi)
	pw.Add(b.n, float64(x.Rows))
	pw.Add(b.weight, y.TotalWeight())
	pw.Add(b.risk, b.forward(w, x, y))
	if b.goal == goalRisk {
		return
	}
	if b.goal == goalMoments {
		b.addMoments(pw, w, x, lo)
	}
	b.backward(pw, w, x, y)
}

// addMoments adds the second moments of the layers' inputs of the samples x, from sample
// lo on: those of dense layers unless they are stored, and of others those of some.
func (b *Backprop) addMoments(pw *pass.Worker, w *worker, x mat.Dense, lo int) {
	first := (b.stride - lo%b.stride) % b.stride // of those some
	for l := b.first; l < len(b.layers); l++ {
		in := b.input(w, l, x)
		if b.products[l].Dense() {
			if !b.store {
				pw.AddGram(b.momentSums[l], b.rows(w, l, x))
			}
			continue
		}
		own := b.output(w, l, x)
		for i := first; i < x.Rows; i += b.stride {
			pw.AddSampleGram(b.momentSums[l], b.products[l].Rows(in.RowRange(i, i+1), own.RowRange(i, i+1), w.patches), i)
			there := b.layers[l].Places()
			if b.products[l].Recurrent() {
				there -= int(w.max[l][i])
			}
			pw.Vector(b.momentRows)[l] += pw.Weight(i) * float64(there)
		}
	}
}

// Factors are the factors of a stored batch's product, of a dense layer: δ and a for a
// gradient, a twice for second moments.
func (b *Backprop) Factors(h pass.Product) (left, right mat.Dense) {
	w := worker{layerValues: b.stored}
	for l, ly := range b.layers {
		switch {
		case b.dW[l] == h:
			return matrix(b.stored.z[l], b.x.Rows, ly.Units()), b.rows(&w, l, b.x)
		case b.goal == goalMoments && l >= b.first && b.momentSums[l] == h:
			a := b.rows(&w, l, b.x)
			return a, a
		case b.goal == goalMoments && b.Outputs && b.outputSums[l] == h:
			d := matrix(b.stored.z[l], b.x.Rows, ly.Units())
			return d, d
		}
	}
	panic("backprop: factors of an unknown product")
}

// input is a_{l-1} of the samples x, after a forward pass in w.
func (b *Backprop) input(w *worker, l int, x mat.Dense) mat.Dense {
	if l == 0 {
		return x
	}
	return b.output(w, l-1, x)
}

// output is a_l of the samples x, after a forward pass in w, of a hidden layer.
func (b *Backprop) output(w *worker, l int, x mat.Dense) mat.Dense {
	return matrix(w.a[l], x.Rows, b.layers[l].Units())
}

// rows is U(a_{l-1}) of the samples x, after a forward pass in w, of a dense layer.
func (b *Backprop) rows(w *worker, l int, x mat.Dense) mat.Dense {
	return b.products[l].Rows(b.input(w, l, x), mat.Dense{}, nil)
}

// forward fills z_l and a_l and returns the risk.
func (b *Backprop) forward(w *worker, x mat.Dense, y loss.Target) float64 {
	last := len(b.layers) - 1
	in := x
	for l, ly := range b.layers {
		if b.products[l].Recurrent() {
			b.products[0].Firsts(w.max[l], x)
		}
		z := matrix(w.z[l], x.Rows, ly.ZSize())
		if l == last {
			b.products[l].AffineWinners(z, in, w.max[l], w.scratch)
			return loss.Weighted(b.loss, z, y)
		}
		a := b.output(w, l, x)
		b.products[l].Forward(z, a, in, w.max[l], w.scratch)
		in = a
	}
	panic("backprop: a network without layers")
}

// backward makes δ_L = ∇R and δ_{l-1} = U*(δ_l W_l) ∘ h'(z_{l-1}), of recurrent layers
// through their steps, each in z_l's place, and adds their products with U(a_{l-1}) unless
// they are stored.
func (b *Backprop) backward(pw *pass.Worker, w *worker, x mat.Dense, y loss.Target) {
	last := len(b.layers) - 1
	delta := matrix(w.z[last], x.Rows, b.layers[last].Units())
	b.loss.Grad(delta, delta, y)
	for l := last; ; l-- {
		b.addGradient(pw, w, l, delta, x)
		if l == 0 {
			return
		}
		before := b.layers[l-1]
		z, d := matrix(w.z[l-1], x.Rows, before.ZSize()), matrix(w.delta, x.Rows, before.Units())
		b.products[l].Back(d, delta, w.max[l], w.scratch)
		b.products[l-1].Delta(z, b.output(w, l-1, x), d, b.h[l-1], w.max[l-1])
		delta = z
	}
}

// addGradient adds the product of δ_l with U(a_{l-1}), unless that is stored.
func (b *Backprop) addGradient(pw *pass.Worker, w *worker, l int, delta, x mat.Dense) {
	in, p := b.input(w, l, x), b.products[l]
	if b.shared && b.goal == goalMoments {
		pw.Vector(b.energy)[l] += pw.SumSquares(delta) / float64(b.layers[l].W.Rows)
	}
	if p.Dense() {
		if !b.store {
			pw.AddProduct(b.dW[l], delta, b.rows(w, l, x))
			if b.Outputs && b.goal == goalMoments {
				pw.AddGram(b.outputSums[l], delta)
			}
		}
		return
	}
	var own mat.Dense
	if p.Recurrent() {
		own = b.output(w, l, x)
	}
	delta = pw.Weighted(delta)
	sum, places := pw.Accumulator(b.dW[l]), b.layers[l].Places()
	for lo, step := 0, max(1, pass.FlushRows/places); lo < x.Rows; lo += step {
		hi := min(lo+step, x.Rows)
		winners := w.max[l][lo*p.Winners():]
		states := own
		if p.Recurrent() {
			states = own.RowRange(lo, hi)
		}
		p.AddGradient(sum, delta.RowRange(lo, hi), in.RowRange(lo, hi), states, winners, w.scratch, &w.pack)
		pw.Added(b.dW[l], (hi-lo)*places)
	}
	pw.AddProductColumns(b.dW[l], p.ByPlace(delta))
}

// matrix is so many rows at the beginning of buf.
func matrix(buf []float32, rows, cols int) mat.Dense {
	return mat.FromSlice(rows, cols, buf[:rows*cols])
}

var (
	_ kernel.Job  = (*packJob)(nil)
	_ pass.Stored = (*Backprop)(nil)
)
