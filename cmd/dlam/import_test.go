package main

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nlpodyssey/safetensors"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
)

// state writes tensors as PyTorch's safetensors do, by their names.
func state(t *testing.T, tensors map[string][]float32, shapes map[string][]uint64) string {
	t.Helper()
	views := map[string]safetensors.TensorView{}
	for name, v := range tensors {
		var raw []byte
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		view, err := safetensors.NewTensorView(safetensors.F32, shapes[name], raw)
		if err != nil {
			t.Fatal(err)
		}
		views[name] = view
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

// channelsFirst is a model's parameters as the state of a PyTorch Sequential has them.
func channelsFirst(t *testing.T, n *nn.Network) string {
	t.Helper()
	conv, dense, output := n.Layers[0], n.Layers[1], n.Layers[2]
	turned := func(w mat.Dense, pixels, channels int) (list []float32) {
		for i := range w.Rows {
			for c := range channels {
				for p := range pixels {
					list = append(list, w.At(i, p*channels+c))
				}
			}
		}
		return list
	}
	return state(t, map[string][]float32{
		"0.weight": turned(conv.W, 9, 1), "0.bias": conv.B, "4.weight": turned(dense.W, 9, 4), "4.bias": dense.B, "6.weight": output.W.Elements(), "6.bias": output.B,
	}, map[string][]uint64{"0.weight": {4, 1, 3, 3}, "0.bias": {4}, "4.weight": {6, 36}, "4.bias": {6}, "6.weight": {10, 6}, "6.bias": {10}})
}

// TestImportRecurrent: a recurrent layer that names no activation has tanh, as in training
// and in PyTorch.
func TestImportRecurrent(t *testing.T) {
	folder := t.TempDir()
	run, made := filepath.Join(folder, "run"), filepath.Join(folder, "model.safetensors")
	finish(t, exitDone, "train", "--layers", "rnn 5", "--solver", "adam", "--iterations", "2", "--limit", "100", "--quiet", "--run", run)
	m, err := model.Load(run)
	if err != nil {
		t.Fatal(err)
	}
	rnn, output := m.Network.Layers[0], m.Network.Layers[1]
	path := state(t, map[string][]float32{
		"0.weight_ih_l0": rnn.W.ColRange(0, 8).Clone().Elements(), "0.weight_hh_l0": rnn.W.ColRange(8, 13).Clone().Elements(), "0.bias_ih_l0": rnn.B, "0.bias_hh_l0": make([]float32, 5),
		"1.weight": output.W.Elements(), "1.bias": output.B,
	}, map[string][]uint64{"0.weight_ih_l0": {5, 8}, "0.weight_hh_l0": {5, 5}, "0.bias_ih_l0": {5}, "0.bias_hh_l0": {5}, "1.weight": {10, 5}, "1.bias": {10}})
	for activation, want := range map[string]string{"": "tanh", "relu": "relu"} {
		args := []string{"import", path, "--layers", "rnn 5", "--shape", "8x8", "-o", made}
		if activation != "" {
			args = append(args, "--activation", activation)
		}
		finish(t, exitDone, args...)
		got, err := model.Load(made)
		if err != nil {
			t.Fatal(err)
		}
		if h := got.Network.Layers[0].H.Spec().String(); h != want {
			t.Errorf("--activation %q: rnn has %s, want %s", activation, h, want)
		}
	}
}

// TestImport: what is imported predicts, evaluates, exports and is trained further as what
// was trained here, and what is missing or wrong is refused.
func TestImport(t *testing.T) {
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	const layers = "conv 4 3x3, max 2, dense 6"
	finish(t, exitDone, "train", "--layers", layers, "--iterations", "2", "--limit", "300", "--quiet", "--run", in("run"))
	m, err := model.Load(in("run"))
	if err != nil {
		t.Fatal(err)
	}
	state := channelsFirst(t, m.Network)
	made := []string{"import", state, "--layers", layers, "--shape", "8x8x1", "--factor", "0.0625", "-o", in("model.safetensors")}
	finish(t, exitDone, made...)
	finish(t, exitDone, made...) // it may be written again
	var predicted [2]string
	for i, path := range []string{in("run"), in("model.safetensors")} {
		code, out, said := call("predict", path, "digits")
		if code != exitDone {
			t.Fatal(said)
		}
		predicted[i] = out
	}
	if predicted[0] != predicted[1] || strings.Count(predicted[0], "\n") < 100 {
		t.Error("the imported model predicts otherwise")
	}
	finish(t, exitDone, "eval", in("model.safetensors"), "--data", "digits")
	finish(t, exitDone, "inspect", in("model.safetensors"))
	finish(t, exitDone, "export", in("model.safetensors"), "--onnx", in("m.onnx"), "--go", in("m.go"))
	finish(t, exitDone, "train", "--layers", layers, "--iterations", "1", "--limit", "300", "--quiet", "--init-from", state, "--run", in("further"))
	for _, c := range []struct {
		want string
		args []string
	}{
		{`tensor "0.weight": got 4x1x3x3, want 4x1x2x2 of layer 1 (conv 4 2x2, max 2)`, []string{"--layers", "conv 4 2x2, max 2, dense 6", "--shape", "8x8x1"}},
		{"dlam: --features: got \"\", want a value: names of the columns", []string{"--layers", layers, "--shape", "8x8", "--features", ""}},
		{"dlam: --layers: layer 1 (conv 4 9x9): input 8x8x1 is smaller than the kernel", []string{"--layers", "conv 4 9x9", "--shape", "8x8"}},
		{"dlam: --factor: got 0, want finite numbers", []string{"--layers", layers, "--shape", "8x8", "--factor", "0"}},
		{"dlam: --shape: layers other than dense need the shape of a sample", []string{"--layers", layers}},
		{`--layers: layer 1 (lstm 5): unknown kind "lstm"`, []string{"--layers", "lstm 5"}},
		{`--shape: got "8", want rows, columns`, []string{"--layers", layers, "--shape", "8"}},
		{`--activation: unknown activation "gelu"`, []string{"--layers", layers, "--shape", "8x8", "--activation", "gelu"}},
		{`--task: got "both", want classification or regression`, []string{"--task", "both"}},
		{"dlam: --classes: got 2 names, and the network has 10 outputs", []string{"--layers", layers, "--shape", "8x8", "--classes", "a,b"}},
		{"--output: " + state + ": there is such a file, and it was not written by this program", []string{"--layers", layers, "--shape", "8x8", "-o", state}},
	} {
		code, _, said := call(append([]string{"import", state, "-o", in("no")}, c.args...)...)
		if code != exitUsage || !strings.Contains(said, c.want) {
			t.Errorf("%q: exit code %d, %q, want %q", c.args, code, said, c.want)
		}
	}
	if _, err := os.Stat(in("no")); err == nil {
		t.Error("a model was written of what was refused")
	}
}
