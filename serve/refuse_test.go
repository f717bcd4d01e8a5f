package serve_test

import (
	"encoding/json"
	"net/http"
	"strconv"
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
	with := func(member string) string { // a request with one more member, or another
		return `{"inputs": [{"name": "input", "datatype": "FP32", "shape": [1,3], "data": [1,2,3]}], ` + member + `}`
	}
	for body, want := range map[string]string{
		"": "request: got the end of the request, want an object", "junk": "request: got the character 'j'", "[]": "request: got a list, want an object",
		"null": "request: got null", "{}": "inputs: got 0, want one", `{"inputs": 3}`: "inputs: got a number, want a list", `{"inputs": [3]}`: "input: got a number, want an object",
		`{"inputs": []}`: "inputs: got 0, want one", tensor("FP32", "[1,3]", "[1,2,3]") + "x": "request: the character 'x' after its end",
		`{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1,3], "data": [1,2,3]}]}`: `input "x": there is one input, "input"`,
		`{"inputs": [{}, {}]}`: "inputs: got 2", `{"inputs": [{}]`: "request: got the end of the request, want a comma",
		`{"inputs": [{}],}`: "request: a comma before }", `{inputs: []}`: "want the name of a member", `{"inputs" []}`: "want a colon",

		with(`"id": 42`): "id: got a number, want a string", with(`"id": null`): "id: got null, want a string", with(`"id": ["a"]`): "id: got a list, want a string",
		with("\"id\": \"a\nb\""): "control character", with(`"id": "\x"`): "an escape that JSON does not have", with(`"id": "\ud800"`): "half a surrogate pair",
		with("\"id\": \"\xff\""): "not UTF-8", with(`"id": "a`): "without an end",
		with(`"inputs": [{"name": "input"}]`): `request: "inputs" comes twice`, with(`"INPUTS": []`): `unknown member "INPUTS", want id, parameters, inputs or outputs`,
		`{"inputs": [{"name": "input", "DATA": [1]}]}`: `input: unknown member "DATA"`, `{"inputs": [{"name": "input", "name": "input"}]}`: `input: "name" comes twice`,
		with(`"outputs": [{"name": "class"}, {"name": "class"}]`): `outputs: "class" comes twice`, with(`"outputs": [{"name": "y"}]`): `output "y": the model has none`,
		with(`"outputs": [{"name": 1}]`): "output: name: got a number", with(`"outputs": [{"names": 1}]`): "output: unknown member",
		with(`"outputs": [` + strings.Repeat(`{"name":""},`, 20) + `{}]`): `outputs: "" comes twice`, with(`"outputs": {}`): "outputs: got an object, want a list",
		with(`"parameters": {"a": [1]}`): "parameters: a: got a list", with(`"parameters": {"a": 1, "a": 2}`): `parameters: "a" comes twice`,
		with(`"parameters": {"a": 01}`): "parameters: a: got 01", with(`"parameters": null`): "parameters: got null, want an object",

		tensor("FP8", "[1,3]", "[1,2,3]"): "datatype: got \"FP8\", want one of", tensor("", "[1,3]", "[1,2,3]"): "datatype",
		tensor("fp32", "[1,3]", "[1,2,3]"): "datatype: got \"fp32\"", tensor("BYTES", "[1,3]", "[1,2,3]"): "datatype: got BYTES, and all columns of this model are numbers",
		tensor("BYTES", "[1,3]", `["1","2","3"]`): `element 0: got a string, want a number`, `{"inputs": [{"name": "input", "datatype": 3}]}`: "datatype: got a number, want a string",
		tensor("INT8", "[1,3]", "[1,2,128]"): "elements from 0 to 128, INT8 goes from -128 to 127", tensor("INT8", "[1,3]", "[1,2,-129]"): "elements from -129 to 2",
		tensor("UINT8", "[1,3]", "[1,2,-1]"): "UINT8 goes from 0", tensor("INT64", "[1,3]", "[1,2.0,3]"): "element 1 is not written as an integer",
		tensor("INT32", "[1,3]", "[1,2,2147483648]"): "INT32 goes from -2147483648 to 2147483647", tensor("UINT32", "[1,3]", "[1,2,4294967296]"): "UINT32 goes from 0 to 4294967295",
		tensor("INT64", "[1,3]", "[1,2,9223372036854775808]"):  "to 9223372036854775808, INT64 goes from -9223372036854775808 to 9223372036854775807",
		tensor("INT64", "[1,3]", "[-9223372036854775809,2,3]"): "INT64 goes from", tensor("UINT64", "[1,3]", "[1,18446744073709551616,3]"): "element 1 is beyond 64 bits",
		tensor("UINT64", "[1,3]", "[1,1000000000000000000000,3]"): "element 1 is beyond 64 bits", tensor("INT8", "[1,3]", "[true,1,2]"): "element 0: got true, want a number of INT8",
		tensor("BOOL", "[1,3]", "[0,1,2]"): "element 2: got 2, want true, false, 0 or 1", tensor("FP32", "[1,3]", "[1,false,3]"): "element 1: got false, want a number",
		tensor("FP16", "[1,3]", "[1,2,65505]"): "element 2: got 65505, FP16 goes from -65504 to 65504",

		tensor("FP32", "[3]", "[1,2,3]"): `shape: got \[3\], want \[rows, 3\]`, tensor("FP32", "[1,4]", "[1,2,3,4]"): "shape", tensor("FP32", "[0,3]", "[]"): "shape",
		tensor("FP32", "[-1,3]", "[1,2,3]"): "shape", tensor("FP32", "[1,1,3]", "[1,2,3]"): "shape", tensor("FP32", "[1.0,3]", "[1,2,3]"): "shape: got 1.0, want an integer",
		tensor("FP32", "[1e0,3]", "[1,2,3]"): "shape: got 1e0, want an integer", tensor("FP32", "[99999999999999999999,3]", "[1,2,3]"): "shape: got 99999999999999999999, want an integer of 64 bits",
		tensor("FP32", "[9223372036854775808,3]", "[1,2,3]"): "want an integer of 64 bits", tensor("FP32", "[1,1,1,1,1,1,1,1,1]", "[1]"): "shape: more than 8 elements", tensor("FP32", `["1",3]`, "[1,2,3]"): "shape: got a string, want an integer",

		tensor("FP32", "[1,3]", "[1,2]"): "data: 2 elements, shape", tensor("FP32", "[2,3]", "[1,2,3]"): "data: 3 elements", tensor("FP32", "[1,3]", "null"): "data: got null, want a list",
		`{"inputs": [{"name": "input", "datatype": "FP32", "shape": [1,3]}]}`: "data: missing",
		tensor("FP32", "[1,3]", `"1,2,3"`):                                    "data: got a string, want a list", tensor("FP32", "[1,3]", `{"a":1}`): "data: got an object", tensor("FP32", "[1,3]", "7"): "data: got a number",
		tensor("FP32", "[1,3]", "[1,null,3]"): "element 1: got null, want a number", tensor("FP32", "[1,3]", `[1,{"a":[2]},3]`): "element 1: got an object", tensor("FP32", "[1,3]", "[1,+2,3]"): "element 1: got the character",
		tensor("FP32", "[1,3]", "[1,1e39,3]"): "element 1: got 1e39, beyond float32", tensor("FP32", "[1,3]", "[NaN,1,2]"): "element 0: got the character 'N'", tensor("FP32", "[1,3]", "[01,1,2]"): "element 0: got 01, want a number",
		tensor("FP32", "[1,3]", "[1.,1,2]"): "element 0: got 1., want a digit", tensor("FP32", "[1,3]", "[1e,1,2]"): "element 0: got 1e, want a digit", tensor("FP32", "[1,3]", "[-,1,2]"): "element 0: got -, want", tensor("FP32", "[1,3]", "[1x,1,2]"): "got 1x, want a number",
		tensor("FP32", "[1,3]", "[1,,2]"): "a comma without an element before it", tensor("FP32", "[1,3]", "[1,2,3,]"): "a comma without an element after it", tensor("FP32", "[1,3]", "[,1,2,3]"): "comma without", tensor("FP32", "[1,3]", "[1 2 3]"): "no comma after element 0",
		tensor("FP32", "[1,3]", "[[1,2,3],]"): "a comma without an element after it", tensor("FP32", "[2,3]", "[[1,2,3][1,2,3]]"): "data: want",
		tensor("FP32", "[2,3]", "[[1,2],[3,4],[5,6]]"): "6 elements in rows of 2", tensor("FP32", "[2,3]", "[[1,2,3],[4,5]]"): "a row of 2 elements after rows of 3",
		tensor("FP32", "[1,3]", "[[[1,2,3]]]"): "data: want", tensor("FP32", "[1,3]", "[1,[2,3]]"): "data: want", tensor("FP32", "[1,3]", "[[1,2],3]"): "data: want", tensor("FP32", "[1,3]", "[]"): "0 elements",
		tensor("FP32", "[2,3]", "[1,2,3,4,5,3e38]"): `sample 2, column "c": got about .*leave the sample or the column out`,
	} {
		wantError(t, body, ask(s, "POST", inferPath, body, "Content-Type", "application/json"), http.StatusBadRequest, want)
	}
}

// TestDatatypes holds that the ends of each datatype's range are taken.
func TestDatatypes(t *testing.T) {
	m := sample(t, true)
	m.Transform.Factor[0] = 1e-3 // so that no end is too far for the network
	s := newServer(t, m, nil)
	for kind, data := range map[string]string{
		"BOOL": "[true,false,1]", "UINT8": "[0,255,-0]", "INT8": "[-128,127,0]", "UINT16": "[0,65535,1]", "INT16": "[-32768,32767,0]", "UINT32": "[0,4294967295,0]",
		"INT32": "[-2147483648,2147483647,0]", "INT64": "[-9223372036854775808,9223372036854775807,0]", "UINT64": "[0,18446744073709551615,1]", "FP16": "[0.5,65504,-65504]", "FP64": "[1e-400,1e10,-0.0]",
	} {
		if w := ask(s, "POST", inferPath, tensor(kind, "[1,3]", data)); w.Code != http.StatusOK {
			t.Errorf("%s %s: got %d, %s", kind, data, w.Code, w.Body)
		}
	}
	bools, ints := ask(s, "POST", inferPath, tensor("BOOL", "[1,3]", "[true,false,1]")).Body.String(), ask(s, "POST", inferPath, tensor("INT8", "[1,3]", "[1,0,1]")).Body.String()
	if bools != ints {
		t.Errorf("truth values give %s, 1 and 0 %s", bools, ints)
	}
}

// TestErrorsAreShort holds that an error repeats little of what was sent.
func TestErrorsAreShort(t *testing.T) {
	s := newServer(t, sample(t, true), nil)
	long := strings.Repeat("x", 1<<18)
	for _, c := range [][]string{
		{"POST", inferPath, `{"` + long + `": 1}`}, {"POST", inferPath, `{"` + long + `": 1, "` + long + `": 2}`}, {"POST", inferPath, `{"parameters": {"` + long + `": null}}`},
		{"POST", inferPath, tensor(long, "[1,3]", "[1,2,3]")}, {"POST", inferPath, tensor("FP32", "["+strings.Repeat("1,", 1<<18)+"1]", "[1,2,3]")},
		{"POST", inferPath, tensor("FP32", "[1,3]", "["+strings.Repeat("1", 1<<18)+"]")}, {"POST", inferPath, tensor("FP32", "[1,3]", "[1,-"+long+"]")},
		{"POST", inferPath, `{"inputs": [{"name": "` + long + `", "datatype": "FP32", "shape": [1, 3], "data": []}]}`},
		{"POST", inferPath, tensor("FP32", "[1,3]", `[1,2,3]}], "outputs": [{"name": "`+long+`"`)}, {"POST", inferPath, "{}", "Content-Type", long}, {"POST", inferPath, "{}", "Content-Encoding", long},
		{"GET", "/" + long[:9000], ""}, {"GET", "/v2/models/" + long[:9000], ""}, {"GET", "/v2/models/m/versions/" + long[:9000], ""}, {long[:9000], "/v2", ""}, {"GET", "/v2", "", "Host", long[:9000]}, {"POST", inferPath, "", "Origin", "https://" + long[:9000]},
	} {
		const most = 560 // of ours, with at most 200 of theirs
		w := ask(s, c[0], c[1], c[2], c[3:]...)
		if n := w.Body.Len(); w.Code < 400 || n > most || strings.Contains(w.Body.String(), long[:201]) {
			t.Errorf("%s %.40s %.40s: got %d and %d bytes, want at most %d", c[0], c[1], c[2], w.Code, n, most)
		}
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
		{post, inferPath, []string{"Inference-Header-Content-Length", "100000"}, 400, "Inference-Header-Content-Length: got \"100000\", want a number of bytes"},
		{post, inferPath, []string{"Inference-Header-Content-Length", "-1"}, 400, "want a number of bytes"},
		{post, inferPath, []string{"Inference-Header-Content-Length", "3"}, 400, "a string without an end"},
		{post, inferPath, []string{"Origin", "https://other.example", "Content-Type", "application/json"}, 403, "cross-origin"},
		{post, inferPath, []string{"Origin", "http://localhost:9999"}, 403, "cross-origin"},
		{post, inferPath, []string{"Origin", "null"}, 403, "cross-origin"},
		{post, inferPath, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross-origin"},
		{post, inferPath, []string{"Sec-Fetch-Site", "same-site"}, 403, "cross-origin"},
		{post, inferPath, []string{"Host", "rebound.example:8080"}, 421, "rebound.example.*--any-host"},
		{get, "/v2", []string{"Host", "rebound.example:8080"}, 421, "rebound.example"},
		{get, "/metrics", []string{"Host", "rebound.example"}, 421, "rebound.example"},
		{get, inferPath, nil, 405, "only POST"},
		{"PUT", inferPath, nil, 405, "only POST"},
		{post, "/v2/health/live", nil, 405, "only GET"},
		{"DELETE", "/v2/models/m", nil, 405, "only GET"},
		{post, "/v2/models/other/infer", nil, 404, `no model "other" here, only m`},
		{get, "/v2/models/other", nil, 404, "no model"},
		{get, "/v2/models/other/ready", nil, 404, "no model"},
		{get, "/v2/models/m/versions/2", nil, 404, "has no version"},
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

// jsonLength is the header with the bytes of JSON before binary tensors.
const jsonLength = "Inference-Header-Content-Length"

// FuzzInfer holds that any body, with a tensor in binary or none, gets an answer of the
// protocol, and the same one again.
func FuzzInfer(f *testing.F) {
	s := newServer(f, sample(f, true), nil)
	for _, body := range []string{"", "{", tensor("FP32", "[1,3]", "[1,2,3]"), tensor("UINT8", "[2,3]", "[[1,2,3],[4,5,6]]"), tensor("INT8", "[1,3]", "[[],[1e5,[]]]")} {
		f.Add(body, "", false)
	}
	for _, more := range []string{"", `,"outputs":[{"name":"class","parameters":{"binary_data":true}}]`, `,"parameters":{"binary_data_output":true}`} {
		f.Add(`{"inputs":[{"name":"input","datatype":"FP32","shape":[1,3],"parameters":{"binary_data_size":12}}]`+more+`}`, "\x00\x00\x80\x3f\x00\x00\x80\x3f\x00\x00\x80\x3f", true)
	}
	f.Fuzz(func(t *testing.T, body, tensor string, said bool) {
		length := ""
		if said {
			length = strconv.Itoa(len(body))
		} else {
			body, tensor = body+tensor, ""
		}
		w := ask(s, "POST", inferPath, body+tensor, jsonLength, length)
		if again := ask(s, "POST", inferPath, body+tensor, jsonLength, length); again.Code != w.Code || again.Body.String() != w.Body.String() {
			t.Fatalf("got %q, and asked again %q", w.Body, again.Body)
		}
		text := w.Body.Bytes()
		if n, err := strconv.Atoi(w.Header().Get(jsonLength)); err == nil {
			text = text[:n]
		}
		var a map[string]any
		if err := json.Unmarshal(text, &a); err != nil {
			t.Fatalf("got %q: %v", w.Body, err)
		}
		if _, failed := a["error"]; failed != (w.Code != http.StatusOK) || w.Code >= 500 || w.Body.Len() > 1000 {
			t.Errorf("got %d, %s", w.Code, w.Body)
		}
		if w.Code == http.StatusOK && !json.Valid([]byte(body)) {
			t.Errorf("%q is no JSON, and was taken", body)
		}
	})
}
