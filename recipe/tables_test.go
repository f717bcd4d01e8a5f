package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/recipe"
)

// TestSharedTables: published tables train by the name of their label alone.
func TestSharedTables(t *testing.T) {
	for file, c := range map[string]struct {
		label string
		least float64 // accuracy, or R², on the rows held back
	}{
		"titanic.csv": {"survived", 0.95}, "penguins.csv": {"species", 0.9}, "mpg.csv": {"mpg", 0.7}, "german.csv": {"", 0.6}, "horse-colic.csv": {"23", 0.7},
		"breast-cancer.csv": {"", 0.6}, "monthly-car-sales.csv": {"Sales", 0}, "sonar.csv": {"", 0.6}, "ionosphere.csv": {"", 0.8}, "glass.csv": {"", 0.5},
		"winequality-red.csv": {"", 0.5}, "phoneme.csv": {"", 0.7}, "oil-spill.csv": {"", 0.9}, "auto-insurance.csv": {"", 0}, "adult-test.csv.gz": {"", 0.8}, "taxis.csv": {"tip", 0},
	} {
		path := filepath.Join(os.Getenv("DLAM_DATA_DIR"), "tables", file)
		if _, err := os.Stat(path); err != nil {
			t.Skipf("%s is not here", path)
		}
		data, err := recipe.Open(context.Background(), recipe.Source{Data: path, Label: c.label})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		m, err := recipe.Train(context.Background(), data, recipe.Options{Evaluate: new(0)})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if got := m.Last.Test.Accuracy + m.Last.Test.R2; !(got >= c.least) {
			t.Errorf("%s: accuracy or R² of %v, want %v or more", file, got, c.least)
		}
	}
}

// TestTableRanks: two processes that share a table make of it what one does: the same
// columns, and a network that predicts the same but for the order of sums.
func TestTableRanks(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,n,h,c,b,d,label\n")
	rng := rng()
	for i := range 240 {
		n, c := fmt.Sprintf("%.3f", rng.NormFloat64()), []string{"x", "y", "z"}[rng.IntN(3)]
		if i%17 == 0 {
			n, c = "NA", ""
		}
		fmt.Fprintf(&b, "%d,%s,%.4f,%s,%v,2024-%02d-%02d,%s\n", i, n, math.Exp(3*rng.NormFloat64()), c, i%3 == 0, 1+i%12, 1+i%28, []string{"p", "q"}[i%2])
	}
	path := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	train := func(c comm.Comm) (*recipe.Result, error) {
		data, err := recipe.Open(context.Background(), recipe.Source{Data: path, Comm: c})
		if err != nil {
			return nil, err
		}
		return recipe.Train(context.Background(), data, recipe.Options{Method: "dlam", Hidden: []int{6}, Iterations: 4, Threads: 1, Comm: c})
	}
	one, err := train(nil)
	if err != nil {
		t.Fatal(err)
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
	rows := [][]any{{1, 0.5, 3.5, "x", true, "2024-05-01"}, {2, nil, 800, "new", false, nil}, {3, -2, 0.1, nil, true, "2024-12-31"}}
	names := []string{"id", "n", "h", "c", "b", "d"}
	want, err := one.PredictRecords(names, rows)
	if err != nil {
		t.Fatal(err)
	}
	for r, two := range results {
		for k, c := range two.Transform.Columns {
			w := one.Transform.Columns[k]
			if c.Name != w.Name || c.Kind != w.Kind || c.Fill != w.Fill || !slices.Equal(c.Levels, w.Levels) || len(c.Features) != len(w.Features) || !slices.Equal(c.Knots, w.Knots) {
				t.Errorf("rank %d: column %+v, want %+v", r, c, w)
			}
		}
		got, err := two.PredictRecords(names, rows)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got.Outputs.Elements() {
			if math.Abs(float64(v-want.Outputs.Elements()[i])) > 1e-3 {
				t.Errorf("rank %d: output %d is %v, want %v", r, i, v, want.Outputs.Elements()[i])
			}
		}
	}
}
