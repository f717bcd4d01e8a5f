package export_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/export"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/spec"
)

// close32 is how far two float32 evaluations in different orders may differ:
// sums of at most 50 terms, whose rounding steps of 6e-8 softmax and tanh do
// not enlarge.
const close32 = 1e-5

// TestONNXRuntime runs every model in ONNX Runtime on all samples at once.
func TestONNXRuntime(t *testing.T) {
	script := onnxRuntime(t)
	all, paths := written(t)
	for i, a := range answers[answer](t, "node", append([]string{script}, paths...)...) {
		s := all[i]
		if fmt.Sprint(a.Input, a.Output, a.Shape) != fmt.Sprintf("[features] [%s] [%d %d]", s.output(), s.want.Rows, s.want.Cols) {
			t.Errorf("%s: input %v, output %v of shape %v", s.name, a.Input, a.Output, a.Shape)
		}
		s.agree(t, a.Numbers, close32)
	}
}

// TestONNXChecker has every model checked by ONNX's own checker.
func TestONNXChecker(t *testing.T) {
	interpreter := python(t, "onnx")
	all, paths := written(t)
	type report struct {
		Opset         []int
		Input, Output map[string][]any
		Metadata      map[string][]string
	}
	for i, got := range answers[report](t, interpreter, append([]string{"testdata/onnx_check.py"}, paths...)...) {
		s := all[i]
		in, out := got.Input["features"], got.Output[s.output()]
		if fmt.Sprint(in, out) != fmt.Sprintf("[N %d] [N %d]", s.x.Cols, s.want.Cols) {
			t.Errorf("%s: input %v, output %v", s.name, got.Input, got.Output)
		}
		if len(got.Opset) != 1 || got.Opset[0] > 17 {
			t.Errorf("%s: opset %v", s.name, got.Opset)
		}
		if !slices.Equal(got.Metadata["classes"], s.model.Classes) || !slices.Equal(got.Metadata["features"], s.model.Features) {
			t.Errorf("%s: metadata %q", s.name, got.Metadata)
		}
	}
}

// TestNumpy predicts with numpy from every NPZ file, and has the safetensors
// file read.
func TestNumpy(t *testing.T) {
	interpreter := python(t, "numpy")
	all, paths := written(t)
	for i, a := range answers[answer](t, interpreter, append([]string{"testdata/predict.py"}, paths...)...) {
		s := all[i]
		if fmt.Sprintf("%v %v", a.Output, a.Shape) != fmt.Sprintf("%s [%d %d]", s.output(), s.want.Rows, s.want.Cols) {
			t.Errorf("%s: output %v of shape %v", s.name, a.Output, a.Shape)
		}
		s.agree(t, a.Numbers, close32)
		if i == 0 {
			t.Logf("by torch too: %v", a.Torch)
		}
	}
}

// Weights of one magnitude a row take a bit each, and four bytes a row, in NPZ and in Go
// source, whose text takes four letters for three bytes.
func TestBinaryWeightsArePacked(t *testing.T) {
	n, err := dlam.NewNetwork([]int{7, 400, 400, 3}, activation.ReLU{}, dlam.He, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	s := samples(t)[0]
	m := *s.model
	m.Network = n
	s.model = &m
	for _, form := range []struct {
		name  string
		most  float64 // beside the bits: intercepts, and all that is not a parameter
		write func(m *model.Model) (int, error)
	}{
		{"NPZ", 12e3, func(m *model.Model) (int, error) {
			var b bytes.Buffer
			err := export.NPZ(&b, m)
			return b.Len(), err
		}},
		{"Go", 16e3, func(m *model.Model) (int, error) {
			b, err := export.GoSource(m, "p")
			return len(b), err
		}},
	} {
		real, err := form.write(s.model)
		if err != nil {
			t.Fatal(err)
		}
		got, err := form.write(binaryOf(t, s, false).model)
		if err != nil {
			t.Fatal(err)
		}
		if bits := 400.0 * 400 / 8 * 4 / 3; float64(got) > bits+form.most || real < 400*400*4 {
			t.Errorf("%s: %d bytes, of real weights %d, the large layer's bits are %.0f", form.name, got, real, bits)
		}
	}
}

func TestSameBytes(t *testing.T) {
	s := samples(t)[0]
	for name, write := range map[string]func() ([]byte, error){
		"ONNX": func() ([]byte, error) { return export.ONNX(s.model) },
		"Go":   func() ([]byte, error) { return export.GoSource(s.model, "p") },
		"NPZ": func() ([]byte, error) {
			var b bytes.Buffer
			err := export.NPZ(&b, s.model)
			return b.Bytes(), err
		},
	} {
		a, err := write()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := write(); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: the second time other bytes (%v)", name, err)
		}
	}
}

// other is an activation that only NPZ knows, by its Spec.
type other struct{ activation.ReLU }

func (other) Spec() spec.Spec { return spec.Spec{Kind: "other", Numbers: map[string]float64{"a": 2}} }

// soft is a loss whose probabilities only NPZ knows, by its Spec.
type soft struct{ loss.CrossEntropy }

func (soft) Spec() spec.Spec { return spec.Spec{Kind: "soft"} }

func TestRefuses(t *testing.T) {
	s := samples(t)[0]
	for _, name := range []string{"", "_", "func", "a b", "a\nb", "7"} {
		if _, err := export.GoSource(s.model, name); err == nil {
			t.Errorf("package name %q was accepted", name)
		}
	}
	for _, c := range []struct {
		change func(m *model.Model)
		want   string
	}{
		{func(m *model.Model) { m.Network.Layers[1].H = other{} }, "layer 2: activation other:a=2: there is no form of it"},
		{func(m *model.Model) { m.Loss = soft{} }, "loss soft: there is no form of its probabilities"},
	} {
		m := samples(t)[0].model
		c.change(m)
		if _, err := export.ONNX(m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("ONNX: got %v, want %s", err, c.want)
		}
		if _, err := export.GoSource(m, "p"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Go source: got %v, want %s", err, c.want)
		}
		var b bytes.Buffer
		if err := export.NPZ(&b, m); err != nil {
			t.Error(err)
		}
	}
}

// Layers that a format has no form of are refused by name, never left out; NPZ describes any.
func TestRefusesOtherMaps(t *testing.T) {
	m := &model.Model{
		Network: testprob.Convolutional(3, activation.Tanh{}, 1), Loss: loss.CrossEntropy{}, Classes: []string{"a", "b", "c"},
		Transform: dataset.Transform{Inputs: 72, Pool: 1, Scaling: dataset.ScaleNone, Shift: []float32{0}, Factor: []float32{1}, Image: picture.Image{Height: 6, Width: 12, Channels: 1}},
	}
	_, onnx := export.ONNX(m)
	_, source := export.GoSource(m, "p")
	for name, err := range map[string]error{"ONNX": onnx, "Go source": source} {
		if err == nil || !strings.Contains(err.Error(), "layer 1: map patches:side=3,stride=1: there is no form of it") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := export.WeightsPNG(io.Discard, m); err == nil || !strings.Contains(err.Error(), "the first layer is patches:side=3,stride=1, want a dense one or a convolution") {
		t.Errorf("picture: got %v", err)
	}
	var b bytes.Buffer
	wide := strings.Join(strings.Split("patches", ""), "\x00\x00\x00") // numpy's texts have four bytes a letter
	if err := export.NPZ(&b, m); err != nil || !bytes.Contains(b.Bytes(), []byte(wide)) {
		t.Errorf("NPZ: %v, or the map is not in it", err)
	}
}
