package ensemble_test

import (
	"math"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/solver/bcd"
	"github.com/dlam-go/dlam/solver/ensemble"
	"github.com/dlam-go/dlam/solver/solvertest"
	"github.com/dlam-go/dlam/solver/syncdlam"
)

// members are solvers that differ in their seeds alone.
func members(s syncdlam.Settings, count int) ensemble.Solver {
	var list []dlam.Solver
	for k := range count {
		s.Seed = uint64(k)
		list = append(list, syncdlam.Solver{Settings: s})
	}
	return ensemble.Solver{Members: list}
}

func TestConformance(t *testing.T) {
	whole := syncdlam.SettingsFor(300, true, 20)
	whole.Batch = 1000
	for name, c := range map[string]struct {
		solver     ensemble.Solver
		whole      dlam.Solver
		iterations int
		ranks      float64 // of mini-batches, several ranks draw others than one
	}{
		"mini-batches": {members(syncdlam.SettingsFor(300, true, 20), 2), members(whole, 2), 20, 0},
		"bcd":          {ensemble.Solver{Members: []dlam.Solver{bcd.Solver{Settings: bcd.DefaultSettings()}, bcd.Solver{Settings: bcd.DefaultSettings()}}}, nil, 100, 1e-4},
	} {
		t.Run(name, func(t *testing.T) {
			solvertest.Run(t, solvertest.Config{
				Solver: c.solver, Whole: c.whole, Activation: activation.ReLU{}, Init: dlam.He, Iterations: c.iterations, Accuracy: 0.95,
				RankTolerance: c.ranks,
				Network: func(p *dlam.Problem) *dlam.Network {
					one, two := testprob.Network(p, []int{17, 9}, activation.ReLU{}, dlam.He, 3), testprob.Network(p, []int{17, 9}, activation.ReLU{}, dlam.He, 4)
					return ensemble.Join([]*dlam.Network{one, two})
				},
			})
		})
	}
}

// TestJoin: the joined network's outputs are the mean of those of its networks.
func TestJoin(t *testing.T) {
	p := testprob.Blobs(50, 7, 3, 1)
	var networks []*dlam.Network
	want := mat.New(p.X.Rows, 3)
	for k := range 3 {
		n := testprob.Network(p, []int{6, 4}, activation.Tanh{}, dlam.Paper, uint64(k))
		networks = append(networks, n)
		out, err := n.Predict(p.X, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range out.Elements() {
			want.Data[i] += v / 3
		}
	}
	got, err := ensemble.Join(networks).Predict(p.X, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got.Elements() {
		if math.Abs(float64(v-want.Data[i])) > 1e-6 {
			t.Fatalf("output %d is %v, want %v", i, v, want.Data[i])
		}
	}
}

// TestRefuses: networks that are no mean of several are refused by what is wrong.
func TestRefuses(t *testing.T) {
	p := testprob.Blobs(50, 7, 3, 1)
	set := syncdlam.SettingsFor(50, true, 2)
	for want, c := range map[string]struct {
		hidden []int
		count  int
	}{
		"got 1 members, want at least 2": {[]int{6}, 1}, "no hidden layers": {nil, 2}, "layer 1 has 7 units, want a multiple of the 2 members": {[]int{7}, 2},
	} {
		st, err := members(set, c.count).Init(p, testprob.Network(p, c.hidden, activation.ReLU{}, dlam.He, 1))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if st != nil {
			st.Close()
		}
	}
}
