package export_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/export"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/picture"
)

// sample is a model, raw samples, and what the model gives for them.
type sample struct {
	name  string
	model *model.Model
	x     mat.Dense
	want  mat.Dense
}

// samples are models of every activation, loss and transform, and one with all
// activations.
func samples(t *testing.T) []sample {
	t.Helper()
	var all []sample
	add := func(name string, d dataset.Dataset, hidden []int, h []activation.Func, l loss.Loss, s dataset.Scaling, pool int) {
		all = append(all, newSample(t, name, d, hidden, h, l, s, pool))
	}
	for i, h := range activation.All {
		add(fmt.Sprintf("activation%d", i), table(7), []int{9, 8}, []activation.Func{h}, loss.CrossEntropy{}, dataset.ScaleStandard, 1)
	}
	mixed := append([]activation.Func{activation.LeakyReLU{Slope: 0.5}, activation.Tanh{}, activation.LeakyReLU{Slope: 0.3}}, activation.All...)
	add("mixed", table(7), slices.Repeat([]int{9}, len(mixed)), mixed, loss.CrossEntropy{}, dataset.ScaleStandard, 1)
	relu, tanh := []activation.Func{activation.ReLU{}}, []activation.Func{activation.Tanh{}}
	for i, l := range loss.All {
		d := table(7)
		if !loss.IsFor(l, loss.Classes) {
			d = regression()
		}
		add(fmt.Sprintf("loss%d", i), d, []int{6}, tanh, l, dataset.ScaleUnit, 1)
	}
	add("regression", regression(), []int{6}, relu, loss.Squared{}, dataset.ScaleStandard, 1)
	add("unscaled", regression(), []int{6}, relu, loss.Squared{}, dataset.ScaleNone, 1)
	add("linear", table(7), nil, relu, loss.CrossEntropy{}, dataset.ScaleUnit, 1)
	add("picture", pictures(), []int{6}, relu, loss.CrossEntropy{}, dataset.ScaleUnit, 1)
	add("pooled", pictures(), []int{6}, relu, loss.CrossEntropy{}, dataset.ScaleStandard, 2)
	for i, layers := range []string{
		"conv 5 3x2, max 2, dense 7", "conv 3 3x3 same leaky-relu, conv 4 2x3 /2 pad 1x2, dense 6",
		"mean 2, conv 4 1x2", "conv 6 2x2 pad 1, mean 2, dense 5", "conv 4 3x3 same, max 2, mean 2",
		"rnn 5 all, rnn 6, dense 4", "rnn 4 all leaky-relu:slope=0.2, conv 3 2x1, rnn 5 sigmoid", "conv 3 2x2, rnn 5 identity, dense 4 relu", "rnn 6 all relu, dense 3",
		"gru 5 all, gru 6, dense 4", "conv 3 2x2, gru 4 all, rnn 5", "gru 70 all",
	} {
		s := newSample(t, fmt.Sprintf("layers%d", i), pictures(), nil, relu, loss.CrossEntropy{}, dataset.ScaleStandard, 1)
		list, err := nn.ParseLayers(layers)
		if err != nil {
			t.Fatal(err)
		}
		if s.model.Network, err = nn.NewNetworkFor(nn.Shape{Height: 4, Width: 6, Channels: 2}, list, 3, activation.Tanh{}, nn.He, rand.New(rand.NewPCG(4, 5))); err != nil {
			t.Fatal(err)
		}
		if s.want, err = s.model.Predictor().Predict(s.x); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	for k, of := range []string{"activation0", "regression", "layers0", "layers6", "layers7"} {
		all = append(all, binaryOf(t, all[slices.IndexFunc(all, func(s sample) bool { return s.name == of })], k%2 == 1))
	}
	return all
}

// binaryOf is s with binary weights, but in each second layer if some are to be real.
func binaryOf(t *testing.T, s sample, some bool) sample {
	t.Helper()
	m := *s.model
	m.Network = m.Network.Clone()
	for l, ly := range m.Network.Layers {
		for i := 0; i < ly.W.Rows && (l%2 == 0 || !some); i++ {
			nn.Binarize(ly.W.Row(i), nn.Magnitude(ly.W.Row(i)), ly.W.Row(i))
		}
	}
	want, err := m.Predictor().Predict(s.x)
	if err != nil {
		t.Fatal(err)
	}
	return sample{"binary" + s.name, &m, s.x, want}
}

const trials = 20 // samples of a set

// random is a matrix with a row a trial.
func random(seed uint64, cols int, scale float32) mat.Dense {
	rng := rand.New(rand.NewPCG(seed, 7))
	x := mat.New(trials, cols)
	for i := range x.Data {
		x.Data[i] = scale * float32(rng.NormFloat64()+0.5)
	}
	return x
}

// table has features of different size, and names that need quoting.
func table(cols int) dataset.Dataset {
	d := dataset.Dataset{Name: "a \"table\"\nof ours", X: random(1, cols, 1), Classes: []string{"one", "zwei, \"drei\"", "четыре\n"}}
	for i := range d.X.Rows {
		d.X.Row(i)[1] *= 100
		d.Class = append(d.Class, int32(i%3))
	}
	for j := range cols {
		d.Features = append(d.Features, fmt.Sprintf("f%d", j))
	}
	return d
}

func regression() dataset.Dataset {
	d := dataset.Dataset{Name: "values", X: random(2, 5, 3), Value: random(3, 2, 50)}
	for i := range d.Value.Rows {
		d.Value.Row(i)[1] /= 1000
	}
	return d
}

// pictures have two channels, and sides that differ.
func pictures() dataset.Dataset {
	d := table(4 * 6 * 2)
	d.Features, d.Image = nil, picture.Image{Height: 4, Width: 6, Channels: 2, Max: 255}
	return d
}

func newSample(t *testing.T, name string, d dataset.Dataset, hidden []int, h []activation.Func, l loss.Loss, s dataset.Scaling, pool int) sample {
	t.Helper()
	tr, err := dataset.Fit(d, s, pool)
	if err != nil {
		t.Fatal(err)
	}
	widths := append(append([]int{tr.Outputs()}, hidden...), max(len(d.Classes), d.Value.Cols))
	n, err := dlam.NewNetwork(widths, h[0], dlam.Paper, rand.New(rand.NewPCG(4, 4)))
	if err != nil {
		t.Fatal(err)
	}
	for l := range hidden {
		n.Layers[l].H = h[l%len(h)]
	}
	for _, ly := range n.Layers { // so that outputs differ
		for i := range ly.W.Data {
			ly.W.Data[i] *= 8
		}
	}
	m := &model.Model{
		Network: n, Loss: l, Classes: d.Classes, Features: d.Features, Transform: tr,
		Training: model.Training{Solver: "none", Dataset: d.Name, Samples: d.Rows()},
	}
	want, err := m.Predictor().Predict(d.X)
	if err != nil {
		t.Fatal(err)
	}
	return sample{name, m, d.X, want}
}

// write puts the sample's inputs and model into dir, in every form but Go, and
// is their path without the extension.
func (s sample) write(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, s.name)
	if err := s.model.Save(path + ".safetensors"); err != nil {
		t.Fatal(err)
	}
	onnx, err := export.ONNX(s.model)
	if err != nil {
		t.Fatal(err)
	}
	var npz, x bytes.Buffer
	if err := export.NPZ(&npz, s.model); err != nil {
		t.Fatal(err)
	}
	if err := binary.Write(&x, binary.LittleEndian, s.x.Elements()); err != nil {
		t.Fatal(err)
	}
	for ext, data := range map[string][]byte{".onnx": onnx, ".npz": npz.Bytes(), ".f32": x.Bytes()} {
		if err := os.WriteFile(path+ext, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// output is what the sample's numbers are.
func (s sample) output() string {
	switch {
	case s.model.Classes == nil:
		return "values"
	case s.model.Loss == loss.Loss(loss.CrossEntropy{}):
		return "probabilities"
	}
	return "scores"
}

// agree holds numbers against the sample's, each to within tolerance of the
// greatest of its row, or of 1; values, each in units of its own, to within that of
// itself, its deviation and its mean.
func (s sample) agree(t *testing.T, got []float64, tolerance float64) {
	t.Helper()
	want := s.want.Elements()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", s.name, len(got), len(want))
	}
	for i, v := range got {
		scale := 1.0
		for _, w := range s.want.Row(i / s.want.Cols) {
			scale = math.Max(scale, math.Abs(float64(w)))
		}
		if tr, j := s.model.Transform, i%s.want.Cols; len(tr.TargetFactor) > 1 {
			scale = max(math.Abs(v), 1/float64(tr.TargetFactor[j]), math.Abs(float64(tr.TargetShift[j])))
		}
		if !(math.Abs(v-float64(want[i])) <= tolerance*scale) {
			t.Errorf("%s: sample %d, output %d: got %v, want %v", s.name, i/s.want.Cols, i%s.want.Cols, v, want[i])
		}
	}
}

// written is every sample and where it lies.
func written(t *testing.T) ([]sample, []string) {
	t.Helper()
	all := samples(t)
	dir := t.TempDir()
	paths := make([]string, len(all))
	for i, s := range all {
		paths[i] = s.write(t, dir)
	}
	return all, paths
}
