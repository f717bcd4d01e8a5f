package multiconvex

import (
	"errors"
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/prox"
)

// Blocks are the variables of Problem 2 and the updates of its blocks, each of
// which never raises F. A sweep is BeginSweep, then block updates in any order
// and number, then EndSweep. Where ε adapts, a sweep must update z and a of
// every layer, since a narrower band cuts a_l only there.
type Blocks struct {
	Settings
	p      *dlam.Problem
	loss   loss.Proximal // p's
	net    *dlam.Network
	n      float64 // sum of the samples' weights, over all ranks: their number without any
	count  float64 // number of samples, over all ranks
	layers []layer

	epsilon  float64
	changed  bool    // ε has changed since the last sweep,
	narrowed bool    // and become smaller
	risk     float64 // mean R(z_L; y) over samples
	c        float64 // c_k of Theorem 2 so far; 0 before the first sweep
	sweeps   int     // done
	nesterov extrapolation

	e          *pass.Engine
	sums       *pass.Pass
	workers    []block // scratch of each worker
	evaluate   evaluatePass
	quadratics quadraticPass
	za         zaPass
	search     searchPass
	cut        cutPass
	flips      flipJob // with binary weights

	// of Records
	blocks  []dlam.Block
	penalty []float64
	ended   func(layer int, variables string) // see dlam.Timed
}

// layer is what the method keeps of layer l. A hidden layer has three arrays
// with its units for each sample, the output layer two; of the first layer, E
// is not kept. With max pooling Z and E are of all places, of which A has the
// windows: all z of a window are variables.
type layer struct {
	l        int                 // 1 for the first
	net      *dlam.Layer         // W_l, b_l and h_l
	h        activation.Monotone // h_l, for its projection
	products *nn.Products        // with W_l, of all places
	pool     *pool               // max pooling; nil: none
	// recurrent: U takes a row for each step, with the layer's own A of the step before.
	recurrent bool
	places    float64   // rows of U(A_{l-1}) for each sample
	in        mat.Dense // A_{l-1}
	Z, A      mat.Dense // auxiliary variables; no A in the output layer
	E         mat.Dense // residual V_l − Z_l with V_l = U(A_{l-1})W_lᵀ + 1b_lᵀ; none of layer 1
	next      *layer    // layer l+1, nil for the output layer

	step weightStep     // the W-step's memory
	sums layerSums      // sums over samples, as far as they are known
	phi  float64        // φ_l
	tau  []float64      // curvature of each sample's last a-step, if kept
	prev momentumMemory // for mDLAM

	known   known
	updates [4]dlam.Block // what this sweep's updates of W, b, z and a did
	updated [4]bool       // which there were
}

// The places of a layer's updates.
const (
	ofW = iota
	ofB
	ofZ
	ofA
)

// known says what holds of a layer at the current iterate. What does not, and
// is needed, is made by evaluate; in the order of Algorithm 1 nothing ever is.
type known struct {
	input    bool // A_{l-1}'s Gram matrix and columns, as far as W-steps use them
	gradient bool // EᵀU(A_{l-1})
	residual bool // E's columns
	e        bool // E itself
	phi      bool // φ_l, and in the output layer the risk
}

// keepsE reports whether E_l is kept. Only sums of E_1 are needed, but of a recurrent layer,
// whose a-step starts from it.
func (ly *layer) keepsE() bool { return ly.l > 1 || ly.recurrent }

// New starts feasible, as section 2 of the paper has it: a forward pass of a
// copy of n, a_l = h(z_l) exactly, and z_L coded +1 for the true class and −1
// elsewhere. It refuses a loss without a proximal operator, and activations that
// are not monotone. The caller must Close it.
func New(set Settings, p *dlam.Problem, n *dlam.Network) (*Blocks, error) {
	if err := set.Validate(); err != nil {
		return nil, err
	}
	if err := p.Fits(n); err != nil {
		return nil, err
	}
	if err := takes(set, p, n); err != nil {
		return nil, err
	}
	if set.BinaryWeights && p.Regularizer != prox.Regularizer(prox.None{}) {
		return nil, fmt.Errorf("dlam: binary weights and regulariser %v: Ω is the indicator of binary weights; want none beside it", p.Regularizer.Spec())
	}
	s := &Blocks{
		Settings: set, p: p, loss: p.Loss.(loss.Proximal), net: n.Clone(), e: pass.New(p.Threads, p.Comm),
		epsilon: set.Epsilon, layers: make([]layer, len(n.Layers)), ended: func(int, string) {},
	}
	if s.BinaryWeights {
		s.binarize()
	}
	err := wholeSequences(set, p, n)
	if err == nil {
		s.count, s.n, err = s.e.Samples(p.X.Rows, p.Y.TotalWeight())
	}
	if err == nil {
		s.allocate()
		err = s.start()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// takes reports operators that lack what eqs. 4 and 5 need of them.
func takes(set Settings, p *dlam.Problem, n *dlam.Network) error {
	var errs []error
	if _, ok := p.Loss.(loss.Proximal); !ok {
		errs = append(errs, fmt.Errorf("%v: loss %v has no proximal operator (loss.Proximal), which the output step needs", Solver{set}, p.Loss.Spec()))
	}
	if err := n.Ungated(); err != nil {
		errs = append(errs, fmt.Errorf("%v: %w: its blocks have an entry of z for each of a (sync and the methods of backpropagation train it)", Solver{set}, err))
	}
	for l, ly := range n.Layers {
		if _, ok := ly.H.(activation.Monotone); !ok {
			errs = append(errs, fmt.Errorf("%v: layer %d: activation %v has no projection (activation.Monotone), which the z-step needs", Solver{set}, l+1, ly.H.Spec()))
		}
	}
	return errors.Join(errs...)
}

// wholeSequences refuses sequences of unequal lengths, on all ranks if one has some: the blocks
// have rows for all steps.
func wholeSequences(set Settings, p *dlam.Problem, n *dlam.Network) error {
	u, recurrent := n.Layers[0].Map.(nn.RNN)
	if !recurrent {
		return nil
	}
	short := make([]float64, 1)
	for i := range p.X.Rows {
		if u.First(p.X.Row(i)) > 0 {
			short[0]++
		}
	}
	if err := p.Comm.Sum(short); err != nil {
		return err
	}
	if short[0] > 0 {
		return fmt.Errorf("%v: %g samples are shorter than the longest sequence; its blocks take sequences of one length (sync and the methods of backpropagation take others)", Solver{set}, short[0])
	}
	return nil
}

func (s *Blocks) allocate() {
	rows, in, widest := s.p.X.Rows, s.p.X, 0
	for l := range s.layers {
		ly := &s.layers[l]
		ly.l, ly.net, ly.in = l+1, &s.net.Layers[l], in
		ly.h = ly.net.H.(activation.Monotone)
		full := *ly.net
		full.Max = 0
		ly.products, ly.pool, ly.places = nn.NewProducts(full), newPool(ly.net), float64(full.Places())
		ly.recurrent = full.Recurrent()
		units := full.Units()
		ly.Z = mat.New(rows, units)
		if ly.keepsE() {
			ly.E = mat.New(rows, units)
		}
		if l < len(s.layers)-1 {
			ly.A = mat.New(rows, ly.net.Units())
			ly.next = &s.layers[l+1]
		}
		in, widest = ly.A, max(widest, ly.net.W.Cols)
		ly.step.allocate(ly, s.Settings, s.p.Regularizer, s.count)
		ly.sums.allocate(ly)
		if s.Momentum {
			ly.prev.allocate(ly)
		}
	}
	s.blocks = make([]dlam.Block, 0, 4*len(s.layers))
	s.penalty = make([]float64, len(s.layers))
	s.sums = s.e.NewPass(pass.Whole)
	s.sums.Weights = s.p.Y.Weight
	s.evaluate.s, s.quadratics.s, s.za.s, s.search.s, s.flips.s, s.cut.s = s, s, s, s, s, s
	s.workers = make([]block, s.e.Pool.Threads())
	for w := range s.workers {
		s.workers[w].allocate(s)
		if s.BinaryWeights {
			s.flips.rows = append(s.flips.rows, make([]float64, 3*widest))
		}
	}
}

// start makes the first iterate.
func (s *Blocks) start() error {
	for l := range s.layers {
		ly := &s.layers[l]
		ly.products.Pack()
		if err := s.run(&forwardPass{s: s, ly: ly}); err != nil {
			return err
		}
	}
	return s.refresh()
}

// refresh makes what follows from W, b, z and a and is needed in any order of
// updates: residuals and penalties. Of the first layer it makes all sums, since
// they stay true until its own update.
func (s *Blocks) refresh() error {
	for l := range s.layers {
		ly := &s.layers[l]
		ly.known = known{input: ly.known.input && l == 0 && !ly.recurrent} // X never changes
		if err := s.evaluateLayer(ly, l == 0); err != nil {
			return err
		}
	}
	return nil
}

// Layers is the number of layers; the updates take an index below it.
func (s *Blocks) Layers() int { return len(s.layers) }

// Sweeps is the number of sweeps done.
func (s *Blocks) Sweeps() int { return s.sweeps }

// UpdateW solves eq. 2 for W of layer l (0 for the first) by Algorithm 2. The
// error wraps dlam.ErrDiverged where the search overflows; others are of the
// processes that share the samples. So are those of the next two.
func (s *Blocks) UpdateW(l int) error {
	ly := &s.layers[l]
	if err := s.updateW(ly); err != nil {
		return err
	}
	s.ended(ly.l, "W")
	return nil
}

// UpdateB solves eq. 3 for b of layer l, exactly.
func (s *Blocks) UpdateB(l int) error {
	ly := &s.layers[l]
	if err := s.updateB(ly); err != nil {
		return err
	}
	s.ended(ly.l, "b")
	return nil
}

// UpdateZA solves eq. 4 for z and then eq. 6 for a of the hidden layer l by
// Algorithm 3, block by block of samples; of the output layer eq. 5 for z.
func (s *Blocks) UpdateZA(l int) error {
	ly := &s.layers[l]
	if err := s.updateZA(ly); err != nil {
		return err
	}
	if ly.next == nil {
		s.ended(ly.l, "z")
	} else {
		s.ended(ly.l, "za")
	}
	return nil
}

// BeginSweep adapts ε and mDLAM's extrapolation. The error is of the processes that share
// the samples.
func (s *Blocks) BeginSweep() error {
	s.adaptEpsilon()
	if s.changed {
		s.ended(0, "ε")
	}
	if s.Momentum {
		s.nesterov.advance(s.changed)
	}
	for l := range s.layers {
		ly := &s.layers[l]
		ly.updated = [4]bool{}
		if !s.narrowed || !ly.recurrent {
			continue
		}
		s.cut.ly = ly
		if err := s.run(&s.cut); err != nil { // its W- and b-step look at a_l
			return err
		}
		ly.known, ly.next.known = known{}, known{}
	}
	return nil
}

// EndSweep sums up the sweep's updates. F is at the end of it. A layer whose z was
// not updated last is evaluated anew, and the sums that its updates carried on are
// dropped: they differ by rounding from what a restored run makes of the iterate.
func (s *Blocks) EndSweep() (dlam.Record, error) {
	for l := range s.layers {
		ly := &s.layers[l]
		if ly.known.phi {
			continue
		}
		if err := s.evaluateLayer(ly, false); err != nil {
			return dlam.Record{}, err
		}
		ly.known.gradient, ly.known.residual = false, false
	}
	s.sweeps++
	return s.record(), nil
}

func (s *Blocks) record() dlam.Record {
	r := dlam.Record{Risk: s.risk, Epsilon: s.epsilon, EpsilonChanged: s.changed}
	s.blocks = s.blocks[:0]
	var moves, penalty float64
	for l := range s.layers {
		ly := &s.layers[l]
		s.penalty[l] = ly.phi
		penalty += ly.phi
		for i := range ly.net.W.Rows {
			r.Regularization += s.p.Regularizer.Value(ly.net.W.Row(i))
		}
		for k, b := range ly.updates {
			if ly.updated[k] {
				moves += b.Move
				r.Trials += b.Trials
				s.blocks = append(s.blocks, b)
			}
		}
	}
	if s.c == 0 || moves < s.c {
		s.c = moves
	}
	r.Objective = s.n*s.risk + r.Regularization + penalty
	r.Penalty, r.Blocks, r.C = s.penalty, s.blocks, s.c
	return r
}

// did keeps what an update of a layer's variable did.
func (ly *layer) did(variable int, b dlam.Block) {
	b.Layer, b.Variable = ly.l, [...]string{"W", "b", "z", "a"}[variable]
	ly.updates[variable], ly.updated[variable] = b, true
}

// Network is the current network; see dlam.Stepper.
func (s *Blocks) Network() *dlam.Network { return s.net }

// Close frees the workers.
func (s *Blocks) Close() { s.e.Close() }

// Mark has ended called after each part of a sweep; see dlam.Timed.
func (s *Blocks) Mark(ended func(layer int, variables string)) { s.ended = ended }

// Iterate is the current iterate; see dlam.Splitting.
func (s *Blocks) Iterate() dlam.Iterate {
	it := dlam.Iterate{Rho: s.Rho, Epsilon: s.epsilon, Network: s.net, Extrapolated: s.Momentum, Binary: s.BinaryWeights}
	for l := range s.layers {
		ly := &s.layers[l]
		it.Z, it.Theta, it.Scale = append(it.Z, ly.Z), append(it.Theta, ly.step.theta), append(it.Scale, ly.step.scale)
		if ly.next == nil {
			break
		}
		if ly.tau == nil {
			ly.tau = make([]float64, ly.Z.Rows)
		}
		it.A, it.Tau = append(it.A, ly.A), append(it.Tau, ly.tau)
	}
	return it
}

// memory is about how many bytes a run takes beside the samples: for each
// sample 3·d_l float32 in a hidden layer (one more for mDLAM) and 2·d_L in the
// output layer, less d_1, and what does not grow with the samples. With max pooling
// d_l is larger in z and E, which have all places, than in a.
func memory(set Settings, layers []nn.Layer, samples, threads int) float64 {
	n, kept, buffers := float64(samples), 1.0, 8.0
	if set.Momentum {
		kept, buffers = 2, 11
	}
	var floats, widest, longest, patches, more float64
	for l, ly := range layers {
		out, in, places := float64(ly.W.Rows), float64(ly.W.Cols), float64(ly.Places())
		widest = max(widest, out*places)
		longest = max(longest, out*in)
		floats += 10*out*in + 2*n*out*places     // W, its copies, directions and packed forms; z and E
		if in <= n*places || set.BinaryWeights { // Gram matrix
			floats += 2 * in * in
			longest = max(longest, in*in)
		}
		if l < len(layers)-1 {
			floats += kept * n * float64(ly.Units())
		}
		if l == 0 && !ly.Recurrent() {
			floats -= n * out * places // no E
		}
		if ly.Recurrent() {
			more = 2
			if set.Momentum {
				more = 3
			}
		}
		if ly.Map != nil {
			patches = max(patches, places*in)
		}
	}
	perWorker := 2*(2*longest+longest) + 3*longest + pass.Block*((buffers+more)*widest+patches) // sums, products, block scratch
	return 4 * (floats + float64(threads)*perWorker)
}
