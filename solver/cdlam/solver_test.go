package cdlam

import (
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/solver/solvertest"
)

func TestConformance(t *testing.T) {
	set := DefaultSettings()
	set.Rounds = 3 // the suite trains many times
	c := solvertest.Config{
		Solver: Solver{set}, Activation: activation.ReLU{}, Init: dlam.He,
		Iterations: 40, Accuracy: 0.95,
		RankTolerance: 1e-3, // float32 products, summed in other blocks, and their differences times t ahead
	}
	solvertest.RunBoth(t, c)
}

// TestDescends: F never rises, for every monotone activation and loss, whatever ρ and ε.
func TestDescends(t *testing.T) {
	for _, h := range activation.All {
		if _, ok := h.(activation.Monotone); !ok {
			continue
		}
		for _, l := range []loss.Loss{loss.CrossEntropy{}, loss.Squared{}, loss.Hinge{}} {
			for _, set := range []Settings{{Rho: 0.01, Epsilon: 1e-3, Lambda: 0.3, Rounds: 2}, {Rho: 1e-4, Epsilon: 10, Lambda: 1e-3, Rounds: 2}, {Rho: 100, Epsilon: 1e-6, Lambda: 10, Rounds: 3}} {
				solvertest.Falls(t, Solver{set}, h, l, 6, set)
			}
		}
	}
}
