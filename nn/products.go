package nn

import "github.com/dlam-go/dlam/mat"

// Products are a layer's products with its weights packed: V = U(A)Wᵀ + 1bᵀ
// and the ways of a change forward and of a residual back. W and b stay the
// layer's own; after W has changed, Pack must be called again. What is computed
// has a sample a row: Units entries going forward, Inputs going back. Methods
// that take scratch need Scratch elements of it.
type Products struct {
	layer         Layer
	u             Map // nil: the identity
	places        int
	forward, back mat.Panel // Wᵀ and W, packed
}

// NewProducts prepares for ly, and packs nothing yet.
func NewProducts(ly Layer) *Products {
	p := &Products{layer: ly, u: ly.Map, places: ly.Places()}
	if _, dense := ly.Map.(Dense); dense {
		p.u = nil
	}
	p.forward.Size(ly.W.Cols, ly.W.Rows)
	p.back.Size(ly.W.Rows, ly.W.Cols)
	return p
}

// Pack packs W both ways.
func (p *Products) Pack() {
	p.PackForward(0, 1)
	p.PackBack(0, 1)
}

// PackForward packs part of so many of W, for Affine and Image: goroutines may
// pack a part each.
func (p *Products) PackForward(part, parts int) { p.forward.PackTPart(p.layer.W, part, parts) }

// PackBack packs part of so many of W, for Back.
func (p *Products) PackBack(part, parts int) { p.back.PackPart(p.layer.W, part, parts) }

// Scratch is the number of elements that Rows and the products need for so
// many samples: 0 in a dense layer.
func (p *Products) Scratch(samples int) int {
	if p.u == nil {
		return 0
	}
	return samples * p.places * p.u.Columns()
}

// Rows is U(a) of the samples a: a itself in a dense layer, and else in scratch.
func (p *Products) Rows(a mat.Dense, scratch []float32) mat.Dense {
	if p.u == nil {
		return a
	}
	return p.u.Rows(p.room(a.Rows, scratch), a)
}

func (p *Products) room(samples int, scratch []float32) mat.Dense {
	return mat.FromSlice(samples*p.places, p.u.Columns(), scratch[:p.Scratch(samples)])
}

// ByPlace is the view of v, which has the layer's Units for each sample, with a
// row for each place, as the rows of U(A) are.
func (p *Products) ByPlace(v mat.Dense) mat.Dense { return byPlace(v, p.places) }

// Affine computes v = U(a)Wᵀ + 1bᵀ.
func (p *Products) Affine(v, a mat.Dense, scratch []float32) {
	p.forward.MulRow(p.ByPlace(v), p.Rows(a, scratch), p.layer.B)
}

// Image computes v = U(d)Wᵀ: what a change d of the layer's input does.
func (p *Products) Image(v, d mat.Dense, scratch []float32) {
	p.forward.Mul(p.ByPlace(v), p.Rows(d, scratch))
}

// AddImage computes v += U(d)Wᵀ.
func (p *Products) AddImage(v, d mat.Dense, scratch []float32) {
	p.forward.AddMul(p.ByPlace(v), p.Rows(d, scratch))
}

// Back computes dst = U*(e·W), which brings e, that has the layer's Units for
// each sample, back to its input.
func (p *Products) Back(dst, e mat.Dense, scratch []float32) {
	if p.u == nil {
		p.back.Mul(dst, e)
		return
	}
	rows := p.room(e.Rows, scratch)
	p.back.Mul(rows, p.ByPlace(e))
	p.u.Adjoint(dst, rows)
}
