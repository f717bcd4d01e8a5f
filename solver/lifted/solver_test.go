package lifted

import (
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/solvertest"
)

func TestConformance(t *testing.T) {
	batches := MiniBatches()
	batches.Batch = 170
	whole := batches
	whole.Batch = 1 << 20
	tikhonov := Settings{Penalty: Quadratic, Gamma: 1, Rounds: 3, Alpha: 0.01, Theta: 0.9}
	for name, c := range map[string]solvertest.Config{
		"fenchel":   {Solver: Solver{DefaultSettings()}, Iterations: 60, Accuracy: 0.95},
		"quadratic": {Solver: Solver{tikhonov}, Iterations: 60, Accuracy: 0.9}, // ends early, as it does
		"batches":   {Solver: Solver{batches}, Whole: Solver{whole}, Iterations: 20, Accuracy: 0.95},
	} {
		c.Activation, c.Init = activation.ReLU{}, dlam.He
		if name != "batches" { // of which each rank draws its own part: TestRanksShareABatch
			c.RankTolerance = 1e-4 // float32 products, summed in other blocks
		}
		t.Run(name, func(t *testing.T) {
			solvertest.Run(t, c)
			if c.Wide = true; name != "quadratic" { // whose W-step is fenchel's
				t.Run("Wide", func(t *testing.T) { solvertest.Run(t, c) })
			}
		})
	}
}

// TestRanksShareABatch: two processes with half of a batch each do what one does.
func TestRanksShareABatch(t *testing.T) {
	set := MiniBatches()
	set.Batch = 1 << 20
	p := testprob.Blobs(200, 12, 4, 7)
	n := testprob.Network(p, []int{17, 9}, activation.ReLU{}, dlam.He, 3)
	objectives := func(p *dlam.Problem) (list []float64, err error) {
		st, err := Solver{set}.Init(p, n)
		if err != nil {
			return nil, err
		}
		defer st.Close()
		for range 3 {
			r, err := st.Step(t.Context())
			if err != nil {
				return nil, err
			}
			list = append(list, r.Objective)
		}
		return list, nil
	}
	want, err := objectives(p)
	if err != nil {
		t.Fatal(err)
	}
	const ranks = 2
	var wait sync.WaitGroup
	var got [ranks][]float64
	var errs [ranks]error
	for r, c := range comm.Group(ranks) {
		wait.Go(func() {
			q := *p
			lo, hi := comm.Share(p.X.Rows, r, ranks)
			q.X, q.Y, q.Comm = p.X.RowRange(lo, hi), p.Y.RowRange(lo, hi), c
			got[r], errs[r] = objectives(&q)
		})
	}
	wait.Wait()
	for r := range ranks {
		if errs[r] != nil {
			t.Fatal(errs[r])
		}
		for k, f := range got[r] {
			if math.Abs(f-want[k]) > 1e-3*want[k] { // float32 products, summed in other blocks
				t.Errorf("rank %d, epoch %d: objective %v, one process has %v", r, k+1, f, want[k])
			}
		}
	}
}

// TestDescends: with all samples F never rises, for every activation and loss that the
// penalty takes, whatever the weights.
func TestDescends(t *testing.T) {
	for _, h := range activation.All {
		if _, ok := h.(activation.Conjugated); !ok {
			continue
		}
		for _, l := range []loss.Loss{loss.CrossEntropy{}, loss.Squared{}} {
			for _, set := range []Settings{
				{Penalty: Fenchel, Gamma: 1, Rounds: 3, Theta: 1}, {Penalty: Fenchel, Gamma: 0.01, Rounds: 1, Theta: 1}, {Penalty: Fenchel, Gamma: 100, Rounds: 2, Theta: 1},
				{Penalty: Quadratic, Gamma: 1, Rounds: 3, Theta: 1}, {Penalty: Quadratic, Gamma: 0.01, Rounds: 2, Alpha: 5, Theta: 0.3},
			} {
				if set.Penalty == Quadratic && !projects(h) {
					continue
				}
				solvertest.Falls(t, Solver{set}, h, l, 10, set)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	p := testprob.Blobs(30, 8, 3, 2)
	set := Settings{Penalty: "cubic", Gamma: -1, Alpha: math.NaN(), Theta: 2, Batch: -1}
	refused(t, set, p, activation.ReLU{}, `penalty: got "cubic"`, "gamma: got -1", "rounds: got 0", "alpha: got NaN", "theta: got 2", "batch: got -1")
	set = Settings{Penalty: Fenchel, Gamma: 1, Rounds: 1, Alpha: 1, Theta: 0.5}
	refused(t, set, p, activation.ReLU{}, "alpha: got 1, want 0 with the penalty fenchel", "theta: got 0.5, want 1 with")
	set = Settings{Penalty: Quadratic, Gamma: 1, Rounds: 1, Theta: 0.5, Batch: 10}
	refused(t, set, p, activation.ReLU{}, "theta: got 0.5, want 1 with mini-batches")
	refused(t, DefaultSettings(), p, activation.Sign{}, "layer 1: activation sign has no conjugate (activation.Conjugated)")
	set = DefaultSettings()
	set.Penalty = Quadratic
	refused(t, set, p, activation.Tanh{}, "layer 1: activation tanh is no projection onto its range")
	p.Loss = loss.Hinge{}
	refused(t, DefaultSettings(), p, activation.ReLU{}, "loss hinge has no bound of its curvature (loss.Smooth)")
	p.Regularizer = prox.L1{Lambda: 1}
	refused(t, DefaultSettings(), p, activation.ReLU{}, "l1:lambda=1")
}

func refused(t *testing.T, set Settings, p *dlam.Problem, h activation.Func, wants ...string) {
	t.Helper()
	_, err := Solver{set}.Init(p, testprob.Network(p, []int{5}, h, dlam.He, 1))
	if err == nil {
		t.Fatalf("%+v with %v is accepted", set, h)
	}
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not reported: %v", want, err)
		}
	}
}
