package lifted

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// Penalty is what holds a to h(v).
type Penalty string

// The penalties.
const (
	Fenchel   Penalty = "fenchel"
	Quadratic Penalty = "quadratic"
)

// Penalties are both.
var Penalties = []Penalty{Fenchel, Quadratic}

// Settings are the method's.
type Settings struct {
	Penalty Penalty
	Gamma   float64 // γ > 0, weight of the penalty
	Rounds  int     // ≥ 1: a-steps of a layer one after another
	// Alpha is α ≥ 0, weight of the proximal terms: with mini-batches of (W, b) alone, and
	// in the output layer ten times as much; else of both blocks, and 0 with Fenchel.
	Alpha float64
	Theta float64 // θ in (0, 1]: share of each block's move that is taken; 1 with mini-batches, and with Fenchel
	Batch int     // samples a mini-batch; 0: all at a time
	Seed  uint64  // of the order of the mini-batches
}

// DefaultSettings are for all samples at a time, by pictures held back: docs/family.md.
func DefaultSettings() Settings {
	return Settings{Penalty: Fenchel, Gamma: 10, Rounds: 5, Theta: 1}
}

// MiniBatches are DefaultSettings for mini-batches.
func MiniBatches() Settings {
	s := DefaultSettings()
	s.Alpha, s.Batch = 20, 500
	return s
}

const (
	// outputs is how many times α the output layer has in mini-batches, as the authors'
	// program has it.
	outputs = 10
	// fits is the number of (W, b)-steps of a layer in a mini-batch.
	fits = 3
)

// Validate reports every setting outside its range.
func (s Settings) Validate() error {
	v := check.Of("lifted settings")
	check.OneOf(v, "penalty", s.Penalty, Penalties...)
	v.Above(0, "gamma", s.Gamma)
	v.AtLeast(1, "rounds", s.Rounds, "")
	v.NotNegative("alpha", s.Alpha)
	v.That(s.Theta > 0 && s.Theta <= 1, "theta", s.Theta, "above 0 and at most 1")
	v.AtLeast(0, "batch", s.Batch, "0: all samples at a time")
	if s.Penalty == Fenchel {
		v.That(s.Alpha == 0 || s.Batch > 0, "alpha", s.Alpha, "0 with the penalty fenchel and all samples")
	}
	v.That(s.Theta == 1 || s.Batch == 0 && s.Penalty == Quadratic, "theta", s.Theta, "1 with mini-batches and with the penalty fenchel")
	return v.Err()
}

// Solver trains lifted networks, with its settings.
type Solver struct{ Settings Settings }

var _ dlam.Solver = Solver{}

func (Solver) String() string { return "lifted" }

// Validate reports every setting outside its range.
func (s Solver) Validate() error { return s.Settings.Validate() }

func (s Settings) variables() split.Options {
	return split.Options{NoZ: true, Batch: s.Batch, Seed: s.Seed}
}

// Memory is about how many bytes a run takes beside the samples.
func (s Solver) Memory(widths []int, samples, threads int) float64 {
	return split.Memory(widths, samples, threads, s.Settings.variables()) + 4*float64(threads*buffers*pass.Block*slices.Max(widths[1:]))
}

// Numbers is how many an iterate has.
func (s Solver) Numbers(n *dlam.Network, samples int) float64 {
	return split.Numbers(n, samples, s.Settings.variables())
}

// Init starts from a forward pass. It refuses regularisers that are not quadratic, losses
// whose curvature has no bound, and activations that the penalty has no form for.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := errors.Join(s.Settings.Validate(), split.Quadratic(p.Regularizer)); err != nil {
		return nil, err
	}
	it, err := split.New(p, n, s.Settings.variables())
	if err != nil {
		return nil, fmt.Errorf("lifted: %w", err)
	}
	st := &stepper{Settings: s.Settings, Iterate: it}
	if err := st.begin(max(1, p.Threads)); err != nil {
		it.Close()
		return nil, err
	}
	return st, nil
}

// stepper is a run of the method.
type stepper struct {
	Settings
	*split.Iterate
	steps []activationStep // of the hidden layers
	rooms []*room          // of each worker
	old   *dlam.Network    // where the (W, b)-steps began; nil if θ = 1
	tally split.Tally
}

var _ dlam.Mixable = (*stepper)(nil)

func (s *stepper) begin(threads int) error {
	widest := slices.Max(s.Net.Widths()[1:])
	for range threads {
		s.rooms = append(s.rooms, newRoom(widest))
	}
	if s.Theta < 1 {
		s.old = s.Net.Clone()
	}
	for l := range s.Layers {
		ly := &s.Layers[l]
		if ly.Next == nil {
			ly.Term = split.NewRisk(s.Iterate)
			return nil
		}
		h, ok := ly.Net.H.(activation.Conjugated)
		if !ok {
			return fmt.Errorf("lifted: layer %d: activation %v has no conjugate (activation.Conjugated), which the penalty is made of", ly.L, ly.Net.H.Spec())
		}
		if ly.Term = split.NewFenchel(s.Iterate, ly, h, s.Gamma); s.Penalty == Quadratic {
			if !projects(h) {
				return fmt.Errorf("lifted: layer %d: activation %v is no projection onto its range, as relu, hard-tanh and identity are, so that the penalty quadratic has another network's minimiser; the penalty fenchel takes it", ly.L, h.Spec())
			}
			ly.Term = split.NewSquares(s.Iterate, ly, s.Gamma)
		}
		s.steps = append(s.steps, activationStep{s: s, ly: ly, h: h, within: newWithin(h, ly.A)})
	}
	return nil
}

// projects reports whether h is the projection onto its range.
func projects(h activation.Func) bool {
	switch h.(type) {
	case activation.ReLU, activation.HardTanh, activation.Identity:
		return true
	}
	return false
}

// Step is one iteration over all samples, or over all mini-batches.
func (s *stepper) Step(ctx context.Context) (r dlam.Record, err error) {
	if s.Batch > 0 {
		return s.epoch(ctx)
	}
	trials, err := s.fitActivations()
	if err != nil {
		return r, err
	}
	for l := len(s.Layers) - 1; l >= 0; l-- {
		raised, err := s.fitAffine(&s.Layers[l])
		if err != nil {
			return r, err
		}
		trials += raised
	}
	s.Done++
	r, err = s.RecordTerms(&s.tally)
	r.Trials = trials
	return r, err
}

// fitActivations updates A_{L-1}..A_1.
func (s *stepper) fitActivations() (trials int, err error) {
	for l := len(s.steps) - 1; l >= 0; l-- {
		if err := s.Run(&s.steps[l]); err != nil {
			return trials, err
		}
		trials += int(s.Sums.Scalar(s.steps[l].trials))
	}
	return trials, nil
}

// fitAffine updates (W, b) of a layer, and takes a share θ of the move.
func (s *stepper) fitAffine(ly *split.Layer) (raised int, err error) {
	if s.old == nil {
		return s.FitMoved(ly, s.Alpha)
	}
	old, share := s.old.Layers[ly.L-1], float32(s.Theta)
	old.W.CopyFrom(ly.Net.W)
	copy(old.B, ly.Net.B)
	raised, err = s.FitMoved(ly, s.Alpha)
	average(ly.Net.W.Elements(), old.W.Elements(), share)
	average(ly.Net.B, old.B, share)
	ly.Products.Pack()
	return raised, err
}

// average computes x = old + share(x − old).
func average(x, old []float32, share float32) {
	for i, y := range old {
		x[i] = y + share*(x[i]-y)
	}
}

// epoch takes each mini-batch once. Its record has the mean risk of the samples, each before
// its own batch's step, as Risk too: no other is known.
func (s *stepper) epoch(ctx context.Context) (r dlam.Record, err error) {
	s.Batches.Shuffle(s.Done)
	for k := range s.Batches.Count {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		if err := s.Take(k); err != nil {
			return r, err
		}
		risk, err := s.MeasureTerm(s.Last())
		if err != nil {
			return r, err
		}
		r.BatchRisk += risk
		trials, err := s.updateBatch()
		if err != nil {
			return r, err
		}
		r.Trials += trials
	}
	s.Done++
	r.BatchRisk /= s.N
	r.Risk = r.BatchRisk
	for l := range s.Layers {
		r.Regularization += s.P.Regularizer.Value(s.Layers[l].Net.W.Elements())
	}
	r.Objective = s.N*r.Risk + r.Regularization
	return r, nil
}

// updateBatch is the step of a mini-batch.
func (s *stepper) updateBatch() (trials int, err error) {
	if trials, err = s.fitActivations(); err != nil {
		return trials, err
	}
	for l := len(s.Layers) - 1; l >= 0; l-- {
		ly, alpha := &s.Layers[l], s.Alpha
		if ly.Next == nil {
			alpha *= outputs
		}
		for range fits {
			raised, err := s.FitMoved(ly, alpha)
			if err != nil {
				return trials, err
			}
			trials += raised
		}
	}
	return trials, nil
}

// Moved takes the variables as they have been changed, with every a cut to the closed range
// of h.
func (s *stepper) Moved() (dlam.Record, error) {
	s.Pack()
	for i := range s.steps {
		if err := s.Run(&s.steps[i].within); err != nil {
			return dlam.Record{}, err
		}
	}
	return s.RecordTerms(&s.tally)
}

// within cuts a layer's a to the closed range of h.
type within struct {
	split.NoSums
	a         mat.Dense
	low, high float32
}

func newWithin(h activation.Func, a mat.Dense) within {
	ends := []float32{-math.MaxFloat32, math.MaxFloat32}
	h.Apply(ends, ends)
	return within{a: a, low: ends[0], high: ends[1]}
}

// Block cuts samples lo to hi-1.
func (f *within) Block(_ *pass.Worker, lo, hi int) {
	a := f.a.RowRange(lo, hi).Elements()
	for i, x := range a {
		a[i] = min(max(x, f.low), f.high)
	}
}
