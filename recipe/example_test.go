package recipe_test

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
)

// circle is points of a square, and whether each lies in a circle.
func circle(n int) (points [][]float32, zones []string) {
	rng := rng()
	for range n {
		x, y := 2*rng.Float32()-1, 2*rng.Float32()-1
		zone := "outside"
		if x*x+y*y < 0.6 {
			zone = "inside"
		}
		points, zones = append(points, []float32{x, y}), append(zones, zone)
	}
	return points, zones
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// Train on samples in memory, predict, save and load.
func Example() {
	dir := must(os.MkdirTemp("", "recipe"))
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "zones.safetensors")

	ctx := context.Background()
	points, zones := circle(600) // [][]float32 or [][]float64; []string and []int are classes, []float64 values
	m := must(recipe.Train(ctx, recipe.Rows(points, zones, "x", "y"), recipe.Options{Seed: 1}))
	fmt.Println("more than 9 in 10 of the points held back:", m.Last.Test.Accuracy > 0.9)
	p := must(m.Predict([][]float32{{0, 0}, {0.9, 0.9}}))
	fmt.Println(p.Labels, p.Outputs.At(0, 0) > 0.9) // and probabilities
	must(file, m.Save(file))
	again := must(model.Load(file))
	fmt.Println(must(again.Predict([][]float32{{0.9, 0.9}})).Labels)
	// Output:
	// more than 9 in 10 of the points held back: true
	// [inside outside] true
	// [outside]
}

// Judge settings by cross-validation: each fold's model is the one that Train makes of
// the other folds' samples.
func ExampleCrossValidate() {
	points, zones := circle(300)
	data := recipe.Rows(points, zones, "x", "y")
	cv := must(recipe.CrossValidate(context.Background(), data, recipe.Options{Seed: 1, Threads: 1}, recipe.Folds{Number: 5}, nil))
	for _, m := range cv.Means() {
		if m.Name == "accuracy" || m.Name == "log_loss" {
			fmt.Println(m.Name, *m.Mean > 0.85, *m.Mean < 0.4, *m.Error < 0.1, m.Folds)
		}
	}
	// Output:
	// accuracy true false true 5
	// log_loss false true true 5
}

// Find settings by held-back samples, and train with them: the first training to look
// at the test samples.
func ExampleSearch() {
	points, zones := circle(300)
	data, ctx := recipe.Rows(points, zones, "x", "y"), context.Background()
	space := must(recipe.ParseSpace("l2=0.3,3,30; hidden=20|50,50"))
	found := must(recipe.Search(ctx, data, recipe.Options{Seed: 1, Threads: 1}, recipe.Searching{Space: space}))
	m := must(recipe.Train(ctx, data, found.Options))
	fmt.Println(found.Measure, *found.Best.Risk < 0.4, found.Best.Share, m.Last.Test.Accuracy > 0.85)
	// Output:
	// log-loss true 1 true
}

// Train on raw rows, as a file or a database has them: texts, dates, missing values.
func ExampleRecords() {
	columns := []string{"colour", "sold", "price", "label"}
	var rows [][]any
	for i := range 200 {
		row := []any{"red", time.Date(2024, time.Month(1+i%12), 1, 0, 0, 0, 0, time.UTC), 10 + i%7, "stays"}
		if i%2 == 0 {
			row[0], row[3] = "blue", "goes"
		}
		if i%10 == 0 {
			row[2] = nil // nobody knows
		}
		if i%50 == 1 {
			row[0] = "blue"
		}
		rows = append(rows, row)
	}
	data := recipe.Records(columns, rows, dataset.Options{})
	for _, c := range data.Columns() {
		fmt.Println(c.Name, c.Kind, c.About)
	}
	m := must(recipe.Train(context.Background(), data, recipe.Options{Iterations: 5}))
	p := must(m.PredictRecords([]string{"price", "colour", "sold"}, [][]any{{12, "blue", "2024-06-01"}, {nil, "red", nil}}))
	fmt.Println(p.Labels)
	// Output:
	// colour category 2 texts
	// sold date-time 2024-01-01 to 2024-12-01
	// price number 10 to 16; 20 missing
	// label  2 classes (goes, stays), texts; the label is taken for its name (--label names another)
	// [goes stays]
}

// A run in a folder is saved as it goes on. A program that is stopped and started
// again goes on where it was, to the same network as one that was not.
func Example_folder() {
	dir := must(os.MkdirTemp("", "recipe"))
	defer func() { _ = os.RemoveAll(dir) }()

	points, zones := circle(600)
	o := recipe.Options{Method: "bcd", Hidden: []int{20}, Iterations: 40, Folder: filepath.Join(dir, "run"), Resume: true}
	ctx, stop := context.WithCancel(context.Background())
	o.Progress = func(r dlam.Record) {
		if r.Iteration == 15 {
			stop() // as a signal may
		}
	}
	m := must(recipe.Train(ctx, recipe.Rows(points, zones), o))
	fmt.Println(m.Status, m.Last.Iteration)
	m = must(recipe.Train(context.Background(), recipe.Rows(points, zones), o))
	fmt.Println(m.Status, m.Last.Iteration)
	// Output:
	// interrupted 15
	// completed 40
}

// See what would be chosen for some data, without training.
func ExamplePrepare() {
	digits := must(dataset.Open(context.Background(), "digits", dataset.Options{}))
	p := must(recipe.Prepare(recipe.From(digits), recipe.Options{Iterations: 10, Threads: 2}))
	fmt.Println(p.Solver, p.Network.Widths(), p.Samples.Transform.Scaling, p.Problem.Regularizer)
	for _, r := range p.Reads {
		if r.Name == "batch" || r.Name == "lambda" {
			fmt.Println(r.Name, r.Value)
		}
	}
	// Output:
	// sync [64 1000 10] unit l2:lambda=0.1437
	// batch 35
	// lambda 30
}

// rng is a source of the same numbers each time.
func rng() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }
