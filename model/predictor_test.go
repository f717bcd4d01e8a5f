package model

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// TestPredictor holds the whole way from raw samples to what people read
// against the arithmetic in float64.
func TestPredictor(t *testing.T) {
	classify, regress := sample(), sample()
	regress.Classes, regress.Loss = nil, loss.Squared{}
	regress.Transform.TargetShift, regress.Transform.TargetFactor = []float32{10, 20, 30}, dataset.Factors{0.5}
	score := sample()
	score.Loss = loss.Hinge{}
	x := mat.FromSlice(2, 4, []float32{1, 2, 3, 4, 5, -6, 7, 0.5})
	raw := append([]float32(nil), x.Data...)
	for _, c := range []struct {
		m       *Model
		meaning Meaning
		finish  func(z []float64)
	}{
		{classify, Probabilities, softmax},
		{score, Scores, func([]float64) {}},
		{regress, Values, func(z []float64) {
			for j := range z {
				z[j] = z[j]/0.5 + 10*float64(j+1)
			}
		}},
	} {
		if meaning := c.m.Meaning(); meaning != c.meaning {
			t.Errorf("meaning: got %v, want %v", meaning, c.meaning)
		}
		got, err := c.m.Predictor().Predict(x)
		if err != nil {
			t.Fatal(err)
		}
		for i := range x.Rows {
			want := byHand(c.m, x.Row(i))
			c.finish(want)
			for j, v := range want {
				if d := math.Abs(float64(got.At(i, j)) - v); d > 1e-5*(1+math.Abs(v)) { // float32's rounding over two layers
					t.Errorf("%v: output %d of sample %d: got %g, want %g", c.meaning, j, i, got.At(i, j), v)
				}
			}
		}
	}
	for i, v := range raw {
		if x.Data[i] != v {
			t.Fatal("the samples were changed")
		}
	}
	if _, err := classify.Predictor().Predict(mat.New(1, 5)); err == nil {
		t.Error("five features were taken for four")
	}
}

// byHand is the network's outputs for one raw sample, in float64.
func byHand(m *Model, x []float32) []float64 {
	a := make([]float64, len(x))
	for j, v := range x {
		a[j] = (float64(v) - float64(m.Transform.Shift[j])) * float64(m.Transform.Factor[j])
	}
	for l, ly := range m.Network.Layers {
		z := make([]float64, ly.W.Rows)
		for i := range z {
			z[i] = float64(ly.B[i])
			for j, v := range a {
				z[i] += float64(ly.W.At(i, j)) * v
			}
			if l < len(m.Network.Layers)-1 {
				z[i] = math.Tanh(z[i])
			}
		}
		a = z
	}
	return a
}

func softmax(z []float64) {
	var sum float64
	for j := range z {
		z[j] = math.Exp(z[j])
		sum += z[j]
	}
	for j := range z {
		z[j] /= sum
	}
}
