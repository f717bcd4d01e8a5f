package dlam

import (
	"github.com/dlam-go/dlam/internal/kernel"
	engine "github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
)

// passKind is what a pass over the samples does to each block of them.
type passKind int

const (
	passForward   passKind = iota // make the first z_l, a_l and residual
	passResidual                  // recompute the residual; layer 1's sums
	passGram                      // sum A_{l-1}ᵀA_{l-1} and A_{l-1}'s columns
	passQuadratic                 // sum the squares of A_{l-1}·dᵀ
	passUpdate                    // eqs. 4 and 6, or 5; sums for the next layer
	passUpdateZ                   // eq. 4 alone
	passTrialA                    // eq. 6 with one t: sums for its test
	passApplyA                    // eq. 6 with one t: take the step; sums for the next layer
)

// scalar numbers the scalar sums of a pass.
const (
	sumPhi      = iota // ‖E_l‖² after the pass
	sumMoveZ           // ‖ΔZ_l‖²
	sumFallZ           // fall of ‖A_{l-1}W_lᵀ + b − Z_l‖²
	sumRisk            // Σ R(z_L; y)
	sumUnmovedZ        // samples whose z_L had to stay
	sumMoveA           // Σ τ‖Δa‖²
	sumFallA           // fall of ‖E_{l+1}‖²
	sumTrialsA         // further trials for samples that the band cuts
	sumUnmovedA        // samples whose a_l had to stay
	sumCurved          // ‖ΔA W_{l+1}ᵀ‖² of a trial
	scalars
)

// pass is a job over all samples, one layer and kind at a time.
type pass struct {
	s       *stepper
	kind    passKind
	ly      *layer
	t       float64 // the a-step's curvature, in passTrialA and passApplyA
	layout  layout
	workers []worker
}

// layout says where a pass's sums are in its vector.
type layout struct{ g, gram, a, square, e, quad, first, firstE, length int }

// worker is one goroutine's scratch.
type worker struct {
	g, gram, first engine.Outer
	block          block
}

func (p *pass) allocate(s *stepper) {
	p.s = s
	p.workers = make([]worker, s.e.Pool.Threads())
	longest := scalars
	for l := range s.layers {
		for kind := passForward; kind <= passApplyA; kind++ {
			longest = max(longest, layoutOf(kind, &s.layers[l]).length)
		}
	}
	s.sums = newSums(s.e, longest)
	for w := range p.workers {
		p.workers[w].block.allocate(s)
	}
}

// layoutOf is the layout of a pass of the given kind over layer ly.
func layoutOf(kind passKind, ly *layer) layout {
	o := layout{length: scalars}
	take := func(n int) int {
		o.length += n
		return o.length - n
	}
	out, in := ly.net.W.Rows, ly.net.W.Cols
	switch kind {
	case passGram:
		o.a = take(in)
		if ly.step.useGram {
			o.gram = take(in * in)
		}
	case passQuadratic:
		o.quad = take(out)
	case passUpdate, passApplyA:
		if next := ly.next; next != nil {
			o.g, o.a, o.e = take(next.net.W.Rows*out), take(out), take(next.net.W.Rows)
			if next.step.useGram {
				o.gram = take(out * out)
			} else if next.step.scale != nil {
				o.square = take(out)
			}
		}
	}
	if ly.l == 1 && (kind == passResidual || kind == passUpdate || kind == passUpdateZ) {
		o.first, o.firstE = take(out*in), take(out)
	}
	return o
}

// run runs a pass that sums nothing.
func (p *pass) run(kind passKind, ly *layer) {
	p.kind, p.ly, p.layout = kind, ly, layoutOf(kind, ly)
	p.s.sums.Reset(p.layout.length)
	p.s.e.Pool.Run(p)
}

// collect runs a pass, stores its sums over all ranks and returns them.
func (s *stepper) collect(kind passKind, ly *layer) ([]float64, error) {
	s.pass.run(kind, ly)
	v, err := s.sums.Reduce()
	if err != nil {
		return nil, err
	}
	o := s.pass.layout
	if o.first > 0 {
		narrow(ly.sums.g, v[o.first:])
		copy(ly.sums.e, v[o.firstE:])
	}
	if o.quad > 0 {
		copy(ly.step.quad, v[o.quad:])
	}
	owner := ly // whose input the sums are about
	if o.g > 0 {
		owner = ly.next
		narrow(owner.sums.g, v[o.g:])
		copy(owner.sums.e, v[o.e:])
	}
	if o.a > 0 {
		copy(owner.sums.a, v[o.a:])
	}
	if o.gram > 0 {
		narrow(owner.sums.gram, v[o.gram:])
		mat.MirrorUpper(owner.sums.gram)
		owner.step.setGram(owner.sums.gram)
	}
	if o.square > 0 {
		owner.step.setScale(func(j int) float64 { return v[o.square+j] })
	}
	s.store(kind, ly, v)
	return v, nil
}

// narrow copies float64 sums into a float32 matrix.
func narrow(dst mat.Dense, src []float64) {
	for i := range dst.Rows {
		row := dst.Row(i)
		for j, v := range src[i*dst.Cols : (i+1)*dst.Cols] {
			row[j] = float32(v)
		}
	}
}

// Do runs the worker's blocks through the pass.
func (p *pass) Do(w int) {
	wk := &p.workers[w]
	b := &wk.block
	b.part = p.s.sums.Part(w)
	p.beginSums(wk)
	lo, hi := kernel.Range(p.ly.Z.Rows, engine.Block, w, p.s.e.Pool.Threads())
	for ; lo < hi; lo += engine.Block {
		b.take(p, lo, min(lo+engine.Block, hi))
		p.update(wk)
	}
	p.endSums(wk)
}

// update does what the pass is for to one block.
func (p *pass) update(wk *worker) {
	b := &wk.block
	switch p.kind {
	case passForward:
		b.start()
	case passResidual:
		b.residual()
		p.sumFirst(wk)
	case passGram:
		engine.AddColumns(b.part[p.layout.a:p.layout.a+b.in.Cols], b.in)
		if p.layout.gram > 0 {
			wk.gram.AddGram(b.in)
		}
	case passQuadratic:
		b.quadratic(b.part[p.layout.quad:])
	case passTrialA:
		b.trialA(p.t)
	case passApplyA:
		b.applyA(p.t)
		p.sumNext(wk)
	case passUpdateZ:
		b.narrow()
		b.linear()
		b.updateZ() // eq. 4
		p.sumFirst(wk)
	case passUpdate:
		b.narrow()
		b.linear()
		if p.ly.next == nil {
			b.updateOutput() // eq. 5
		} else {
			b.updateZ() // eq. 4
			if p.s.nesterov.omega > 0 {
				b.extrapolateA()
				b.updateA()
				b.chooseA()
			} else {
				b.rememberA()
				b.updateA() // eq. 6
			}
			p.sumNext(wk)
		}
		p.sumFirst(wk)
	}
}

func (p *pass) beginSums(wk *worker) {
	v, o, ly := wk.block.part, p.layout, p.ly
	if o.first > 0 {
		wk.first.Begin(v[o.first:], ly.net.W.Rows, ly.net.W.Cols)
	}
	if o.g > 0 {
		wk.g.Begin(v[o.g:], ly.next.net.W.Rows, ly.net.W.Rows)
	}
	if o.gram > 0 {
		n := ly.net.W.Rows
		if p.kind == passGram {
			n = ly.net.W.Cols
		}
		wk.gram.Begin(v[o.gram:], n, n)
	}
}

func (p *pass) endSums(wk *worker) {
	if p.layout.first > 0 {
		wk.first.Flush()
	}
	if p.layout.g > 0 {
		wk.g.Flush()
	}
	if p.layout.gram > 0 {
		wk.gram.Flush()
	}
}

// sumFirst adds layer 1's sums, EᵀX and E's columns: they stay true until its
// next W-step, and E is needed for nothing else.
func (p *pass) sumFirst(wk *worker) {
	if p.layout.first > 0 {
		b := &wk.block
		wk.first.Add(b.E, b.in)
		engine.AddColumns(b.part[p.layout.firstE:p.layout.firstE+b.E.Cols], b.E)
	}
}

// sumNext adds what layer l+1's W- and b-step need.
func (p *pass) sumNext(wk *worker) {
	b, o := &wk.block, p.layout
	wk.g.Add(b.nextE, b.A)
	engine.AddColumns(b.part[o.a:o.a+b.A.Cols], b.A)
	engine.AddColumns(b.part[o.e:o.e+b.nextE.Cols], b.nextE)
	if o.gram > 0 {
		wk.gram.AddGram(b.A)
	}
	if o.square > 0 {
		engine.AddColumnSquares(b.part[o.square:o.square+b.A.Cols], b.A)
	}
}
