package export_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/export"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
)

// walk is a sequence of the tests: for each step a number and a text, either of which may be
// missing.
type walk struct {
	name  string
	x     []string
	place []string
}

const most = 5 // steps of a walk

// walks are random ones.
func walks(rng *rand.Rand, count int, places []string) (all []walk) {
	for i := range count {
		w := walk{name: fmt.Sprint("w", i)}
		for range 1 + (i+4)%most {
			w.x = append(w.x, []string{"", strconv.FormatFloat(rng.NormFloat64(), 'g', 5, 64)}[min(1, rng.IntN(6))])
			w.place = append(w.place, places[rng.IntN(len(places))])
		}
		all = append(all, w)
	}
	return all
}

// file writes the walks' rows, the last step of each first, and is its path.
func file(t *testing.T, all []walk) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("walk,at,x,place,kind,value\n")
	for back := range most {
		for i, w := range all {
			if k := len(w.x) - 1 - back; k >= 0 {
				fmt.Fprintf(&b, "%s,%d,%s,%s,%d,%g\n", w.name, 3*k+i, w.x[k], w.place[k], i%3, float64(i*i%7)/2)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "walks.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// sequenceSamples are models of sequences, and walks, one after another as the model's
// outputs are.
func sequenceSamples(t *testing.T) (all []tableSample, of [][]walk) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 5))
	for i, c := range []struct{ layers, label string }{
		{"rnn 5", "kind"}, {"rnn 4 all, rnn 3 relu, dense 4", "kind"}, {"rnn 4 all, dense 3", "value"}, {"rnn 3 all sigmoid, rnn 3 all", "kind"},
		{"gru 5", "kind"}, {"gru 4 all, gru 3 all, dense 3", "value"}, {"rnn 3 all, gru 4", "kind"},
	} {
		other := map[string]string{"kind": "value", "value": "kind"}[c.label]
		o := dataset.Options{Sequence: "walk", Time: "at", Label: c.label, Drop: []string{other}}
		if c.label == "value" {
			o.Task = dataset.Regression
		}
		split, err := dataset.Open(context.Background(), file(t, walks(rng, 60, []string{"Rome", "Oslo", "Paris", ""})), o)
		if err != nil {
			t.Fatal(err)
		}
		d := split.Train
		tr, err := dataset.Fit(d, dataset.ScaleStandard, 1)
		if err != nil {
			t.Fatal(err)
		}
		layers, err := nn.ParseLayers(c.layers)
		if err != nil {
			t.Fatal(err)
		}
		in := nn.Shape{Height: tr.Steps, Width: tr.Outputs() / tr.Steps, Channels: 1}
		n, err := nn.NewNetworkFor(in, layers, max(len(d.Classes), d.Value.Cols), activation.Tanh{}, nn.He, rng)
		if err != nil {
			t.Fatal(err)
		}
		m := &model.Model{Network: n, Loss: loss.CrossEntropy{}, Classes: d.Classes, Features: d.Features, Transform: tr, Training: model.Training{Dataset: "walks"}}
		if d.Classes == nil {
			m.Loss = loss.Squared{}
		}
		tried := walks(rng, 25, []string{"Rome", "Oslo", "Kyiv", ""})
		out := predictionsOf(t, m, file(t, tried))
		all, of = append(all, tableSample{name: fmt.Sprint("walks", i), model: m, want: out}), append(of, tried)
	}
	return all, of
}

// number is a text of a file as ONNX and NPZ take it, null where there is nothing.
func number(t *testing.T, text string) any {
	t.Helper()
	if text == "" {
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// saved writes a value as JSON.
func saved(t *testing.T, path string, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err := errors.Join(err, os.WriteFile(path, data, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// TestSequencesInONNXRuntime: a batch of sequences of different lengths, with whatever behind
// their last steps, gives what the model gives.
func TestSequencesInONNXRuntime(t *testing.T) {
	script := onnxRuntime(t)
	dir := t.TempDir()
	all, of := sequenceSamples(t)
	var paths []string
	for i, s := range all {
		columns := map[string][]any{}
		for _, w := range of[i] {
			for k := range most {
				x, place := any(nil), "Rome" // behind the last step
				if k < len(w.x) {
					x, place = number(t, w.x[k]), w.place[k]
				}
				columns["x"], columns["place"] = append(columns["x"], x), append(columns["place"], place)
			}
			columns["steps"] = append(columns["steps"], len(w.x))
		}
		path := filepath.Join(dir, s.name)
		onnx, err := export.ONNX(s.model)
		if err := errors.Join(err, os.WriteFile(path+".onnx", onnx, 0o644)); err != nil {
			t.Fatal(err)
		}
		saved(t, path+".json", columns)
		paths = append(paths, path)
	}
	for i, a := range answers[answer](t, "node", append([]string{script}, paths...)...) {
		all[i].agree(t, a.Numbers)
	}
}

// TestSequencesInONNXChecker has the models checked by ONNX's own checker.
func TestSequencesInONNXChecker(t *testing.T) {
	interpreter := python(t, "onnx")
	dir := t.TempDir()
	all, _ := sequenceSamples(t)
	others := []string{"steps_", "sequences", "steps_0", "Reshape_0"} // what inputs and other things in the graph are called
	var paths []string
	for i, s := range all {
		columns := s.model.Transform.Columns
		columns[i%2].Name, columns[1-i%2].Name = "steps", others[i%len(others)]
		onnx, err := export.ONNX(s.model)
		if err := errors.Join(err, os.WriteFile(filepath.Join(dir, s.name+".onnx"), onnx, 0o644)); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, filepath.Join(dir, s.name))
	}
	for i, got := range answers[struct{ Input map[string][]any }](t, interpreter, append([]string{"testdata/onnx_check.py"}, paths...)...) {
		other := others[i%len(others)]
		want := map[string]string{"steps": "[N]", "steps_": "[N 5]", other: "[N 5]"}
		if other == "steps_" {
			want["steps__"] = "[N 5]"
		}
		for name, shape := range want {
			if fmt.Sprint(got.Input[name]) != shape || len(got.Input) != len(want) {
				t.Errorf("%s: inputs %v, want %v", all[i].name, got.Input, want)
			}
		}
	}
}

// TestSequencesInNumpy: what an NPZ file says is enough to predict for the rows of sequences.
func TestSequencesInNumpy(t *testing.T) {
	interpreter := python(t, "numpy")
	dir := t.TempDir()
	all, of := sequenceSamples(t)
	var paths []string
	for i, s := range all {
		rows := map[string][]any{}
		for back := range most { // rows as in a file
			for n, w := range of[i] {
				if k := len(w.x) - 1 - back; k >= 0 {
					for name, v := range map[string]any{"walk": w.name, "at": 3*k + n, "x": number(t, w.x[k]), "place": w.place[k]} {
						rows[name] = append(rows[name], v)
					}
				}
			}
		}
		path := filepath.Join(dir, s.name)
		var npz bytes.Buffer
		if err := errors.Join(export.NPZ(&npz, s.model), s.model.Save(path+".safetensors"), os.WriteFile(path+".npz", npz.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
		saved(t, path+".json", rows)
		paths = append(paths, path)
	}
	for i, a := range answers[answer](t, interpreter, append([]string{"testdata/predict.py"}, paths...)...) {
		all[i].agree(t, a.Numbers)
	}
}

// goSequenceMain prints what each model F gives for the sequences of the file F.json in the
// folder of its argument, and holds that a sequence that is too long is an error.
const goSequenceMain = `package main

import (
	"encoding/json"
	"os"
	"path/filepath"
%s)

func main() {
%s}

func run(name string, steps int, predict func([]map[string]any) ([]float32, error)) {
	raw, err := os.ReadFile(filepath.Join(os.Args[1], name+".json"))
	if err != nil {
		panic(err)
	}
	var all [][]map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		panic(err)
	}
	var y []float32
	for _, rows := range all {
		out, err := predict(rows)
		if err != nil {
			panic(err)
		}
		y = append(y, out...)
	}
	for _, n := range []int{0, steps + 1} {
		if _, err := predict(make([]map[string]any, n)); err == nil {
			panic("a sequence of no or too many rows was taken")
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"numbers": y}); err != nil {
		panic(err)
	}
}
`

// TestSequencesInGo: the Go source gives for the rows of a sequence what the model gives.
func TestSequencesInGo(t *testing.T) {
	dir := t.TempDir()
	all, of := sequenceSamples(t)
	for i, s := range all {
		var list [][]map[string]any
		for _, w := range of[i] {
			var rows []map[string]any
			for k := range w.x {
				rows = append(rows, map[string]any{"x": w.x[k], "place": w.place[k]})
			}
			list = append(list, rows)
		}
		saved(t, filepath.Join(dir, s.name+".json"), list)
	}
	program := buildTables(t, dir, goSequenceMain, "Steps", all)
	for i, a := range answers[answer](t, program, dir) {
		all[i].agree(t, a.Numbers)
	}
}
