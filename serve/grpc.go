package serve

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	"github.com/dlam-go/dlam/serve/oip"
)

// rpc answers the protocol's calls over gRPC. They come over HTTP/2 to the same
// address, through the same guards and bounds.
type rpc struct {
	oip.UnimplementedGRPCInferenceServiceServer
	s *Server
}

// newGRPC makes the server of gRPC, which is used as an http.Handler.
func (s *Server) newGRPC() *grpc.Server {
	g := grpc.NewServer(grpc.MaxRecvMsgSize(int(s.set.MaxBody)), grpc.MaxSendMsgSize(int(s.set.MaxAnswer)))
	oip.RegisterGRPCInferenceServiceServer(g, &rpc{s: s})
	healthpb.RegisterHealthServer(g, &healthServer{health.NewServer(), s})
	reflection.Register(g)
	return g
}

// rpcError is an error as gRPC tells it.
func rpcError(err error) error {
	code := codes.Internal
	var f failure
	if errors.As(err, &f) {
		switch f.code {
		case http.StatusBadRequest:
			code = codes.InvalidArgument
		case http.StatusNotFound:
			code = codes.NotFound
		case tooLarge:
			code = codes.ResourceExhausted
		case http.StatusServiceUnavailable:
			code = codes.Unavailable
		case http.StatusRequestTimeout:
			code = codes.DeadlineExceeded
		case http.StatusUnsupportedMediaType:
			code = codes.Unimplemented
		case statusGone:
			code = codes.Canceled
		}
	}
	return status.Error(code, err.Error())
}

func (p *rpc) find(name, version string) (*served, error) {
	v, err := p.s.models.Load().find(name, version)
	if err != nil {
		return nil, rpcError(err)
	}
	return v, nil
}

// ServerLive says that the server is there.
func (p *rpc) ServerLive(context.Context, *oip.ServerLiveRequest) (*oip.ServerLiveResponse, error) {
	return &oip.ServerLiveResponse{Live: true}, nil
}

// ServerReady says whether the server should be sent requests.
func (p *rpc) ServerReady(context.Context, *oip.ServerReadyRequest) (*oip.ServerReadyResponse, error) {
	return &oip.ServerReadyResponse{Ready: p.s.isReady()}, nil
}

// ModelReady says whether a model should be sent requests.
func (p *rpc) ModelReady(_ context.Context, q *oip.ModelReadyRequest) (*oip.ModelReadyResponse, error) {
	if _, err := p.find(q.GetName(), q.GetVersion()); err != nil {
		return nil, err
	}
	return &oip.ModelReadyResponse{Ready: p.s.isReady()}, nil
}

// ServerMetadata describes the server.
func (p *rpc) ServerMetadata(context.Context, *oip.ServerMetadataRequest) (*oip.ServerMetadataResponse, error) {
	return &oip.ServerMetadataResponse{Name: serverName, Version: p.s.set.Version, Extensions: extensions}, nil
}

// ModelMetadata describes a model.
func (p *rpc) ModelMetadata(_ context.Context, q *oip.ModelMetadataRequest) (*oip.ModelMetadataResponse, error) {
	v, err := p.find(q.GetName(), q.GetVersion())
	if err != nil {
		return nil, err
	}
	tensors := func(infos []tensorInfo) (all []*oip.ModelMetadataResponse_TensorMetadata) {
		for _, t := range infos {
			m := &oip.ModelMetadataResponse_TensorMetadata{Name: t.Name, Datatype: t.Datatype}
			for _, n := range t.Shape {
				m.Shape = append(m.Shape, int64(n))
			}
			all = append(all, m)
		}
		return all
	}
	return &oip.ModelMetadataResponse{
		Name: v.Name, Versions: p.s.models.Load().versions(v.Name), Platform: platform,
		Inputs: tensors(v.inputInfo()), Outputs: tensors(v.outputInfo()),
	}, nil
}

// ModelInfer predicts.
func (p *rpc) ModelInfer(ctx context.Context, q *oip.ModelInferRequest) (*oip.ModelInferResponse, error) {
	v, err := p.find(q.GetModelName(), q.GetModelVersion())
	if err != nil {
		return nil, err
	}
	g, ok := ctx.Value(guardedKey{}).(guarded)
	if !ok {
		return nil, status.Error(codes.Internal, "a call that did not come through the server's guards")
	}
	g.x.model = v.id
	res, err := p.infer(ctx, v, q, g.grant)
	if err != nil {
		return nil, rpcError(err)
	}
	g.x.rows = res.out.Rows
	return res.message(q.GetId(), len(q.GetRawInputContents()) > 0), nil
}

func (p *rpc) infer(ctx context.Context, v *served, q *oip.ModelInferRequest, g *grant) (res result, err error) {
	defer g.leave()
	if err := g.slot(p.s.set.MaxRequests); err != nil {
		return res, err
	}
	r := &request{}
	if v.isTable() {
		return p.inferTable(ctx, v, q, g)
	}
	if n := len(q.GetInputs()); n != 1 {
		return res, badRequest("inputs: got %d, want one, %q", n, inputName)
	}
	t := q.GetInputs()[0]
	r.input = inputTensor{name: t.GetName(), datatype: t.GetDatatype(), shape: t.GetShape(), size: -1}
	if len(r.input.shape) > maxDims {
		return res, badRequest("shape: more than %d elements", maxDims)
	}
	if raw := q.GetRawInputContents(); len(raw) > 0 {
		if len(raw) != 1 || t.GetContents() != nil {
			return res, badRequest("raw_input_contents: got %d for 1 input, whose own contents must be empty", len(raw))
		}
		r.input.binary, r.input.size = raw[0], int64(len(raw[0]))
	} else if r.input.data, err = contents(t, p.s.set.MaxRows*v.inputs); err != nil {
		return res, err
	}
	for _, o := range q.GetOutputs() {
		if err := r.want(output{name: o.GetName()}); err != nil {
			return res, err
		}
	}
	return p.s.answer(ctx, v, r, &buffer{}, g)
}

// inferTable is infer for a table's model.
func (p *rpc) inferTable(ctx context.Context, v *served, q *oip.ModelInferRequest, g *grant) (res result, err error) {
	r := &request{}
	if n := len(q.GetInputs()); n < 1 || n > v.inputs {
		return res, badRequest("inputs: got %d, want one for each of %d columns", n, v.inputs)
	}
	raw := q.GetRawInputContents()
	if len(raw) > 0 && len(raw) != len(q.GetInputs()) {
		return res, badRequest("raw_input_contents: got %d for %d inputs", len(raw), len(q.GetInputs()))
	}
	var binary []byte
	for i, in := range q.GetInputs() {
		t := inputTensor{name: in.GetName(), datatype: in.GetDatatype(), shape: in.GetShape(), size: -1}
		if len(t.shape) > maxDims {
			return res, badRequest("shape: more than %d elements", maxDims)
		}
		if len(raw) > 0 {
			if in.GetContents() != nil {
				return res, badRequest("raw_input_contents: input %q has contents of its own too", short(t.name))
			}
			t.size = int64(len(raw[i]))
			binary = append(binary, raw[i]...)
		} else if t.cells, err = cellContents(in, p.s.set.MaxRows*v.inputs); err != nil {
			return res, err
		}
		r.columns = append(r.columns, t)
	}
	for _, o := range q.GetOutputs() {
		if err := r.want(output{name: o.GetName()}); err != nil {
			return res, err
		}
	}
	return p.s.answerTable(ctx, v, r, binary, g)
}

// cellContents are the elements of a tensor of a table's model that are listed by
// their type.
func cellContents(t *oip.ModelInferRequest_InferInputTensor, limit int) ([]any, error) {
	c := t.GetContents()
	cells := []any{}
	switch t.GetDatatype() {
	case "BYTES":
		for _, b := range c.GetBytesContents() {
			if !utf8.Valid(b) {
				return nil, badRequest("input %q: element %d is not UTF-8", short(t.GetName()), len(cells))
			}
			cells = append(cells, string(b))
		}
	case "FP64":
		cells = appendNumbers(cells, c.GetFp64Contents())
	case "INT64":
		cells = appendNumbers(cells, c.GetInt64Contents())
	case "UINT64":
		cells = appendNumbers(cells, c.GetUint64Contents())
	case "INT32":
		cells = appendNumbers(cells, c.GetIntContents())
	case "UINT32":
		cells = appendNumbers(cells, c.GetUintContents())
	case "FP32":
		cells = appendNumbers(cells, c.GetFp32Contents())
	default:
		n, err := contents(t, limit)
		if err != nil {
			return nil, err
		}
		cells = appendNumbers(cells, n.values)
	}
	if len(cells) > limit {
		return nil, failure{tooLarge, "contents: more elements than the most rows have, " + strconv.Itoa(limit)}
	}
	return cells, nil
}

// appendNumbers appends numbers as the cells of a table have them.
func appendNumbers[T int32 | int64 | uint32 | uint64 | float32 | float64](cells []any, numbers []T) []any {
	for _, v := range numbers {
		cells = append(cells, float64(v))
	}
	return cells
}

// contents are the elements of a tensor that are listed by their type.
func contents(t *oip.ModelInferRequest_InferInputTensor, limit int) (*numbers, error) {
	kind, err := findDatatype(t.GetDatatype())
	if err != nil {
		return nil, err
	}
	n := &numbers{row: -1, fraction: -1, truth: -1, wide: -1}
	c := t.GetContents()
	count := len(c.GetBoolContents()) + len(c.GetIntContents()) + len(c.GetInt64Contents()) + len(c.GetUintContents()) +
		len(c.GetUint64Contents()) + len(c.GetFp32Contents()) + len(c.GetFp64Contents()) + len(c.GetBytesContents())
	if count > limit {
		return nil, failure{tooLarge, "contents: more elements than the most rows have, " + strconv.Itoa(limit)}
	}
	switch kind.name {
	case "BOOL":
		for _, b := range c.GetBoolContents() {
			v := float32(0)
			if b {
				v = 1
			}
			n.values = append(n.values, v)
		}
	case "INT8", "INT16", "INT32":
		addIntegers(n, c.GetIntContents())
	case "INT64":
		addIntegers(n, c.GetInt64Contents())
	case "UINT8", "UINT16", "UINT32":
		addIntegers(n, c.GetUintContents())
	case "UINT64":
		addIntegers(n, c.GetUint64Contents())
	case "FP32":
		n.values = append(n.values, c.GetFp32Contents()...)
	case "FP64":
		for _, v := range c.GetFp64Contents() {
			n.values = append(n.values, float32(v))
		}
	case "FP16":
		return nil, badRequest("datatype: FP16 has no list of its own in contents: send it in raw_input_contents")
	}
	if len(n.values) != count {
		return nil, badRequest("contents: %d elements, of which %d are in the list of datatype %s", count, len(n.values), kind.name)
	}
	for i, v := range n.values {
		if v-v != 0 {
			return nil, badRequest("element %d: not a finite number of float32", i)
		}
	}
	return n, nil
}

func addIntegers[T int32 | int64 | uint32 | uint64](n *numbers, list []T) {
	for _, v := range list {
		if v < 0 {
			n.least = max(n.least, -uint64(v))
		} else {
			n.most = max(n.most, uint64(v))
		}
		n.values = append(n.values, float32(v))
	}
}

// message is the answer as a message: raw, if the request was.
func (res result) message(id string, raw bool) *oip.ModelInferResponse {
	v := res.served
	m := &oip.ModelInferResponse{ModelName: v.Name, ModelVersion: strconv.Itoa(v.Version), Id: id}
	wanted, _ := res.request.wanted(v)
	for _, o := range wanted {
		t := &oip.ModelInferResponse_InferOutputTensor{Name: o.name, Datatype: "FP32", Shape: []int64{int64(res.out.Rows), int64(res.out.Cols)}}
		if o.name == className {
			t.Datatype, t.Shape = "BYTES", t.Shape[:1]
		}
		m.Outputs = append(m.Outputs, t)
		switch {
		case raw:
			b := make([]byte, 0, res.size(o.name))
			for i := range res.out.Rows {
				if o.name == className {
					b = appendText(b, res.class(i))
				} else {
					b = appendFloats(b, res.out.Row(i))
				}
			}
			m.RawOutputContents = append(m.RawOutputContents, b)
		case o.name == className:
			t.Contents = &oip.InferTensorContents{BytesContents: make([][]byte, res.out.Rows)}
			for i := range res.out.Rows {
				t.Contents.BytesContents[i] = []byte(res.class(i))
			}
		default:
			t.Contents = &oip.InferTensorContents{Fp32Contents: res.out.Elements()}
		}
	}
	return m
}

// healthServer is gRPC's own protocol of health, for those who look after the
// server: the service "" is the server, others are models by their names.
type healthServer struct {
	*health.Server
	s *Server
}

// Check says whether the server or a model should be sent requests.
func (h *healthServer) Check(_ context.Context, q *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	if name := q.GetService(); name != "" && name != oip.GRPCInferenceService_ServiceDesc.ServiceName {
		if _, err := h.s.models.Load().find(name, ""); err != nil {
			return nil, rpcError(err)
		}
	}
	is := healthpb.HealthCheckResponse_NOT_SERVING
	if h.s.isReady() {
		is = healthpb.HealthCheckResponse_SERVING
	}
	return &healthpb.HealthCheckResponse{Status: is}, nil
}
