package syncdlam

import (
	"strings"
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
	few := mini // of 50 samples
	few.Batch = 20
	for name, set := range map[string]Settings{"full": full, "prox": prox, "mini": mini, "low rank": low, "wide": full, "wide mini": few} {
		ranks := 2e-2
		if set.Batch > 0 { // several ranks draw other batches than one
			ranks = 0
		}
		wide, features := strings.HasPrefix(name, "wide"), 1300 // more than someInputs
		if set.Batch > 0 {
			features = 4200 // more than manyInputs
		}
		whole := set
		if set.Batch > 0 {
			whole.Batch = 1000
		}
		t.Run(name, func(t *testing.T) {
			solvertest.Run(t, solvertest.Config{
				Solver: Solver{set}, Whole: Solver{whole}, Activation: activation.Tanh{}, Init: dlam.He,
				Iterations: 10, Accuracy: 0.95, RankTolerance: ranks, Wide: wide, Features: features,
			})
		})
	}
}
