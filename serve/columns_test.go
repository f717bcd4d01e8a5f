package serve_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/serve/oip"
)

// people is a model of a table with a number, a text, a truth value and a date.
func people(t testing.TB) *model.Model {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	var rows [][]any
	for i := range 60 {
		rows = append(rows, []any{rng.NormFloat64() * 20, []string{"Köln", "Rome", ""}[i%3], i%4 == 0, fmt.Sprintf("20%02d-%02d-01", i%30, 1+i%12), []string{"no", "yes"}[i%2]})
	}
	rows[7][0] = nil
	d, err := dataset.FromRecords("people", []string{"age", "city", "member", "born", "label"}, rows, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := dataset.Fit(d, dataset.ScaleStandard, 1)
	if err != nil {
		t.Fatal(err)
	}
	n, err := dlam.NewNetwork([]int{tr.Outputs(), 8, 2}, activation.Tanh{}, dlam.He, rng)
	if err != nil {
		t.Fatal(err)
	}
	return &model.Model{Network: n, Loss: loss.CrossEntropy{}, Classes: d.Classes, Features: d.Features, Transform: tr}
}

// peopleRows are raw rows: an unknown text, gaps, and a number that float32 rounds.
var peopleRows = [][]any{
	{31.123456789, "Köln", true, "2011-03-05"}, {nil, "Atlantis", false, ""}, {-4.5, "", nil, "2022-12-31"},
}

// wantPeople is what the model itself says of peopleRows.
func wantPeople(t *testing.T, m *model.Model) []float32 {
	t.Helper()
	p, err := m.PredictRecords([]string{"age", "city", "member", "born"}, peopleRows)
	if err != nil {
		t.Fatal(err)
	}
	return p.Outputs.Elements()
}

func wantOutputs(t *testing.T, name string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d outputs, want %d", name, len(got), len(want))
	}
	for i, v := range got {
		if math.Abs(float64(v-want[i])) > 1e-6 {
			t.Errorf("%s: output %d: got %v, want %v", name, i, v, want[i])
		}
	}
}

// TestColumns: raw rows come as an input for each column, or as texts in one.
func TestColumns(t *testing.T) {
	m := people(t)
	s, want := newServer(t, m, nil), wantPeople(t, m)
	columns := `{"inputs": [
		{"name": "city", "datatype": "BYTES", "shape": [3], "data": ["Köln", "Atlantis", ""]},
		{"name": "age", "datatype": "FP64", "shape": [3, 1], "data": [[31.123456789], [null], [-4.5]]},
		{"name": "born", "shape": [3], "datatype": "BYTES", "data": ["2011-03-05", null, "2022-12-31"]},
		{"name": "member", "shape": [3], "datatype": "BOOL", "data": [true, 0, null]}], "outputs": [{"name": "probabilities"}]}`
	texts := `{"inputs": [{"name": "input", "datatype": "BYTES", "shape": [3, 4], "data": [
		["31.123456789", "Köln", "True", "2011-03-05"], ["NA", "Atlantis", "false", "?"], ["-4.5", "", "", "2022-12-31"]]}], "outputs": [{"name": "probabilities"}]}`
	for name, body := range map[string]string{"columns": columns, "texts": texts} {
		w := ask(s, "POST", inferPath, body)
		var a struct{ Outputs []struct{ Data []float32 } }
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK || len(a.Outputs) != 1 {
			t.Fatalf("%s: %d, %s", name, w.Code, w.Body)
		}
		wantOutputs(t, name, a.Outputs[0].Data, want)
	}
	w := ask(s, "GET", "/v2/models/m", "")
	if want := `"inputs":[{"name":"age","datatype":"FP64","shape":[-1]},{"name":"city","datatype":"BYTES","shape":[-1]},{"name":"member","datatype":"BOOL","shape":[-1]},{"name":"born","datatype":"BYTES","shape":[-1]}]`; !strings.Contains(w.Body.String(), want) {
		t.Errorf("described as %s, want %s", w.Body, want)
	}
}

// TestColumnsInBinary: texts come in binary with their lengths, missing numbers as NaN.
func TestColumnsInBinary(t *testing.T) {
	m := people(t)
	s, want := newServer(t, m, nil), wantPeople(t, m)
	text := func(all ...string) (b []byte) {
		for _, s := range all {
			b = append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
		}
		return b
	}
	var age []byte
	for _, v := range []float64{31.123456789, math.NaN(), -4.5} {
		age = binary.LittleEndian.AppendUint64(age, math.Float64bits(v))
	}
	city, born := text("Köln", "Atlantis", ""), text("2011-03-05", "", "2022-12-31")
	head := fmt.Sprintf(`{"inputs": [
		{"name": "age", "datatype": "FP64", "shape": [3], "parameters": {"binary_data_size": %d}},
		{"name": "city", "datatype": "BYTES", "shape": [3], "parameters": {"binary_data_size": %d}},
		{"name": "member", "datatype": "BOOL", "shape": [3], "data": [true, false, null]},
		{"name": "born", "datatype": "BYTES", "shape": [3], "parameters": {"binary_data_size": %d}}], "outputs": [{"name": "probabilities"}]}`, len(age), len(city), len(born))
	w := ask(s, "POST", inferPath, head+string(age)+string(city)+string(born), "Inference-Header-Content-Length", fmt.Sprint(len(head)))
	var a struct{ Outputs []struct{ Data []float32 } }
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d, %s", w.Code, w.Body)
	}
	wantOutputs(t, "binary", a.Outputs[0].Data, want)
	for name, c := range map[string]struct{ body, want string }{
		"too short":       {head + string(age) + string(city) + string(born[:len(born)-1]), `binary_data_size is \d+, and \d+ bytes are left`},
		"a length beyond": {strings.Replace(head+string(age)+string(city)+string(born), "\x05\x00\x00\x00K", "\xff\xff\xff\xffK", 1), `element 0 is cut short`},
		"too long":        {head + string(age) + string(city) + string(born) + "x", `1 bytes more`},
	} {
		wantError(t, name, ask(s, "POST", inferPath, c.body, "Inference-Header-Content-Length", fmt.Sprint(len(head))), http.StatusBadRequest, c.want)
	}
}

// TestColumnsRefused: what is wrong with a column is told with its name.
func TestColumnsRefused(t *testing.T) {
	s := newServer(t, people(t), nil)
	input := func(name, kind, data string) string {
		return fmt.Sprintf(`{"name": %q, "datatype": %q, "shape": [1], "data": [%s]}`, name, kind, data)
	}
	age, city, member, born := input("age", "FP64", "1"), input("city", "BYTES", `"Rome"`), input("member", "BOOL", "true"), input("born", "BYTES", `"2020-01-01"`)
	for name, c := range map[string]struct{ inputs, want string }{
		"columns missing":   {age + "," + born, `inputs: none for the columns city, member`},
		"none":              {"", `inputs: got 0, want one for each column`},
		"unknown":           {input("height", "FP64", "1"), `input "height": the model has no column of this name, but age, city`},
		"twice":             {age + "," + age, `input "age" comes twice`},
		"a text in numbers": {input("age", "BYTES", `"old"`) + "," + city + "," + member + "," + born, `column "age": got "old", want a number`},
		"no date":           {age + "," + city + "," + member + "," + input("born", "BYTES", `"yesterday"`), `column "born": got "yesterday", want a date`},
		"a text in FP64":    {input("age", "FP64", `"1"`) + "," + city + "," + member + "," + born, `input "age": data: element 0: got 1, which is none of FP64`},
		"no truth":          {age + "," + city + "," + input("member", "BOOL", "2") + "," + born, `input "member": data: element 0: got 2, which is none of BOOL`},
		"too many":          {age + "," + city + "," + member + "," + input("born", "BYTES", `"2020-01-01", "2020-01-02"`), `input "born": data: 2 elements, shape \[1\] has 1`},
		"rows that differ":  {age + "," + strings.Replace(city, "[1]", "[2]", 1), `input "city": 2 rows after inputs of 1`},
		"a shape":           {strings.Replace(age, "[1]", "[1, 2]", 1), `input "age": shape: got \[1 2\], want \[rows\] or \[rows, 1\]`},
		"an object":         {input("age", "FP64", "{}"), `data: element 0: got an object, want a text, a number, true, false or null`},
		"mixed":             {input("age", "FP64", "1, [2]"), `data: want a list of elements, or a list of rows`},
	} {
		wantError(t, name, ask(s, "POST", inferPath, `{"inputs": [`+c.inputs+`]}`), http.StatusBadRequest, c.want)
	}
}

// TestColumnsOverGRPC: raw rows come over gRPC too, by their types or in binary.
func TestColumnsOverGRPC(t *testing.T) {
	m := people(t)
	want := wantPeople(t, m)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, end := runningServer(t, l, newServer(t, m, nil))
	conn := dialGRPC(t, address)
	c := oip.NewGRPCInferenceServiceClient(conn)
	tensor := func(name, kind string, contents *oip.InferTensorContents) *oip.ModelInferRequest_InferInputTensor {
		return &oip.ModelInferRequest_InferInputTensor{Name: name, Datatype: kind, Shape: []int64{3}, Contents: contents}
	}
	texts := func(all ...string) (list [][]byte) {
		for _, s := range all {
			list = append(list, []byte(s))
		}
		return list
	}
	q := &oip.ModelInferRequest{ModelName: "m", Inputs: []*oip.ModelInferRequest_InferInputTensor{
		tensor("age", "FP64", &oip.InferTensorContents{Fp64Contents: []float64{31.123456789, math.NaN(), -4.5}}),
		tensor("city", "BYTES", &oip.InferTensorContents{BytesContents: texts("Köln", "Atlantis", "")}),
		tensor("member", "BYTES", &oip.InferTensorContents{BytesContents: texts("true", "False", "NA")}),
		tensor("born", "BYTES", &oip.InferTensorContents{BytesContents: texts("2011-03-05", "?", "2022-12-31")}),
	}}
	a, err := c.ModelInfer(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	wantOutputs(t, "gRPC", a.GetOutputs()[0].GetContents().GetFp32Contents(), want)
	q.Inputs[0].Contents.Fp64Contents = []float64{1, 2}
	if _, err := c.ModelInfer(t.Context(), q); err == nil || !strings.Contains(err.Error(), `input "age": data: 2 elements, shape [3] has 3`) {
		t.Errorf("an element too few: %v", err)
	}
	q.Inputs = q.Inputs[1:]
	if _, err := c.ModelInfer(t.Context(), q); err == nil || !strings.Contains(err.Error(), "inputs: none for the columns age") {
		t.Errorf("a column too few: %v", err)
	}
	if err := errors.Join(conn.Close(), end()); err != nil {
		t.Error(err)
	}
}

// TestSharedTables: published tables, raw rows of them and rows with gaps and unknown
// texts, give over the network what the model gives.
func TestSharedTables(t *testing.T) {
	for file, label := range map[string]string{
		"titanic.csv": "survived", "penguins.csv": "species", "mpg.csv": "mpg", "taxis.csv": "tip", "german.csv": "", "horse-colic.csv": "23",
		"breast-cancer.csv": "", "monthly-car-sales.csv": "Sales", "adult-test.csv.gz": "",
	} {
		path := filepath.Join(os.Getenv("DLAM_DATA_DIR"), "tables", file)
		if _, err := os.Stat(path); err != nil {
			t.Skipf("%s is not here", path)
		}
		split, err := dataset.Open(t.Context(), path, dataset.Options{Label: label})
		if err != nil {
			t.Fatal(err)
		}
		d := split.Train
		tr, err := dataset.Fit(d, dataset.ScaleStandard, 1)
		if err != nil {
			t.Fatal(err)
		}
		n, err := dlam.NewNetwork([]int{tr.Outputs(), 5, max(len(d.Classes), d.Value.Cols)}, activation.Tanh{}, dlam.He, rand.New(rand.NewPCG(1, 1)))
		if err != nil {
			t.Fatal(err)
		}
		m := &model.Model{Network: n, Loss: loss.CrossEntropy{}, Classes: d.Classes, Features: d.Features, Transform: tr}
		if d.Classes == nil {
			m.Loss = loss.Squared{}
		}
		raw, _, err := dataset.ReadTable(t.Context(), path, dataset.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var rows [][]string
		for i := range 60 {
			row := make([]string, len(m.Features))
			for k, name := range m.Features {
				row[k] = raw.Columns[raw.Column(name)].Format(i)
				switch {
				case i%len(row) == k && i%2 == 0:
					row[k] = ""
				case i%len(row) == k && tr.Columns[k].Kind == dataset.KindCategory:
					row[k] = "nobody has this"
				}
			}
			rows = append(rows, row)
		}
		p, err := model.PredictRecords(m, m.Features, rows)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		w := ask(newServer(t, m, nil), "POST", inferPath, fmt.Sprintf(`{"inputs": [{"name": "input", "datatype": "BYTES", "shape": [%d, %d], "data": %s}]}`, len(rows), len(m.Features), data))
		var a struct{ Outputs []struct{ Data []any } }
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d, %s", file, w.Code, w.Body)
		}
		want := p.Outputs.Elements()
		for i, v := range a.Outputs[0].Data {
			if got := v.(float64); math.Abs(got-float64(want[i])) > 1e-5*max(1, math.Abs(float64(want[i]))) {
				t.Errorf("%s: output %d: got %v, want %v", file, i, got, want[i])
			}
		}
	}
}
