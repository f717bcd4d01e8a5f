package backprop

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// Model is the Gauss–Newton model of the risk along a direction, summed over
// all ranks' samples: Risk(t) ≈ Risk(0) − t·Slope + ½t²·Curve.
type Model struct{ N, Risk, Slope, Curve float64 }

// Direction is a move of a layer's parameters.
type Direction struct {
	W mat.Dense
	B []float32
}

// Along measures Models along one direction, by forward-mode products. It is
// the Op of its own passes.
type Along struct {
	b        *Backprop
	loss     loss.Curved
	products []*nn.Products // with the direction's parameters
	pass     *pass.Pass
	dz, out  [][]float32 // scratch of each worker: two layers' dz, and ∇R
	pack     packAlong

	n, risk, slope, curve pass.Scalar
}

// NewAlong prepares measurements along dir, whose memory it refers to.
func (b *Backprop) NewAlong(dir []Direction, l loss.Curved) *Along {
	widest := 0
	a := &Along{b: b, loss: l, pass: b.e.NewPass(pass.Fine)}
	for i, ly := range b.layers {
		widest = max(widest, ly.Units())
		a.products = append(a.products, nn.NewProducts(nn.Layer{Map: ly.Map, W: dir[i].W, B: dir[i].B}))
	}
	for range b.workers {
		a.dz = append(a.dz, make([]float32, 2*pass.Block*widest))
		a.out = append(a.out, make([]float32, pass.Block*widest))
	}
	return a
}

// Measure is the model on the samples x with targets y, at the weights of the
// last Gradient.
func (a *Along) Measure(x mat.Dense, y loss.Target) (Model, error) {
	a.b.x, a.b.y = x, y
	a.pack.a = a
	a.b.e.Pool.Run(&a.pack)
	if err := a.pass.Run(a, x.Rows); err != nil {
		return Model{}, err
	}
	sum := a.pass.Scalar
	return Model{N: sum(a.n), Slope: sum(a.slope), Curve: sum(a.curve), Risk: sum(a.risk)}, nil
}

// packAlong packs the direction.
type packAlong struct{ a *Along }

// Do packs the worker's part.
func (j *packAlong) Do(worker int) {
	for _, p := range j.a.products {
		p.PackForward(worker, len(j.a.b.workers))
	}
}

// Plan names the sums.
func (a *Along) Plan(p *pass.Plan) {
	a.n, a.slope, a.curve, a.risk = p.Scalar(), p.Scalar(), p.Scalar(), p.Scalar()
}

// Block measures samples lo to hi-1.
func (a *Along) Block(pw *pass.Worker, lo, hi int) {
	b := a.b
	w := &b.workers[pw.Index]
	w.at(b, &w.own, 0)
	x, y := b.x.RowRange(lo, hi), b.y.RowRange(lo, hi)
	pw.Add(a.risk, b.forward(w, x, y))
	z, dz := a.push(pw.Index, x)
	pw.Add(a.n, float64(x.Rows))
	pw.Add(a.curve, a.loss.Curvature(z, dz, y))
	g := matrix(a.out[pw.Index], z.Rows, z.Cols)
	a.loss.Grad(g, z, y)
	pw.Add(a.slope, -kernel.Dot(g.Elements(), dz.Elements()))
}

// push carries the direction through the network: dz_l = U(a_{l-1})ΔW_lᵀ + Δb_l +
// U(h'(z_{l-1}) ∘ dz_{l-1})W_lᵀ. It returns the outputs and their derivative.
func (a *Along) push(worker int, x mat.Dense) (z, dz mat.Dense) {
	b, w := a.b, &a.b.workers[worker]
	buf := a.dz[worker]
	halves := [2][]float32{buf[:len(buf)/2], buf[len(buf)/2:]}
	in := x
	for l, ly := range b.layers {
		last := dz
		dz = matrix(halves[l%2], x.Rows, ly.Units())
		a.products[l].Affine(dz, in, w.adjoint)
		if l > 0 {
			zBefore := matrix(w.z[l-1], x.Rows, b.layers[l-1].Units())
			b.h[l-1].MulDeriv(last.Elements(), last.Elements(), zBefore.Elements())
			b.products[l].AddImage(dz, last, w.adjoint)
		}
		z = matrix(w.z[l], x.Rows, ly.Units())
		if l < len(b.layers)-1 {
			in = matrix(w.a[l], x.Rows, ly.Units())
		}
	}
	return z, dz
}
