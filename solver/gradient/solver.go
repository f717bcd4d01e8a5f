package gradient

import (
	"context"
	"fmt"
	"math"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

// Solver is a first-order method with its settings.
type Solver struct{ Settings Settings }

var _ dlam.Scheduled = Solver{}

// String is the rule's name.
func (s Solver) String() string { return string(s.Settings.Rule) }

// Epochs is over how many iterations the rate falls; 0 if it is constant.
func (s Solver) Epochs() int {
	if s.Settings.Schedule == Constant {
		return 0
	}
	return s.Settings.Epochs
}

// Validate reports every setting outside its range.
func (s Solver) Validate() error { return s.Settings.Validate() }

// Init prepares a run. It refuses activations and regularisers without a
// derivative.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := s.Settings.Validate(); err != nil {
		return nil, err
	}
	if err := p.Fits(n); err != nil {
		return nil, err
	}
	if err := n.Ungated(); s.Settings.BinaryWeights && err != nil {
		return nil, fmt.Errorf("%v: binary weights: %w", s, err)
	}
	omega, ok := p.Regularizer.(prox.Differentiable)
	if !ok {
		return nil, fmt.Errorf("%v: regulariser %v has no gradient (prox.Differentiable)", s, p.Regularizer.Spec())
	}
	st := &stepper{Settings: s.Settings, p: p, omega: omega, net: n.Clone(), e: pass.New(p.Threads, p.Comm)}
	if err := st.begin(); err != nil {
		st.Close()
		return nil, err
	}
	return st, nil
}

// tensor is one layer's weights or intercepts.
type tensor struct {
	w      []float32
	sum    *pass.Sum    // gradient of the risk, over samples
	m      [3][]float32 // the rule's memories
	matrix bool         // whether it is a layer's weights
	shrink bool         // whether decoupled decay is of it: of weights, or of binary weights' gains
	binary *binary      // of binary weights
	slope  []float32    // of gains: the mean objective's gradient, in place of sum
}

// stepper is a run of a first-order method.
type stepper struct {
	Settings
	p       *dlam.Problem
	omega   prox.Differentiable
	net     *dlam.Network
	e       *pass.Engine
	back    *backprop.Backprop
	grad    *backprop.Gradient // at the current point, with all samples
	tensors []tensor
	grads   [][]float32     // scratch of each worker
	memory  [3][]float32    // of all tensors, one after another
	muon    *orthogonalizer // of the rule muon, or nil
	mean    *dlam.Network   // x of the schedule-free rule, or nil
	binary  []*binary       // of each layer, or nil
	around  binaryJob
	batches *backprop.Batches
	monitor *backprop.Monitor // with mini-batches
	steps   int               // done
	updates int               // done

	k      constants // of the update under way
	inv, r float32   // 1/(samples in the batch), 1/n, both times the mean weight
}

var _ dlam.Resumable = (*stepper)(nil)

func (s *stepper) begin() error {
	var err error
	if s.batches, err = backprop.NewBatches(s.e, s.p.X, s.p.Y, s.Batch, s.Seed, s.p.Jitter); err != nil {
		return err
	}
	if s.back, err = backprop.New(s.e, s.net.Layers, s.p.Loss); err != nil {
		return fmt.Errorf("%s: %w", s.Rule, err)
	}
	s.back.MeanWeight = s.batches.Weight / s.batches.N
	if s.Batch > 0 {
		if s.monitor, err = backprop.NewMonitor(s.e, s.back, s.net, s.p.X, s.p.Y, s.Seed); err != nil {
			return err
		}
	}
	s.allocate()
	return s.refresh()
}

func (s *stepper) allocate() {
	sums, parameters, room := s.back.LastGradient(), s.net.Numbers(), chunk
	for l := range s.net.Layers {
		if s.BinaryWeights {
			s.binary = append(s.binary, newBinary(&s.net.Layers[l]))
			parameters += s.net.Layers[l].W.Rows
			room = max(room, s.net.Layers[l].W.Cols)
		}
	}
	for range s.e.Pool.Threads() {
		s.grads = append(s.grads, make([]float32, room))
	}
	for i := range s.Rule.moments() {
		s.memory[i] = make([]float32, parameters)
	}
	at := 0
	add := func(t tensor) {
		for i := range s.Rule.moments() {
			t.m[i] = s.memory[i][at : at+len(t.w)]
		}
		at += len(t.w)
		s.tensors = append(s.tensors, t)
	}
	for l, ly := range s.net.Layers {
		weights := tensor{w: ly.W.Elements(), sum: &sums.W[l], matrix: true, shrink: true}
		if s.binary != nil {
			weights.w, weights.binary, weights.shrink = s.binary[l].w.Elements(), s.binary[l], false
		}
		add(weights)
		add(tensor{w: ly.B, sum: &sums.B[l]})
	}
	for _, b := range s.binary {
		add(tensor{w: b.gain, slope: b.slope, shrink: true})
	}
	switch s.Rule {
	case Muon:
		s.muon = newOrthogonalizer(s)
	case ScheduleFree:
		s.mean = s.net.Clone()
		for i := range s.tensors {
			t := &s.tensors[i]
			copy(t.m[0], t.w) // z and x start where y does
			copy(t.m[2], t.w)
		}
		for l := range s.mean.Layers {
			ly := &s.mean.Layers[l]
			if ly.B = s.tensors[2*l+1].m[2]; s.binary == nil {
				ly.W = mat.FromSlice(ly.W.Rows, ly.W.Cols, s.tensors[2*l].m[2])
			}
		}
	}
	s.runBinary(true)
}

// refresh makes what follows from the parameters: the gradient, if it is of
// all samples.
func (s *stepper) refresh() (err error) {
	if s.Batch == 0 {
		s.grad, err = s.back.Gradient(s.p.X, s.p.Y)
	}
	return err
}

// Step is one update with all samples, or one epoch of updates.
func (s *stepper) Step(ctx context.Context) (r dlam.Record, err error) {
	if s.Batch == 0 {
		s.move(s.grad)
		if err := s.refresh(); err != nil {
			return r, err
		}
		r.Risk = s.grad.Risk / s.batches.Weight
	} else {
		if r.BatchRisk, err = s.batches.Epoch(ctx, s.steps, s.update); err != nil {
			return r, err
		}
		r.BatchRisk /= s.batches.Weight
		if r.Risk, err = s.monitor.Risk(s.Network()); err != nil {
			return r, err
		}
		if s.monitor.Samples < int(s.batches.N) {
			r.RiskSamples = s.monitor.Samples
		}
	}
	s.steps++
	r.Step = float64(s.k.rate)
	for _, ly := range s.Network().Layers {
		r.Regularization += s.omega.Value(ly.W.Elements())
	}
	r.Objective = s.batches.Weight*r.Risk + r.Regularization
	return r, nil
}

// update is one with a mini-batch. It returns the sum of the batch's risk before it.
func (s *stepper) update(x mat.Dense, y loss.Target) (risk float64, err error) {
	g, err := s.back.Gradient(x, y)
	if err != nil {
		return 0, err
	}
	s.move(g)
	return g.Risk, nil
}

// move is one update of all parameters by g.
func (s *stepper) move(g *backprop.Gradient) {
	share := s.schedule(s.updates)
	s.updates++
	s.k = s.constants(share*s.Rate, s.updates)
	s.k.average = s.averageWeight(s.updates)
	s.inv, s.r = float32(1/g.N), float32(1/s.batches.Weight)
	s.runBinary(false)
	s.e.Pool.Run(s)
	if s.muon != nil {
		s.muon.update(s, share)
	}
	s.runBinary(true)
}

// total is the number of updates of the run.
func (s *stepper) total() float64 { return float64(s.Epochs * s.batches.Count) }

// schedule is the share of the rate that update k, 0 for the first, takes.
func (s *stepper) schedule(k int) float64 {
	share := 1.0
	if s.Schedule == Cosine {
		share = (1 + math.Cos(math.Pi*min(1, float64(k)/s.total()))) / 2
	}
	if s.WarmUp > 0 {
		share *= min(1, float64(k+1)/(s.WarmUp*s.total()))
	}
	return share
}

// averageWeight is c of the schedule-free rule in update t, 1 for the first:
// ηₜ²/Σηᵢ², where the rate grows as i/w over the first w updates and is constant
// then.
func (s *stepper) averageWeight(t int) float32 {
	w := max(1, s.WarmUp*s.total())
	grown := min(float64(t), math.Floor(w))
	sum := grown*(grown+1)*(2*grown+1)/(6*w*w) + float64(t) - grown
	rate := min(1, float64(t)/w)
	return float32(rate * rate / sum)
}

// chunk is how many parameters an update works on at a time, in cache.
const chunk = 2048

// Do updates the worker's share of every tensor.
func (s *stepper) Do(worker int) {
	const cacheLine = 16 // float32s
	for i := range s.tensors {
		lo, hi := kernel.Range(len(s.tensors[i].w), cacheLine, worker, s.e.Pool.Threads())
		for ; lo < hi; lo += chunk {
			s.moveTensor(&s.tensors[i], lo, min(lo+chunk, hi), s.grads[worker])
		}
	}
}

// moveTensor updates parameters lo to hi-1 of a tensor; buf is room for their
// gradient, of the mean objective.
func (s *stepper) moveTensor(t *tensor, lo, hi int, buf []float32) {
	w, g := t.w[lo:hi], buf[:hi-lo]
	switch {
	case t.slope != nil:
		copy(g, t.slope[lo:hi])
	case t.binary != nil: // Ω is no matter of signs: it is in the gains' gradient
		clear(g)
		t.sum.AddTo(g, 0, lo, s.inv)
		t.binary.scaleRows(g, lo)
	default:
		clear(g)
		if t.matrix {
			s.omega.AddGrad(g, w)
		}
		t.sum.AddTo(g, s.r, lo, s.inv)
	}
	m := t.m
	for j := range s.Rule.moments() {
		m[j] = m[j][lo:hi]
	}
	k := s.k
	if t.shrink {
		k.decay = float32(s.Decay)
	}
	if s.muon != nil {
		if t.matrix {
			muonDirection(k.mu, g, m[0], m[1])
			return
		}
		k.rate *= float32(s.InterceptRate / s.Rate)
	}
	s.Rule.update(k, w, g, m)
}

// Network is the parameters, or their average of the schedule-free rule.
func (s *stepper) Network() *dlam.Network {
	if s.mean != nil {
		return s.mean
	}
	return s.net
}

func (s *stepper) Close() { s.e.Close() }
