package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
)

const (
	inputName = "input"
	className = "class"
)

// response is an inference response.
type response struct {
	Model   string         `json:"model_name"`
	ID      string         `json:"id,omitempty"`
	Outputs []outputTensor `json:"outputs"`
}

type outputTensor struct {
	Name     string `json:"name"`
	Datatype string `json:"datatype"`
	Shape    []int  `json:"shape"`
	Data     any    `json:"data"`
}

// bodies are buffers that requests are read into.
type bodies struct{ pool sync.Pool }

// keep is the largest buffer that is used again.
const keep = 1 << 20

func (b *bodies) get() *bytes.Buffer {
	if buf, ok := b.pool.Get().(*bytes.Buffer); ok {
		return buf
	}
	return new(bytes.Buffer)
}

func (b *bodies) put(buf *bytes.Buffer) {
	if buf.Cap() <= keep {
		buf.Reset()
		b.pool.Put(buf)
	}
}

// infer predicts for the samples of a request.
func (s *Server) infer(r *http.Request) (any, error) {
	if err := s.known(r); err != nil {
		return nil, err
	}
	if err := checkJSON(r); err != nil {
		return nil, err
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		return nil, failure{http.StatusServiceUnavailable, fmt.Sprintf("%d predictions are under way, which is the limit", s.set.MaxRequests)}
	}
	req, err := s.read(r)
	if err != nil {
		return nil, err
	}
	if len(req.Inputs) != 1 {
		return nil, badRequest("inputs: got %d, want one, %q", len(req.Inputs), inputName)
	}
	x, err := req.Inputs[0].samples(s.m.Transform.Inputs, s.set.MaxRows)
	if err != nil {
		return nil, err
	}
	out, err := s.predict.Predict(x)
	if err != nil {
		return nil, err
	}
	for i := range out.Rows {
		for _, v := range out.Row(i) {
			if v-v != 0 {
				return nil, badRequest("the model's output for row %d is not finite: its values are too large", i)
			}
		}
	}
	s.metrics.rows.Add(float64(x.Rows))
	return s.respond(req, out)
}

// read reads a request's body.
func (s *Server) read(r *http.Request) (*request, error) {
	buf := s.bodies.get()
	defer s.bodies.put(buf)
	if _, err := buf.ReadFrom(r.Body); err != nil {
		return nil, unread(err)
	}
	req := new(request)
	if err := json.Unmarshal(buf.Bytes(), req); err != nil {
		return nil, badRequest("request: %v", err)
	}
	return req, nil
}

// respond gives the outputs that the request names; it names none for all.
func (s *Server) respond(req *request, out mat.Dense) (*response, error) {
	all := []outputTensor{{string(s.meaning), "FP32", []int{out.Rows, out.Cols}, out.Elements()}}
	if s.meaning != model.Values {
		names := make([]string, out.Rows)
		for i := range names {
			names[i] = s.m.Classes[mat.ArgMax(out.Row(i))]
		}
		all = append(all, outputTensor{className, "BYTES", []int{out.Rows}, names})
	}
	resp := &response{Model: s.set.Name, ID: req.ID, Outputs: all}
	if len(req.Outputs) == 0 {
		return resp, nil
	}
	resp.Outputs = nil
	for _, want := range req.Outputs {
		found := false
		for _, o := range all {
			if o.Name == want.Name {
				resp.Outputs, found = append(resp.Outputs, o), true
			}
		}
		if !found {
			return nil, badRequest("output %q: the model has none of this name", want.Name)
		}
	}
	return resp, nil
}
