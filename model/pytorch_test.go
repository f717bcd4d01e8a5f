package model

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nlpodyssey/safetensors"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// tensorFile is a safetensors file of tensors of numbers 1, 2, … of a kind.
func tensorFile(t testing.TB, kind safetensors.DType, shapes map[string][]int) string {
	t.Helper()
	views := map[string]safetensors.TensorView{}
	for name, shape := range shapes {
		n := 1
		for _, d := range shape {
			n *= d
		}
		var raw []byte
		for i := range n {
			switch v := float32(i + 1); kind {
			case safetensors.F64:
				raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(float64(v)))
			case safetensors.F32:
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
			case safetensors.BF16:
				raw = binary.LittleEndian.AppendUint16(raw, uint16(math.Float32bits(v)>>16))
			case safetensors.F16: // of whole numbers below 2048
				exponent := math.Ilogb(float64(v))
				raw = binary.LittleEndian.AppendUint16(raw, uint16((exponent+15)<<10+int(math.Ldexp(float64(v), 10-exponent))-1024))
			default:
				raw = binary.LittleEndian.AppendUint32(raw, uint32(v))
			}
		}
		if err := addTensor(views, name, kind, raw, shape); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := safetensors.Serialize(views, map[string]string{"format": "pt"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "state.safetensors")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// layersOf is the layers of a text.
func layersOf(t testing.TB, text string) []nn.LayerSpec {
	t.Helper()
	if text == "" {
		return nil
	}
	list, err := nn.ParseLayers(text)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Weights of convolutions, and of the dense layer after them, are put with the channels
// last, whatever kind of floats they are.
func TestImportOrder(t *testing.T) {
	for _, kind := range []safetensors.DType{safetensors.F64, safetensors.F32, safetensors.BF16, safetensors.F16} {
		path := tensorFile(t, kind, map[string][]int{"0.weight": {2, 2, 1, 3}, "0.bias": {2}, "2.weight": {3, 4}, "2.bias": {3}})
		m, err := Import{Shape: nn.Shape{Height: 1, Width: 4, Channels: 2}, Layers: layersOf(t, "conv 2 1x3"), Shift: []float32{1, 2}, Factor: []float32{3}}.Read(path)
		if err != nil {
			t.Fatal(kind, err)
		}
		for l, want := range [][]float32{
			{1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12}, // column, channel
			{1, 3, 2, 4, 5, 7, 6, 8, 9, 11, 10, 12}, // place, channel
		} {
			if got := m.Network.Layers[l].W.Elements(); !slices.Equal(got, want) {
				t.Errorf("%v: layer %d: got %v, want %v", kind, l, got, want)
			}
		}
		if b := m.Network.Layers[1].B; !slices.Equal(b, []float32{1, 2, 3}) {
			t.Errorf("%v: intercepts %v", kind, b)
		}
		if tr := m.Transform; !slices.Equal(tr.Shift, []float32{1, 2, 1, 2, 1, 2, 1, 2}) || !slices.Equal(tr.Factor, slices.Repeat([]float32{3}, 8)) {
			t.Errorf("shifts %v and factors %v", tr.Shift, tr.Factor)
		}
		if !slices.Equal(m.Classes, []string{"0", "1", "2"}) {
			t.Errorf("classes %q", m.Classes)
		}
		made := filepath.Join(t.TempDir(), FileName)
		if err := m.Save(made); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(made); err != nil {
			t.Error(err)
		}
		if _, err := (Import{}).Read(made); err == nil || !strings.Contains(err.Error(), "a model of this program already") {
			t.Errorf("a model of ours: got %v", err)
		}
	}
}

// The layers of one recurrent module come one after another, each with the sum of its two
// intercepts, and W = [Wx R].
func TestImportRecurrent(t *testing.T) {
	path := tensorFile(t, safetensors.F32, map[string][]int{
		"0.weight_ih_l0": {2, 1}, "0.weight_hh_l0": {2, 2}, "0.bias_ih_l0": {2}, "0.bias_hh_l0": {2},
		"0.weight_ih_l1": {2, 2}, "0.weight_hh_l1": {2, 2}, "0.bias_ih_l1": {2}, "0.bias_hh_l1": {2},
		"1.weight": {1, 2}, "1.bias": {1},
	})
	m, err := Import{Shape: nn.Shape{Height: 3, Width: 1, Channels: 1}, Layers: layersOf(t, "rnn 2 all tanh, rnn 2 tanh"), Regression: true, Features: []string{"a", "b", "c"}}.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for l, want := range [][]float32{{1, 1, 2, 2, 3, 4}, {1, 2, 1, 2, 3, 4, 3, 4}, {1, 2}} {
		if l == 1 {
			want = []float32{1, 2, 1, 2, 3, 4, 3, 4}
		}
		if got := m.Network.Layers[l].W.Elements(); !slices.Equal(got, want) {
			t.Errorf("layer %d: got %v, want %v", l, got, want)
		}
	}
	if b := m.Network.Layers[0].B; !slices.Equal(b, []float32{2, 4}) {
		t.Errorf("intercepts %v", b)
	}
	out, err := m.Predictor().Predict(mat.FromSlice(1, 3, []float32{0, 0, 0}))
	if err != nil || m.Classes != nil || !(out.Data[0] > 3.9 && out.Data[0] < 4) { // states near 1
		t.Errorf("got %v, %v, want a value a little below 1 + 1 + 2", out.Data, err)
	}
}

// Of a GRU rows r, z and n become four blocks, n's in two: intercepts of gates are added, and
// the two of n stay apart.
func TestImportGated(t *testing.T) {
	path := tensorFile(t, safetensors.F32, map[string][]int{
		"0.weight_ih_l0": {3, 2}, "0.weight_hh_l0": {3, 1}, "0.bias_ih_l0": {3}, "0.bias_hh_l0": {3},
		"0.weight_ih_l1": {3, 1}, "0.weight_hh_l1": {3, 1}, "0.bias_ih_l1": {3}, "0.bias_hh_l1": {3},
		"1.weight": {2, 1}, "1.bias": {2},
	})
	m, err := Import{Shape: nn.Shape{Height: 3, Width: 2, Channels: 1}, Layers: layersOf(t, "gru 1 all, gru 1")}.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for l, want := range [][]float32{{5, 6, 0, 1, 2, 1, 3, 4, 2, 0, 0, 3}, {3, 0, 1, 1, 2, 2, 0, 3}} {
		if got := m.Network.Layers[l].W.Elements(); !slices.Equal(got, want) {
			t.Errorf("layer %d: got %v, want %v", l+1, got, want)
		}
		if b := m.Network.Layers[l].B; !slices.Equal(b, []float32{3, 2, 4, 3}) {
			t.Errorf("layer %d: intercepts %v", l+1, b)
		}
	}
}

func TestImportRefuses(t *testing.T) {
	cnn := map[string][]int{"0.weight": {2, 1, 3, 3}, "0.bias": {2}, "3.weight": {4, 8}, "3.bias": {4}}
	rnn := map[string][]int{"0.weight_ih_l0": {2, 4}, "0.weight_hh_l0": {2, 2}, "0.bias_ih_l0": {2}, "0.bias_hh_l0": {2}, "1.weight": {2, 2}, "1.bias": {2}}
	gru := map[string][]int{"0.weight_ih_l0": {6, 4}, "0.weight_hh_l0": {6, 2}, "0.bias_ih_l0": {6}, "0.bias_hh_l0": {6}, "1.weight": {2, 2}, "1.bias": {2}}
	with := func(shapes map[string][]int, name string, shape ...int) map[string][]int {
		more := map[string][]int{name: shape}
		for n, s := range shapes {
			if n != name {
				more[n] = s
			}
		}
		return more
	}
	four := nn.Shape{Height: 4, Width: 4, Channels: 1}
	for _, c := range []struct {
		want   string
		shapes map[string][]int
		layers string
		i      Import
	}{
		{`tensor "0.weight": got 2x1x3x3, want 2x1x2x2 of layer 1 (conv 2 2x2)`, cnn, "conv 2 2x2", Import{Shape: four}},
		{`tensor "3.weight": got 4x8, want 4x2 of layer 2 (dense 4)`, cnn, "conv 2 3x3, max 2", Import{Shape: four}},
		{`2 layers (0.weight, 3.weight), want 3: conv 2 3x3, dense 5, dense 4`, cnn, "conv 2 3x3, dense 5", Import{Shape: four}},
		{`layers: layer 1 (conv 2 5x5): input 4x4x1 is smaller than the kernel`, cnn, "conv 2 5x5", Import{Shape: four}},
		{"shape: layers other than dense need the shape of a sample", cnn, "conv 2 3x3", Import{}},
		{`tensor "1.running_mean" is not of a layer`, with(cnn, "1.running_mean", 2), "conv 2 3x3", Import{Shape: four}},
		{`tensor "3.weight" has no "3.bias" beside it`, map[string][]int{"3.weight": {4, 8}}, "", Import{}},
		{`tensor "0.weight_ih_l0" has no "0.bias_hh_l0" beside it`, map[string][]int{"0.weight_ih_l0": {1, 1}, "0.weight_hh_l0": {1, 1}, "0.bias_ih_l0": {1}}, "", Import{}},
		{`tensor "0.weight_ih_l0_reverse" is not of a layer`, with(rnn, "0.weight_ih_l0_reverse", 2, 4), "rnn 2 tanh", Import{Shape: four}},
		{`tensor "0.weight_ih_l0": got 6x4, want 2x4 of layer 1 (rnn 2): it has the rows of a GRU (3 a unit)`, gru, "rnn 2 tanh", Import{Shape: four}},
		{`tensor "0.weight_ih_l0": got 2x4, want 6x4 of layer 1 (gru 2): it has the rows of an RNN (1 a unit)`, rnn, "gru 2", Import{Shape: four}},
		{`tensor "0.weight_ih_l0": got 8x4, want 6x4 of layer 1 (gru 2): it has the rows of an LSTM (4 a unit), which there is not here`, with(gru, "0.weight_ih_l0", 8, 4), "gru 2", Import{Shape: four}},
		{`tensor "0.weight" is not of a recurrent layer, want layer 1 (gru 2)`, cnn, "gru 2", Import{Shape: four}},
		{"PyTorch has no order of columns and channels in one step", gru, "gru 2", Import{Shape: nn.Shape{Height: 4, Width: 2, Channels: 2}}},
		{`tensor "0.weight_ih_l0" is of a recurrent layer, want layer 1 (dense 2)`, rnn, "dense 2", Import{Shape: four}},
		{`tensor "0.weight" is not of a recurrent layer, want layer 1 (rnn 2)`, cnn, "rnn 2", Import{Shape: four}},
		{"PyTorch has no order of columns and channels in one step", rnn, "rnn 2", Import{Shape: nn.Shape{Height: 4, Width: 2, Channels: 2}}},
		{"classes: got 2 names, and the network has 4 outputs", cnn, "conv 2 3x3", Import{Shape: four, Classes: []string{"a", "b"}}},
		{"classes: got some, want none of a regression", cnn, "conv 2 3x3", Import{Shape: four, Classes: []string{"a", "b"}, Regression: true}},
		{"one output is no probability", map[string][]int{"0.weight": {1, 3}, "0.bias": {1}}, "", Import{}},
		{"factor: got 0, want finite numbers", cnn, "conv 2 3x3", Import{Shape: four, Factor: []float32{0}}},
		{"shift: got 3 numbers, want 1, or one for each of 1 channels or of 16 numbers", cnn, "conv 2 3x3", Import{Shape: four, Shift: []float32{1, 2, 3}}},
		{`classes: got "a" twice`, cnn, "conv 2 3x3", Import{Shape: four, Classes: []string{"a", "b", "c", "a"}}},
		{`features: got "x" twice`, map[string][]int{"0.weight": {2, 2}, "0.bias": {2}}, "", Import{Features: []string{"x", "x"}}},
		{ // whose weights would take 1 TB
			`tensor "0.weight": got 2x1x3x3, want 60x4294967296 of layer 1 (dense 60)`, cnn, "dense 60",
			Import{Shape: nn.Shape{Height: 1 << 16, Width: 1 << 16, Channels: 1}},
		},
		{"features: got 1 names, and a sample has 16 numbers", cnn, "conv 2 3x3", Import{Shape: four, Features: []string{"a"}}},
	} {
		path := tensorFile(t, safetensors.F32, c.shapes)
		c.i.Layers = layersOf(t, c.layers)
		if _, err := c.i.Read(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want %s, and the path", err, c.want)
		}
	}
	if _, err := (Import{}).Read(tensorFile(t, safetensors.I32, map[string][]int{"0.weight": {2, 3}, "0.bias": {2}})); err == nil || !strings.Contains(err.Error(), `tensor "0.weight": got I32, want F64, F32, F16 or BF16`) {
		t.Errorf("whole numbers: got %v", err)
	}
}

// What a header says twice is refused, and what its tensors share, leave out or lack.
func TestStateStrict(t *testing.T) {
	file := func(header string, data int) []byte {
		raw := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		return append(append(raw, header...), make([]byte, data)...)
	}
	const b = `"0.bias":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}`
	for _, c := range []struct {
		header string
		data   int
		want   string
	}{
		{`{"0.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},` + b + `}`, 8, ""},
		{`{"0.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},` + b + `,` + b + `}`, 8, `header: "0.bias" comes twice`},
		{`{"0.weight":{"dtype":"F32","shape":[2,1],"shape":[1,1],"data_offsets":[0,4]},` + b + `}`, 8, `header: "shape" comes twice`},
		{`{"0.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},` + b + `}`, 8, "offset"},
		{`{"0.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},` + b + `}`, 9, "incomplete buffer"},
		{`{"0.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},` + b + `}`, 7, "incomplete buffer"},
		{`{"0.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,4]},` + b + `}`, 8, "offsets mismatch"},
	} {
		_, err := Import{Regression: true}.parse(file(c.header, c.data))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.header, err, c.want)
		}
	}
}

func FuzzState(f *testing.F) {
	for _, kind := range []safetensors.DType{safetensors.F64, safetensors.BF16} {
		for _, shapes := range []map[string][]int{
			{"0.weight": {2, 1, 2, 2}, "0.bias": {2}, "1.weight": {3, 8}, "1.bias": {3}},
			{"0.weight_ih_l0": {2, 3}, "0.weight_hh_l0": {2, 2}, "0.bias_ih_l0": {2}, "0.bias_hh_l0": {2}, "1.weight": {2, 2}, "1.bias": {2}},
			{"0.weight_ih_l0": {6, 3}, "0.weight_hh_l0": {6, 2}, "0.bias_ih_l0": {6}, "0.bias_hh_l0": {6}, "1.weight": {2, 2}, "1.bias": {2}},
		} {
			raw, err := os.ReadFile(tensorFile(f, kind, shapes))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw)
			f.Add(raw[:len(raw)-1])
		}
	}
	imports := []Import{
		{Shape: nn.Shape{Height: 3, Width: 3, Channels: 1}, Layers: layersOf(f, "conv 2 2x2"), Activation: activation.Tanh{}},
		{Shape: nn.Shape{Height: 3, Width: 3, Channels: 1}, Layers: layersOf(f, "rnn 2 tanh")}, {},
		{Shape: nn.Shape{Height: 3, Width: 3, Channels: 1}, Layers: layersOf(f, "gru 2")},
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, i := range imports {
			if m, err := i.parse(raw); err == nil && m.Network.Validate() != nil {
				t.Fatal("an invalid network was accepted")
			}
		}
	})
}
