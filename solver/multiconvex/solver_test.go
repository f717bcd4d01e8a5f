package multiconvex

import (
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/solver/solvertest"
)

func TestConformance(t *testing.T) {
	for _, search := range []LineSearch{Exact, Backtracking} {
		t.Run(string(search), func(t *testing.T) {
			set := DefaultSettings()
			set.LineSearch, set.Rho = search, 1e-3
			solvertest.Run(t, solvertest.Config{
				Solver: Solver{set}, Activation: activation.ReLU{}, Init: dlam.Paper,
				Iterations: 100, Accuracy: 0.9, RankTolerance: 1e-4,
			})
		})
	}
}

func TestBinaryConformance(t *testing.T) {
	set := binarySettings()
	set.Rho = 1e-3
	solvertest.Run(t, solvertest.Config{
		Solver: Solver{set}, Activation: activation.ReLU{}, Init: dlam.Paper,
		Iterations: 100, Accuracy: 0.9, RankTolerance: 1e-2, Binary: true, // a sign that rounding changes is a weight that changes
	})
}

func TestMomentumConformance(t *testing.T) {
	set := DefaultSettings()
	set.Momentum, set.Rho = true, 1e-3
	tiam := set
	tiam.Centre, tiam.Result = 0.5, 1
	for name, set := range map[string]Settings{"mdlam": set, "tiam": tiam} {
		t.Run(name, func(t *testing.T) {
			solvertest.Run(t, solvertest.Config{
				Solver: Solver{set}, Activation: activation.ReLU{}, Init: dlam.Paper,
				Iterations: 100, Accuracy: 0.9, RankTolerance: 1e-4,
			})
		})
	}
}
