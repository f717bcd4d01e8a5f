package multiconvex_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/solver/multiconvex"
	"github.com/dlam-go/dlam/solver/solvertest"
)

// randomLayer is DLAM with the blocks of one layer, drawn at random, an
// iteration. It is an example of a method that is made of another's blocks.
type randomLayer struct {
	settings multiconvex.Settings
	seed     uint64
}

func (randomLayer) String() string { return "random layer" }

func (r randomLayer) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	r.settings.EpsilonRule = multiconvex.Fixed // a narrower band would cut every layer's a
	blocks, err := multiconvex.New(r.settings, p, n)
	return &randomSteps{Blocks: blocks, seed: r.seed}, err
}

type randomSteps struct {
	*multiconvex.Blocks // which knows the state, how to resume it, and the network
	seed                uint64
	source              rand.PCG
}

func (s *randomSteps) Step(context.Context) (dlam.Record, error) {
	s.source.Seed(s.seed, uint64(s.Sweeps())) // so that a resumed run draws the same layer
	l := int(s.source.Uint64() % uint64(s.Layers()))
	if err := s.BeginSweep(); err != nil {
		return dlam.Record{}, err
	}
	for _, update := range [...]func(int) error{s.UpdateW, s.UpdateB, s.UpdateZA} {
		if err := update(l); err != nil {
			return dlam.Record{}, err
		}
	}
	return s.EndSweep()
}

func TestRandomLayer(t *testing.T) {
	set := multiconvex.DefaultSettings()
	set.Rho, set.Epsilon = 1e-2, 0.01
	solvertest.Run(t, solvertest.Config{
		Solver: randomLayer{settings: set, seed: 3}, Activation: activation.ReLU{}, Init: dlam.Paper,
		Iterations: 300, Accuracy: 0.9, RankTolerance: 1e-4,
	})
}
