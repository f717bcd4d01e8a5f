package serve_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/serve"
)

// tensor is a request with one input of the parts given.
func tensor(datatype, shape, data string) string {
	return `{"inputs": [{"name": "input", "datatype": "` + datatype + `", "shape": ` + shape + `, "data": ` + data + `}]}`
}

func TestMalformed(t *testing.T) {
	s := newServer(t, sample(t, true), func(s *serve.Settings) { s.MaxRows, s.MaxBody = 10, 1000 })
	for body, want := range map[string]string{
		"": "unexpected end", "junk": "invalid character", "[]": "cannot unmarshal array", "null": "inputs: got 0", `{"inputs": 3}`: "cannot unmarshal",
		`{"inputs": []}`: "inputs: got 0, want one", tensor("FP32", "[1,3]", "[1,2,3]") + "x": "invalid character",
		`{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1,3], "data": [1,2,3]}]}`: `input "x": there is one input, "input"`,
		`{"inputs": [{}, {}]}`: "inputs: got 2",

		tensor("FP16", "[1,3]", "[1,2,3]"): "datatype: got \"FP16\", want one of", tensor("", "[1,3]", "[1,2,3]"): "datatype",
		tensor("BYTES", "[1,3]", `["1","2","3"]`): `element 0: got "1", want a number`,
		tensor("INT8", "[1,3]", "[1,2,128]"):      "elements from 1 to 128, INT8 goes from -128 to 127", tensor("UINT8", "[1,3]", "[1,2,-1]"): "UINT8 goes from 0",
		tensor("INT64", "[1,3]", "[1,2.0,3]"): "element 1 is not written as an integer",

		tensor("FP32", "[3]", "[1,2,3]"): `shape: got \[3\], want \[rows, 3\]`, tensor("FP32", "[1,4]", "[1,2,3,4]"): "shape", tensor("FP32", "[0,3]", "[]"): "shape",
		tensor("FP32", "[-1,3]", "[1,2,3]"): "shape", tensor("FP32", "[1,1,3]", "[1,2,3]"): "shape", tensor("FP32", "[1.5,3]", "[1,2,3]"): "cannot unmarshal number 1.5",
		tensor("FP32", "[99999999999999999999,3]", "[1,2,3]"): "cannot unmarshal number",

		tensor("FP32", "[1,3]", "[1,2]"): "data: 2 elements, shape", tensor("FP32", "[2,3]", "[1,2,3]"): "data: 3 elements", tensor("FP32", "[1,3]", "null"): "data: want a list",
		tensor("FP32", "[1,3]", `"1,2,3"`): "data: want a list", tensor("FP32", "[1,3]", `{"a":1}`): "data: want a list", tensor("FP32", "[1,3]", "7"): "data: want a list",
		tensor("FP32", "[1,3]", "[1,null,3]"): "element 1: got null, want a number", tensor("FP32", "[1,3]", "[1,true,3]"): "got true", tensor("FP32", "[1,3]", `[1,{"a":[2]},3]`): "element 1",
		tensor("FP32", "[1,3]", "[1,1e39,3]"): "element 1: got 1e39, beyond float32", tensor("FP32", "[1,3]", "[NaN,1,2]"): "invalid character 'N'",
		tensor("FP32", "[2,3]", "[[1,2],[3,4],[5,6]]"): "6 elements in rows of 2", tensor("FP32", "[2,3]", "[[1,2,3],[4,5]]"): "a row of 2 elements after rows of 3",
		tensor("FP32", "[1,3]", "[[[1,2,3]]]"): "data: want", tensor("FP32", "[1,3]", "[1,[2,3]]"): "data: want", tensor("FP32", "[1,3]", "[[1,2],3]"): "data: want", tensor("FP32", "[1,3]", "[]"): "0 elements",
		tensor("FP32", "[1,3]", "[3e38,-3e38,3e38]"): "output for row 0 is not finite",

		`{"inputs": [{"name": "input", "datatype": "FP32", "shape": [1,3], "data": [1,2,3]}], "outputs": [{"name": "y"}]}`: `output "y"`,
	} {
		wantError(t, body, ask(s, "POST", inferPath, body, "Content-Type", "application/json"), http.StatusBadRequest, want)
	}
}

func TestOversized(t *testing.T) {
	s := newServer(t, sample(t, true), func(s *serve.Settings) { s.MaxRows, s.MaxBody = 10, 1000 })
	wantError(t, "many rows", ask(s, "POST", inferPath, tensor("FP32", "[11,3]", "[1,2,3]")), http.StatusRequestEntityTooLarge, "11 rows, at most 10")
	wantError(t, "very many rows", ask(s, "POST", inferPath, tensor("FP32", "[9223372036854775807,3]", "[1,2,3]")), http.StatusRequestEntityTooLarge, "at most 10")
	wantError(t, "long body", ask(s, "POST", inferPath, strings.Repeat(" ", 1001)), http.StatusRequestEntityTooLarge, "more than 1000 bytes")
	wantError(t, "long id", ask(s, "POST", inferPath, `{"id": "`+strings.Repeat("x", 2000)), http.StatusRequestEntityTooLarge, "more than 1000 bytes")
	if w := ask(s, "POST", inferPath, tensor("FP32", "[10,3]", "["+strings.Repeat("1,", 29)+"1]")); w.Code != http.StatusOK {
		t.Errorf("as many rows as are allowed: got %d, %s", w.Code, w.Body)
	}
}

// TestGuards holds that other sites' pages cannot ask, and that methods and
// paths are those of the protocol.
func TestGuards(t *testing.T) {
	s := newServer(t, sample(t, true), nil)
	good := tensor("FP32", "[1,3]", "[1,2,3]")
	const post, get = "POST", "GET"
	for _, c := range []struct {
		method, path string
		header       []string
		code         int
		text         string
	}{
		{post, inferPath, []string{"Content-Type", "text/plain"}, 415, `content type: got "text/plain"`},
		{post, inferPath, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "content type"},
		{post, inferPath, []string{"Content-Type", "multipart/form-data; boundary=x"}, 415, "content type"},
		{post, inferPath, []string{"Content-Type", ";;"}, 415, "content type"},
		{post, inferPath, []string{"Content-Encoding", "gzip"}, 415, "content encoding"},
		{post, inferPath, []string{"Inference-Header-Content-Length", "100"}, 415, "binary"},
		{post, inferPath, []string{"Origin", "https://other.example", "Content-Type", "application/json"}, 403, "cross-origin"},
		{post, inferPath, []string{"Origin", "http://localhost:9999"}, 403, "cross-origin"},
		{post, inferPath, []string{"Origin", "null"}, 403, "cross-origin"},
		{post, inferPath, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross-origin"},
		{post, inferPath, []string{"Sec-Fetch-Site", "same-site"}, 403, "cross-origin"},
		{post, inferPath, []string{"Host", "rebound.example:8080"}, 421, "rebound.example"},
		{get, "/v2", []string{"Host", "rebound.example:8080"}, 421, "rebound.example"},
		{get, "/metrics", []string{"Host", "rebound.example"}, 421, "rebound.example"},
		{get, inferPath, nil, 405, "only POST"},
		{"PUT", inferPath, nil, 405, "only POST"},
		{post, "/v2/health/live", nil, 405, "only GET"},
		{"DELETE", "/v2/models/m", nil, 405, "only GET"},
		{post, "/v2/models/other/infer", nil, 404, `no model "other" here, only "m"`},
		{get, "/v2/models/other", nil, 404, "no model"},
		{get, "/v2/models/other/ready", nil, 404, "no model"},
		{get, "/v2/models/m/versions/1", nil, 404, "nothing is served"},
		{get, "/", nil, 404, "nothing is served"},
		{get, "/v2/models", nil, 404, "nothing is served"},
	} {
		wantError(t, c.method+c.path, ask(s, c.method, c.path, good, c.header...), c.code, c.text)
	}
	for _, header := range [][]string{
		nil, {"Content-Type", "application/json"}, {"Content-Type", "application/json; charset=utf-8"}, {"Content-Type", "application/octet-stream"},
		{"Origin", "http://localhost:8080", "Content-Type", "application/json"}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"},
		{"Host", "127.0.0.1:8080"}, {"Host", "[::1]:8080"},
	} {
		if w := ask(s, post, inferPath, good, header...); w.Code != http.StatusOK {
			t.Errorf("%v: got %d, %s", header, w.Code, w.Body)
		}
	}
	public := newServer(t, sample(t, true), func(s *serve.Settings) { s.AnyHost = true })
	if w := ask(public, post, inferPath, good, "Host", "models.example"); w.Code != http.StatusOK {
		t.Errorf("any host: got %d, %s", w.Code, w.Body)
	}
	wantError(t, "any host", ask(public, post, inferPath, good, "Host", "models.example", "Origin", "https://other.example"), 403, "cross-origin")
}

// FuzzInfer holds that any body gets an answer of the protocol.
func FuzzInfer(f *testing.F) {
	s := newServer(f, sample(f, true), nil)
	for _, body := range []string{"", "{", tensor("FP32", "[1,3]", "[1,2,3]"), tensor("UINT8", "[2,3]", "[[1,2,3],[4,5,6]]"), tensor("INT8", "[1,3]", "[[],[1e5,[]]]")} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := ask(s, "POST", inferPath, body)
		var a map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("got %q: %v", w.Body, err)
		}
		if _, failed := a["error"]; failed != (w.Code != http.StatusOK) || w.Code >= 500 {
			t.Errorf("got %d, %s", w.Code, w.Body)
		}
	})
}
