package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/dlam-go/dlam/internal/web"
	"github.com/dlam-go/dlam/mat"
)

const (
	inputName = "input"
	className = "class"
)

// infer predicts for the samples of a request.
func (s *Server) infer(w *exchange, r *http.Request) error {
	v, err := s.find(r)
	if err != nil {
		return err
	}
	w.model = v.id
	picture, err := checkContent(r)
	if err != nil {
		return err
	}
	g := &grant{room: s.room, client: web.Client(r.RemoteAddr), until: time.Now().Add(s.set.WriteTimeout)}
	defer g.end()
	buf, err := s.read(w, r, g)
	defer s.done(buf)
	if err != nil {
		return err
	}
	ctx := r.Context()
	if len(buf.b) > large || v.batcher != nil { // for others a timer would cost more than it could save
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, g.until)
		defer cancel()
	}
	var res result
	if picture {
		res, err = s.computePicture(ctx, v, buf.b, g)
	} else {
		var text, binary []byte
		if text, binary, err = split(r, buf.b); err == nil {
			res, err = s.compute(ctx, v, text, binary, buf, g)
		}
	}
	if err != nil {
		return err
	}
	w.rows = res.out.Rows
	s.write(w, res, buf) // of the body nothing is needed any more
	return nil
}

// split gives a body's JSON, and the binary tensors after it.
func split(r *http.Request, body []byte) (text, binary []byte, err error) {
	said := r.Header.Get(headLength)
	if said == "" {
		return body, nil, nil
	}
	n, err := strconv.Atoi(said)
	if err != nil || n < 0 || n > len(body) {
		return nil, nil, badRequest("%s: got %q, want a number of bytes from 0 to the %d of the request", headLength, short(said), len(body))
	}
	return body[:n], body[n:], nil
}

// compute answers the request in text, whose input may be in binary; its samples are
// put into buf. A place is held no longer than that: not while the body comes, nor
// while the answer goes.
func (s *Server) compute(ctx context.Context, v *served, text, binary []byte, buf *buffer, g *grant) (res result, err error) {
	defer g.leave()
	if len(text)+len(binary) > large {
		if err := s.enter(ctx, g); err != nil {
			return res, err
		}
	}
	if err := g.slot(s.set.MaxRequests); err != nil {
		return res, err
	}
	limit := s.set.MaxRows * v.inputs
	most := mostElements(text, limit)
	if v.isTable() {
		if err := g.memory(cellBytes * int64(most)); err != nil {
			return res, err
		}
		q, err := parseRequest(text, limit, v.inputs, nil)
		if err != nil {
			return res, err
		}
		return s.answerTable(ctx, v, q, binary, g)
	}
	x, err := g.samples(buf, most)
	if err != nil {
		return res, err
	}
	q, err := parseRequest(text, limit, 0, x)
	if err != nil {
		return res, err
	}
	if q.input.binary = binary; q.input.size < 0 && len(binary) > 0 {
		return res, badRequest("input: %d bytes of binary data, and no parameter binary_data_size", len(binary))
	}
	return s.answer(ctx, v, q, buf, g)
}

// A request of more bytes than large, or of more multiply-adds than heavy, waits for the
// large ones before it: they use half of the processors, so that small ones go on.
const (
	large = 128 << 10
	heavy = 1 << 26
)

// enter waits until a large request may be computed, which g then leaves. What waits
// holds no place among the predictions under way: it would keep small ones out.
func (s *Server) enter(ctx context.Context, g *grant) error {
	if g.turn != nil {
		return nil
	}
	placed := g.slots > 0
	g.vacate()
	select {
	case s.large <- struct{}{}:
		g.turn = s.large
	case <-ctx.Done():
		return gone(ctx.Err())
	}
	if placed {
		return g.slot(s.set.MaxRequests)
	}
	return nil
}

// answer computes what q asks for. Samples in binary are put into buf.
func (s *Server) answer(ctx context.Context, v *served, q *request, buf *buffer, g *grant) (res result, err error) {
	if err := v.has(q.outputs); err != nil {
		return res, err
	}
	rows, err := q.input.rows(v.inputs, s.set.MaxRows)
	if err != nil {
		return res, err
	}
	work, err := s.answerWork(v, q, rows)
	if err != nil {
		return res, err
	}
	if err := g.memory(work); err != nil {
		return res, err
	}
	if q.input.data == nil {
		if q.input.room, err = g.samples(buf, rows*v.inputs); err != nil {
			return res, err
		}
	}
	x, err := q.input.samples(v.inputs, s.set.MaxRows)
	if err != nil {
		return res, err
	}
	inputs, err := v.predictor.Inputs(x)
	if err != nil {
		return res, badRequest("%v", err)
	}
	return s.result(ctx, v, q, inputs, g)
}

// answerTable is answer for a table's model: the inputs that are not in JSON are in
// binary, one after the other.
func (s *Server) answerTable(ctx context.Context, v *served, q *request, binary []byte, g *grant) (res result, err error) {
	if err := v.has(q.outputs); err != nil {
		return res, err
	}
	rows, err := v.tableRows(q.columns, s.set.MaxRows)
	if err != nil {
		return res, err
	}
	work, err := s.answerWork(v, q, rows)
	if err != nil {
		return res, err
	}
	if err := g.memory(work + 2*cellBytes*int64(rows)*int64(v.inputs)); err != nil {
		return res, err
	}
	inputs, err := v.tableInputs(q.columns, binary, rows)
	if err != nil {
		return res, err
	}
	return s.result(ctx, v, q, inputs, g)
}

// answerWork is the memory that an answer to so many rows takes, beside the rows. It
// refuses one that is too large.
func (s *Server) answerWork(v *served, q *request, rows int) (int64, error) {
	size := v.answerBytes(rows)
	if size > s.set.MaxAnswer {
		return 0, failure{tooLarge, fmt.Sprintf("the answer to %d rows could have %d bytes, at most %d are given: ask for fewer rows", rows, size, s.set.MaxAnswer)}
	}
	work := v.workBytes(rows)
	if _, raw := q.wanted(v); raw {
		work += size // the JSON is held until its length is known
	}
	return work, nil
}

// result predicts for the inputs of q.
func (s *Server) result(ctx context.Context, v *served, q *request, inputs mat.Dense, g *grant) (res result, err error) {
	if v.isHeavy(inputs.Rows) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, g.until)
		defer cancel()
		if err := s.enter(ctx, g); err != nil {
			return res, err
		}
	}
	ctx, end := s.part(ctx, "predict")
	out, err := v.predict(ctx, inputs)
	end()
	if err != nil {
		return res, err
	}
	s.metrics.rows.Add(float64(inputs.Rows))
	return result{q, v, out}, nil
}

// has reports a wanted output that the model does not have.
func (v *served) has(outputs []output) error {
	for _, o := range outputs {
		if !slices.Contains(v.names, o.name) {
			return badRequest("output %q: the model has none of this name, but %q", short(o.name), v.names)
		}
	}
	return nil
}

// predict gives the model's outputs for inputs x, block by block: it stops when ctx
// ends.
func (v *served) predict(ctx context.Context, x mat.Dense) (mat.Dense, error) {
	out, err := v.outputsOf(ctx, x)
	if err != nil {
		return out, err
	}
	for i := range out.Rows {
		for _, y := range out.Row(i) {
			if y-y != 0 {
				return out, badRequest("the model's output for row %d is not finite: its values are too large", i)
			}
		}
	}
	return out, nil
}

// isHeavy reports whether a prediction of so many rows is much work.
func (v *served) isHeavy(rows int) bool { return int64(rows)*v.work > heavy }

// outputsOf gives the model's outputs for x, together with what others ask if x
// has few rows, is little work, and they are to be put together.
func (v *served) outputsOf(ctx context.Context, x mat.Dense) (mat.Dense, error) {
	if v.batcher != nil && x.Rows <= v.batcher.most && !v.isHeavy(x.Rows) {
		return v.batcher.do(ctx, x)
	}
	out := mat.New(x.Rows, v.outputs)
	for lo := 0; lo < x.Rows; lo += blockRows {
		if err := ctx.Err(); err != nil {
			return out, gone(err)
		}
		hi := min(lo+blockRows, x.Rows)
		if err := v.predictor.Outputs(out.RowRange(lo, hi), x.RowRange(lo, hi)); err != nil {
			return out, err
		}
	}
	return out, nil
}

// blockRows are the rows predicted between two looks at whether that is still
// wanted.
const blockRows = 192

// gone is the end of a context as the one who asked gets to see it.
func gone(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return failure{http.StatusServiceUnavailable, "the prediction took too long"}
	}
	return failure{statusGone, "the client has gone"}
}

// statusGone is what logs and metrics call a request whose client has gone.
const statusGone = 499
