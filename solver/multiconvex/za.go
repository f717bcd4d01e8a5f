package multiconvex

import "github.com/dlam-go/dlam/internal/pass"

// updateZA updates z_l and a_l, or z_L, block by block of samples that stay in
// cache. With the backtracking line search a_l needs passes of its own.
func (s *Blocks) updateZA(ly *layer) error {
	if ly.next != nil && !ly.next.known.e { // the a-step starts from it
		if err := s.evaluateLayer(ly.next, false); err != nil {
			return err
		}
	}
	s.za.ly, s.za.alone = ly, s.LineSearch == Backtracking
	if err := s.run(&s.za); err != nil {
		return err
	}
	s.za.take()
	if ly.next == nil || !s.za.alone {
		return nil
	}
	return s.searchA(ly)
}

// zaPass is the z-step of a layer and, in a hidden layer unless it is alone,
// the a-step, with the sums that follow from them.
type zaPass struct {
	s     *Blocks
	ly    *layer
	alone bool // the z-step alone

	z      zSums
	output outputSums
	a      aSums
	own    affineSums // layer 1's: E_1, which is not kept, is needed for nothing else
	next   affineSums // layer l+1's, of the new a_l
}

// ownSums reports whether the pass makes the layer's own sums. Those of a recurrent layer, which
// has its own A, would change the scale of θ that an Iterate still has to show.
func (p *zaPass) ownSums() bool { return p.ly.l == 1 && !p.ly.recurrent }

// Plan names the sums.
func (p *zaPass) Plan(plan *pass.Plan) {
	switch {
	case p.ly.next == nil:
		p.output.plan(plan)
	case p.alone:
		p.z.plan(plan)
	default:
		p.z.plan(plan)
		p.a.plan(plan, p.ly)
		p.next.plan(plan, p.ly.next, true)
	}
	if p.ownSums() {
		p.own.plan(plan, p.ly, false)
	}
}

// Block updates samples lo to hi-1.
func (p *zaPass) Block(w *pass.Worker, lo, hi int) {
	b := p.s.block(w, p.ly, lo, hi)
	b.cutToBand()
	b.affine()
	if p.ly.next == nil {
		b.updateOutput(w, &p.output) // eq. 5
	} else {
		b.updateZ(w, &p.z) // eq. 4
		if !p.alone {
			b.updateA(w, &p.a) // eq. 6
			p.next.add(w, b, b.nextE, b.A, b.nextA)
		}
	}
	if p.ownSums() {
		p.own.add(w, b, b.E, b.in, b.A)
	}
}

// take keeps the sums.
func (p *zaPass) take() {
	s, ly := p.s, p.ly
	ly.known.e, ly.known.phi = ly.keepsE(), true
	ly.known.gradient, ly.known.residual = false, false
	if ly.next == nil {
		s.didOutput(ly, &p.output)
	} else {
		s.didZ(ly, &p.z, 0, 0)
		if !p.alone {
			s.didA(ly, &p.a)
			p.next.take(s)
		}
	}
	if p.ownSums() {
		p.own.take(s)
	}
}
