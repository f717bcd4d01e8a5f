package serve_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
)

// TestSequences: rows come as steps, and there is an answer for each sequence, which is that
// of the sequence alone.
func TestSequences(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var rows [][]any
	for i := range 30 {
		for k := range 2 + i%3 {
			rows = append(rows, []any{fmt.Sprint("s", i), k, rng.NormFloat64(), []string{"no", "yes"}[i%2]})
		}
	}
	d, err := dataset.FromRecords("walks", []string{"walk", "at", "x", "label"}, rows, dataset.Options{Sequence: "walk", Time: "at"})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := dataset.Fit(d, dataset.ScaleStandard, 1)
	if err != nil {
		t.Fatal(err)
	}
	n, err := dlam.NewNetworkFor(nn.Shape{Height: tr.Steps, Width: tr.Outputs() / tr.Steps, Channels: 1}, []nn.LayerSpec{nn.RNNLayer(5)}, 2, activation.Tanh{}, dlam.He, rng)
	if err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Network: n, Loss: loss.CrossEntropy{}, Classes: d.Classes, Features: d.Features, Transform: tr}
	columns := []string{"walk", "at", "x"}
	var want []float32
	for _, one := range [][][]any{{{"b", 1, 0.5}, {"b", 2, -1.0}, {"b", 9, 0.25}}, {{"a", 4, 1.5}}} {
		p, err := m.PredictRecords(columns, one)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, p.Outputs.Elements()...)
	}
	if p, err := m.PredictRecords(columns, [][]any{{"b", 9, 0.25}, {"a", 4, 1.5}, {"b", 2, -1.0}, {"b", 1, 0.5}}); err != nil {
		t.Error(err)
	} else {
		wantOutputs(t, "records", p.Outputs.Elements(), want)
	}
	s := newServer(t, m, nil)
	for name, body := range map[string]string{
		"columns": `{"inputs": [
			{"name": "walk", "datatype": "BYTES", "shape": [4], "data": ["b", "a", "b", "b"]},
			{"name": "at", "datatype": "INT32", "shape": [4], "data": [9, 4, 2, 1]},
			{"name": "x", "datatype": "FP64", "shape": [4], "data": [0.25, 1.5, -1, 0.5]}], "outputs": [{"name": "probabilities"}]}`,
		"texts": `{"inputs": [{"name": "input", "datatype": "BYTES", "shape": [4, 3], "data": [
			["0.25", "b", "9"], ["1.5", "a", "4"], ["-1", "b", "2"], ["0.5", "b", "1"]]}], "outputs": [{"name": "probabilities"}]}`,
	} {
		w := ask(s, "POST", inferPath, body)
		var a struct {
			Outputs []struct {
				Shape []int
				Data  []float32
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK || len(a.Outputs) != 1 || a.Outputs[0].Shape[0] != 2 {
			t.Fatalf("%s: %d, %s", name, w.Code, w.Body)
		}
		wantOutputs(t, name, a.Outputs[0].Data, want)
	}
	for want, body := range map[string]string{
		"inputs: none for the columns walk, at": `{"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [1]}]}`,
		`sequence \"a\" has the time 4 twice`: `{"inputs": [{"name": "x", "datatype": "FP64", "shape": [2], "data": [1, 2]},
			{"name": "walk", "datatype": "BYTES", "shape": [2], "data": ["a", "a"]}, {"name": "at", "datatype": "INT32", "shape": [2], "data": [4, 4]}]}`,
		`sequence \"a\" has 5 steps, and the model takes 4 at most`: `{"inputs": [{"name": "x", "datatype": "FP64", "shape": [5], "data": [1, 2, 3, 4, 5]},
			{"name": "walk", "datatype": "BYTES", "shape": [5], "data": ["a", "a", "a", "a", "a"]}, {"name": "at", "datatype": "INT32", "shape": [5], "data": [1, 2, 3, 4, 5]}]}`,
	} {
		if w := ask(s, "POST", inferPath, body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d, %s, want %s", w.Code, w.Body, want)
		}
	}
	w := ask(s, "GET", "/v2/models/m", "")
	if want := `"inputs":[{"name":"x","datatype":"FP64","shape":[-1]},{"name":"walk","datatype":"BYTES","shape":[-1]},{"name":"at","datatype":"BYTES","shape":[-1]}]`; !strings.Contains(w.Body.String(), want) {
		t.Errorf("described as %s, want %s", w.Body, want)
	}
}
