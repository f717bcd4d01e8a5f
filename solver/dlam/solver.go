package dlam

import (
	"context"
	"errors"
	"fmt"

	"github.com/dlam-go/dlam"
	engine "github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
)

// Solver is DLAM with its settings.
type Solver struct{ Settings Settings }

var _ dlam.Solver = Solver{}

func (s Solver) String() string {
	if s.Settings.Momentum {
		return "mdlam"
	}
	return "dlam"
}

// Init starts feasible, as section 2 of the method has it: a forward pass,
// a_l = h(z_l) exactly, and z_L coded +1 for the true class and −1 elsewhere.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := s.Settings.Validate(); err != nil {
		return nil, err
	}
	if err := p.Fits(n); err != nil {
		return nil, err
	}
	st := newStepper(s.Settings, p, n)
	if err := st.begin(); err != nil {
		st.Close()
		return nil, err
	}
	return st, nil
}

// layer is what the method keeps of layer l. A hidden layer has three n×d_l
// arrays, the output layer two; of the first layer, E is not kept.
type layer struct {
	l    int            // 1 for the first
	net  *dlam.Layer    // W_l, b_l and h_l
	in   mat.Dense      // A_{l-1}
	Z, A mat.Dense      // auxiliary variables; no A in the output layer
	E    mat.Dense      // residual A_{l-1}W_lᵀ + 1b_lᵀ − Z_l, but of layer 1
	w    mat.Panel      // W_l packed, for products E·W
	wT   mat.Panel      // W_lᵀ packed, for products A·Wᵀ
	next *layer         // layer l+1, nil for the output layer
	step weightStep     // the W-step's memory
	sums layerSums      // sums over samples at the current W, b, z and a_{l-1}
	phi  float64        // φ_l
	tau  []float64      // curvature of each sample's last a-step, if kept
	move [4]dlam.Block  // what this sweep's updates did
	prev momentumMemory // for mDLAM
}

// stepper is a run of DLAM.
type stepper struct {
	Settings
	p        *dlam.Problem
	e        *engine.Engine
	net      *dlam.Network
	n        float64 // number of samples, over all ranks
	layers   []layer
	epsilon  float64
	changed  bool // ε changed since the last sweep
	narrowed bool // and became smaller
	risk     float64
	c        float64 // c_k so far; 0 before the first sweep
	nesterov extrapolation
	done     int // sweeps done
	sums     *sums
	pass     pass
	blocks   []dlam.Block
	penalty  []float64
	ended    func(layer int, variables string) // see dlam.Timed
}

var (
	_ dlam.Timed     = (*stepper)(nil)
	_ dlam.Resumable = (*stepper)(nil)
	_ dlam.Splitting = (*stepper)(nil)
)

func newStepper(set Settings, p *dlam.Problem, n *dlam.Network) *stepper {
	s := &stepper{
		Settings: set, p: p, net: n.Clone(), e: engine.New(p.Threads, p.Comm),
		epsilon: set.Epsilon, layers: make([]layer, len(n.Layers)), ended: func(int, string) {},
	}
	rows, in := p.X.Rows, p.X
	for l := range s.layers {
		ly := &s.layers[l]
		ly.l, ly.net, ly.in = l+1, &s.net.Layers[l], in
		width := ly.net.W.Rows
		ly.Z = mat.New(rows, width)
		if l > 0 {
			ly.E = mat.New(rows, width)
		}
		if l < len(s.layers)-1 {
			ly.A = mat.New(rows, width)
			ly.next = &s.layers[l+1]
		}
		in = ly.A
		ly.step.allocate(ly, set, p.Regularizer)
		ly.sums.allocate(ly)
		if set.Momentum {
			ly.prev.allocate(ly)
		}
	}
	s.blocks = make([]dlam.Block, 0, 4*len(s.layers))
	s.penalty = make([]float64, len(s.layers))
	s.pass.allocate(s)
	return s
}

// begin makes the first iterate.
func (s *stepper) begin() error {
	n := []float64{float64(s.p.X.Rows)}
	if err := s.e.Comm.Sum(n); err != nil {
		return err
	}
	s.n = n[0]
	for l := range s.layers {
		ly := &s.layers[l]
		ly.pack()
		s.pass.run(passForward, ly)
	}
	first := &s.layers[0]
	if _, err := s.collect(passGram, first); err != nil {
		return err
	}
	return s.refresh()
}

// refresh makes everything that follows from W, b, z and a.
func (s *stepper) refresh() error {
	for l := range s.layers {
		if _, err := s.collect(passResidual, &s.layers[l]); err != nil {
			return err
		}
	}
	return nil
}

// Step is one sweep of Algorithm 1.
func (s *stepper) Step(context.Context) (dlam.Record, error) {
	s.adaptEpsilon()
	if s.changed {
		s.ended(0, "ε")
	}
	if s.Momentum {
		s.nesterov.advance(s.changed)
	}
	for l := range s.layers {
		ly := &s.layers[l]
		if err := s.updateW(ly); err != nil { // eq. 2
			return dlam.Record{}, err
		}
		s.ended(ly.l, "W")
		s.updateB(ly) // eq. 3
		s.ended(ly.l, "b")
		// Then, for each block of samples while it is in cache: eqs. 4 and 6,
		// or 5 in the output layer (see block.go).
		if err := s.updateSamples(ly); err != nil {
			return dlam.Record{}, err
		}
		if ly.next == nil {
			s.ended(ly.l, "z")
		} else {
			s.ended(ly.l, "za")
		}
	}
	s.done++
	return s.record(), nil
}

// updateB solves argmin φ_l over b_l, eq. 3. The Lipschitz constant for n
// samples is nρ, so the step is to the exact minimiser: b less the mean of E.
func (s *stepper) updateB(ly *layer) {
	var move, decrease float64
	for i, old := range ly.net.B {
		mean := ly.sums.e[i]
		for j, a := range ly.sums.a {
			mean += float64(ly.step.delta.At(i, j)) * a
		}
		mean /= s.n
		ly.net.B[i] = float32(float64(old) - mean)
		d := float64(ly.net.B[i]) - float64(old)
		move += d * d
		decrease -= d * (2*mean + d)
	}
	ly.move[1] = dlam.Block{Layer: ly.l, Variable: "b", Move: s.n * s.Rho / 2 * move, Decrease: s.n * s.Rho / 2 * decrease}
}

// adaptEpsilon applies section 4.1.2 between two sweeps. A narrower band cuts
// a_l: the problem itself changes there. Nothing in the sweep looks at a_l
// before its own pass, which cuts it.
func (s *stepper) adaptEpsilon() {
	s.changed, s.narrowed = false, false
	if s.EpsilonRule == Fixed || s.done == 0 {
		return
	}
	old := s.epsilon
	if s.risk > 10*old {
		s.epsilon = max(2*old, 1)
	} else if old > 10*s.risk {
		s.epsilon = min(old/2, 0.01)
	}
	s.changed = s.epsilon != old
	s.narrowed = s.epsilon < old
}

// record sums up the sweep. F is at the end of it.
func (s *stepper) record() dlam.Record {
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
		blocks := ly.move[:]
		if ly.next == nil {
			blocks = blocks[:3]
		}
		for _, b := range blocks {
			moves += b.Move
			r.Trials += b.Trials
		}
		s.blocks = append(s.blocks, blocks...)
	}
	if s.c == 0 || moves < s.c {
		s.c = moves
	}
	r.Objective = s.n*s.risk + r.Regularization + penalty
	r.Penalty, r.Blocks, r.C = s.penalty, s.blocks, s.c
	return r
}

func (s *stepper) Network() *dlam.Network { return s.net }

func (s *stepper) Close() { s.e.Close() }

// Mark has ended called after each part of a sweep; see dlam.Timed.
func (s *stepper) Mark(ended func(layer int, variables string)) { s.ended = ended }

// Iterate is the current iterate; see dlam.Splitting.
func (s *stepper) Iterate() dlam.Iterate {
	it := dlam.Iterate{Rho: s.Rho, Epsilon: s.epsilon, Network: s.net, Extrapolated: s.Momentum}
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

// State is z, a and the few numbers beside them.
func (s *stepper) State() dlam.State {
	st := dlam.State{OfSamples: true, Float32: map[string][]float32{}, Float64: map[string][]float64{
		"scalars": {s.epsilon, s.risk, s.c, float64(s.done), s.nesterov.t},
	}}
	for l := range s.layers {
		ly := &s.layers[l]
		st.Float32[fmt.Sprintf("z.%d", ly.l)] = ly.Z.Elements()
		if ly.next != nil {
			st.Float32[fmt.Sprintf("a.%d", ly.l)] = ly.A.Elements()
		}
		ly.prev.save(&st, ly.l)
	}
	return st
}

// Restore puts a State back. What is not in it follows from it, bit for bit.
func (s *stepper) Restore(n *dlam.Network, st dlam.State) error {
	v := st.Float64["scalars"]
	if len(v) != 5 {
		return errors.New("dlam state: scalars missing")
	}
	s.epsilon, s.risk, s.c, s.done, s.nesterov.t = v[0], v[1], v[2], int(v[3]), v[4]
	s.net.CopyFrom(n)
	for l := range s.layers {
		ly := &s.layers[l]
		if err := restore(ly.Z, st, "z", ly.l); err != nil {
			return err
		}
		if ly.next != nil {
			if err := restore(ly.A, st, "a", ly.l); err != nil {
				return err
			}
		}
		if err := ly.prev.restore(st, ly.l); err != nil {
			return err
		}
		ly.pack()
	}
	return s.refresh()
}

func restore(m mat.Dense, st dlam.State, name string, l int) error {
	key := fmt.Sprintf("%s.%d", name, l)
	if got, want := len(st.Float32[key]), m.Rows*m.Cols; got != want {
		return fmt.Errorf("dlam state: %s has %d elements, want %d", key, got, want)
	}
	copy(m.Elements(), st.Float32[key])
	return nil
}

// Validate reports every setting outside its range.
func (s Solver) Validate() error { return s.Settings.Validate() }

// Memory is about how many bytes a run takes beside the samples: for each
// sample 3·d_l float32 in a hidden layer (one more for mDLAM) and 2·d_L in the
// output layer, less d_1, and what does not grow with the samples.
func (s Solver) Memory(widths []int, samples, threads int) float64 {
	n, hidden := float64(samples), 3.0
	if s.Settings.Momentum {
		hidden = 4
	}
	var floats, widest, longest float64
	for l, d := range widths[1:] {
		out, in := float64(d), float64(widths[l])
		widest = max(widest, out)
		longest = max(longest, out*in)
		floats += 10*out*in + 2*in*in // W, its copies, directions and packed forms; Gram matrix
		longest = max(longest, in*in)
		if l < len(widths)-2 {
			floats += hidden * n * out
		} else {
			floats += 2 * n * out
		}
	}
	floats -= n * float64(widths[1])
	perWorker := 2*(2*longest+longest) + 3*longest + 8*engine.Block*widest // sums, products, block scratch
	return 4 * (floats + float64(threads)*perWorker)
}
