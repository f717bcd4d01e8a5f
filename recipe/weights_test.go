package recipe_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/recipe"
)

// apart is the largest difference of what two models say of some samples.
func apart(t *testing.T, a, b *recipe.Result, rows [][]float32) (worst float64) {
	t.Helper()
	p, err := a.Predict(rows)
	if err != nil {
		t.Fatal(err)
	}
	q, err := b.Predict(rows)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range p.Outputs.Elements() {
		worst = max(worst, math.Abs(float64(v-q.Outputs.Elements()[i])))
	}
	return worst
}

// TestRowsTwice: a weight of 2 is the row twice, from samples to the model.
func TestRowsTwice(t *testing.T) {
	rows, labels := circle(80)
	weights := make([]float32, len(rows))
	var often [][]float32
	var oftenLabels []string
	for i := range rows {
		weights[i] = 1 + float32(i%4/3)
		for range int(weights[i]) {
			often, oftenLabels = append(often, rows[i]), append(oftenLabels, labels[i])
		}
	}
	train := func(d recipe.Data, method string) *recipe.Result {
		t.Helper()
		// What scales features and targets follows from the rows as they are, so nothing is scaled.
		r, err := recipe.Train(t.Context(), d, recipe.Options{Method: method, Settings: recipe.Settings{Batch: new(0)}, Hidden: []int{6}, Iterations: 4, Threads: 1, Scale: dataset.ScaleNone, TestSplit: new(0.0)})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, method := range []string{"sync", "sgd"} {
		a, b := train(recipe.Rows(rows, labels).WithWeights(weights), method), train(recipe.Rows(often, oftenLabels), method)
		plain := train(recipe.Rows(rows, labels), method)
		// Float32 sums of other terms, four updates long.
		if d := apart(t, a, b, rows); !(d < 1e-4) {
			t.Errorf("%s: weights of 2 and rows twice predict %g apart", method, d)
		}
		if d := apart(t, plain, b, rows); !(d > 1e-3) {
			t.Errorf("%s: weights change nothing: %g apart", method, d)
		}
		if got, want := a.Last.Train, b.Last.Train; math.Abs(got.Risk-want.Risk) > 1e-5 || math.Abs(got.Accuracy-want.Accuracy) > 1e-12 {
			t.Errorf("%s: scores %+v, with rows twice %+v", method, *got, *want)
		}
		if a.Training.Data == plain.Training.Data {
			t.Errorf("%s: the data's fingerprint does not tell weights", method)
		}
	}
	for what, w := range map[string][]float32{"3 weights for 80 samples": {1, 2, 3}, "sample 80: got the weight 0": append(weights[:79:79], 0)} {
		if _, err := recipe.Prepare(recipe.Rows(rows, labels).WithWeights(w), recipe.Options{}); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want %s", err, what)
		}
	}
}

// TestUnitOfWeights: the unit of weights makes no difference to what suits, so that they
// need not have any sum.
func TestUnitOfWeights(t *testing.T) {
	rows, labels := circle(200)
	train := func(unit float32) (*recipe.Result, float64) {
		t.Helper()
		weights := make([]float32, len(rows))
		for i := range weights {
			weights[i] = unit * float32(1+i%2)
		}
		p, err := recipe.Prepare(recipe.Rows(rows, labels).WithWeights(weights), recipe.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		r, err := recipe.Train(t.Context(), recipe.Rows(rows, labels).WithWeights(weights), recipe.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		return r, p.Problem.Regularizer.(prox.L2).Lambda
	}
	one, decay := train(1)
	large, more := train(1024)
	if more != 1024*decay {
		t.Errorf("the decay is %v, and %v with weights 1024 times as large", decay, more)
	}
	// By a power of 2 nothing is rounded otherwise, but for roots and small constants beside.
	if d := apart(t, one, large, rows); !(d < 1e-2) {
		t.Errorf("they predict %g apart", d)
	}
}

// TestWeightsOfRanks: two processes weigh rows and classes as one does: balanced counts
// the classes of all.
func TestWeightsOfRanks(t *testing.T) {
	var b strings.Builder
	b.WriteString("x,y,often,label\n")
	rng := rng()
	for i := range 240 { // sorted by class, so that no process has its share of each
		fmt.Fprintf(&b, "%.4f,%.4f,%g,%s\n", rng.NormFloat64(), rng.NormFloat64()+float64(i/200), 0.5+float64(rng.IntN(4)), []string{"many", "few"}[i/200])
	}
	path := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	train := func(c comm.Comm) (*recipe.Result, error) {
		data, err := recipe.Open(t.Context(), recipe.Source{Data: path, Weight: "often", Comm: c})
		if err != nil {
			return nil, err
		}
		return recipe.Train(t.Context(), data, recipe.Options{Method: "dlam", ClassWeight: dataset.ClassWeights{Balanced: true}, Hidden: []int{6}, Iterations: 4, Threads: 1, Comm: c, TestSplit: new(0.0)})
	}
	one, err := train(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := one.Training.ClassWeights, []float64{240.0 / (2 * 40), 240.0 / (2 * 200)}; got[0] != want[0] || got[1] != want[1] {
		t.Errorf("factors of few and many: got %v, want %v", got, want)
	}
	var results [2]*recipe.Result
	var errs [2]error
	var wait sync.WaitGroup
	for r, c := range comm.Group(2) {
		wait.Go(func() { results[r], errs[r] = train(c) })
	}
	wait.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	for r, two := range results {
		// Sums are added in another order.
		if d := apart(t, one, two, [][]float32{{0, 0}, {1, 1}, {-2, 3}}); !(d < 1e-4) {
			t.Errorf("rank %d predicts %g apart from one process", r, d)
		}
		if got, want := two.Last.Train.Accuracy, one.Last.Train.Accuracy; math.Abs(got-want) > 0.02 {
			t.Errorf("rank %d: weighted accuracy %v, of one process %v", r, got, want)
		}
	}
}
