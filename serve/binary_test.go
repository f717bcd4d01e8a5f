package serve

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// encode writes values in the binary form of a datatype, by encoding/binary.
func encode(t *testing.T, kind string, values []float64) []byte {
	t.Helper()
	var b []byte
	for _, v := range values {
		var e any
		switch kind {
		case "BOOL":
			e = v == 1
		case "UINT8":
			e = uint8(v)
		case "UINT16":
			e = uint16(v)
		case "UINT32":
			e = uint32(v)
		case "UINT64":
			e = uint64(v)
		case "INT8":
			e = int8(v)
		case "INT16":
			e = int16(v)
		case "INT32":
			e = int32(v)
		case "INT64":
			e = int64(v)
		case "FP16":
			e = map[float64]uint16{0: 0, 1: 0x3c00, -2: 0xc000, 65504: 0x7bff, math.Ldexp(1, -24): 1, 0.5: 0x3800}[v]
		case "FP32":
			e = float32(v)
		case "FP64":
			e = v
		}
		var err error
		if b, err = binary.Append(b, binary.LittleEndian, e); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func postBinary(s *Server, head string, tensor []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://localhost/v2/models/m/infer", strings.NewReader(head+string(tensor)))
	r.Header.Set("Content-Type", "application/octet-stream")
	r.Header.Set(headLength, strconv.Itoa(len(head)))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// TestBinary holds that binary tensors of each datatype are answered as the same
// numbers in JSON are, in binary too.
func TestBinary(t *testing.T) {
	s := wide(t, 3, nil)
	for kind, values := range map[string][]float64{
		"BOOL": {0, 1}, "UINT8": {0, 255}, "UINT16": {1, 65535}, "UINT32": {1, 1<<32 - 1}, "UINT64": {1, 1 << 63}, "INT8": {-128, 127}, "INT16": {-32768, 2},
		"INT32": {-1 << 31, 3}, "INT64": {-1 << 63, 5}, "FP16": {0, 1, -2, 65504, math.Ldexp(1, -24), 0.5}, "FP32": {0.1, -1e15}, "FP64": {0.1, 1e15, 1e-320},
	} {
		raw := encode(t, kind, values)
		listed, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		if kind[0] != 'F' {
			parts := make([]string, len(values))
			for i, v := range values {
				parts[i] = strconv.FormatFloat(v, 'f', 0, 64)
			}
			listed = []byte("[" + strings.Join(parts, ",") + "]")
		}
		ask := fmt.Sprintf(`"name":"input","datatype":%q,"shape":[%d,1]`, kind, len(values))
		want := post(s, `{"id":"q","inputs":[{`+ask+`,"data":`+string(listed)+`}]}`)
		head := `{"id":"q","inputs":[{` + ask + `,"parameters":{"binary_data_size":` + strconv.Itoa(len(raw)) + `}}]`
		got := postBinary(s, head+"}", raw)
		if got.Code != http.StatusOK || got.Body.String() != want.Body.String() {
			t.Errorf("%s: got %d, %s, want %s", kind, got.Code, got.Body, want.Body)
		}
		var listing struct {
			Outputs []struct{ Data []any }
		}
		if err := json.Unmarshal(want.Body.Bytes(), &listing); err != nil {
			t.Fatal(err)
		}
		var all []byte
		for i, o := range listing.Outputs {
			for _, v := range o.Data {
				if i == 0 {
					all = binary.LittleEndian.AppendUint32(all, math.Float32bits(float32(v.(float64))))
				} else {
					all = append(binary.LittleEndian.AppendUint32(all, uint32(len(v.(string)))), v.(string)...)
				}
			}
		}
		got = postBinary(s, head+`,"parameters":{"binary_data_output":true}}`, raw)
		n, err := strconv.Atoi(got.Header().Get(headLength))
		if err != nil || got.Header().Get("Content-Type") != "application/octet-stream" || got.Body.String()[n:] != string(all) {
			t.Errorf("%s: got %v, %q, want %q", kind, got.Header(), got.Body.String(), all)
		}
		var about struct {
			Outputs []struct {
				Name       string
				Parameters struct {
					Size int `json:"binary_data_size"`
				}
			}
		}
		if err := json.Unmarshal(got.Body.Bytes()[:n], &about); err != nil || len(about.Outputs) != 2 || about.Outputs[0].Parameters.Size != 12*len(values) || about.Outputs[0].Parameters.Size+about.Outputs[1].Parameters.Size != len(all) {
			t.Errorf("%s: got %s, %v", kind, got.Body.Bytes()[:n], err)
		}
	}
	head := `{"inputs":[{"name":"input","datatype":"FP32","shape":[1,1],"parameters":{"binary_data_size":4}}],"outputs":[{"name":"probabilities","parameters":{"binary_data":true}},{"name":"class"}]}`
	got := postBinary(s, head, []byte{0, 0, 128, 63})
	if n, _ := strconv.Atoi(got.Header().Get(headLength)); n == 0 || got.Body.Len() != n+12 || !strings.Contains(got.Body.String()[:n], `"name":"class","datatype":"BYTES","shape":[1],"data":["class`) {
		t.Errorf("one in binary: got %q", got.Body)
	}
}

// TestBinaryRefused holds that binary tensors of a wrong size or value are named.
func TestBinaryRefused(t *testing.T) {
	s := wide(t, 3, nil)
	input := func(kind, more string) string {
		return `{"inputs":[{"name":"input","datatype":"` + kind + `","shape":[1,1]` + more + `}]}`
	}
	sized := func(n string) string { return `,"parameters":{"binary_data_size":` + n + `}` }
	for _, c := range []struct {
		head   string
		tensor []byte
		want   string
	}{
		{input("FP32", ""), []byte{0, 0, 0, 0}, "4 bytes of binary data, and no parameter binary_data_size"},
		{input("FP32", sized("4")), []byte{0, 0, 0}, "binary_data_size is 4 and 3 bytes came, shape [1 1] of FP32 has 4"},
		{input("FP32", sized("3")), []byte{0, 0, 0}, "has 4"}, {input("INT8", sized("9223372036854775807")), []byte{0}, "has 1"},
		{input("FP32", sized("-4")), nil, "want an integer"}, {input("FP32", sized("4.0")), nil, "want an integer"}, {input("FP32", sized("true")), nil, "want an integer"},
		{input("FP32", sized("4")+`,"data":[1]`), []byte{0, 0, 0, 0}, "want one of them"},
		{input("FP32", sized("4")), []byte{0, 0, 128, 127}, "element 0: not a finite number"}, {input("FP32", sized("4")), []byte{1, 0, 128, 127}, "not a finite"},
		{input("FP64", sized("8")), []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x47}, "not a finite number of float32"}, {input("FP16", sized("2")), []byte{0, 0x7c}, "not a finite"},
		{input("BOOL", sized("1")), []byte{2}, "got the byte 2, want 0 or 1"}, {input("BYTES", sized("5")), []byte{1, 0, 0, 0, 'x'}, "all columns of this model are numbers"},
		{`{"inputs":[{"name":"input"}],"parameters":{"binary_data_output":1}}`, nil, "binary_data_output: want true or false"},
		{`{"inputs":[{"name":"input"}],"outputs":[{"name":"class","parameters":{"binary_data":"x"}}]}`, nil, "binary_data: want true or false"},
		{`{"inputs":[{"name":"input"}],"outputs":[{"name":"probabilities","parameters":{"classification":2}}]}`, nil, "classification is not offered"},
	} {
		w := postBinary(s, c.head, c.tensor)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %q: got %d, %s, want %q", c.head, c.tensor, w.Code, w.Body, c.want)
		}
	}
}

// TestMemoryUsedAgain holds that requests of all sizes at once, some of whose clients go,
// get what they get alone: the memory of one becomes that of another.
func TestMemoryUsedAgain(t *testing.T) {
	for name, delay := range map[string]time.Duration{"alone": 0, "in batches": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			s := wide(t, 3, func(s *Settings) { s.BatchDelay = delay })
			type question struct{ head, tensor, want string }
			var all []question
			for i, rows := range []int{1, 3, 64, 65, 700, 4096, 2, 40, 4000} {
				raw := make([]byte, 4*rows)
				for j := range rows {
					binary.LittleEndian.PutUint32(raw[4*j:], math.Float32bits(float32(i+j)))
				}
				input := `{"inputs":[{"name":"input","datatype":"FP32","shape":[` + strconv.Itoa(rows) + `,1],`
				q := question{head: input + `"parameters":{"binary_data_size":` + strconv.Itoa(len(raw)) + `}}]}`, tensor: string(raw)}
				if i%2 == 0 {
					q = question{head: input + `"data":[` + strings.Repeat(strconv.Itoa(i)+",", rows-1) + "7" + `]}]}` + strings.Repeat(" ", i*40_000)}
				}
				q.want = postBinary(s, q.head, []byte(q.tensor)).Body.String()
				all = append(all, q)
			}
			var wg sync.WaitGroup
			for g := range 8 {
				wg.Go(func() {
					for i := range 3 * len(all) {
						q := all[(i*(g+1)+g)%len(all)]
						if i%5 == g%5 {
							ctx, cancel := context.WithCancel(t.Context())
							time.AfterFunc(time.Duration(100*g)*time.Microsecond, cancel)
							r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/v2/models/m/infer", strings.NewReader(q.head+q.tensor))
							r.Header.Set(headLength, strconv.Itoa(len(q.head)))
							s.ServeHTTP(httptest.NewRecorder(), r)
						} else if w := postBinary(s, q.head, []byte(q.tensor)); w.Code != http.StatusOK || w.Body.String() != q.want {
							t.Errorf("got %d, %.300s, want %.300s", w.Code, w.Body, q.want)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
