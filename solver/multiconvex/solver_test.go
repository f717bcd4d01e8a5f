package multiconvex

import (
	"math"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
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

// What is said of the memory is what a start and a sweep take, in dense networks and in others.
func TestMemory(t *testing.T) {
	for name, network := range map[string]func(outputs int, h activation.Func, seed uint64) *dlam.Network{
		"dense": func(outputs int, h activation.Func, seed uint64) *dlam.Network {
			n, err := dlam.NewNetwork([]int{128, 150, 90, outputs}, h, dlam.He, testprob.Rng(seed))
			if err != nil {
				t.Fatal(err)
			}
			return n
		},
		"pooled": testprob.Pooled,
	} {
		for _, momentum := range []bool{false, true} {
			p, set := testprob.Blobs(2000, 128, 3, 1), DefaultSettings()
			set.Momentum = momentum
			n := network(3, activation.ReLU{}, 1)
			said := Solver{set}.MemoryFor(n, p.X.Rows, p.Threads)
			got := testprob.Allocated(func() {
				st, err := Solver{set}.Init(p, n)
				if err != nil {
					t.Fatal(err)
				}
				defer st.Close()
				if _, err := st.Step(t.Context()); err != nil {
					t.Fatal(err)
				}
			})
			if got > 1.2*said || got < 0.8*said {
				t.Errorf("%s, momentum %t: %.3g MB taken, %.3g MB said", name, momentum, got/1e6, said/1e6)
			}
		}
	}
}

// Sequences of unequal lengths are refused.
func TestShortSequences(t *testing.T) {
	p := testprob.Blobs(20, 128, 3, 1)
	for j := range 16 {
		p.X.Row(7)[j] = float32(math.NaN())
	}
	if _, err := (Solver{DefaultSettings()}).Init(p, testprob.Recurrent(3, activation.Tanh{}, 1)); err == nil || !strings.Contains(err.Error(), "1 samples are shorter than the longest sequence") {
		t.Errorf("a sequence that begins a step late: %v", err)
	}
}
