package export_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/export"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	tables "github.com/dlam-go/dlam/table"
)

// tableSample is a model of a table with texts, dates or gaps, and raw rows for it, of
// texts as in a file.
type tableSample struct {
	name  string
	model *model.Model
	rows  [][]string // of the model's columns
	want  mat.Dense
}

// tableModel is a model with random weights of a part of the rows of a file, and raw
// rows: others of the file, and some with unknown texts and with gaps.
func tableModel(t *testing.T, name, path, label string) (s tableSample, ok bool) {
	t.Helper()
	split, err := dataset.Open(context.Background(), path, dataset.Options{Label: label})
	if err != nil {
		t.Fatal(err)
	}
	if split.Train.Frame == nil {
		return s, false
	}
	whole := split.Train
	train, err := dataset.Divide(whole, 0.3, 1)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := dataset.FitBins(train.Train, dataset.ScaleStandard, 5)
	if err != nil {
		t.Fatal(err)
	}
	n, err := dlam.NewNetwork([]int{tr.Outputs(), 7, max(len(whole.Classes), whole.Value.Cols)}, activation.Tanh{}, dlam.Paper, rand.New(rand.NewPCG(4, 4)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n.Layers[0].W.Data { // so that outputs differ
		n.Layers[0].W.Data[i] *= 4
	}
	m := &model.Model{Network: n, Loss: loss.CrossEntropy{}, Classes: whole.Classes, Features: train.Train.Features, Transform: tr, Training: model.Training{Dataset: name}}
	if whole.Classes == nil {
		m.Loss = loss.Squared{}
	}
	saved := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(saved); err != nil {
		t.Fatal(err)
	}
	if m, err = model.Load(saved); err != nil { // what is used is what a file holds
		t.Fatal(err)
	}
	s = tableSample{name: name, model: m, rows: rawRows(t, path, m.Features)}
	for k, c := range m.Transform.Columns { // a gap in each column, and texts that no row has
		gap, unknown := slices.Clone(s.rows[k]), slices.Clone(s.rows[k])
		gap[k] = []string{"", "NA", "?"}[k%3]
		if c.Kind == dataset.KindCategory {
			unknown[k] = "nobody has this"
		}
		s.rows = append(s.rows, gap, unknown)
	}
	p, err := model.PredictRecords(m, m.Features, s.rows)
	if err != nil {
		t.Fatal(err)
	}
	s.want = p.Outputs
	// A file of these rows, read as dlam predict reads it, gives the same.
	out := predictionsOf(t, m, path)
	rows := min(200, out.Rows)
	if got := out.RowRange(0, rows).Elements(); !slices.Equal(got, s.want.RowRange(0, rows).Elements()) {
		t.Errorf("%s: predictions of the file differ from those of its rows", name)
	}
	return s, true
}

// predictionsOf are those of a file's rows, read as dlam predict reads it.
func predictionsOf(t *testing.T, m *model.Model, path string) mat.Dense {
	t.Helper()
	file, err := dataset.Open(context.Background(), path, dataset.Options{NoLabel: true, Features: m.Features, Model: &m.Transform})
	if err != nil {
		t.Fatal(err)
	}
	x, err := m.Transform.Apply(file.Train)
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.Network.Predict(x.X, 1)
	if err != nil {
		t.Fatal(err)
	}
	m.Finish(out)
	return out
}

// rawRows are up to 200 rows of a file, as texts, of the columns with some names.
func rawRows(t *testing.T, path string, names []string) (rows [][]string) {
	t.Helper()
	raw, _, err := dataset.ReadTable(context.Background(), path, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for row := range min(raw.Rows, 200) {
		var values []string
		for _, name := range names {
			values = append(values, raw.Columns[raw.Column(name)].Format(row))
		}
		rows = append(rows, values)
	}
	return rows
}

// tableSamples are models of the tables that are here.
func tableSamples(t *testing.T) (all []tableSample) {
	t.Helper()
	add := func(name, path, label string) {
		if s, ok := tableModel(t, name, path, label); ok {
			all = append(all, s)
		}
	}
	add("people", "testdata/people.csv", "grade")
	add("income", "testdata/people.csv", "income")
	dir := filepath.Join(os.Getenv("DLAM_DATA_DIR"), "tables")
	for _, c := range [][2]string{
		{"titanic.csv", "survived"}, {"penguins.csv", "species"}, {"mpg.csv", "mpg"}, {"taxis.csv", "tip"}, {"adult-test.csv.gz", ""}, {"sonar.csv", ""},
		{"ionosphere.csv", ""}, {"horse-colic.csv", "23"}, {"german.csv", ""}, {"winequality-red.csv", ""}, {"glass.csv", ""}, {"phoneme.csv", ""},
		{"oil-spill.csv", ""}, {"breast-cancer.csv", ""}, {"auto-insurance.csv", ""}, {"monthly-car-sales.csv", "Sales"},
	} {
		path := filepath.Join(dir, c[0])
		if _, err := os.Stat(path); err != nil {
			t.Logf("%s is not here", c[0])
			continue
		}
		add(strings.NewReplacer("-", "", ".", "").Replace(c[0]), path, c[1])
	}
	return all
}

// agree holds numbers against what the model itself says.
func (s tableSample) agree(t *testing.T, got []float64) {
	t.Helper()
	sample{name: s.name, model: s.model, want: s.want}.agree(t, got, close32)
}

// TestTablesInONNXRuntime: raw columns of texts and numbers, with gaps and unknown
// texts, give in ONNX Runtime what the model gives.
func TestTablesInONNXRuntime(t *testing.T) {
	script := onnxRuntime(t)
	dir, all := t.TempDir(), tableSamples(t)
	var paths []string
	for _, s := range all {
		path := filepath.Join(dir, s.name)
		onnx, err := export.ONNX(s.model)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := json.Marshal(s.columns())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(path+".onnx", onnx, 0o644), os.WriteFile(path+".json", columns, 0o644)); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	for i, a := range answers[answer](t, "node", append([]string{script}, paths...)...) {
		all[i].agree(t, a.Numbers)
	}
}

// TestTablesInNumpy: what an NPZ file says of the columns is enough to predict.
func TestTablesInNumpy(t *testing.T) {
	interpreter := python(t, "numpy")
	dir, all := t.TempDir(), tableSamples(t)
	var paths []string
	for _, s := range all {
		path := filepath.Join(dir, s.name)
		for k, c := range s.model.Transform.Columns { // as they are called in ONNX
			if c.Name == string(s.model.Meaning()) {
				s.model.Transform.Columns[k].Name += "_"
				s.model.Features[k] += "_"
			}
		}
		var npz bytes.Buffer
		columns, err := json.Marshal(s.columns())
		if err := errors.Join(err, export.NPZ(&npz, s.model), s.model.Save(path+".safetensors"), os.WriteFile(path+".npz", npz.Bytes(), 0o644), os.WriteFile(path+".json", columns, 0o644)); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	for i, a := range answers[answer](t, interpreter, append([]string{"testdata/predict.py"}, paths...)...) {
		all[i].agree(t, a.Numbers)
	}
}

// TestTablesInONNXChecker has the models checked by ONNX's own checker.
func TestTablesInONNXChecker(t *testing.T) {
	interpreter := python(t, "onnx")
	dir, all := t.TempDir(), tableSamples(t)
	var paths []string
	for _, s := range all {
		onnx, err := export.ONNX(s.model)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, filepath.Join(dir, s.name))
		if err := os.WriteFile(filepath.Join(dir, s.name+".onnx"), onnx, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	type report struct{ Input map[string][]any }
	for i, got := range answers[report](t, interpreter, append([]string{"testdata/onnx_check.py"}, paths...)...) {
		if len(got.Input) != len(all[i].model.Features) {
			t.Errorf("%s: inputs %v, want one for each of %q", all[i].name, got.Input, all[i].model.Features)
		}
		for name, shape := range got.Input {
			if fmt.Sprint(shape) != "[N 1]" {
				t.Errorf("%s: input %q of shape %v, want N × 1", all[i].name, name, shape)
			}
		}
	}
}

// columns are the rows as an ONNX model takes them: texts, and numbers with null for
// missing ones.
func (s tableSample) columns() map[string][]any {
	all := map[string][]any{}
	for k, c := range s.model.Transform.Columns {
		name := c.Name
		if name == string(s.model.Meaning()) {
			name += "_"
		}
		for _, row := range s.rows {
			var value any
			switch text := row[k]; {
			case c.Kind == dataset.KindCategory:
				value = dataset.LevelOf(text)
			case tables.IsMissing([]byte(text)):
			case c.Kind == dataset.KindDateTime:
				v, ok := tables.ParseTime([]byte(text))
				if !ok {
					t, err := time.Parse(c.Layout, text)
					if err != nil {
						panic(err)
					}
					v = t.UnixMicro()
				}
				value = float64(v) / 1e6
			default:
				v, err := strconv.ParseFloat(text, 64)
				if truth, fault := strconv.ParseBool(text); err != nil && fault == nil && truth {
					v = 1
				}
				value = v
			}
			all[name] = append(all[name], value)
		}
	}
	return all
}

// goTableMain prints what each model F gives for the rows of the file F.json in the
// folder of its argument.
const goTableMain = `package main

import (
	"encoding/json"
	"os"
	"path/filepath"
%s)

func main() {
%s}

func run(name string, columns []string, predict func(map[string]any) ([]float32, error)) {
	raw, err := os.ReadFile(filepath.Join(os.Args[1], name+".json"))
	if err != nil {
		panic(err)
	}
	var rows [][]string
	if err := json.Unmarshal(raw, &rows); err != nil {
		panic(err)
	}
	var y []float32
	for _, row := range rows {
		values := map[string]any{}
		for j, v := range row {
			values[columns[j]] = v
		}
		out, err := predict(values)
		if err != nil {
			panic(err)
		}
		y = append(y, out...)
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"numbers": y}); err != nil {
		panic(err)
	}
}
`

// TestTablesInGo: the Go source gives for raw rows what the model gives.
func TestTablesInGo(t *testing.T) {
	dir, all := t.TempDir(), tableSamples(t)
	for _, s := range all {
		saved(t, filepath.Join(dir, s.name+".json"), s.rows)
	}
	program := buildTables(t, dir, goTableMain, "Columns[:]", all)
	for i, a := range answers[answer](t, program, dir) {
		all[i].agree(t, a.Numbers)
	}
}

// buildTables puts each model's source into dir, an empty module with nothing to download,
// and is the program of main, a format of the imports and of calls of run, which gets a
// model's name, what is called argument of its package, and Predict.
func buildTables(t *testing.T, dir, main, argument string, all []tableSample) string {
	t.Helper()
	var imports, calls strings.Builder
	for _, s := range all {
		src, err := export.GoSource(s.model, s.name)
		if err != nil {
			t.Fatal(err)
		}
		if tidy, err := format.Source(src); err != nil || !bytes.Equal(src, tidy) {
			t.Errorf("%s: not gofmt-clean: %v", s.name, err)
		}
		if err := errors.Join(os.Mkdir(filepath.Join(dir, s.name), 0o755),
			os.WriteFile(filepath.Join(dir, s.name, "model.go"), src, 0o644)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&imports, "\t\"empty/%s\"\n", s.name)
		fmt.Fprintf(&calls, "\trun(%q, %[1]s.%s, %[1]s.Predict)\n", s.name, argument)
	}
	for name, text := range map[string]string{"go.mod": "module empty\n\ngo 1.21\n", "main.go": fmt.Sprintf(main, imports.String(), calls.String())} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"vet", "./..."}, {"build", "-o", "program", "."}} {
		c := exec.Command("go", args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off", "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", args[0], err, out)
		}
	}
	return filepath.Join(dir, "program")
}

// TestTableKinds: the table of the tests has every kind of column and feature.
func TestTableKinds(t *testing.T) {
	s, _ := tableModel(t, "people", "testdata/people.csv", "grade")
	parts := map[dataset.Part]bool{}
	for _, c := range s.model.Transform.Columns {
		for _, f := range c.Features {
			parts[f.Part] = true
			if math.IsNaN(f.Shift) || math.IsInf(f.Factor, 0) {
				t.Errorf("column %q: %+v", c.Name, f)
			}
		}
	}
	for _, p := range []dataset.Part{
		dataset.PartValue, dataset.PartCurve, dataset.PartBin, dataset.PartLevel, dataset.PartRare, dataset.PartMissing,
		dataset.PartYear, dataset.PartMonth, dataset.PartWeekday, dataset.PartHour, dataset.PartElapsed,
	} {
		if !parts[p] {
			t.Errorf("no feature of part %q", p)
		}
	}
}
