package serve

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/dlam-go/dlam/mat"
)

// result is what a request is answered with.
type result struct {
	request *request
	served  *served
	out     mat.Dense
}

// answerBytes bounds the size of the answer to so many rows, whatever the values.
func (v *served) answerBytes(rows int) int64 {
	const number = 16 // "-1.2345678e-38,"
	return 4096 + int64(rows)*(int64(v.outputs)*number+int64(v.longest))
}

// answerWriter writes an answer in pieces, so that it takes little memory
// however long it is.
type answerWriter struct {
	w     http.ResponseWriter
	buf   *buffer
	hold  bool // nothing is sent yet
	begun bool
	err   error // of a client that has gone
}

// piece is the most of an answer that is held before it is sent.
const piece = 64 << 10

// flush sends what is held, if that is much.
func (a *answerWriter) flush() bool {
	if a.hold || len(a.buf.b) < piece || a.err != nil {
		return a.err == nil
	}
	if !a.begun {
		a.begun = true
		a.w.WriteHeader(http.StatusOK)
	}
	_, a.err = a.w.Write(a.buf.b)
	a.buf.b = a.buf.b[:0]
	return a.err == nil
}

// end sends the rest.
func (a *answerWriter) end() {
	if !a.begun {
		a.w.Header().Set("Content-Length", strconv.Itoa(len(a.buf.b)))
		a.w.WriteHeader(http.StatusOK)
	}
	if a.err == nil {
		_, a.err = a.w.Write(a.buf.b)
	}
}

// write answers with the outputs that the request names; it names none for all. It
// puts them into buf, piece by piece, and stops when the client has gone.
func (s *Server) write(w http.ResponseWriter, res result, buf *buffer) {
	w.Header().Set("Content-Type", "application/json")
	wanted, raw := res.request.wanted(res.served)
	a := &answerWriter{w: w, buf: buf, hold: raw}
	buf.b = append(buf.b[:0], res.served.head...)
	if res.request.hasID {
		id, _ := json.Marshal(res.request.id) // a string, always written
		buf.b = append(append(buf.b, `,"id":`...), id...)
	}
	buf.b = append(buf.b, `,"outputs":[`...)
	for i, o := range wanted {
		if i > 0 {
			buf.b = append(buf.b, ',')
		}
		res.describe(a, o)
		switch {
		case o.binary:
			buf.b = append(buf.b, `,"parameters":{"binary_data_size":`...)
			buf.b = append(strconv.AppendInt(buf.b, int64(res.size(o.name)), 10), "}}"...)
		case o.name == className:
			res.classes(a)
		default:
			res.values(a)
		}
	}
	buf.b = append(buf.b, "]}"...)
	if raw {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set(headLength, strconv.Itoa(len(buf.b)))
		a.hold = false
		for _, o := range wanted {
			if o.binary {
				res.binary(a, o.name)
			}
		}
	}
	a.end()
}

// headLength is the header with the length of the JSON before binary tensors.
const headLength = "Inference-Header-Content-Length"

// describe writes the beginning of an output's object.
func (res result) describe(a *answerWriter, o output) {
	b := a.buf.b
	b = append(b, `{"name":"`...)
	b = append(b, o.name...) // one of the model's
	if o.name == className {
		b = append(b, `","datatype":"BYTES","shape":[`...)
		b = strconv.AppendInt(b, int64(res.out.Rows), 10)
	} else {
		b = append(b, `","datatype":"FP32","shape":[`...)
		b = strconv.AppendInt(b, int64(res.out.Rows), 10)
		b = strconv.AppendInt(append(b, ','), int64(res.out.Cols), 10)
	}
	b = append(b, ']')
	a.buf.b = b
}

// values writes the model's outputs.
func (res result) values(a *answerWriter) {
	a.buf.b = append(a.buf.b, `,"data":[`...)
	for i := range res.out.Rows {
		b := a.buf.b
		for j, v := range res.out.Row(i) {
			if i+j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendFloat(b, float64(v), 'g', -1, 32)
		}
		if a.buf.b = b; !a.flush() {
			return
		}
	}
	a.buf.b = append(a.buf.b, "]}"...)
}

// classes writes the names of the likeliest classes.
func (res result) classes(a *answerWriter) {
	a.buf.b = append(a.buf.b, `,"data":[`...)
	for i := range res.out.Rows {
		if i > 0 {
			a.buf.b = append(a.buf.b, ',')
		}
		a.buf.b = append(a.buf.b, res.served.quoted[mat.ArgMax(res.out.Row(i))]...)
		if !a.flush() {
			return
		}
	}
	a.buf.b = append(a.buf.b, "]}"...)
}

// class is the name of row i's likeliest class.
func (res result) class(i int) string { return res.served.Classes[mat.ArgMax(res.out.Row(i))] }

// size is the bytes of an output in binary.
func (res result) size(name string) int {
	if name != className {
		return 4 * res.out.Rows * res.out.Cols
	}
	n := 0
	for i := range res.out.Rows {
		n += 4 + len(res.class(i))
	}
	return n
}

// binary writes an output in binary.
func (res result) binary(a *answerWriter, name string) {
	for i := range res.out.Rows {
		if name == className {
			a.buf.b = appendText(a.buf.b, res.class(i))
		} else {
			a.buf.b = appendFloats(a.buf.b, res.out.Row(i))
		}
		if !a.flush() {
			return
		}
	}
}

// wanted are the outputs to answer with, which v has. raw is whether any of them
// is wanted in binary.
func (q *request) wanted(v *served) (outputs []output, raw bool) {
	outputs = q.outputs
	if len(outputs) == 0 {
		outputs = v.all
	}
	if q.binary {
		outputs = slices.Clone(outputs)
	}
	for i := range outputs {
		if q.binary && !outputs[i].said {
			outputs[i].binary = true
		}
		raw = raw || outputs[i].binary
	}
	return outputs, raw
}
