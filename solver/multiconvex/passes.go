package multiconvex

import (
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

func (s *Blocks) run(op pass.Op) error { return s.sums.Run(op, s.p.X.Rows) }

// layerSums are sums over samples and places that a layer's W- and b-step need.
type layerSums struct {
	g    mat.Dense // EᵀU(A_{l-1}), so that ∇φ = ρg
	gram mat.Dense // U(A_{l-1})ᵀU(A_{l-1}), where the W-step uses it
	a, e []float64 // columns of U(A_{l-1}) and of E
}

func (s *layerSums) allocate(ly *layer) {
	out, in := ly.net.W.Rows, ly.net.W.Cols
	s.g = mat.New(out, in)
	s.a, s.e = make([]float64, in), make([]float64, out)
	if ly.step.useGram {
		s.gram = mat.New(in, in)
	}
}

// affineSums are how a pass makes a layer's layerSums: EᵀU(A_{l-1}) with E's
// columns, and with input what depends on A_{l-1} alone.
type affineSums struct {
	ly    *layer
	input bool

	cross, gram      pass.Product
	columns, squares pass.Vector // where there is no Gram matrix
}

func (a *affineSums) plan(p *pass.Plan, ly *layer, input bool) {
	*a = affineSums{ly: ly, input: input}
	out, in := ly.net.W.Rows, ly.net.W.Cols
	a.cross = p.Product(out, in)
	switch {
	case !input:
	case ly.step.useGram:
		a.gram = p.Gram(in)
	default:
		a.columns = p.Vector(in)
		if ly.step.needsSquares() {
			a.squares = p.Vector(in)
		}
	}
}

// add adds a block of samples of which e is E_l, in is A_{l-1} and own, which a recurrent
// layer takes too, A_l.
func (a *affineSums) add(w *pass.Worker, b *block, e, in, own mat.Dense) {
	u := a.ly.products.Rows(in, own, b.rows)
	w.AddProduct(a.cross, a.ly.products.ByPlace(e), u)
	switch {
	case !a.input:
	case a.ly.step.useGram:
		w.AddGram(a.gram, u)
	default:
		w.AddColumns(a.columns, u)
		if a.ly.step.needsSquares() {
			w.AddColumnSquares(a.squares, u)
		}
	}
}

func (a *affineSums) take(s *Blocks) {
	ly, step := a.ly, &a.ly.step
	cross := s.sums.Product(a.cross)
	cross.CopyTo(ly.sums.g)
	copy(ly.sums.e, s.sums.Columns(a.cross))
	ly.known.gradient, ly.known.residual = true, true
	if !a.input {
		return
	}
	ly.known.input = true
	if !step.useGram {
		copy(ly.sums.a, s.sums.Vector(a.columns))
		if step.needsSquares() {
			square := s.sums.Vector(a.squares)
			step.setSquares(func(j int) float64 { return square[j] })
		}
		return
	}
	gram := s.sums.Product(a.gram)
	gram.CopyTo(ly.sums.gram)
	mat.MirrorUpper(ly.sums.gram)
	copy(ly.sums.a, s.sums.Columns(a.gram))
	step.setGram(ly.sums.gram)
}

// forwardPass makes the first iterate of a layer: z_l = V and a_l = h(z_l), or
// z_L coded ±1.
type forwardPass struct {
	s  *Blocks
	ly *layer
}

// Plan names no sums.
func (*forwardPass) Plan(*pass.Plan) {}

// Block makes samples lo to hi-1.
func (p *forwardPass) Block(w *pass.Worker, lo, hi int) {
	b := p.s.block(w, p.ly, lo, hi)
	if p.ly.recurrent {
		p.ly.products.Forward(b.Z, b.A, b.in, nil, b.rows)
		return
	}
	b.affine()
	if p.ly.next == nil {
		for i := range b.Z.Rows {
			b.y.Code(b.Z.Row(i), i, -1, 1)
		}
		return
	}
	b.Z.CopyFrom(b.E)
	b.activate(b.A)
}

// evaluatePass makes what follows from a layer's variables and was not made in
// passing: E, φ and the risk, and with full the sums of its W- and b-step.
type evaluatePass struct {
	s    *Blocks
	ly   *layer
	full bool

	phi, risk pass.Scalar
	sums      affineSums
}

// Plan names the sums.
func (p *evaluatePass) Plan(plan *pass.Plan) {
	p.phi = plan.Scalar()
	if p.ly.next == nil {
		p.risk = plan.Scalar()
	}
	if p.full {
		p.sums.plan(plan, p.ly, !p.ly.known.input)
	}
}

// Block evaluates samples lo to hi-1.
func (p *evaluatePass) Block(w *pass.Worker, lo, hi int) {
	b := p.s.block(w, p.ly, lo, hi)
	b.evaluateE(w, p.phi)
	if p.ly.next == nil {
		w.Add(p.risk, loss.Weighted(p.s.p.Loss, b.Z, b.y))
	}
	if p.full {
		p.sums.add(w, b, b.E, b.in, b.A)
	}
}

func (s *Blocks) evaluateLayer(ly *layer, full bool) error {
	p := &s.evaluate
	p.ly, p.full = ly, full
	if err := s.run(p); err != nil {
		return err
	}
	ly.phi = s.Rho / 2 * s.sums.Scalar(p.phi)
	ly.known.e, ly.known.phi = ly.keepsE(), true
	if ly.next == nil {
		s.risk = s.sums.Scalar(p.risk) / s.n
	}
	if full {
		p.sums.take(s)
	}
	return nil
}

// quadraticPass sums, for each row d of the matrix that is packed in the layer's
// step, ‖U(A_{l-1})dᵀ‖², or with rows d·U(A_{l-1})ᵀU(A_{l-1}), a row too.
type quadraticPass struct {
	s       *Blocks
	ly      *layer
	rows    bool
	quad    pass.Vector
	product pass.Product
}

// Plan names the sums.
func (p *quadraticPass) Plan(plan *pass.Plan) {
	if p.rows {
		p.product = plan.Product(p.ly.net.W.Rows, p.ly.net.W.Cols)
		return
	}
	p.quad = plan.Vector(p.ly.net.W.Rows)
}

// Block adds samples lo to hi-1.
func (p *quadraticPass) Block(w *pass.Worker, lo, hi int) {
	b, ly := p.s.block(w, p.ly, lo, hi), p.ly
	image := b.scratch(b.image, b.Z.Cols)
	places := ly.products.ByPlace(image)
	u := ly.products.Rows(b.in, b.A, b.rows)
	ly.step.dirT.Mul(places, u)
	if p.rows {
		w.AddProduct(p.product, places, u)
		return
	}
	w.AddColumnSquares(p.quad, places)
}
