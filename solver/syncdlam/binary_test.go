package syncdlam

import (
	"fmt"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/solver/solvertest"
)

func binarySettings(epochs int) Settings {
	s := SettingsFor(500, true, epochs)
	s.BinaryWeights, s.Lead = true, 0
	return s
}

func TestBinaryWeights(t *testing.T) {
	whole := binarySettings(12)
	whole.Batch = 1000
	solvertest.Run(t, solvertest.Config{
		Solver: Solver{binarySettings(12)}, Whole: Solver{whole}, Activation: activation.ReLU{}, Init: dlam.He, Binary: true,
		Iterations: 12, Accuracy: 0.9,
		RankTolerance: 10, // two ranks make other batches; what is held is that they agree with each other
	})
}

// The network has the signs of the average of the real weights, and the parameters those
// of the real ones.
func TestBinaryNetwork(t *testing.T) {
	p := testprob.Blobs(300, 7, 3, 1)
	st, err := Solver{Settings: binarySettings(8)}.Init(p, testprob.Network(p, []int{6, 5}, activation.Tanh{}, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	first, changed := st.Network().Clone(), 0
	for range 7 {
		if _, err := st.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	state := st.(dlam.Resumable).State().Float32
	for l, ly := range st.Network().Layers {
		w := mat.FromSlice(ly.W.Rows, ly.W.Cols, state[fmt.Sprint("mean.w.", l)])
		for i := range w.Rows {
			want := make([]float32, w.Cols)
			nn.Binarize(want, state[fmt.Sprint("mean.s.", l)][i], w.Row(i))
			for j, x := range ly.W.Row(i) {
				if x != want[j] {
					t.Fatalf("layer %d: W[%d,%d] is %v, want %v", l+1, i, j, x, want[j])
				}
				if x*first.Layers[l].W.At(i, j) < 0 {
					changed++
				}
			}
		}
	}
	if changed == 0 {
		t.Error("no sign has changed")
	}
}

func TestBinaryWeightsRefused(t *testing.T) {
	s := FullBatch()
	s.BinaryWeights, s.Lead = true, 0
	if s.Validate() == nil {
		t.Error("binary weights with all samples at a time were accepted")
	}
	s = binarySettings(8)
	s.Lead = 0.01
	if s.Validate() == nil {
		t.Error("binary weights with a lead were accepted")
	}
}

// Along V a magnitude moves as the mean of the row along its signs, and W within ±H.
func TestBinaryStep(t *testing.T) {
	w := mat.FromSlice(2, 3, []float32{0.5, -0.25, 0.25, -1, 1, 2})
	h := float32(1.5) // W is to be clipped
	ly := layer{w: mat.New(2, 3), binary: newBinary(w), v: backprop.Direction{W: mat.FromSlice(2, 3, []float32{1, 2, -3, 0.1, 0.2, -0.4})}}
	ly.binary.limit = h
	net := mat.New(2, 3)
	ly.signs(net, w)
	for i, want := range [][]float32{{1. / 3, -1. / 3, 1. / 3}, {-4. / 3, 4. / 3, 4. / 3}} {
		sameRow(t, net.Row(i), want)
	}
	sameRow(t, ly.w.Row(1), []float32{-1, 1, h})
	for i := range 2 {
		ly.advanceRow(net.Row(i), i, 0.1)
	}
	// By hand: means along the signs (1 − 2 − 3)/3 and (−0.1 + 0.2 − 0.4)/3.
	sameRow(t, net.Row(0), []float32{1./3 - 0.4/3, -1./3 + 0.4/3, -1./3 + 0.4/3})
	sameRow(t, net.Row(1), []float32{-4./3 + 0.01, 4./3 - 0.01, 4./3 - 0.01})
	sameRow(t, ly.w.Row(0), []float32{0.6, -0.05, -0.05})
	sameRow(t, ly.w.Row(1), []float32{-0.99, 1.02, h - 0.04})
	// A tenth of W in the average leaves the sign that W has changed.
	ly.averageRow(net.Row(0), 0, 0.1)
	sameRow(t, net.Row(0), []float32{1./3 - 0.04/3, -1./3 + 0.04/3, 1./3 - 0.04/3})
}

func sameRow(t *testing.T, got, want []float32) {
	t.Helper()
	for j := range want {
		if d := got[j] - want[j]; d > 1e-6 || d < -1e-6 { // float32 sums of three
			t.Errorf("got %v, want %v", got, want)
			return
		}
	}
}
