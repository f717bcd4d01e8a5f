package dlam_test

import (
	"math"
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
