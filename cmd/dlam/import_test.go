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

// channelsFirst is a model's parameters as the state of a PyTorch Sequential has them.
func channelsFirst(t *testing.T, n *nn.Network) string {
	t.Helper()
	views := map[string]safetensors.TensorView{}
	add := func(name string, v []float32, shape ...uint64) {
		var raw []byte
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		view, err := safetensors.NewTensorView(safetensors.F32, shape, raw)
		if err != nil {
			t.Fatal(err)
		}
		views[name] = view
	}
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
	add("0.weight", turned(conv.W, 9, 1), 4, 1, 3, 3)
	add("0.bias", conv.B, 4)
	add("4.weight", turned(dense.W, 9, 4), 6, 36)
	add("4.bias", dense.B, 6)
	add("6.weight", output.W.Elements(), 10, 6)
	add("6.bias", output.B, 10)
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
