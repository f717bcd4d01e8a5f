package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/export"
	"github.com/dlam-go/dlam/internal/variants"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/serve"
	"github.com/dlam-go/dlam/spec"
)

// described is a model with h in its hidden layer, trained with l.
func described(t *testing.T, h activation.Func, l loss.Loss) *model.Model {
	t.Helper()
	n, err := dlam.NewNetwork([]int{2, 3, 2}, h, dlam.He, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Network: n, Loss: l, Transform: dataset.Transform{Inputs: 2, Pool: 1, Scaling: dataset.ScaleNone, Shift: []float32{0}, Factor: []float32{1}}}
	if loss.IsFor(l, loss.Classes) {
		m.Classes = []string{"a", "b"}
	}
	return m
}

// TestOperatorsEverywhere goes over all activations and losses, with the
// parameters they have and with others, and over the maps of layers. It fails where
// one is missing or comes back as another: in model files, flags and config.toml,
// inspect, serve's metadata, ONNX, Go source, NPZ, the reader of NPZ, and the documents.
func TestOperatorsEverywhere(t *testing.T) {
	page, err := os.ReadFile("../../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	reader, err := os.ReadFile("../../export/testdata/predict.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range variants.Of(activation.All) {
		t.Run(h.Spec().String(), func(t *testing.T) {
			m := described(t, h, loss.CrossEntropy{})
			everywhere(t, m, h.Spec())
			if got := throughConfig(t, "--activation", h.Spec(), m.Loss).Network.Layers[0].H; reflect.TypeOf(got) != reflect.TypeOf(h) || !got.Spec().Equal(h.Spec()) {
				t.Errorf("--activation: got %v", got.Spec())
			}
			if onnx, err := export.ONNX(m); err != nil || !bytes.Contains(onnx, []byte(h.Spec().String()+" network")) {
				t.Errorf("ONNX: %v, or not described", err)
			}
			if source, err := export.GoSource(m, "p"); err != nil || !bytes.Contains(source, []byte("activation1 is "+h.Spec().String()+".\n")) {
				t.Errorf("Go source: %v, or not described", err)
			}
			if !bytes.Contains(reader, []byte(`"`+h.Spec().Kind+`": lambda`)) {
				t.Error("export/testdata/predict.py cannot read it from NPZ")
			}
		})
	}
	for _, l := range variants.Of(loss.All) {
		t.Run(l.Spec().String(), func(t *testing.T) {
			m := described(t, activation.ReLU{}, l)
			everywhere(t, m, l.Spec())
			if got := throughConfig(t, "--loss", l.Spec(), l).Problem.Loss; reflect.TypeOf(got) != reflect.TypeOf(l) || !got.Spec().Equal(l.Spec()) {
				t.Errorf("--loss: got %v", got.Spec())
			}
			if onnx, err := export.ONNX(m); err != nil || !bytes.Contains(onnx, []byte("loss "+l.Spec().String()+",")) {
				t.Errorf("ONNX: %v, or not described", err)
			}
			if source, err := export.GoSource(m, "p"); err != nil || !bytes.Contains(source, []byte("loss "+l.Spec().String()+",")) {
				t.Errorf("Go source: %v, or not described", err)
			}
		})
	}
	for _, u := range nn.Maps {
		t.Run(u.Spec().String(), func(t *testing.T) { ofMap(t, u) })
	}
	documented(t, string(page), nn.Maps)
	documented(t, string(page), activation.All)
	documented(t, string(page), loss.All)
}

// ofMap holds that a layer with the map u is kept and shown, and that an export which
// has no form of it says so.
func ofMap(t *testing.T, u nn.Map) {
	m := described(t, activation.Tanh{}, loss.CrossEntropy{})
	if first := &m.Network.Layers[0]; u != nn.Map(nn.Dense{}) {
		if g, ok := u.(nn.GRU); ok { // which has four rows a unit
			first.W.Rows, first.B = 4*g.Units, make([]float32, 4*g.Units)
		}
		first.Map, first.W = u, mat.New(first.W.Rows, u.Columns())
		m.Network.Layers[1].W = mat.New(2, first.Units())
		m.Transform.Inputs = first.Inputs()
	}
	text := u.Spec().String()
	if u != nn.Map(nn.Dense{}) { // people read it as it is asked for
		text = m.Network.Text(0)
	}
	shown(t, m, u.Spec(), text)
	_, onnx := export.ONNX(m)
	_, source := export.GoSource(m, "p")
	for form, err := range map[string]error{"ONNX": onnx, "Go source": source, "NPZ": export.NPZ(io.Discard, m)} {
		if err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("%s: got %v, which does not name the map", form, err)
		}
	}
}

// everywhere holds that s, of an operator of m, is in every form of m that keeps
// Specs.
func everywhere(t *testing.T, m *model.Model, s spec.Spec) {
	t.Helper()
	shown(t, m, s, s.String())
	object, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := export.NPZ(&archive, m); err != nil {
		t.Fatal(err)
	}
	if text := arrayText(t, archive.Bytes(), "layers") + arrayText(t, archive.Bytes(), "loss"); !strings.Contains(text, string(object)) {
		t.Errorf("NPZ: no %s in %q", object, text)
	}
}

// shown holds that s, of an operator of m, is in m's file, in what inspect says of
// it, as a text to people, and in serve's metadata.
func shown(t *testing.T, m *model.Model, s spec.Spec, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), model.FileName)
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	if got, err := model.Load(path); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("model file: got %+v, %v, want %+v", got, err, m)
	}
	object, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if code, out, said := call("inspect", path, "--json"); code != exitDone || !strings.Contains(out, string(object)) {
		t.Errorf("inspect --json: no %s in %s%s", object, out, said)
	}
	if code, _, said := call("inspect", path); code != exitDone || !strings.Contains(said, text) {
		t.Errorf("inspect: no %s in %s", text, said)
	}
	server, err := serve.New(serve.DefaultSettings(), serve.Model{Name: "m", Version: 1, Model: m})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/v2/models/m", nil))
	if !strings.Contains(w.Body.String(), string(object)) {
		t.Errorf("serve: no %s in %s", object, w.Body)
	}
}

// arrayText is an array of texts in an archive, without what numpy pads it by.
func arrayText(t *testing.T, archive []byte, name string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name + ".npy")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(raw), "\x00", "")
}

// throughConfig sets a flag to s, writes config.toml, reads it, and plans what it
// says, with labels that l is for.
func throughConfig(t *testing.T, flag string, s spec.Spec, l loss.Loss) *recipe.Plan {
	t.Helper()
	c, again := new(recipe.Config), new(recipe.Config)
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	addSettings(f, c)
	if err := f.Parse([]string{flag, s.String()}); err != nil {
		t.Fatal(err)
	}
	file, err := c.Text()
	if err != nil {
		t.Fatal(err)
	}
	if notes, err := again.Load(file, nil); err != nil || len(notes) > 0 {
		t.Fatal(notes, err)
	}
	rows := [][]float32{{0, 1}, {1, 0}, {1, 1}, {0, 0}}
	data := recipe.Rows(rows, []string{"a", "b", "a", "b"})
	if !loss.IsFor(l, loss.Classes) {
		data = recipe.Rows(rows, []float64{0.5, 1, 1.5, 2})
	}
	again.Options.TestSplit = new(0.0)
	p, err := recipe.Prepare(data, again.Options)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// documented holds that a page has a row for each operator, with the ranges of
// its parameters.
func documented[T spec.Operator](t *testing.T, page string, all []T) {
	t.Helper()
	for i, usage := range spec.Usage(all) {
		_, rest, ok := strings.Cut(page, "\n| `"+usage+"` |")
		row, _, _ := strings.Cut(rest, "\n")
		if !ok {
			t.Errorf("docs/formats.md has no row of `%s`", usage)
		}
		if p, ok := any(all[i]).(spec.Parametric); ok {
			for _, p := range p.Parameters() {
				if !strings.Contains(row, p.Range()) {
					t.Errorf("docs/formats.md: the row of `%s` does not say %s", usage, p.Range())
				}
			}
		}
	}
}

// A shell is offered the operators.
func TestCompletion(t *testing.T) {
	for _, command := range []string{"train", "compare"} {
		for flag, want := range map[string]string{"--activation": "relu\nleaky-relu\ntanh\n", "--loss": "auto\ncross-entropy\nsquared\n"} {
			if code, out, said := call("__complete", command, flag, ""); code != exitDone || !strings.HasPrefix(out, want) {
				t.Errorf("%s %s: got %q, %s", command, flag, out, said)
			}
		}
	}
}
