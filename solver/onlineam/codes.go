package onlineam

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// batch is the pass over a mini-batch: it codes the samples and adds up what the layers'
// steps need.
type batch struct {
	s     *stepper
	x     mat.Dense
	y     loss.Target
	rooms []*room

	n, weight, risk pass.Scalar
	cross           []pass.Product // of each layer: ∂F/∂W, and with it ∂F/∂b; of a hidden layer with a memory ZᵀA
	square          []pass.Product // AᵀA of a hidden layer's inputs, with a memory
}

// room is one worker's scratch for a block of samples.
type room struct {
	forward []mat.Dense // V_l of the forward pass
	z, a    []mat.Dense // of hidden layers: the codes, h of them

	grad, trial, h, image, step mat.Dense // of the layer that is coded
	out, next                   mat.Dense // its next layer's V − Z, or ∇R/(2μ), at the code and at the trial
	value, length               [pass.Block]float64
}

func newRoom(widths []int) *room {
	r := &room{}
	widest := 0
	for _, d := range widths[1:] {
		r.forward = append(r.forward, mat.New(pass.Block, d))
		r.z = append(r.z, mat.New(pass.Block, d))
		r.a = append(r.a, mat.New(pass.Block, d))
		widest = max(widest, d)
	}
	for _, m := range []*mat.Dense{&r.grad, &r.trial, &r.h, &r.image, &r.step, &r.out, &r.next} {
		*m = mat.New(pass.Block, widest)
	}
	return r
}

// of is the first rows and columns of m's memory.
func of(m mat.Dense, rows, cols int) mat.Dense { return mat.FromSlice(rows, cols, m.Data[:rows*cols]) }

// Plan names the sums.
func (b *batch) Plan(p *pass.Plan) {
	b.n, b.weight, b.risk = p.Scalar(), p.Scalar(), p.Scalar()
	for l, ly := range b.s.net.Layers {
		b.cross[l] = p.Product(ly.W.Rows, ly.W.Cols)
		if b.s.remembers(l) {
			b.square[l] = p.Gram(ly.W.Cols)
		}
	}
}

// Block takes samples lo to hi-1 of the batch.
func (b *batch) Block(w *pass.Worker, lo, hi int) {
	r, x, y := b.rooms[w.Index], b.x.RowRange(lo, hi), b.y.RowRange(lo, hi)
	last := len(b.s.net.Layers) - 1
	w.Add(b.n, float64(hi-lo))
	w.Add(b.weight, y.TotalWeight())
	in := x
	for l := range last + 1 {
		v := of(r.forward[l], x.Rows, r.forward[l].Cols)
		b.s.products[l].Affine(v, in, nil)
		if l < last {
			in = of(r.a[l], x.Rows, v.Cols)
			b.s.h[l].Apply(in.Elements(), v.Elements())
		}
	}
	w.Add(b.risk, loss.Weighted(b.s.p.Loss, of(r.forward[last], x.Rows, r.forward[last].Cols), y))
	for l := last - 1; l >= 0; l-- {
		b.code(r, l, y)
	}
	b.add(w, r, x, y)
}

// code finds the codes of layer l, from 0, which its next layer's have been found for.
func (b *batch) code(r *room, l int, y loss.Target) {
	rows, d := y.Rows(), b.s.net.Layers[l].Units()
	start, z := of(r.forward[l], rows, d), of(r.z[l], rows, d)
	z.CopyFrom(start)
	c := coding{b: b, r: r, l: l, y: y, start: start, next: b.s.net.Layers[l+1].Units()}
	out, grad := of(r.out, rows, c.next), of(r.grad, rows, d)
	c.values(out, z, nil)
	c.gradient(grad, out, z)
	c.lengths(grad, z)
	trial, at := of(r.trial, rows, d), of(r.next, rows, c.next)
	var value [pass.Block]float64
	for k := range b.s.CodeSteps {
		if k > 0 {
			c.gradient(grad, out, z)
		}
		for i := range rows {
			to, g, t := trial.Row(i), grad.Row(i), float32(r.length[i])
			for j, v := range z.Row(i) {
				to[j] = v - t*g[j]
			}
		}
		c.values(at, trial, &value)
		for i := range rows {
			if value[i] <= r.value[i] {
				r.value[i] = value[i]
				copy(z.Row(i), trial.Row(i))
				copy(out.Row(i), at.Row(i))
			} else {
				r.length[i] /= 2
			}
		}
	}
	b.s.h[l].Apply(of(r.a[l], rows, d).Elements(), z.Elements())
}

// coding is the objective of a layer's codes.
type coding struct {
	b     *batch
	r     *room
	l     int
	y     loss.Target
	start mat.Dense
	next  int // units of the next layer
}

func (c *coding) last() bool { return c.l == len(c.b.s.net.Layers)-2 }

// values writes each sample's objective at z to values, nil for the room's own, and to
// out what its gradient is made of.
func (c *coding) values(out, z mat.Dense, values *[pass.Block]float64) {
	s := c.b.s
	if values == nil {
		values = &c.r.value
	}
	h := of(c.r.h, z.Rows, z.Cols)
	s.h[c.l].Apply(h.Elements(), z.Elements())
	s.products[c.l+1].Affine(out, h, nil)
	for i := range z.Rows {
		var apart float64
		for j, v := range z.Row(i) {
			d := float64(v) - float64(c.start.At(i, j))
			apart += d * d
		}
		values[i] = apart / 2
		if c.last() {
			values[i] += s.p.Loss.Value(out.RowRange(i, i+1), c.y.RowRange(i, i+1)) / (2 * s.Mu)
		}
	}
	if c.last() {
		s.p.Loss.Grad(out, out, c.y)
		kernel.Axpby(out.Elements(), float32(1/(2*s.Mu)), 0, out.Elements())
		return
	}
	codes := c.r.z[c.l+1].Data
	for i, v := range out.Elements() {
		out.Elements()[i] = v - codes[i]
	}
	for i := range z.Rows {
		values[i] += kernel.SumSquares(out.Row(i)) / 2
	}
}

// gradient computes grad = (out·W_{l+1})∘h'(z) + z − z⁰.
func (c *coding) gradient(grad, out, z mat.Dense) {
	s := c.b.s
	s.products[c.l+1].Back(grad, out, nil, nil)
	s.h[c.l].MulDeriv(grad.Elements(), grad.Elements(), z.Elements())
	g, zs := grad.Elements(), z.Elements()
	for i, v := range c.start.Elements() {
		g[i] += zs[i] - v
	}
}

// lengths takes for each sample the length that is best along its gradient g if the next
// layer is linear around z: ‖g‖²/(‖g‖² + c‖(g∘h')W_{l+1}ᵀ‖²), with c the curvature of
// what follows, of a risk no more than 1.
func (c *coding) lengths(grad, z mat.Dense) {
	s, curvature := c.b.s, 1.0
	if c.last() {
		curvature = 1 / (2 * s.Mu)
	}
	d, image := of(c.r.step, z.Rows, z.Cols), of(c.r.image, z.Rows, c.next)
	s.h[c.l].MulDeriv(d.Elements(), grad.Elements(), z.Elements())
	s.products[c.l+1].Image(image, d, nil)
	for i := range z.Rows {
		norm := kernel.SumSquares(grad.Row(i))
		c.r.length[i] = norm / (norm + curvature*kernel.SumSquares(image.Row(i)))
		if norm == 0 {
			c.r.length[i] = 1
		}
	}
}

// add adds what the layers' steps are made of, given the codes.
func (b *batch) add(w *pass.Worker, r *room, x mat.Dense, y loss.Target) {
	s, last := b.s, len(b.s.net.Layers)-1
	in := x
	for l := range last + 1 {
		v := of(r.forward[l], x.Rows, r.forward[l].Cols)
		if l > 0 { // the first layer's is that of the forward pass
			s.products[l].Affine(v, in, nil)
		}
		switch {
		case l == last:
			s.p.Loss.Grad(v, v, y)
		case s.remembers(l):
			v.CopyFrom(of(r.z[l], x.Rows, v.Cols))
			w.AddGram(b.square[l], in)
		default:
			e, z := v.Elements(), r.z[l].Data
			for i, x := range e {
				e[i] = float32(2*s.Mu) * (x - z[i])
			}
		}
		w.AddProduct(b.cross[l], v, in)
		in = of(r.a[l], x.Rows, v.Cols)
	}
}
