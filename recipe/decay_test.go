package recipe_test

import (
	"context"
	"slices"
	"testing"

	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/recipe"
)

// TestL2Best: the weight decay is the one that was best on the samples held back, and
// the model is that of a run on all samples with it.
func TestL2Best(t *testing.T) {
	points, zones := circle(300)
	squares := make([]float64, len(points))
	for i, p := range points {
		squares[i] = float64(p[0]*p[0] + p[1]*p[1])
	}
	for name, data := range map[string]recipe.Data{"classes": recipe.Rows(points, zones), "values": recipe.Rows(points, squares)} {
		o := recipe.Options{Seed: 1, Threads: 1, Iterations: 10, Hidden: []int{30}, TryL2: true}
		var trials []recipe.L2Trial
		o.L2Tried = func(l recipe.L2Trial) { trials = append(trials, l) }
		p, err := recipe.Prepare(data, o)
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.Start(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Train(context.Background())
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		if len(trials) != 4 {
			t.Fatalf("%s: %d trials, want 4", name, len(trials))
		}
		best := slices.MinFunc(trials, func(a, b recipe.L2Trial) int {
			if a.Held.Risk < b.Held.Risk {
				return -1
			}
			return 1
		})
		if is := p.Options.L2; is == nil || *is != best.L2 || p.Options.TryL2 || p.Problem.Regularizer != (prox.L2{Lambda: best.L2}) {
			t.Errorf("%s: took %v and %v, want λ = %g", name, is, p.Problem.Regularizer, best.L2)
		}
		o.TryL2, o.L2 = false, &best.L2
		if !slices.Equal(weights(train(t, data, o).Network), weights(got.Network)) {
			t.Errorf("%s: the model is not that of a run with the decay that was chosen", name)
		}
	}
}
