package dlam_test

import (
	"math"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// TestScoreWithinBounds: predicted values are measured as they are given, within the
// bounds of the target.
func TestScoreWithinBounds(t *testing.T) {
	n := &dlam.Network{Layers: []dlam.Layer{{W: mat.FromSlice(1, 1, []float32{10}), B: []float32{0}, H: activation.Identity{}}}}
	x := mat.FromSlice(2, 1, []float32{1, 0})
	y := loss.Target{Value: mat.FromSlice(2, 1, []float32{2, 0})}
	if _, err := dlam.Evaluate(n, x, y, loss.Squared{}, 0); err == nil || !strings.Contains(err.Error(), "threads: got 0, want at least 1") {
		t.Errorf("no threads: %v", err)
	}
	free, err := dlam.Evaluate(n, x, y, loss.Squared{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	y.Low, y.High = []float32{0}, []float32{3}
	within, err := dlam.Evaluate(n, x, y, loss.Squared{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	// 10 for 2 is 8 off, and 3 for 2 is 1 off; 0 for 0 is right.
	if math.Abs(free.RMSE-8/math.Sqrt2) > 1e-6 || math.Abs(within.RMSE-1/math.Sqrt2) > 1e-6 || free.Risk != within.Risk {
		t.Errorf("RMSE %v and within bounds %v, want %v and %v; risks %v, %v", free.RMSE, within.RMSE, 8/math.Sqrt2, 1/math.Sqrt2, free.Risk, within.Risk)
	}
}

// TestWeightedScore: a sample of weight 2 counts as two do, in every score.
func TestWeightedScore(t *testing.T) {
	n := &dlam.Network{Layers: []dlam.Layer{{W: mat.FromSlice(2, 1, []float32{1, -1}), B: []float32{0.5, 0}, H: activation.Identity{}}}}
	x, twice := mat.FromSlice(3, 1, []float32{1, -2, 0.25}), mat.FromSlice(4, 1, []float32{1, -2, -2, 0.25})
	weight := []float32{1, 2, 1}
	for name, c := range map[string]struct {
		l           loss.Loss
		some, often loss.Target
	}{
		"classes": {
			loss.CrossEntropy{}, loss.Target{Class: []int32{0, 0, 1}, Classes: 2, Weight: weight},
			loss.Target{Class: []int32{0, 0, 0, 1}, Classes: 2},
		},
		"values": {
			loss.Squared{}, loss.Target{Value: mat.FromSlice(3, 2, []float32{1, 0, 2, 5, -1, 3}), Weight: weight},
			loss.Target{Value: mat.FromSlice(4, 2, []float32{1, 0, 2, 5, 2, 5, -1, 3})},
		},
	} {
		got, err := dlam.Evaluate(n, x, c.some, c.l, 1)
		if err != nil {
			t.Fatal(err)
		}
		want, err := dlam.Evaluate(n, twice, c.often, c.l, 1)
		if err != nil {
			t.Fatal(err)
		}
		near := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 } // float64 sums of the same terms
		if !near(got.Risk, want.Risk) || !near(got.Accuracy, want.Accuracy) || !near(got.RMSE, want.RMSE) || !near(got.R2, want.R2) {
			t.Errorf("%s: weighted %+v, rows twice %+v", name, *got, *want)
		}
	}
}

// TestMeanR2: of several values R² is the mean of theirs, whatever their units; one that does
// not vary has none.
func TestMeanR2(t *testing.T) {
	n := &dlam.Network{Layers: []dlam.Layer{{W: mat.FromSlice(3, 1, []float32{100, 0, 0}), B: []float32{0, 0.5, 1}, H: activation.Identity{}}}}
	const rows = 1000
	x, y := mat.New(rows, 1), loss.Target{Value: mat.New(rows, 3)}
	for i := range rows {
		odd := float32(i % 2)
		x.Set(i, 0, odd)
		copy(y.Value.Row(i), []float32{100 * odd, odd, 0.1})
	}
	got, err := dlam.Evaluate(n, x, y, loss.Squared{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	// The first is right, the second is its mean: R² 1 and 0.
	if math.Abs(got.R2-0.5) > 1e-6 {
		t.Errorf("R² is %v, want 0.5", got.R2)
	}
}
