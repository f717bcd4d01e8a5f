package syncdlam

import (
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/solver/solvertest"
)

func TestConformance(t *testing.T) {
	full := FullBatch()
	prox := full
	prox.Mode = Prox
	mini := DefaultSettings(10)
	mini.Batch = 60
	low := mini
	low.Rank = 2
	for name, set := range map[string]Settings{"full": full, "prox": prox, "mini": mini, "low rank": low} {
		ranks := 2e-2
		if set.Batch > 0 { // several ranks draw other batches than one
			ranks = 0
		}
		t.Run(name, func(t *testing.T) {
			solvertest.Run(t, solvertest.Config{
				Solver: Solver{set}, Activation: activation.Tanh{}, Init: dlam.He,
				Iterations: 10, Accuracy: 0.95, RankTolerance: ranks,
			})
		})
	}
}
