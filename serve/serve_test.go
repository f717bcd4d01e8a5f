package serve_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample is a model of three features and two outputs: classes, or values.
func sample(t testing.TB, classes bool) *model.Model {
	t.Helper()
	n, err := dlam.NewNetwork([]int{3, 8, 2}, activation.LeakyReLU{Slope: 0.5}, dlam.Paper, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Network: n, Loss: loss.Huber{Delta: 0.5}, Features: []string{"a", "b", "c"},
		Transform: dataset.Transform{Inputs: 3, Pool: 1, Shift: []float32{0.5}, Factor: []float32{2}}}
	if classes {
		m.Loss, m.Classes = loss.CrossEntropy{}, []string{"no", "yes"}
	} else {
		m.Transform.TargetShift, m.Transform.TargetFactor = []float32{5, 6}, dataset.Factors{0.25}
	}
	return m
}

func newServer(t testing.TB, m *model.Model, change func(*serve.Settings)) *serve.Server {
	t.Helper()
	set := serve.DefaultSettings()
	set.Version = "v1.2.3"
	if change != nil {
		change(&set)
	}
	s, err := serve.New(set, serve.Model{Name: "m", Version: 1, Model: m})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask gives the answer to a request from this machine; header is pairs.
func ask(h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "localhost:8080"
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const inferPath = "/v2/models/m/infer"

// wantError holds that the answer is an error of the protocol.
func wantError(t *testing.T, name string, w *httptest.ResponseRecorder, code int, text string) {
	t.Helper()
	var e map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || len(e) != 1 {
		t.Errorf("%s: got %q, want an object with error alone", name, w.Body)
	}
	if w.Code != code || !regexp.MustCompile(text).MatchString(e["error"]) {
		t.Errorf("%s: got %d, %q; want %d, %q", name, w.Code, e["error"], code, text)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("%s: content type %q", name, got)
	}
}

// TestDescribes holds the answers about server and model against the protocol.
func TestDescribes(t *testing.T) {
	classes, values := newServer(t, sample(t, true), nil), newServer(t, sample(t, false), nil)
	input := `{"name": "input", "datatype": "FP32", "shape": [-1, 3], "features": ["a", "b", "c"]}`
	layers := `"layers": [
		{"map": {"kind": "dense"}, "inputs": 3, "outputs": 8, "activation": {"kind": "leaky-relu", "slope": 0.5}},
		{"map": {"kind": "dense"}, "inputs": 8, "outputs": 2, "activation": {"kind": "identity"}}]`
	for _, c := range []struct {
		s          http.Handler
		path, want string
	}{
		{classes, "/v2", `{"name": "dlam", "version": "v1.2.3", "extensions": ["binary_tensor_data"]}`},
		{classes, "/v2/", `{"name": "dlam", "version": "v1.2.3", "extensions": ["binary_tensor_data"]}`},
		{classes, "/v2/health/live", `{"live": true}`},
		{classes, "/v2/health/ready", `{"ready": true}`},
		{classes, "/v2/models/m/ready", `{"name": "m", "ready": true}`},
		{classes, "/v2/models/m", `{"name": "m", "versions": ["1"], "platform": "dlam_safetensors", "inputs": [` + input + `], "outputs": [
			{"name": "probabilities", "datatype": "FP32", "shape": [-1, 2], "classes": ["no", "yes"]},
			{"name": "class", "datatype": "BYTES", "shape": [-1]}], ` + layers + `, "loss": {"kind": "cross-entropy"}}`},
		{values, "/v2/models/m", `{"name": "m", "versions": ["1"], "platform": "dlam_safetensors", "inputs": [` + input + `], "outputs": [
			{"name": "values", "datatype": "FP32", "shape": [-1, 2]}], ` + layers + `, "loss": {"kind": "huber", "delta": 0.5}}`},
	} {
		w := ask(c.s, "GET", c.path, "")
		var got, want any
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK || !cmp.Equal(got, want) {
			t.Errorf("%s: got %d, %s; %v", c.path, w.Code, w.Body, cmp.Diff(want, got))
		}
	}
	if w := ask(classes, "GET", "/healthz", ""); w.Code != http.StatusOK || w.Body.String() != "ok\n" {
		t.Errorf("/healthz: got %d, %q", w.Code, w.Body)
	}
}

// answer is an inference response, read strictly.
type answer struct {
	Model   string `json:"model_name"`
	Version string `json:"model_version"`
	ID      string `json:"id"`
	Outputs []struct {
		Name     string `json:"name"`
		Datatype string `json:"datatype"`
		Shape    []int  `json:"shape"`
		Data     []any  `json:"data"`
	} `json:"outputs"`
}

func infer(t *testing.T, h http.Handler, body string) answer {
	t.Helper()
	w := ask(h, "POST", inferPath, body, "Content-Type", "application/json")
	var a answer
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%.200s: got %d, %s, %v", body, w.Code, w.Body, err)
	}
	return a
}

// TestInfer holds that each way to write a batch gives the model's predictions.
func TestInfer(t *testing.T) {
	m := sample(t, true)
	s := newServer(t, m, nil)
	want, err := m.Predictor().Predict(mat.FromSlice(2, 3, []float32{1, 2, 3, 40, 5, 6}))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"FP16", "FP32", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"} {
		for _, data := range []string{"[1,2,3,40,5,6]", "[[1,2,3],[40,5,6]]", "[ [1, 2 ,3],\n\t[40,5,6 ]\r]"} {
			a := infer(t, s, fmt.Sprintf(`{"id": "q", "parameters": {"p": 1}, "inputs": [{"data": %s, "name": "input", "shape": [2, 3], "datatype": %q, "parameters": {}}]}`, data, kind))
			if a.Model != "m" || a.ID != "q" || len(a.Outputs) != 2 {
				t.Fatalf("got %+v", a)
			}
			p, c := a.Outputs[0], a.Outputs[1]
			if p.Name != "probabilities" || p.Datatype != "FP32" || !cmp.Equal(p.Shape, []int{2, 2}) || c.Name != "class" || c.Datatype != "BYTES" || !cmp.Equal(c.Shape, []int{2}) {
				t.Errorf("got %+v", a)
			}
			for i := range 2 {
				for j := range 2 {
					if got := p.Data[2*i+j]; float32(got.(float64)) != want.At(i, j) {
						t.Errorf("%s %s: probability %d,%d: got %v, want %v", kind, data, i, j, got, want.At(i, j))
					}
				}
				likeliest := m.Classes[0]
				if want.At(i, 1) > want.At(i, 0) {
					likeliest = m.Classes[1]
				}
				if c.Data[i] != likeliest {
					t.Errorf("class of %d: got %v, want %s", i, c.Data[i], likeliest)
				}
			}
		}
	}
	a := infer(t, s, `{"inputs": [{"name": "input", "shape": [1, 3], "datatype": "FP32", "data": [1e-3, -2.5E+1, 3]}], "outputs": [{"name": "class"}]}`)
	if len(a.Outputs) != 1 || a.Outputs[0].Name != "class" || a.ID != "" {
		t.Errorf("asked for the class alone: got %+v", a)
	}
}

// TestInferValues holds that a regression's values are in the data's units.
func TestInferValues(t *testing.T) {
	m := sample(t, false)
	a := infer(t, newServer(t, m, nil), `{"inputs": [{"name": "input", "shape": [1, 3], "datatype": "FP32", "data": [[1, 2, 3]]}]}`)
	want, err := m.Predictor().Predict(mat.FromSlice(1, 3, []float32{1, 2, 3}))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Outputs) != 1 || a.Outputs[0].Name != "values" {
		t.Fatalf("got %+v", a)
	}
	for j, v := range a.Outputs[0].Data {
		if float32(v.(float64)) != want.At(0, j) {
			t.Errorf("value %d: got %v, want %v", j, v, want.At(0, j))
		}
	}
}

// TestConcurrent asks many things at once.
func TestConcurrent(t *testing.T) {
	m := sample(t, true)
	s := newServer(t, m, nil)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			x := mat.FromSlice(1, 3, []float32{float32(g), 2, 3})
			want, err := m.Predictor().Predict(x)
			if err != nil {
				t.Error(err)
				return
			}
			for range 50 {
				w := ask(s, "POST", inferPath, fmt.Sprintf(`{"inputs": [{"name": "input", "shape": [1, 3], "datatype": "FP32", "data": [%d, 2, 3]}]}`, g))
				var a answer
				if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || len(a.Outputs) != 2 || float32(a.Outputs[0].Data[0].(float64)) != want.At(0, 0) {
					t.Errorf("got %s, want %v", w.Body, want.Row(0))
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestMetrics holds that what was asked is counted.
func TestMetrics(t *testing.T) {
	s := newServer(t, sample(t, true), nil)
	one := `{"inputs": [{"name": "input", "shape": [2, 3], "datatype": "FP32", "data": [1, 2, 3, 4, 5, 6]}]}`
	for range 3 {
		ask(s, "POST", inferPath, one)
	}
	ask(s, "POST", inferPath, "junk")
	ask(s, "GET", "/nothing", "")
	w := ask(s, "GET", "/metrics", "")
	b, err := io.ReadAll(w.Body)
	if err != nil || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("got %v, %v", w.Header(), err)
	}
	for _, line := range []string{
		`dlam_requests_total{code="200",endpoint="infer"} 3`, `dlam_requests_total{code="400",endpoint="infer"} 1`,
		`dlam_requests_total{code="404",endpoint="none"} 1`, `dlam_predicted_rows_total 6`, `dlam_requests_in_flight 0`,
		`dlam_request_duration_seconds_count{endpoint="infer"} 4`, `dlam_request_duration_seconds_bucket{endpoint="infer",le="+Inf"} 4`,
	} {
		if !strings.Contains(string(b), line+"\n") {
			t.Errorf("no line %q in\n%s", line, b)
		}
	}
}

func TestSettings(t *testing.T) {
	if err := serve.DefaultSettings().Validate(); err != nil {
		t.Error(err)
	}
	good := serve.Model{Name: "m", Version: 1, Model: sample(t, true)}
	_, err := serve.New(serve.Settings{}, good)
	for _, text := range []string{"max body", "max rows", "max answer", "max requests", "max memory", "max connections", "min rate", "grace", "header timeout", "read timeout", "write timeout", "idle timeout", "shutdown timeout"} {
		if err == nil || !strings.Contains(err.Error(), text+": got") {
			t.Errorf("settings of nothing: %v; want to hear of %s", err, text)
		}
	}
	for want, models := range map[string][]serve.Model{
		"models: got none":               nil,
		`name: got "a b"`:                {{Name: "a b", Version: 1, Model: good.Model}},
		`name: got ".."`:                 {{Name: "..", Version: 1, Model: good.Model}},
		"model m: version: got 0":        {{Name: "m", Model: good.Model}},
		"model m: version 1 comes twice": {good, {Name: "n", Version: 1, Model: good.Model}, good},
	} {
		if _, err := serve.New(serve.DefaultSettings(), models...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestVersions holds that requests get the version that they name, and the
// highest if they name none.
func TestVersions(t *testing.T) {
	old, latest := sample(t, true), sample(t, false)
	s, err := serve.New(serve.DefaultSettings(), serve.Model{Name: "m", Version: 10, Model: latest}, serve.Model{Name: "m", Version: 2, Model: old})
	if err != nil {
		t.Fatal(err)
	}
	body := tensor("FP32", "[1,3]", "[1,2,3]")
	for path, want := range map[string]string{
		"/v2/models/m/infer":             `"model_version":"10","outputs":\[{"name":"values"`,
		"/v2/models/m/versions/10/infer": `"model_version":"10","outputs":\[{"name":"values"`,
		"/v2/models/m/versions/2/infer":  `"model_version":"2","outputs":\[{"name":"probabilities"`,
	} {
		if w := ask(s, "POST", path, body); w.Code != http.StatusOK || !regexp.MustCompile(want).MatchString(w.Body.String()) {
			t.Errorf("%s: got %d, %s; want %s", path, w.Code, w.Body, want)
		}
	}
	if w := ask(s, "GET", "/v2/models/m/versions/2", ""); !strings.Contains(w.Body.String(), `"versions":["2","10"]`) || !strings.Contains(w.Body.String(), "probabilities") {
		t.Errorf("version 2: got %s", w.Body)
	}
	for _, path := range []string{"/v2/models/m/versions/1", "/v2/models/m/versions/02/ready", "/v2/models/m/versions/x"} {
		wantError(t, path, ask(s, "GET", path, ""), http.StatusNotFound, "has no version .*, only 2, 10")
	}
	wantError(t, "other", ask(s, "POST", "/v2/models/other/versions/1/infer", body), http.StatusNotFound, `no model "other" here, only m`)
}
