package certify_test

import (
	"context"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/certify"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/multiconvex"
)

// saboteur is a solver whose iterates are broken on purpose: what it shows
// after a sweep is a copy of the true iterate, changed by spoil.
type saboteur struct {
	multiconvex.Solver
	from  int // the sweep to spoil
	spoil func(old, now dlam.Iterate)
	bend  func(r *dlam.Record) // changes the record
}

func (s saboteur) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	st, err := s.Solver.Init(p, n)
	if err != nil {
		return nil, err
	}
	inner := st.(dlam.Splitting)
	return &spoiled{Splitting: inner, s: s, shown: copied(inner.Iterate())}, nil
}

type spoiled struct {
	dlam.Splitting
	s     saboteur
	done  int
	shown dlam.Iterate
}

func (s *spoiled) Step(ctx context.Context) (dlam.Record, error) {
	old := copied(s.Splitting.Iterate())
	r, err := s.Splitting.Step(ctx)
	s.done++
	s.shown = copied(s.Splitting.Iterate())
	if s.done == s.s.from {
		if s.s.spoil != nil {
			s.s.spoil(old, s.shown)
		}
		if s.s.bend != nil {
			s.s.bend(&r)
		}
	}
	return r, err
}

func (s *spoiled) Iterate() dlam.Iterate { return s.shown }

// copied is an iterate in memory of its own.
func copied(it dlam.Iterate) dlam.Iterate {
	c := it
	c.Network, c.Z, c.A, c.Theta, c.Tau = it.Network.Clone(), nil, nil, nil, nil
	for _, z := range it.Z {
		c.Z = append(c.Z, z.Clone())
	}
	for _, a := range it.A {
		c.A = append(c.A, a.Clone())
	}
	for _, v := range it.Theta {
		c.Theta = append(c.Theta, append([]float64(nil), v...))
	}
	for _, v := range it.Tau {
		c.Tau = append(c.Tau, append([]float64(nil), v...))
	}
	return c
}

// extend makes of now's step from old one of factor its length.
func extend(old, now mat.Dense, factor float32) {
	for i := range now.Rows {
		for j, x := range old.Row(i) {
			now.Row(i)[j] = x + factor*(now.Row(i)[j]-x)
		}
	}
}

func scale(x []float64, factor float64) {
	for i := range x {
		x[i] *= factor
	}
}

// mutations are ways in which a sweep can be wrong, each with the promise that
// it breaks. With ε = 10 no band binds; then only the a-step before the output
// layer has anything to do.
var mutations = []struct {
	name, breaks string
	epsilon      float64
	spoil        func(old, now dlam.Iterate)
}{
	{"W step of three lengths", "eq. 10", 0.1, func(old, now dlam.Iterate) {
		extend(old.Network.Layers[0].W, now.Network.Layers[0].W, 3)
	}},
	{"W step with the wrong sign", "eq. 10", 0.1, func(old, now dlam.Iterate) {
		extend(old.Network.Layers[0].W, now.Network.Layers[0].W, -1)
	}},
	{"one row of W off its step", "eq. 10", 0.1, func(_, now dlam.Iterate) {
		now.Network.Layers[0].W.Row(1)[0] += 1
	}},
	{"two rows of W swapped", "eq. 10", 0.1, func(_, now dlam.Iterate) {
		a, b := now.Network.Layers[0].W.Row(0), now.Network.Layers[0].W.Row(1)
		for j := range a {
			a[j], b[j] = b[j], a[j]
		}
	}},
	{"θ reported four times too large", "eq. 10", 0.1, func(_, now dlam.Iterate) { scale(now.Theta[0], 4) }},
	{"W step of the output layer of three lengths", "eq. 10", 0.1, func(old, now dlam.Iterate) {
		l := len(now.Network.Layers) - 1
		extend(old.Network.Layers[l].W, now.Network.Layers[l].W, 3)
	}},
	{"b shifted", "eq. 11", 0.1, func(_, now dlam.Iterate) { now.Network.Layers[0].B[0] += 0.5 }},
	{"b with the wrong sign", "eq. 11", 0.1, func(old, now dlam.Iterate) {
		for j, x := range old.Network.Layers[0].B {
			now.Network.Layers[0].B[j] = 2*x - now.Network.Layers[0].B[j]
		}
	}},
	{"b step of one sample's Lipschitz constant, n times too long", "eq. 11", 0.1, func(old, now dlam.Iterate) {
		for j, x := range old.Network.Layers[0].B {
			now.Network.Layers[0].B[j] = x + 100*(now.Network.Layers[0].B[j]-x)
		}
	}},
	{"z step of three lengths", "eq. 12", 10, func(old, now dlam.Iterate) { extend(old.Z[0], now.Z[0], 3) }},
	{"z step with the wrong sign", "eq. 12", 10, func(old, now dlam.Iterate) { extend(old.Z[0], now.Z[0], -1) }},
	{"z moved out of the band", "feasibility", 0.1, func(_, now dlam.Iterate) { now.Z[0].Row(3)[1] += 5 }},
	{"z_L step of three lengths", "eq. 12", 0.1, func(old, now dlam.Iterate) {
		l := len(now.Z) - 1
		extend(old.Z[l], now.Z[l], 3)
	}},
	{"z_L step with the wrong sign", "eq. 12", 0.1, func(old, now dlam.Iterate) {
		l := len(now.Z) - 1
		extend(old.Z[l], now.Z[l], -1)
	}},
	{"a step of three lengths", "eq. 13", 10, func(old, now dlam.Iterate) { extend(old.A[1], now.A[1], 3) }},
	{"a step with the wrong sign", "eq. 13", 10, func(old, now dlam.Iterate) { extend(old.A[1], now.A[1], -1) }},
	{"a step of one sample with the wrong sign", "eq. 13", 10, func(old, now dlam.Iterate) {
		extend(old.A[1].RowRange(5, 6), now.A[1].RowRange(5, 6), -1)
	}},
	{"a not clipped to its band", "feasibility", 0.1, func(old, now dlam.Iterate) { extend(old.A[0], now.A[0], 100) }},
	{"one a just out of its band", "feasibility", 0.1, func(_, now dlam.Iterate) { edge(now, 0.11) }},
	{"a layer that stands still off its minimum", "Lemma 3 (W)", 0.1, func(old, now dlam.Iterate) {
		l := len(now.Z) - 1
		extend(old.Z[l], now.Z[l], 0)
		extend(old.Network.Layers[l].W, now.Network.Layers[l].W, 0)
		copy(now.Network.Layers[l].B, old.Network.Layers[l].B)
	}},
	{"b that stands still", "Lemma 3 (b)", 0.1, func(old, now dlam.Iterate) {
		l := len(now.Z) - 1
		extend(old.Z[l], now.Z[l], 0)
		for j, x := range old.Network.Layers[l].B {
			now.Network.Layers[l].B[j] = x + 0.25*(now.Network.Layers[l].B[j]-x)
		}
	}},
	{"τ reported four times too large", "eq. 13", 10, func(_, now dlam.Iterate) { scale(now.Tau[1], 4) }},
}

// edge puts one a at a distance d from h(z).
func edge(now dlam.Iterate, d float32) {
	h := make([]float32, now.Z[0].Cols)
	now.Network.Layers[0].H.Apply(h, now.Z[0].Row(0))
	now.A[0].Set(0, 0, h[0]+d)
}

// binaryMutations are those of binary weights.
var binaryMutations = []struct {
	name, breaks string
	spoil        func(old, now dlam.Iterate)
}{
	{"a sign that is worse", "no sign better", func(_, now dlam.Iterate) {
		w := now.Network.Layers[2].W
		w.Set(0, 1, -w.At(0, 1))
	}},
	{"a row that is twice as large", "no magnitude better", func(_, now dlam.Iterate) { scale32(now.Network.Layers[2].W.Row(0), 2) }},
	{"a row of the wrong sign", "eq. 10", func(_, now dlam.Iterate) { scale32(now.Network.Layers[2].W.Row(0), -1) }},
	{"a weight of another magnitude", "one magnitude", func(_, now dlam.Iterate) {
		w := now.Network.Layers[0].W
		w.Set(1, 1, 1.01*w.At(1, 1))
	}},
}

func scale32(x []float32, factor float32) {
	for j := range x {
		x[j] *= factor
	}
}

// TestBinaryMutations is TestMutations for binary weights.
func TestBinaryMutations(t *testing.T) {
	p := testprob.Blobs(60, 5, 3, 7)
	set := multiconvex.DefaultSettings()
	set.Rho, set.Epsilon, set.EpsilonRule, set.BinaryWeights = 1e-2, 10, multiconvex.Fixed, true
	n := testprob.Network(p, []int{8, 6}, activation.Tanh{}, dlam.He, 11)
	for _, m := range append(binaryMutations, struct {
		name, breaks string
		spoil        func(old, now dlam.Iterate)
	}{name: "nothing"}) {
		c := &certify.Certificate{Problem: p}
		s := saboteur{Solver: multiconvex.Solver{Settings: set}, from: 3, spoil: m.spoil}
		if _, err := dlam.Run(t.Context(), s, p, n, dlam.Options{Iterations: 3, Recorders: []dlam.Recorder{c}, Observers: []dlam.Observer{c}}); err != nil {
			t.Fatal(err)
		}
		caught := m.spoil == nil && c.Verdict() == nil
		for _, q := range c.Violations {
			caught = caught || m.spoil != nil && strings.Contains(q.Name, m.breaks)
		}
		if !caught {
			t.Errorf("%s: caught as %v, want %q", m.name, c.Violations, m.breaks)
		}
	}
}

// sabotage runs a saboteur under a certificate.
func sabotage(t *testing.T, epsilon float64, spoil func(old, now dlam.Iterate), bend func(*dlam.Record)) *certify.Certificate {
	t.Helper()
	p := testprob.Blobs(60, 5, 3, 7)
	p.Regularizer = prox.L2{Lambda: 1e-3}
	set := multiconvex.DefaultSettings()
	set.Rho, set.Epsilon, set.EpsilonRule = 1e-2, epsilon, multiconvex.Fixed
	n := testprob.Network(p, []int{8, 6}, activation.Tanh{}, dlam.He, 11)
	c := &certify.Certificate{Problem: p}
	s := saboteur{Solver: multiconvex.Solver{Settings: set}, from: 3, spoil: spoil, bend: bend}
	_, err := dlam.Run(context.Background(), s, p, n, dlam.Options{
		Iterations: 3, Recorders: []dlam.Recorder{c}, Observers: []dlam.Observer{c},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestMutations: a certificate is worth what it refuses. Each kind of broken
// sweep is caught, by the inequality that it breaks, and the unbroken one is
// not.
func TestMutations(t *testing.T) {
	for _, epsilon := range []float64{0.1, 10} {
		if err := sabotage(t, epsilon, nil, nil).Verdict(); err != nil {
			t.Fatalf("ε = %g, nothing broken: %v", epsilon, err)
		}
	}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			c := sabotage(t, m.epsilon, m.spoil, nil)
			if c.Verdict() == nil {
				t.Fatal("not caught")
			}
			for _, q := range c.Violations {
				if q.Iteration == 3 && strings.Contains(q.Name, m.breaks) {
					return
				}
			}
			t.Errorf("caught as %v, want %s", c.Violations, m.breaks)
		})
	}
}

// A solver that reports an F that rises is caught, whatever its iterates.
func TestRisingObjective(t *testing.T) {
	c := sabotage(t, 0.1, nil, func(r *dlam.Record) { r.Objective *= 100 })
	if err := c.Verdict(); err == nil || !strings.Contains(err.Error(), "F does not rise") {
		t.Errorf("an objective that rises: %v", err)
	}
}

// Stop ends the run at the first violation, with the inequality.
func TestStop(t *testing.T) {
	p := testprob.Blobs(60, 5, 3, 7)
	n := testprob.Network(p, []int{8}, activation.ReLU{}, dlam.He, 11)
	c := &certify.Certificate{Problem: p, Stop: true}
	s := saboteur{Solver: multiconvex.Solver{Settings: multiconvex.DefaultSettings()}, from: 2, spoil: func(_, now dlam.Iterate) {
		now.Network.Layers[0].B[0] += 5
	}}
	res, err := dlam.Run(context.Background(), s, p, n, dlam.Options{
		Iterations: 10, Recorders: []dlam.Recorder{c}, Observers: []dlam.Observer{c},
	})
	if err == nil || !strings.Contains(err.Error(), "iteration 2, layer 1: eq. 11") {
		t.Errorf("got %v, want eq. 11 in layer 1 violated at iteration 2", err)
	}
	if res.Status != dlam.Failed || res.Last.Iteration != 2 {
		t.Errorf("status %s after iteration %d, want failed after 2", res.Status, res.Last.Iteration)
	}
}
