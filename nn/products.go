package nn

import (
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// Products are a layer's products with its weights packed: V = U(A)Wᵀ + 1bᵀ,
// or of that the largest in each window, and the ways of a change forward and of a
// residual back. Of a recurrent layer they are those with the sample's part of U, and
// what its steps do to each other is in Forward, Delta and Tangent. W and b stay the
// layer's own; after W has changed, Pack must be called again. What is computed has a
// sample a row: Units entries going forward, Inputs going back. Methods that take scratch
// need Scratch elements of it for Rows, and for all else Room, which is enough for any
// number of samples; winners are Winners numbers a sample, which say where the largest were,
// or, of a recurrent layer, which Firsts has set, the sample's first step.
type Products struct {
	layer         Layer
	w             mat.Dense // its weights, of a recurrent layer those of a step's inputs
	u             Map       // nil: the identity, or the entries of a sample from first on
	first         int
	places        int
	forward, back mat.Panel // wᵀ and w, packed

	// Of another map than the identity.
	group  int       // samples that are worked on at a time
	pool   *Windows  // nil: none
	conv   *Conv     // whose patches are read where they lie; nil: rows are gathered
	runs   mat.Runs  // where they lie
	points *points   // with windows, the places of patches that count on the way back; nil: all do
	padded int       // elements of a padded picture, if it is made, and of a stacked one
	turned mat.Dense // W in the order of a stacked picture's patches
	recur  *recurrence
}

// groupRows is about how many rows of U are worked on at a time where they are gathered:
// they stay in cache.
const groupRows = 64

// NewProducts prepares for ly, and packs nothing yet.
func NewProducts(ly Layer) *Products {
	p := &Products{layer: ly, w: ly.W, u: ly.Map, places: ly.Places()}
	switch u := ly.Map.(type) {
	case Dense:
		p.u = nil
	case Last:
		p.u, p.first = nil, u.first()
	}
	if p.recur = newRecurrence(ly); p.recur != nil {
		p.w = p.recur.sample(ly.W)
	}
	p.back.Size(p.w.Rows, p.w.Cols)
	if p.u == nil {
		p.forward.Size(p.w.Cols, p.w.Rows)
		return p
	}
	p.group = ly.group()
	p.pool = newWindows(p.u.Out(ly.W.Rows), ly.Max)
	if c, ok := p.u.(Conv); ok && p.places > 1 { // at one place a product of many samples is faster
		p.conv, p.runs = &c, c.runs()
		p.forward.SizeWhole(ly.W.Cols, ly.W.Rows)
		p.padded = c.border() + c.stackSize()
		if c.stacked() {
			p.turned = mat.New(ly.W.Rows, ly.W.Cols)
		}
		p.points = newPoints(p.pool, p.runs)
		return p
	}
	p.forward.Size(p.w.Cols, p.w.Rows)
	return p
}

// group is how many samples are worked on at a time.
func (ly Layer) group() int {
	if _, ok := ly.Map.(Conv); ok && ly.Places() > 1 { // a picture's patches are read where they lie
		return 1
	}
	if ly.Recurrent() { // rows are copied alone
		return max(1, 4*groupRows/ly.Places())
	}
	return max(1, groupRows/ly.Places())
}

// room is Products.Room.
func (ly Layer) room() int {
	u, picture := ly.Linear(), 0
	switch u := u.(type) {
	case Dense, Last:
		return 0
	case Conv:
		if ly.Places() > 1 {
			picture = u.border() + u.stackSize()
			if u.stacked() {
				picture += ly.W.Rows * ly.W.Cols // a gradient, turned
			}
		}
	}
	return picture + ly.group()*ly.Places()*(ly.W.Rows+u.Columns())
}

// PassMemory is how many float32 each worker's passes over samples need for the layers'
// values and scratch, and how many each sample of a batch that is kept whole needs.
func PassMemory(layers []Layer) (worker, sample float64) {
	var widest, room, patches float64
	for _, ly := range layers {
		units, z := float64(ly.Units()), float64(ly.ZSize())
		widest, sample = max(widest, z), sample+units+z
		if ly.Max > 1 {
			sample += units
		}
		if ly.room() > 0 {
			room, patches = max(room, float64(ly.room())), max(patches, float64(ly.Places()*ly.W.Cols), float64(ly.room()))
		}
	}
	return Block*(sample+widest) + room + patches, sample
}

// Pack packs W both ways.
func (p *Products) Pack() {
	p.PackForward(0, 1)
	p.PackBack(0, 1)
}

// PackForward packs part of so many of W, for what goes forward: goroutines may
// pack a part each.
func (p *Products) PackForward(part, parts int) {
	if p.conv != nil && p.conv.stacked() { // small
		if part == 0 {
			p.conv.turn(p.turned, p.w, false)
			p.forward.PackTPart(p.turned, 0, 1)
		}
		return
	}
	p.forward.PackTPart(p.w, part, parts)
	if p.recur != nil {
		p.recur.forward.PackTPart(p.recur.own(p.layer.W), part, parts)
	}
}

// PackBack packs part of so many of W, for what goes back.
func (p *Products) PackBack(part, parts int) {
	if p.pointsBack() {
		return // W is read where it is
	}
	p.back.PackPart(p.w, part, parts)
	if p.recur != nil {
		p.recur.back.PackPart(p.recur.own(p.layer.W), part, parts)
	}
}

// Dense reports whether the layer's map is the identity, or takes a part of a sample's
// entries: Rows then takes no memory.
func (p *Products) Dense() bool { return p.u == nil }

// Recurrent reports whether the layer's steps follow from each other.
func (p *Products) Recurrent() bool { return p.recur != nil }

// Scratch is the number of elements that Rows needs for so many samples, and enough
// for all else: 0 in a dense layer.
func (p *Products) Scratch(samples int) int {
	if p.u == nil {
		return 0
	}
	return max(samples*p.places*p.u.Columns(), p.Room())
}

// Room is the number of elements of scratch that all but Rows need: 0 in a dense layer.
func (p *Products) Room() int {
	return p.layer.room()
}

// Winners is how many numbers a sample say where the largest were: 0 without windows; in
// a recurrent layer 1, which says which step is the first.
func (p *Products) Winners() int {
	switch {
	case p.recur != nil:
		return 1
	case p.pool == nil:
		return 0
	}
	return p.layer.Units()
}

// Firsts says which step is the first of each of the samples a that the layer takes, the
// network's first, for it and the recurrent layers after it: 0 where all are there.
func (p *Products) Firsts(firsts []int32, a mat.Dense) {
	for i := range a.Rows {
		firsts[i] = 0
		if p.recur != nil {
			firsts[i] = int32(p.recur.First(a.Row(i)))
		}
	}
}

// Rows is U(a) of the samples a: a itself in a dense layer, and else in scratch. own is
// what the layer gives for the samples, which a recurrent layer takes too.
func (p *Products) Rows(a, own mat.Dense, scratch []float32) mat.Dense {
	if p.u == nil {
		return p.taken(a)
	}
	rows := p.u.Rows(p.room(a.Rows, scratch), a)
	if p.recur != nil {
		p.recur.addStates(rows, a, own)
	}
	return rows
}

// taken is the entries of samples that a dense layer takes.
func (p *Products) taken(a mat.Dense) mat.Dense { return a.ColRange(p.first, p.first+p.w.Cols) }

func (p *Products) room(samples int, scratch []float32) mat.Dense {
	rows, cols := samples*p.places, p.u.Columns()
	return mat.FromSlice(rows, cols, scratch[:rows*cols])
}

// ByPlace is the view of v, which has the layer's ZSize for each sample, with a
// row for each place, as the rows of U(A) are; with windows, a row for each of those.
func (p *Products) ByPlace(v mat.Dense) mat.Dense {
	if p.u == nil {
		return v
	}
	return byPlace(v, v.Cols/p.layer.W.Rows)
}

// Affine computes v = U(a)Wᵀ + 1bᵀ, or the largest of it in each window.
func (p *Products) Affine(v, a mat.Dense, scratch []float32) {
	p.AffineWinners(v, a, nil, scratch)
}

// AffineWinners is Affine, and says where the largest were.
func (p *Products) AffineWinners(v, a mat.Dense, winners []int32, scratch []float32) {
	switch {
	case p.u == nil:
		p.forward.MulRow(v, p.taken(a), p.layer.B)
		return
	case p.recur != nil:
		p.eachStep(v, a, p.affineSteps)
		return
	case p.conv != nil && p.pool != nil:
		for i := range a.Rows {
			picture := p.picture(a.Row(i), scratch)
			p.forward.MulRunsLargest(v.Row(i), p.of(winners, i), picture, p.runs, p.layer.B, p.pool.side, p.pool.offsets, scratch[p.padded:])
		}
		return
	}
	for lo := 0; lo < a.Rows; lo += p.group {
		hi := min(lo+p.group, a.Rows)
		out := v.RowRange(lo, hi)
		z := p.full(out, scratch)
		p.linear(z, a.RowRange(lo, hi), p.layer.B, scratch)
		for i := lo; p.pool != nil && i < hi; i++ {
			p.pool.Take(v.Row(i), p.of(winners, i), p.sample(z, i-lo))
		}
	}
}

// affineSteps is Affine of a recurrent layer's steps, without what its own activations add.
func (p *Products) affineSteps(v, a mat.Dense) {
	b, d := p.layer.B, p.w.Rows
	p.forward.MulRow(v.ColRange(0, d), a, b[:d])
	for i := 0; d < len(b) && i < v.Rows; i++ { // which take nothing else
		copy(v.Row(i)[d:], b[d:])
	}
}

// ofSample is the entries of v, a row for each step, that take the step's inputs.
func (p *Products) ofSample(v mat.Dense) mat.Dense { return v.ColRange(0, p.w.Rows) }

// eachStep calls f with v and a, and a row for each step: all at once where the samples
// of a lie one after another.
func (p *Products) eachStep(v, a mat.Dense, f func(v, a mat.Dense)) {
	step := a.Rows
	if !a.Contiguous() {
		step = 1
	}
	for lo := 0; lo < a.Rows; lo += step {
		f(byPlace(v.RowRange(lo, lo+step), p.places), byPlace(a.RowRange(lo, lo+step), p.places))
	}
}

// Forward computes z = U(in)Wᵀ + 1bᵀ, with what AffineWinners does of windows, and a = h(z):
// of a recurrent layer step after step. a may take z's place, and of a layer with gates in's:
// z then has more entries than a, and what Delta and Tangent need.
func (p *Products) Forward(z, a, in mat.Dense, winners []int32, scratch []float32) {
	p.AffineWinners(z, in, winners, scratch)
	if p.recur != nil {
		p.recur.run(z, a, p.layer.H, winners)
		return
	}
	p.layer.H.Apply(a.Elements(), z.Elements())
}

// Delta makes δ = ∂R/∂z in z's place of a and d = ∂R/∂a, as the layer after gives it: d ∘ h'(z),
// and of a recurrent layer back through its steps, which changes d. h is the layer's own.
func (p *Products) Delta(z, a, d mat.Dense, h activation.Differentiable, winners []int32) {
	if p.recur != nil {
		p.recur.delta(z, a, d, h, winners)
		return
	}
	h.MulDeriv(z.Elements(), d.Elements(), z.Elements())
}

// Tangent makes da = h'(z) ∘ dz at z and a; of a recurrent layer dz lacks what comes from
// its own steps before. h is the layer's own.
func (p *Products) Tangent(da, dz, z, a mat.Dense, h activation.Differentiable, winners []int32) {
	if p.recur != nil {
		p.recur.tangent(da, dz, z, a, h, winners)
		return
	}
	h.MulDeriv(da.Elements(), dz.Elements(), z.Elements())
}

// OwnImage computes v_t = d_{t-1}·Rᵀ: what a change d of a recurrent layer's own activations
// does.
func (p *Products) OwnImage(v, d mat.Dense) {
	for i := range v.Rows {
		clear(v.Row(i))
	}
	p.recur.addOwn(v, d)
}

// AddOwnBack computes d_{t-1} += e_t·R, which brings e back to a recurrent layer's own
// activations.
func (p *Products) AddOwnBack(d, e mat.Dense) { p.recur.addOwnBack(d, e) }

// Image computes v = U(d)Wᵀ: what a change d of the layer's input does.
func (p *Products) Image(v, d mat.Dense, scratch []float32) {
	if p.u == nil {
		p.forward.Mul(v, p.taken(d))
		return
	}
	for i := range v.Rows {
		clear(v.Row(i))
	}
	p.AddImage(v, d, nil, scratch)
}

// AddImage computes v += U(d)Wᵀ, in windows at the winners.
func (p *Products) AddImage(v, d mat.Dense, winners []int32, scratch []float32) {
	switch {
	case p.u == nil:
		p.forward.AddMul(v, p.taken(d))
	case p.recur != nil:
		p.eachStep(v, d, func(v, d mat.Dense) { p.forward.AddMul(p.ofSample(v), d) })
	default:
		p.add(v, d, nil, winners, scratch)
	}
}

// AffineAt is Affine with what is at the winners in place of the largest, and of a
// recurrent layer with its own activations as they are known.
func (p *Products) AffineAt(v, a, own mat.Dense, winners []int32, scratch []float32) {
	if p.u == nil || p.recur != nil {
		p.AffineWinners(v, a, nil, scratch)
		if p.recur != nil {
			p.recur.addOwn(v, own)
		}
		return
	}
	for i := range v.Rows {
		clear(v.Row(i))
	}
	p.add(v, a, p.layer.B, winners, scratch)
}

// add computes v += U(a)Wᵀ + 1bᵀ, in windows at the winners; b nil is zeros.
func (p *Products) add(v, a mat.Dense, b []float32, winners []int32, scratch []float32) {
	for lo := 0; lo < a.Rows; lo += p.group {
		hi := min(lo+p.group, a.Rows)
		z := p.aside(hi-lo, scratch)
		p.linear(z, a.RowRange(lo, hi), b, scratch)
		for i := lo; i < hi; i++ {
			if p.pool == nil {
				kernel.Add(v.Row(i), p.sample(z, i-lo))
			} else {
				p.pool.add(v.Row(i), p.of(winners, i), p.sample(z, i-lo))
			}
		}
	}
}

// Back computes dst = U*(e·W), which brings e, that has the layer's Units for
// each sample, back to its input: from the winners, in windows.
func (p *Products) Back(dst, e mat.Dense, winners []int32, scratch []float32) {
	switch {
	case p.u == nil:
		for i := 0; p.first > 0 && i < dst.Rows; i++ {
			clear(dst.Row(i)[:p.first])
		}
		p.back.Mul(p.taken(dst), e)
		return
	case p.recur != nil:
		p.eachStep(e, dst, func(e, dst mat.Dense) { p.back.Mul(dst, p.ofSample(e)) })
		return
	}
	for lo := 0; lo < e.Rows; lo += p.group {
		hi := min(lo+p.group, e.Rows)
		if p.pointsBack() {
			p.backPoints(dst.Row(lo), e.Row(lo), p.of(winners, lo), scratch)
			continue
		}
		d := p.residual(e, winners, lo, hi, scratch)
		rows := p.room(hi-lo, scratch[p.padded+p.group*p.places*p.layer.W.Rows:])
		p.back.Mul(rows, d)
		p.u.Adjoint(dst.RowRange(lo, hi), rows)
	}
}

// pointsBack reports whether Back goes by points.
func (p *Products) pointsBack() bool { return p.points != nil && !p.conv.stacked() }

// backPoints is Back of a sample, of the places that count alone.
func (p *Products) backPoints(dst, e []float32, winners []int32, scratch []float32) {
	if p.padded == 0 {
		p.points.back(dst, e, winners, p.w, p.runs)
		return
	}
	p.points.back(scratch[:p.padded], e, winners, p.w, p.runs)
	p.conv.unpad(dst, scratch[:p.padded])
}

// AddGradient computes g += Eᵀ·U(a) over samples and places, of a layer that is not Dense:
// g has the shape of W. own is as in Rows.
func (p *Products) AddGradient(g, e, a, own mat.Dense, winners []int32, scratch []float32, pack *mat.Packing) {
	if p.conv != nil {
		p.addConv(g, e, a, winners, scratch)
		return
	}
	for lo := 0; lo < e.Rows; lo += p.group {
		hi := min(lo+p.group, e.Rows)
		d := p.residual(e, winners, lo, hi, scratch)
		var states mat.Dense
		if p.recur != nil {
			states = own.RowRange(lo, hi)
		}
		rows := p.Rows(a.RowRange(lo, hi), states, scratch[p.padded+p.group*p.places*p.layer.W.Rows:])
		if p.layer.Gated() { // what W has 0 for good in has no gradient
			inputs := p.recur.Inputs
			pack.AddMulAT(p.recur.sample(g), p.ofSample(d), rows.ColRange(0, inputs))
			pack.AddMulAT(p.recur.own(g), d.ColRange(p.recur.ownRow, d.Cols), rows.ColRange(inputs, rows.Cols))
			continue
		}
		pack.AddMulAT(g, d, rows)
	}
}

// addConv is AddGradient where patches are read where they lie.
func (p *Products) addConv(g, e, a mat.Dense, winners []int32, scratch []float32) {
	sum := g
	if p.conv.stacked() {
		n := len(p.turned.Data)
		sum = mat.FromSlice(g.Rows, g.Cols, scratch[:n])
		clear(sum.Data)
		scratch = scratch[n:]
	}
	for i := range e.Rows {
		if p.points != nil {
			p.points.addGradient(sum, e.Row(i), p.of(winners, i), p.picture(a.Row(i), scratch), p.runs)
		} else {
			d := p.residual(e, winners, i, i+1, scratch)
			mat.AddRunsT(sum, d, p.picture(a.Row(i), scratch), p.runs, scratch[p.padded+p.places*p.layer.W.Rows:])
		}
	}
	if p.conv.stacked() {
		p.conv.turn(sum, g, true)
	}
}

// linear computes z = U(a)Wᵀ + 1bᵀ for at most a group of samples; b nil is zeros.
func (p *Products) linear(z, a mat.Dense, b []float32, scratch []float32) {
	switch {
	case p.conv != nil:
		p.forward.MulRuns(z, p.picture(a.Row(0), scratch), p.runs, b)
	case b != nil:
		p.forward.MulRow(z, p.gathered(a, scratch), b)
	default:
		p.forward.Mul(z, p.gathered(a, scratch))
	}
}

// gathered is U(a) in scratch.
func (p *Products) gathered(a mat.Dense, scratch []float32) mat.Dense {
	return p.u.Rows(p.room(a.Rows, scratch[p.padded+p.group*p.places*p.layer.W.Rows:]), a)
}

// picture is a sample, padded and stacked.
func (p *Products) picture(sample, scratch []float32) []float32 {
	border := p.conv.border()
	if border > 0 {
		p.conv.pad(scratch[:border], sample)
		sample = scratch[:border]
	}
	if p.padded == border {
		return sample
	}
	p.conv.stack(scratch[border:p.padded], sample)
	return scratch[border:p.padded]
}

// full is where z of a group of samples is made: in v, or aside if there are windows.
func (p *Products) full(v mat.Dense, scratch []float32) mat.Dense {
	if p.pool == nil {
		return byPlace(v, p.places)
	}
	return p.aside(v.Rows, scratch)
}

// aside is room for z of some samples, a row for each place.
func (p *Products) aside(samples int, scratch []float32) mat.Dense {
	rows, cols := samples*p.places, p.layer.W.Rows
	return mat.FromSlice(rows, cols, scratch[p.padded:][:rows*cols])
}

// residual is e of samples lo to hi-1 with a row for each place.
func (p *Products) residual(e mat.Dense, winners []int32, lo, hi int, scratch []float32) mat.Dense {
	if p.pool == nil {
		return byPlace(e.RowRange(lo, hi), p.places)
	}
	d := p.aside(hi-lo, scratch)
	for i := lo; i < hi; i++ {
		p.pool.spread(p.sample(d, i-lo), e.Row(i), p.of(winners, i))
	}
	return d
}

// sample is what z, with a row for each place, has of a sample.
func (p *Products) sample(z mat.Dense, i int) []float32 {
	n := p.places * p.layer.W.Rows
	return z.Data[i*n : (i+1)*n]
}

// of is the winners of a sample.
func (p *Products) of(winners []int32, i int) []int32 {
	if winners == nil {
		return nil
	}
	n := p.layer.Units()
	return winners[i*n : (i+1)*n]
}
