package recipe_test

import (
	"testing"

	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/solver/syncdlam"
)

// TestWhatSuits holds what sync has for tables by their rows and labels, and that
// pictures, very many columns and other methods keep theirs.
func TestWhatSuits(t *testing.T) {
	type suits struct {
		decay, smoothing, lambda float64
		epochs                   int
	}
	rows := func(n, columns int, image picture.Image) recipe.Data {
		x, y := make([][]float64, n), make([]int, n)
		for i := range x {
			x[i], y[i] = make([]float64, columns), i%2
			x[i][0] = float64(i % 11)
		}
		d := recipe.Rows(x, y)
		if image.Width > 0 {
			d = d.Pictures(image)
		}
		return d
	}
	values := func(n int) recipe.Data {
		x, y := make([][]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i] = []float64{float64(i % 11)}, float64(i%7)
		}
		return recipe.Rows(x, y)
	}
	for name, c := range map[string]struct {
		data recipe.Data
		o    recipe.Options
		want suits
	}{
		"few rows of classes":  {rows(300, 3, picture.Image{}), recipe.Options{}, suits{3, 0.05, 10, 30}},
		"more":                 {rows(4000, 3, picture.Image{}), recipe.Options{}, suits{12, 0.05, 10, 30}},
		"many":                 {rows(20000, 3, picture.Image{}), recipe.Options{}, suits{60, 0, 10, 10}},
		"few values":           {values(300), recipe.Options{}, suits{3, 0, 1, 30}},
		"many values":          {values(20000), recipe.Options{}, suits{60, 0, 1, 30}},
		"pictures":             {rows(300, 4, picture.Image{Height: 2, Width: 2, Channels: 1, Max: 10}), recipe.Options{}, suits{0.03, 0.1, 30, 30}},
		"very many columns":    {rows(300, 300, picture.Image{}), recipe.Options{}, suits{0.03, 0.1, 30, 30}},
		"all rows at a time":   {rows(300, 3, picture.Image{}), recipe.Options{Settings: recipe.Settings{Batch: new(0)}}, suits{0, 0.1, 3, 150}},
		"another method":       {rows(300, 3, picture.Image{}), recipe.Options{Method: "adam", Settings: recipe.Settings{Batch: new(32)}}, suits{0, 0, 0, 10}},
		"what is said instead": {rows(300, 3, picture.Image{}), recipe.Options{L2: new(0.5), Smoothing: new(0.2), Iterations: 4, Settings: recipe.Settings{Lambda: new(7.0)}}, suits{0.5, 0.2, 7, 4}},
	} {
		c.o.TestSplit, c.o.Threads = new(0.0), 1
		p, err := recipe.Prepare(c.data, c.o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := suits{smoothing: float64(p.Problem.Y.Smoothing), epochs: p.Options.Iterations}
		if r, ok := p.Problem.Regularizer.(prox.L2); ok {
			got.decay = r.Lambda
		}
		if s, ok := p.Solver.(syncdlam.Solver); ok {
			got.lambda = s.Settings.Lambda
		}
		near := func(a, b float64) bool { return a-b < 1e-6 && b-a < 1e-6 } // smoothing is float32
		if !near(got.decay, c.want.decay) || !near(got.smoothing, c.want.smoothing) || got.lambda != c.want.lambda || got.epochs != c.want.epochs {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if _, ok := p.Problem.Loss.(loss.CrossEntropy); ok != (p.Problem.Y.Class != nil) {
			t.Errorf("%s: loss %v", name, p.Problem.Loss)
		}
	}
}
