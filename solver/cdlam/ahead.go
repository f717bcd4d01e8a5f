package cdlam

import (
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/solver/internal/split"
)

const (
	// momentum is β: how much of the last iterations' moves of (W, b) stays in the next.
	momentum = 0.9
	// firstReach is t of the first iteration; the others find theirs.
	firstReach = 2
	// further and nearer are the factors of t where F was lower ahead, and where it was not.
	further, nearer = 1.2, 0.5
	// leastReach and mostReach bound t: nearer there is nothing to gain, and farther M is 0.
	leastReach, mostReach = 1e-3, 1e6
)

// ahead is the point where (W, b) go on along the sum M of their moves, and z and a follow:
//
//	M ← βM + (ΔW, Δb),  (W', b') = (W, b) + tM,  z' = z + V' − V,  a' = h(z') + (a − h(z)),
//
// V' from a', and z_L the proximal step of R from V_L'. Hidden layers' residuals z − V stay
// as they are, so that F differs by the output's part alone; without z and a that follow, F
// would keep (W, b) where they are, since each sample's z fits them already. The point is
// taken if F is lower there. It adds up F here and there, and where take is set moves z and
// a there.
type ahead struct {
	s        *stepper
	net      *dlam.Network // (W', b'); during the (W, b)-steps what (W, b) were before them
	sum      *dlam.Network // M
	products []*nn.Products
	reach    float64 // t
	take     bool

	here, there parts
}

// parts are the scalars of F at a point.
type parts struct {
	risk   pass.Scalar
	linear []pass.Scalar // ‖Z_l − V_l‖² of each layer
}

func newAhead(s *stepper) ahead {
	f := ahead{s: s, net: s.Net.Clone(), sum: s.Net.Clone(), reach: firstReach}
	f.forget()
	for l := range f.net.Layers {
		f.products = append(f.products, nn.NewProducts(f.net.Layers[l]))
	}
	f.here.linear, f.there.linear = make([]pass.Scalar, len(s.Layers)), make([]pass.Scalar, len(s.Layers))
	return f
}

// forget makes M zero.
func (f *ahead) forget() {
	for _, ly := range f.sum.Layers {
		clear(ly.W.Elements())
		clear(ly.B)
	}
}

// aim makes M and (W', b') of (W, b) and what they were before.
func (f *ahead) aim() {
	for l, to := range f.net.Layers {
		is, sum := f.s.Net.Layers[l], f.sum.Layers[l]
		f.aimAt(to.W.Elements(), is.W.Elements(), sum.W.Elements())
		f.aimAt(to.B, is.B, sum.B)
		f.products[l].Pack()
	}
}

func (f *ahead) aimAt(to, is, sum []float32) {
	t := float32(f.reach)
	for i, x := range is {
		sum[i] = momentum*sum[i] + (x - to[i])
		to[i] = x + t*sum[i]
	}
}

// Plan names the sums.
func (f *ahead) Plan(p *pass.Plan) {
	for _, at := range []*parts{&f.here, &f.there} {
		at.risk = p.Scalar()
		for l := range at.linear {
			at.linear[l] = p.Scalar()
		}
	}
}

// Block goes forward with samples lo to hi-1.
func (f *ahead) Block(w *pass.Worker, lo, hi int) {
	s, y := f.s.Scratch(w), f.s.P.Y.RowRange(lo, hi)
	in := f.s.P.X.RowRange(lo, hi) // a' of the layer below
	for l := range f.s.Layers {
		ly := &f.s.Layers[l]
		e, to := s.Affine(0, ly, lo, hi), s.Block(1, hi-lo, ly.Net.Units())
		f.products[l].Affine(to, in, nil)
		if f.take && l > 0 {
			ly.In.RowRange(lo, hi).CopyFrom(in)
		}
		z, moved := ly.Z.RowRange(lo, hi), s.Block(3, hi-lo, ly.Net.Units())
		split.Subtract(e, z, e)
		split.AddSquares(w, f.here.linear[l], e, y)
		if ly.Next == nil {
			w.Add(f.here.risk, loss.Weighted(f.s.P.Loss, z, y))
			moved.CopyFrom(z)
			f.s.loss.Prox(moved, to, y, f.s.Rho)
			w.Add(f.there.risk, loss.Weighted(f.s.P.Loss, moved, y))
		} else {
			moved.CopyFrom(to)
			kernel.Add(moved.Elements(), e.Elements())
		}
		split.Subtract(e, moved, to)
		split.AddSquares(w, f.there.linear[l], e, y)
		if ly.Next != nil {
			in = s.Block(2, hi-lo, ly.Net.Units())
			f.follow(ly.Net.H, in, ly.A.RowRange(lo, hi), moved, z, e)
		}
		if f.take {
			z.CopyFrom(moved)
		}
	}
}

// follow computes a' = h(z') + (a − h(z)); h(z) is scratch.
func (f *ahead) follow(h activation.Func, moved, a, zMoved, z, hz mat.Dense) {
	eps, to, old := float32(f.s.Epsilon), moved.Elements(), hz.Elements()
	h.Apply(to, zMoved.Elements())
	h.Apply(old, z.Elements())
	for i, x := range a.Elements() {
		to[i] += max(-eps, min(x-old[i], eps))
	}
}

// at is F at one of the two points, of the network n.
func (f *ahead) at(p *parts, n *dlam.Network) dlam.Record {
	s := f.s
	s.tally.Risk, s.tally.Regularization = s.Sums.Scalar(p.risk), 0
	for l, ly := range n.Layers {
		s.tally.Regularization += s.P.Regularizer.Value(ly.W.Elements())
		s.tally.Linear[l] = s.Sums.Scalar(p.linear[l])
	}
	return s.sumUp()
}

// tryAhead goes there if F is lower. The record is that of the point where the run is then.
func (s *stepper) tryAhead() (dlam.Record, error) {
	f := &s.ahead
	f.aim()
	if err := s.Run(f); err != nil {
		return dlam.Record{}, err
	}
	here := f.at(&f.here, s.Net).Objective
	if !(f.at(&f.there, f.net).Objective < here) {
		f.forget()
		f.reach = max(nearer*f.reach, leastReach)
		return f.at(&f.here, s.Net), nil
	}
	if err := s.goAhead(); err != nil {
		return dlam.Record{}, err
	}
	r := f.at(&f.there, s.Net)
	r.Step = f.reach
	f.reach = min(further*f.reach, mostReach)
	return r, nil
}

// goAhead moves all variables there.
func (s *stepper) goAhead() error {
	s.ahead.take = true
	err := s.Run(&s.ahead)
	s.ahead.take = false
	s.Net.CopyFrom(s.ahead.net)
	s.Pack()
	return err
}

// State is the Iterate's, with M and t.
func (s *stepper) State() dlam.State {
	st := s.Iterate.State()
	st.Float64["ahead.reach"] = []float64{s.ahead.reach}
	s.ahead.each(func(name string, m mat.Dense) { st.Float32[name] = m.Elements() })
	return st
}

// Restore puts a State back.
func (s *stepper) Restore(n *dlam.Network, st dlam.State) error {
	reach := st.Float64["ahead.reach"]
	if len(reach) != 1 || !(leastReach <= reach[0] && reach[0] <= mostReach) {
		return fmt.Errorf("state: ahead.reach is %v, want one number from %g to %g", reach, leastReach, float64(mostReach))
	}
	if err := split.RestoreEach(st, s.ahead.each); err != nil {
		return err
	}
	s.ahead.reach = reach[0]
	return s.Iterate.Restore(n, st)
}

// Variables are the Iterate's, and M.
func (s *stepper) Variables() (samples, shared []mat.Dense, err error) {
	samples, shared, err = s.Iterate.Variables()
	s.ahead.each(func(_ string, m mat.Dense) { shared = append(shared, m) })
	return samples, shared, err
}

// each calls do with M of every layer.
func (f *ahead) each(do func(name string, m mat.Dense)) {
	for l, ly := range f.sum.Layers {
		do(fmt.Sprintf("ahead.w.%d", l+1), ly.W)
		do(fmt.Sprintf("ahead.b.%d", l+1), mat.FromSlice(1, len(ly.B), ly.B))
	}
}
