package pdadmm

import (
	"context"
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// Parallel is what ranks share.
type Parallel string

// The choices.
const (
	Samples Parallel = "samples" // each rank has some of the samples, and all layers
	Layers  Parallel = "layers"  // each rank has some of the layers, and all samples
)

// Parallels lists the choices.
var Parallels = []Parallel{Samples, Layers}

// Settings are the method's.
type Settings struct {
	Rho float64 // ρ > 0, weight of all equations
	// Bits of P's and Q's values, 1 to 16; 0: they are not quantised.
	Bits int
	// Grid > 0 is the largest absolute value of a layer's grid, of the root mean square of
	// its activations in the first forward pass. A grid ends at the activation's range
	// where that is less.
	Grid     float64
	Parallel Parallel
}

// DefaultSettings are a weight that works on MNIST, without quantisation.
func DefaultSettings() Settings { return Settings{Rho: 1e-3, Grid: 2.5, Parallel: Samples} }

// Validate reports every setting outside its range.
func (s Settings) Validate() error {
	v := check.Of("pdadmm settings")
	v.Above(0, "rho", s.Rho)
	v.That(0 <= s.Bits && s.Bits <= 16, "bits", s.Bits, "1 to 16, or 0: not quantised")
	v.Above(0, "grid", s.Grid)
	check.OneOf(v, "parallel", s.Parallel, Parallels...)
	return v.Err()
}

// Solver is pdADMM with its settings.
type Solver struct{ Settings Settings }

var _ dlam.Solver = Solver{}

func (Solver) String() string { return "pdadmm" }

// Validate reports every setting outside its range.
func (s Solver) Validate() error { return s.Settings.Validate() }

// Memory is about how many bytes a run takes beside the samples, of all layers.
func (Solver) Memory(widths []int, samples, threads int) float64 {
	return split.Memory(widths, samples, threads, split.Options{Copies: true})
}

// Numbers is how many an iterate has.
func (Solver) Numbers(n *dlam.Network, samples int) float64 {
	return split.Numbers(n, samples, split.Options{Copies: true})
}

// Init starts from a forward pass: P_{l+1} = Q_l = h(Z_l), of the grid if there is one,
// and U = 0. With layers over ranks it refuses more ranks than layers.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := s.Settings.Validate(); err != nil {
		return nil, err
	}
	o, ranks := split.Options{Copies: true}, p.Comm.Size()
	divides := s.Settings.Parallel == Layers
	if divides {
		if ranks > len(n.Layers) {
			return nil, fmt.Errorf("pdadmm: parallel layers: %d ranks, want at most one for each of the %d layers", ranks, len(n.Layers))
		}
		o.First, o.End = comm.Share(len(n.Layers), p.Comm.Rank(), ranks)
	}
	it, err := split.New(p, n, o)
	if err != nil {
		return nil, fmt.Errorf("pdadmm: %w", err)
	}
	layers := len(it.Layers)
	st := &stepper{Settings: s.Settings, Iterate: it, penalty: make([]float64, layers), sums: make([]float64, 2*layers+others)}
	st.first, st.end = 0, layers
	st.down.rank, st.up.rank = none, none
	if divides {
		st.first, st.end = o.First, o.End
	}
	st.allocate()
	if err := st.start(); err != nil {
		it.Close()
		return nil, err
	}
	if divides {
		return divided{st}, nil
	}
	return st, nil
}

// stepper is a run of pdADMM.
type stepper struct {
	Settings
	*split.Iterate
	first, end int // layers of this process, from 0
	layers     []layer
	tally      split.Tally
	penalty    []float64
	sums       []float64 // of the record, over ranks that share the layers
	down, up   boundary  // between this process's layers and those below, and above
}

// layer is what the updates of one layer remember.
type layer struct {
	*split.Layer
	grid    grid    // of Q_l and P_{l+1}
	scale   float64 // root mean square of the first Q_l, if there is a grid
	affine  *split.LinearisedFit
	input   inputStep
	output  outputStep
	ascent  ascent
	measure couplingMeasure
}

var _ dlam.Mixable = (*stepper)(nil)

func (s *stepper) allocate() {
	s.layers = make([]layer, len(s.Layers))
	for l := range s.layers {
		ly := &s.layers[l]
		ly.Layer = &s.Layers[l]
		ly.output, ly.ascent, ly.measure = outputStep{s: s, ly: ly}, ascent{s: s, ly: ly}, couplingMeasure{s: s, ly: ly}
		if s.first <= l && l < s.end {
			ly.affine = s.NewLinearisedFit(ly.Layer, s.Rho)
		}
		if l > 0 {
			ly.input = inputStep{s: s, ly: ly, below: &s.layers[l-1]}
		}
	}
	if s.first > 0 {
		s.down.open(s.P.Comm.Rank()-1, &s.layers[s.first-1])
	}
	if s.end < len(s.layers) {
		s.up.open(s.P.Comm.Rank()+1, &s.layers[s.end-1])
	}
}

// start runs the layers forward, those of the ranks below first. Both sides of a boundary
// make its grid from the same activations.
func (s *stepper) start() error {
	if err := s.exchange(&boundary{rank: none}, &s.down, output); err != nil {
		return err
	}
	if s.first > 0 {
		if err := s.setGrid(&s.layers[s.first-1]); err != nil {
			return err
		}
	}
	for l := s.first; l < s.end; l++ {
		ly := &s.layers[l]
		if l > 0 {
			ly.In.CopyFrom(s.Layers[l-1].A)
		}
		if err := s.Forward(ly.Layer); err != nil {
			return err
		}
		if ly.Next == nil {
			continue
		}
		if l == s.end-1 { // as it is, since the rank above has no grid yet
			if err := s.exchange(&s.up, &boundary{rank: none}, output); err != nil {
				return err
			}
		}
		if err := s.setGrid(ly); err != nil {
			return err
		}
		ly.Next.In.CopyFrom(ly.A)
	}
	return nil
}

// State has what the grids are made from beside the variables.
func (s *stepper) State() dlam.State {
	st := s.Iterate.State()
	if s.Bits > 0 {
		st.Float64["scales"] = make([]float64, len(s.layers))
		for l := range s.layers {
			st.Float64["scales"][l] = s.layers[l].scale
		}
	}
	return st
}

// Restore puts a State back.
func (s *stepper) Restore(n *dlam.Network, st dlam.State) error {
	scales := st.Float64["scales"]
	if s.Bits > 0 && len(scales) != len(s.layers) {
		return fmt.Errorf("state: scales has %d elements, want %d", len(scales), len(s.layers))
	}
	if err := s.Iterate.Restore(n, st); err != nil {
		return err
	}
	for l, scale := range scales {
		ly := &s.layers[l]
		ly.scale, ly.grid = scale, s.gridOf(ly.Net.H, scale)
	}
	return nil
}

// Step is one iteration. A rank that fails goes on passing messages, so that the others
// learn of it together.
func (s *stepper) Step(context.Context) (dlam.Record, error) {
	failed := s.inputs()
	if err := s.exchange(&s.down, &s.up, input); err != nil {
		return dlam.Record{}, err
	}
	trials := 0
	if failed == nil {
		trials, failed = s.blocks()
	}
	if err := s.exchange(&s.up, &s.down, output); err != nil {
		return dlam.Record{}, err
	}
	if failed == nil {
		failed = s.ascend()
	}
	s.Done++
	return s.record(trials, failed)
}

// inputs updates P of all layers.
func (s *stepper) inputs() error {
	for l := max(1, s.first); l < s.end; l++ {
		if err := s.Run(&s.layers[l].input); err != nil {
			return err
		}
	}
	return nil
}

// blocks updates W, b, Z and Q of all layers.
func (s *stepper) blocks() (trials int, err error) {
	for l := s.first; l < s.end; l++ {
		ly := &s.layers[l]
		if err := ly.affine.Sum(); err != nil {
			return trials, err
		}
		t, err := ly.affine.FitW()
		if trials += t; err != nil {
			return trials, err
		}
		ly.affine.FitB()
		if err := s.updateZ(ly); err != nil {
			return trials, err
		}
	}
	return trials, nil
}

func (s *stepper) updateZ(ly *layer) error {
	if ly.Next == nil {
		_, err := s.FitOutput(s.Rho)
		return err
	}
	if err := s.FitZ(ly.Layer, s.Rho, s.Rho, s.Rho); err != nil {
		return err
	}
	return s.Run(&ly.output)
}

// ascend updates U of all boundaries, on both sides of those between ranks.
func (s *stepper) ascend() error {
	for l := max(0, s.first-1); l < min(s.end, len(s.layers)-1); l++ {
		if err := s.Run(&s.layers[l].ascent); err != nil {
			return err
		}
	}
	return nil
}

// What a record sums up beside two numbers of each layer.
const (
	risk = iota
	tried
	faults
	others
)

// record sums up the iteration, over ranks that share the layers. A layer's Penalty is
// its quadratic terms and its part with the multiplier.
func (s *stepper) record(trials int, failed error) (dlam.Record, error) {
	t, layers := &s.tally, len(s.layers)
	if failed == nil {
		failed = s.Measure(t)
	}
	penalty, regularization, rest := s.sums[:layers], s.sums[layers:2*layers], s.sums[2*layers:]
	clear(s.sums)
	for l := s.first; l < s.end && failed == nil; l++ {
		ly := &s.layers[l]
		penalty[l] = s.Rho / 2 * (t.Linear[l] + t.Activation[l])
		if ly.Next != nil {
			failed = s.Run(&ly.measure)
			penalty[l] += s.Sums.Scalar(ly.measure.sum)
		}
		regularization[l] = s.P.Regularizer.Value(ly.Net.W.Elements())
	}
	rest[risk], rest[tried] = t.Risk, float64(trials)
	if failed != nil {
		rest[faults] = 1
	}
	if s.end-s.first < layers {
		if err := s.P.Comm.Sum(s.sums); err != nil {
			return dlam.Record{}, err
		}
	}
	switch {
	case failed != nil:
		return dlam.Record{}, failed
	case rest[faults] > 0:
		return dlam.Record{}, fmt.Errorf("layers of another rank: %w", dlam.ErrDiverged)
	}
	r := dlam.Record{Risk: rest[risk] / s.N, Penalty: s.penalty, Trials: int(rest[tried])}
	copy(s.penalty, penalty)
	for l := range layers {
		r.Regularization += regularization[l]
		r.Objective += penalty[l]
	}
	r.Objective += rest[risk] + r.Regularization
	return r, nil
}

// Moved takes the variables as they have been changed, those of the grid on it.
func (s *stepper) Moved() (dlam.Record, error) {
	s.Pack()
	for l := range s.layers {
		if ly := &s.layers[l]; ly.Next != nil {
			ly.grid.round(ly.A.Elements())
			ly.grid.round(ly.Next.In.Elements())
		}
	}
	return s.record(0, nil)
}
