package backprop

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// LineModel is the Gauss–Newton model of the risk after a step of length t along a
// direction, summed over all ranks' samples, each times its weight: Risk − t·Slope +
// ½t²·Curvature, of which Risk is that at t = 0. N is as Gradient's.
type LineModel struct{ N, Risk, Slope, Curvature float64 }

// Direction is a move of a layer's weights and intercepts.
type Direction struct {
	W mat.Dense
	B []float32
}

// GaussNewton measures LineModels along one direction, by forward-mode
// differentiation. It is the Op of its own passes.
type GaussNewton struct {
	b        *Backprop
	loss     loss.Curved
	products []*nn.Products // of layers with the direction in place of their parameters
	pass     *pass.Pass
	dz, grad [][]float32 // scratch of each worker: dz and da of a layer, and ∇R
	pack     packDirection

	n, risk, slope, curvature pass.Scalar
}

// NewGaussNewton prepares measurements along dir, which has an entry a layer and
// whose memory it refers to: it may change between two measurements.
func (b *Backprop) NewGaussNewton(dir []Direction, l loss.Curved) *GaussNewton {
	widest := 0
	g := &GaussNewton{b: b, loss: l, pass: b.e.NewPass(pass.Fine)}
	for i, ly := range b.layers {
		widest = max(widest, ly.ZSize())
		g.products = append(g.products, nn.NewProducts(nn.Layer{Map: ly.Map, Max: ly.Max, W: dir[i].W, B: dir[i].B}))
	}
	for range b.workers {
		g.dz = append(g.dz, make([]float32, 2*pass.Block*widest))
		g.grad = append(g.grad, make([]float32, pass.Block*widest))
	}
	return g
}

// Measure is the model on the samples x with targets y, at the weights that the
// last pass of b was made with: it packs the direction alone.
func (g *GaussNewton) Measure(x mat.Dense, y loss.Target) (LineModel, error) {
	g.b.x, g.b.y, g.pass.Weights = x, y, y.Weight
	g.pack.g = g
	g.b.e.Pool.Run(&g.pack)
	if err := g.pass.Run(g, x.Rows); err != nil {
		return LineModel{}, err
	}
	sum := g.pass.Scalar
	return LineModel{N: sum(g.n) * g.b.MeanWeight, Risk: sum(g.risk), Slope: sum(g.slope), Curvature: sum(g.curvature)}, nil
}

// packDirection packs the direction, each worker a part of it.
type packDirection struct{ g *GaussNewton }

// Do packs the worker's part.
func (j *packDirection) Do(worker int) {
	for _, p := range j.g.products {
		p.PackForward(worker, len(j.g.b.workers))
	}
}

// Plan names the sums.
func (g *GaussNewton) Plan(p *pass.Plan) {
	g.n, g.slope, g.curvature, g.risk = p.Scalar(), p.Scalar(), p.Scalar(), p.Scalar()
}

// Block measures samples lo to hi-1.
func (g *GaussNewton) Block(pw *pass.Worker, lo, hi int) {
	b := g.b
	w := &b.workers[pw.Index]
	w.use(b, &w.own, 0)
	x, y := b.x.RowRange(lo, hi), b.y.RowRange(lo, hi)
	pw.Add(g.risk, b.forward(w, x, y))
	z, dz := g.outputDerivative(pw.Index, x)
	pw.Add(g.n, float64(x.Rows))
	grad := matrix(g.grad[pw.Index], z.Rows, z.Cols)
	g.loss.Grad(grad, z, y)
	for lo := 0; lo < z.Rows; {
		hi, weight := y.Run(lo)
		d := dz.RowRange(lo, hi)
		pw.Add(g.curvature, weight*g.loss.Curvature(z.RowRange(lo, hi), d, y.RowRange(lo, hi)))
		pw.Add(g.slope, -weight*kernel.Dot(grad.RowRange(lo, hi).Elements(), d.Elements()))
		lo = hi
	}
}

// outputDerivative is the network's outputs z and their derivative dz along the
// direction. It goes forward through the layers: dz_l = U(a_{l-1})ΔW_lᵀ + Δb_l +
// U(da_{l-1})W_lᵀ and da_l = h'(z_l) ∘ dz_l. The worker's block must have been forward.
func (g *GaussNewton) outputDerivative(worker int, x mat.Dense) (z, dz mat.Dense) {
	b, w := g.b, &g.b.workers[worker]
	buf := g.dz[worker]
	var da mat.Dense // of the layer before
	in := x
	for l, ly := range b.layers {
		z, dz = matrix(w.z[l], x.Rows, ly.ZSize()), matrix(buf, x.Rows, ly.ZSize())
		a := b.output(w, l, x) // of the last layer never read
		g.products[l].AffineAt(dz, in, a, w.max[l], w.scratch)
		if l > 0 {
			b.products[l].AddImage(dz, da, w.max[l], w.scratch)
		}
		if l < len(b.layers)-1 {
			da = matrix(buf[len(buf)/2:], x.Rows, ly.Units())
			b.products[l].Tangent(da, dz, z, a, b.h[l], w.max[l])
			in = a
		}
	}
	return z, dz
}
