package serve

import (
	"encoding/json"
	"net/http"
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
	begun bool
	err   error // of a client that has gone
}

// piece is the most of an answer that is held before it is sent.
const piece = 64 << 10

// flush sends what is held, if that is much.
func (a *answerWriter) flush() bool {
	if len(a.buf.b) < piece || a.err != nil {
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

// write answers with the outputs that the request names; it names none for all.
// It stops when the client has gone.
func (s *Server) write(w http.ResponseWriter, res result) {
	w.Header().Set("Content-Type", "application/json")
	buf, ok := s.buffers.Get().(*buffer)
	if !ok {
		buf = &buffer{}
	}
	buf.b = buf.b[:0]
	defer s.done(buf)
	a := &answerWriter{w: w, buf: buf}
	buf.b = append(buf.b, res.served.head...)
	if res.request.hasID {
		id, _ := json.Marshal(res.request.id) // a string, always written
		buf.b = append(append(buf.b, `,"id":`...), id...)
	}
	buf.b = append(buf.b, `,"outputs":[`...)
	for i, o := range res.request.wanted(res.served) {
		if i > 0 {
			buf.b = append(buf.b, ',')
		}
		if o == className {
			res.classes(a)
		} else {
			res.values(a)
		}
	}
	buf.b = append(buf.b, "]}\n"...)
	a.end()
}

// values writes the model's outputs.
func (res result) values(a *answerWriter) {
	b := append(a.buf.b, `{"name":"`...)
	b = append(append(b, res.served.meaning...), `","datatype":"FP32","shape":[`...)
	b = strconv.AppendInt(b, int64(res.out.Rows), 10)
	b = append(strconv.AppendInt(append(b, ','), int64(res.out.Cols), 10), `],"data":[`...)
	a.buf.b = b
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
	b := append(a.buf.b, `{"name":"`+className+`","datatype":"BYTES","shape":[`...)
	a.buf.b = append(strconv.AppendInt(b, int64(res.out.Rows), 10), `],"data":[`...)
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

// wanted are the names of the outputs to answer with, which v has.
func (q *request) wanted(v *served) []string {
	if len(q.outputs) == 0 {
		return v.names
	}
	return q.outputs
}
