package serve_test

import (
	"context"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/serve"
	"github.com/dlam-go/dlam/serve/oip"
)

// dialGRPC connects a client to a server on a socket.
func dialGRPC(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	c, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// call is a request for the rows of three features.
func call(datatype string, contents *oip.InferTensorContents, raw ...[]byte) *oip.ModelInferRequest {
	return &oip.ModelInferRequest{ModelName: "m", Id: "q", RawInputContents: raw, Inputs: []*oip.ModelInferRequest_InferInputTensor{
		{Name: "input", Datatype: datatype, Shape: []int64{1, 3}, Contents: contents},
	}}
}

// TestGRPC holds that every datatype over gRPC gets the model's predictions, and
// that the server and its models are described as over REST.
func TestGRPC(t *testing.T) {
	m := sample(t, true)
	address, end := running(t, nil)
	conn := dialGRPC(t, address)
	c := oip.NewGRPCInferenceServiceClient(conn)
	want, err := m.Predictor().Predict(mat.FromSlice(1, 3, []float32{1, 0, 1}))
	if err != nil {
		t.Fatal(err)
	}
	likeliest := m.Classes[mat.ArgMax(want.Row(0))]
	for kind, contents := range map[string]*oip.InferTensorContents{
		"BOOL": {BoolContents: []bool{true, false, true}}, "INT8": {IntContents: []int32{1, 0, 1}}, "INT32": {IntContents: []int32{1, 0, 1}}, "INT64": {Int64Contents: []int64{1, 0, 1}},
		"UINT8": {UintContents: []uint32{1, 0, 1}}, "UINT64": {Uint64Contents: []uint64{1, 0, 1}}, "FP32": {Fp32Contents: []float32{1, 0, 1}}, "FP64": {Fp64Contents: []float64{1, 0, 1}},
	} {
		a, err := c.ModelInfer(t.Context(), call(kind, contents))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		o := a.GetOutputs()
		if a.GetModelName() != "m" || a.GetModelVersion() != "1" || a.GetId() != "q" || len(o) != 2 || o[0].GetName() != "probabilities" || o[0].GetDatatype() != "FP32" ||
			!cmp.Equal(o[0].GetShape(), []int64{1, 2}) || !cmp.Equal(o[0].GetContents().GetFp32Contents(), want.Row(0)) || string(o[1].GetContents().GetBytesContents()[0]) != likeliest {
			t.Errorf("%s: got %v, want %v", kind, a, want.Row(0))
		}
	}
	raw := []byte{0, 0, 128, 63, 0, 0, 0, 0, 0, 0, 128, 63}
	q := call("FP32", nil, raw)
	q.Outputs = []*oip.ModelInferRequest_InferRequestedOutputTensor{{Name: "class"}}
	if a, err := c.ModelInfer(t.Context(), q); err != nil || len(a.GetOutputs()) != 1 || len(a.GetRawOutputContents()) != 1 || string(a.GetRawOutputContents()[0][4:]) != likeliest {
		t.Errorf("raw: got %v, %v", a, err)
	}
	about, err := c.ModelMetadata(t.Context(), &oip.ModelMetadataRequest{Name: "m", Version: "1"})
	if err != nil || about.GetInputs()[0].GetShape()[1] != 3 || about.GetOutputs()[1].GetDatatype() != "BYTES" || !cmp.Equal(about.GetVersions(), []string{"1"}) {
		t.Errorf("metadata: got %v, %v", about, err)
	}
	if s, err := c.ServerMetadata(t.Context(), &oip.ServerMetadataRequest{}); err != nil || s.GetName() != "dlam" || s.GetVersion() != "v1.2.3" {
		t.Errorf("server: got %v, %v", s, err)
	}
	live, err := c.ServerLive(t.Context(), &oip.ServerLiveRequest{})
	ready, readyErr := c.ServerReady(t.Context(), &oip.ServerReadyRequest{})
	model, modelErr := c.ModelReady(t.Context(), &oip.ModelReadyRequest{Name: "m"})
	if err != nil || readyErr != nil || modelErr != nil || !live.GetLive() || !ready.GetReady() || !model.GetReady() {
		t.Errorf("got %v %v %v, %v %v %v", live, ready, model, err, readyErr, modelErr)
	}
	h, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{Service: "m"})
	if err != nil || h.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("health: %v, %v", h, err)
	}
	_ = conn.Close()
	if err := end(); err != nil {
		t.Error(err)
	}
}

// TestGRPCRefused holds that what is wrong has its code and says what.
func TestGRPCRefused(t *testing.T) {
	address, end := running(t, func(s *serve.Settings) { s.MaxBody, s.MaxRows = 1000, 4 })
	conn := dialGRPC(t, address)
	c := oip.NewGRPCInferenceServiceClient(conn)
	good := &oip.InferTensorContents{Fp32Contents: []float32{1, 2, 3}}
	change := func(f func(*oip.ModelInferRequest)) *oip.ModelInferRequest {
		q := call("FP32", good)
		f(q)
		return q
	}
	for want, q := range map[string]*oip.ModelInferRequest{
		"NotFound no model \"x\"":          change(func(q *oip.ModelInferRequest) { q.ModelName = "x" }),
		"NotFound has no version \"7\"":    change(func(q *oip.ModelInferRequest) { q.ModelVersion = "7" }),
		"InvalidArgument inputs: got 0":    change(func(q *oip.ModelInferRequest) { q.Inputs = nil }),
		"InvalidArgument input \"x\"":      change(func(q *oip.ModelInferRequest) { q.Inputs[0].Name = "x" }),
		"InvalidArgument shape: got":       change(func(q *oip.ModelInferRequest) { q.Inputs[0].Shape = []int64{3} }),
		"InvalidArgument shape: more than": change(func(q *oip.ModelInferRequest) { q.Inputs[0].Shape = make([]int64, 20) }),
		"InvalidArgument comes twice": change(func(q *oip.ModelInferRequest) {
			q.Outputs = []*oip.ModelInferRequest_InferRequestedOutputTensor{{Name: "class"}, {Name: "class"}}
		}),
		"InvalidArgument output \"x\"": change(func(q *oip.ModelInferRequest) {
			q.Outputs = []*oip.ModelInferRequest_InferRequestedOutputTensor{{Name: "x"}}
		}),
		"InvalidArgument whose own contents":     call("FP32", good, make([]byte, 12)),
		"InvalidArgument binary_data_size is":    call("FP32", nil, make([]byte, 11)),
		"InvalidArgument of which 0 are":         call("INT8", good),
		"InvalidArgument 0 elements":             call("FP32", nil),
		"InvalidArgument INT8 goes from -128":    call("INT8", &oip.InferTensorContents{IntContents: []int32{1, 2, -129}}),
		"InvalidArgument UINT8 goes from 0":      call("UINT8", &oip.InferTensorContents{UintContents: []uint32{1, 2, 256}}),
		"InvalidArgument all columns of this":    call("BYTES", &oip.InferTensorContents{BytesContents: make([][]byte, 3)}),
		"InvalidArgument not a finite number":    call("FP32", &oip.InferTensorContents{Fp32Contents: []float32{1, 2, float32(math.NaN())}}),
		"InvalidArgument send it in raw":         call("FP16", &oip.InferTensorContents{Fp32Contents: []float32{1, 2, 3}}),
		"ResourceExhausted more elements than":   call("FP32", &oip.InferTensorContents{Fp32Contents: make([]float32, 13)}),
		"ResourceExhausted more than 1000 bytes": call("FP32", &oip.InferTensorContents{Fp32Contents: make([]float32, 249)}),
	} {
		_, err := c.ModelInfer(t.Context(), q)
		code, text, _ := strings.Cut(want, " ")
		if s := status.Convert(err); s.Code().String() != code || !strings.Contains(s.Message(), text) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	_ = conn.Close()
	if err := end(); err != nil {
		t.Error(err)
	}
}

// TestGRPCGuards holds that calls come through the guards of REST: host names, and
// how a body may come.
func TestGRPCGuards(t *testing.T) {
	address, end := running(t, nil)
	c, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority("models.example"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := oip.NewGRPCInferenceServiceClient(c).ServerLive(t.Context(), &oip.ServerLiveRequest{}); err == nil || !strings.Contains(err.Error(), strconv.Itoa(http.StatusMisdirectedRequest)) {
		t.Errorf("another host: got %v, want status 421", err)
	}
	_ = c.Close()
	if err := end(); err != nil {
		t.Error(err)
	}
	address, end = running(t, func(s *serve.Settings) { s.Grace, s.ReadTimeout = 100*time.Millisecond, 200*time.Millisecond })
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/inference.GRPCInferenceService/ModelInfer", &stalled{begun: []byte{0, 0, 0, 0, 100, 1}, until: ctx.Done()})
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("Te", "trailers")
	w, err := transport.RoundTrip(r)
	if err == nil { // the answer, or the end of the stream, comes before the body
		if code := w.Trailer.Get("Grpc-Status") + w.Header.Get("Grpc-Status"); code == "0" {
			t.Errorf("a body that does not come: got %v", w)
		}
		cancel()
		_ = w.Body.Close()
	}
	cancel()
	transport.CloseIdleConnections()
	if err := end(); err != nil {
		t.Error(err)
	}
}

// stalled is a body that begins, and comes no further.
type stalled struct {
	begun []byte
	until <-chan struct{}
}

func (s *stalled) Read(p []byte) (int, error) {
	if len(s.begun) > 0 {
		n := copy(p, s.begun)
		s.begun = s.begun[n:]
		return n, nil
	}
	<-s.until
	return 0, net.ErrClosed
}
