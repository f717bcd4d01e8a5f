package onlineam

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/prox"
)

var _ dlam.Scheduled = Solver{}

// Init prepares a run. It refuses activations and regularisers without a derivative, and
// with a memory regularisers that are not quadratic.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := errors.Join(s.Settings.Validate(), p.Fits(n)); err != nil {
		return nil, err
	}
	if err := n.FullyConnected(); err != nil {
		return nil, fmt.Errorf("onlineam: %w", err)
	}
	omega, ok := p.Regularizer.(prox.Differentiable)
	if !ok {
		return nil, fmt.Errorf("onlineam: regulariser %v has no gradient (prox.Differentiable)", p.Regularizer.Spec())
	}
	if _, ok := omega.(prox.Smooth); !ok && s.Settings.Rule == Memory {
		return nil, fmt.Errorf("onlineam: regulariser %v: the least squares of rule memory take only none and l2", p.Regularizer.Spec())
	}
	st := &stepper{Settings: s.Settings, p: p, omega: omega, net: n.Clone(), e: pass.New(p.Threads, p.Comm)}
	if err := st.begin(); err != nil {
		st.Close()
		return nil, err
	}
	return st, nil
}

// stepper is a run of the method.
type stepper struct {
	Settings
	p        *dlam.Problem
	omega    prox.Differentiable
	net      *dlam.Network
	e        *pass.Engine
	h        []activation.Differentiable // of hidden layers
	products []*nn.Products
	sums     *pass.Pass
	batch    batch
	batches  *backprop.Batches
	monitor  *backprop.Monitor
	tensors  []tensor
	memories []memory    // of hidden layers, with rule memory
	moments  []float32   // of the tensors that Adam moves, one after another: its averages of gradients, and of their squares
	grads    [][]float32 // scratch of each worker
	steps    int
	updates  int

	k      kernel.AdamRule // of the update under way
	rate   float32
	inv, r float32 // 1/(samples in the batch times the mean weight), 1/Σ weights
}

var _ dlam.Resumable = (*stepper)(nil)

// tensor is the weights or intercepts of a layer.
type tensor struct {
	w, m, s []float32 // m and s of those that Adam moves
	sum     pass.Sum  // of the gradient, over the batch
	weight  bool      // whether Ω is of it
}

// adapts reports whether layer l, from 0, moves by Adam.
func (s *stepper) adapts(l int) bool { return s.Rule != SGD && !s.remembers(l) }

// remembers reports whether layer l, from 0, moves by a memory.
func (s *stepper) remembers(l int) bool {
	return s.Rule == Memory && l < len(s.net.Layers)-1
}

func (s *stepper) begin() error {
	back, err := backprop.New(s.e, s.net.Layers, s.p.Loss)
	if err != nil {
		return fmt.Errorf("onlineam: %w", err)
	}
	if s.batches, err = backprop.NewBatches(s.e, s.p.X, s.p.Y, s.Batch, s.Seed, s.p.Jitter); err != nil {
		return err
	}
	back.MeanWeight = s.batches.Weight / s.batches.N
	if s.monitor, err = backprop.NewMonitor(s.e, back, s.net, s.p.X, s.p.Y, s.Seed); err != nil {
		return err
	}
	layers := s.net.Layers
	for l, ly := range layers {
		if l < len(layers)-1 {
			s.h = append(s.h, ly.H.(activation.Differentiable)) // as backprop.New has seen
		}
		s.products = append(s.products, nn.NewProducts(ly))
		s.products[l].Pack()
	}
	s.sums = s.e.NewPass(pass.Fine)
	s.batch = batch{s: s, cross: make([]pass.Product, len(layers)), square: make([]pass.Product, len(layers))}
	for range s.e.Pool.Threads() {
		s.batch.rooms = append(s.batch.rooms, newRoom(s.net.Widths()))
		s.grads = append(s.grads, make([]float32, chunk))
	}
	parameters := 0
	for l, ly := range layers {
		if s.adapts(l) {
			parameters += len(ly.W.Elements()) + len(ly.B)
		}
	}
	s.moments = make([]float32, 2*parameters)
	at := 0
	moments := func(l, n int) []float32 {
		if !s.adapts(l) {
			return nil
		}
		at += n
		return s.moments[at-n : at]
	}
	for l, ly := range layers {
		if s.remembers(l) {
			s.memories = append(s.memories, newMemory(s, l))
		}
		w, b := ly.W.Elements(), ly.B
		s.tensors = append(s.tensors,
			tensor{w: w, m: moments(l, len(w)), s: moments(l, len(w)), weight: true},
			tensor{w: b, m: moments(l, len(b)), s: moments(l, len(b))})
	}
	return nil
}

// Step is an epoch, or one update with all samples.
func (s *stepper) Step(ctx context.Context) (r dlam.Record, err error) {
	var sum float64
	if s.Batch == 0 {
		sum, err = s.update(s.p.X, s.p.Y)
	} else {
		sum, err = s.batches.Epoch(ctx, s.steps, s.update)
	}
	if err != nil {
		return r, err
	}
	s.steps++
	if r.Risk, err = s.monitor.Risk(s.net); err != nil {
		return r, err
	}
	if s.monitor.Samples < int(s.batches.N) {
		r.RiskSamples = s.monitor.Samples
	}
	if r.Step = float64(s.rate); s.Batch > 0 {
		r.BatchRisk = sum / s.batches.Weight
	}
	for _, ly := range s.net.Layers {
		r.Regularization += s.omega.Value(ly.W.Elements())
	}
	r.Objective = s.batches.Weight*r.Risk + r.Regularization
	return r, nil
}

// update codes a batch and moves every layer; risk is the batch's before.
func (s *stepper) update(x mat.Dense, y loss.Target) (risk float64, err error) {
	b := &s.batch
	b.x, b.y, s.sums.Weights = x, y, y.Weight
	if err := s.sums.Run(b, x.Rows); err != nil {
		return 0, err
	}
	risk = s.sums.Scalar(b.risk)
	n := s.sums.Scalar(b.n) * s.batches.Weight / s.batches.N
	for l := range s.net.Layers {
		s.tensors[2*l].sum, s.tensors[2*l+1].sum = s.sums.Product(b.cross[l]), pass.SumOf(s.sums.Columns(b.cross[l]))
		if s.remembers(l) {
			if err := s.memories[l].update(n); err != nil {
				return 0, err
			}
		}
	}
	share := 1.0
	if s.Cosine {
		share = (1 + math.Cos(math.Pi*min(1, float64(s.updates)/float64(s.Epochs*s.batches.Count)))) / 2
	}
	s.updates++
	s.constants(share * s.Rate)
	s.inv, s.r = float32(1/n), float32(1/s.batches.Weight)
	s.e.Pool.Run(s)
	for _, p := range s.products {
		p.Pack()
	}
	return risk, nil
}

// constants are those of an update by Adam.
func (s *stepper) constants(rate float64) {
	const beta1, beta = 0.9, 0.999
	t := float64(s.updates)
	s.rate = float32(rate)
	s.k = kernel.AdamRule{
		Rate: float32(rate / (1 - math.Pow(beta1, t))), Beta1: beta1, One1: 1 - beta1, Beta: beta, One: 1 - beta,
		Unbias: float32(1 / (1 - math.Pow(beta, t))), Delta: 1e-8, Least: 1e-30,
	}
}

// chunk is how many parameters an update works on at a time, in cache.
const chunk = 2048

// Do updates the worker's share of every tensor that moves by its gradient.
func (s *stepper) Do(worker int) {
	const cacheLine = 16 // float32s
	buf := s.grads[worker]
	for i := range s.tensors {
		if s.remembers(i / 2) {
			continue
		}
		t := &s.tensors[i]
		lo, hi := kernel.Range(len(t.w), cacheLine, worker, s.e.Pool.Threads())
		for ; lo < hi; lo += chunk {
			end := min(lo+chunk, hi)
			w, g := t.w[lo:end], buf[:end-lo]
			clear(g)
			if t.weight {
				s.omega.AddGrad(g, w)
			}
			t.sum.AddTo(g, s.r, lo, s.inv)
			if s.Rule == SGD {
				for j, x := range g {
					w[j] -= s.rate * x
				}
				continue
			}
			kernel.Adam(&s.k, w, g, t.m[lo:end], t.s[lo:end])
		}
	}
}

// Network is the parameters.
func (s *stepper) Network() *dlam.Network { return s.net }

// Close ends the workers.
func (s *stepper) Close() { s.e.Close() }

// State is Adam's moments, the memories, and the numbers of steps and updates done.
func (s *stepper) State() dlam.State {
	st := dlam.State{
		Float32: map[string][]float32{"moments": s.moments},
		Float64: map[string][]float64{"done": {float64(s.steps), float64(s.updates)}},
	}
	for l := range s.memories {
		st.Float64[fmt.Sprintf("square.%d", l+1)], st.Float64[fmt.Sprintf("cross.%d", l+1)] = s.memories[l].square, s.memories[l].cross
	}
	return st
}

// Restore puts a State back.
func (s *stepper) Restore(n *dlam.Network, st dlam.State) error {
	done, moments := st.Float64["done"], st.Float32["moments"]
	if len(done) != 2 || len(moments) != len(s.moments) {
		return fmt.Errorf("onlineam state: %d numbers done and %d moments, want 2 and %d", len(done), len(moments), len(s.moments))
	}
	own := s.State().Float64
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if from, to := st.Float64[name], own[name]; len(from) != len(to) {
			return fmt.Errorf("onlineam state: %s has %d elements, want %d", name, len(from), len(to))
		}
		copy(own[name], st.Float64[name])
	}
	copy(s.moments, moments)
	s.steps, s.updates = int(done[0]), int(done[1])
	s.net.CopyFrom(n)
	for _, p := range s.products {
		p.Pack()
	}
	return nil
}
