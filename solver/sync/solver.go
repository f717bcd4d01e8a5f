package sync

import (
	"context"
	"fmt"
	stdsync "sync"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

// Solver is synchronised DLAM with its settings.
type Solver struct{ Settings Settings }

var _ dlam.Solver = Solver{}

func (s Solver) String() string { return "sync" }

// Validate reports every setting outside its range.
func (s Solver) Validate() error { return s.Settings.Validate() }

// Memory is about how many bytes a run takes beside the samples.
func (s Solver) Memory(widths []int, samples, threads int) float64 {
	var floats, parameters, squares, metrics, longest, width float64
	for l, d := range widths[1:] {
		in, out := float64(widths[l]), float64(d)
		parameters += out * (in + 1)
		squares += in * in
		metrics += 8 * in * in // moments, covariance, factors, the inverse
		if r := float64(s.Settings.rank(widths[l])); r > 0 {
			metrics += (4*r - 4*in) * in
		}
		longest = max(longest, in*in, out*in)
		width += out
	}
	floats = 6*parameters + metrics
	if b := s.Settings.Batch; b > 0 {
		floats += float64(min(b, samples)*widths[0]) + 2*float64(samples)
	}
	perWorker := 2*(parameters+squares) + parameters + squares + pass.Block*5*width
	return 4 * (floats + float64(threads)*perWorker)
}

// Init prepares a run. It refuses activations, losses and regularisers that
// lack the derivatives that targets and steps are made of.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := s.Settings.Validate(); err != nil {
		return nil, err
	}
	if err := p.Fits(n); err != nil {
		return nil, err
	}
	curved, ok := p.Loss.(loss.Curved)
	if !ok {
		return nil, fmt.Errorf("sync: loss %v has no curvature (loss.Curved), which the step length needs", p.Loss.Spec())
	}
	if _, ok := p.Loss.(loss.Proximal); !ok && s.Settings.Mode == Prox {
		return nil, fmt.Errorf("sync: loss %v has no proximal operator (loss.Proximal), which mode prox needs", p.Loss.Spec())
	}
	omega, ok := p.Regularizer.(prox.Differentiable)
	if !ok {
		return nil, fmt.Errorf("sync: regulariser %v has no gradient (prox.Differentiable)", p.Regularizer.Spec())
	}
	st := &stepper{Settings: s.Settings, p: p, loss: curved, omega: omega, net: n.Clone(), e: pass.New(p.Threads, p.Comm), gain: 1, trust: 1}
	if err := st.begin(); err != nil {
		st.Close()
		return nil, err
	}
	return st, nil
}

// layer is what the method keeps of a layer.
type layer struct {
	w      mat.Dense // the network's own
	b      []float32
	v      backprop.Direction // V: the direction of the step
	metric metric
	norms  []norms // of each row
}

// stepper is a run of sync.
type stepper struct {
	Settings
	p      *dlam.Problem
	loss   loss.Curved
	omega  prox.Differentiable
	net    *dlam.Network
	e      *pass.Engine
	back   *backprop.Backprop
	target *backprop.Backprop // with the targets of mode Prox, or nil
	along  *backprop.Along
	layers []layer
	safe   *dlam.Network // parameters to go back to
	mean   *dlam.Network // average of the parameters, with mini-batches
	steps  int           // done

	// of full batches
	grad  *backprop.Gradient // at the current point
	f     float64            // F there
	bad   error              // why there is no metric there, or nil
	t     float64            // last step
	tries [2]float64

	// of mini-batches
	batches      *backprop.Batches
	updates      int     // done
	slope, curve float64 // averages of the model along V, a sample
	gain         float64 // in (0, 1]: what the guard leaves of the step
	trust        float64 // in (0, 1]: what the epochs leave of it
	lowest       float64 // least mean risk of an epoch since trust changed; 0 before the first
	bound        float64 // of the model's step; 0 while it warms up
	level        float64 // average of the batches' mean risk; 0 before the first
	spread       float64 // average square of how far others are below it
	least        float64 // least level since one that was too high

	metrics metricJob
	moves   moveJob
	scratch [][]float32 // of each worker: chunk rows of any layer
	lead    float64     // how far along V the parameters are ahead of the steps, within an epoch
}

var _ dlam.Resumable = (*stepper)(nil)

func (s *stepper) begin() error {
	var err error
	if s.batches, err = backprop.NewBatches(s.e, s.p.X, s.p.Y, s.Batch, s.Seed, s.p.Jitter); err != nil {
		return err
	}
	s.safe = s.net.Clone()
	if s.Batch > 0 {
		s.mean = s.net.Clone()
	}
	widest := 0
	dir := []backprop.Direction{}
	s.layers = make([]layer, len(s.net.Layers))
	for l, net := range s.net.Layers {
		ly := &s.layers[l]
		ly.w, ly.b = net.W, net.B
		ly.v = backprop.Direction{W: mat.New(net.W.Rows, net.W.Cols), B: make([]float32, len(net.B))}
		ly.metric.allocate(net.W.Cols, net.W.Rows, s.rank(net.W.Cols))
		dir = append(dir, ly.v)
		ly.norms = make([]norms, net.W.Rows)
		widest = max(widest, net.W.Cols)
	}
	for range s.e.Pool.Threads() {
		s.scratch = append(s.scratch, make([]float32, chunk*widest))
	}
	if s.back, err = backprop.New(s.e, s.net.Layers, s.p.Loss); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if s.Mode == Prox {
		if s.target, err = backprop.New(s.e, s.net.Layers, targets{s.p.Loss.(loss.Proximal), s.Rho, new(stdsync.Pool)}); err != nil {
			return err
		}
	}
	s.along = s.back.NewAlong(dir, s.loss)
	return s.evaluate()
}

// Step is one monotone update with all samples, or one epoch.
func (s *stepper) Step(ctx context.Context) (dlam.Record, error) {
	var r dlam.Record
	var err error
	if s.Batch == 0 {
		r, err = s.update()
	} else {
		r, err = s.epoch(ctx)
	}
	s.steps++
	return r, err
}

// regularization is Ω of all weights.
func (s *stepper) regularization() float64 {
	var sum float64
	for _, ly := range s.net.Layers {
		sum += s.omega.Value(ly.W.Elements())
	}
	return sum
}

// pull is −⟨∇Ω, V⟩, and ⟨V, ∇²Ω V⟩ where Ω is smooth.
func (s *stepper) pull() (slope, curve float64) {
	smooth, _ := s.omega.(prox.Smooth)
	for l := range s.layers {
		ly := &s.layers[l]
		for i := range ly.w.Rows {
			g := s.scratch[0][:ly.w.Cols]
			clear(g)
			s.omega.AddGrad(g, ly.w.Row(i))
			slope -= kernel.Dot(g, ly.v.W.Row(i))
			if smooth != nil {
				curve += smooth.Strong() * kernel.SumSquares(ly.v.W.Row(i))
			}
		}
	}
	return slope, curve
}

// measure is the risk of some samples, and the model of F along V on them, a
// sample.
func (s *stepper) measure(x mat.Dense, y loss.Target) (risk, slope, curve float64, err error) {
	m, err := s.along.Measure(x, y)
	if err != nil {
		return 0, 0, 0, err
	}
	ps, pc := s.pull()
	return m.Risk, m.Slope/m.N + ps/s.batches.N, m.Curve/m.N + pc/s.batches.N, nil
}

// stop clears V.
func (s *stepper) stop() {
	for l := range s.layers {
		clear(s.layers[l].v.W.Data)
		clear(s.layers[l].v.B)
		clear(s.layers[l].norms)
	}
}

// Network is the parameters with all samples, their average with mini-batches.
func (s *stepper) Network() *dlam.Network {
	if s.mean != nil {
		return s.mean
	}
	return s.net
}

func (s *stepper) Close() { s.e.Close() }
