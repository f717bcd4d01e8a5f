package serve

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dlam-go/dlam/internal/web"
	"github.com/dlam-go/dlam/serve/oip"
)

// guarded is what a call has in its context under guardedKey: that it came through
// the guards, what it may take, and where to note what became of it.
type guarded struct {
	grant *grant
	x     *exchange
}

type guardedKey struct{}

// healthCheck is the path of gRPC's question whether the server is ready.
const healthCheck = "/grpc.health.v1.Health/Check"

// call answers a call over gRPC of one message, which is read whole before gRPC sees
// it.
func (s *Server) call(w *exchange, r *http.Request) error {
	return s.callWith(w, r, func(ctx context.Context, g *grant) (*buffer, error) {
		buf, err := s.read(w, r, g)
		if err != nil {
			return buf, err
		}
		if len(buf.b) > large {
			if err := s.enter(ctx, g); err != nil {
				return buf, err
			}
		}
		r.Body = io.NopCloser(bytes.NewReader(buf.b))
		return buf, g.memory(messageBytes(buf.b, s.set.MaxMemory))
	})
}

// stream answers a call over gRPC of any number of messages.
func (s *Server) stream(w *exchange, r *http.Request) error {
	return s.callWith(w, r, func(_ context.Context, g *grant) (*buffer, error) {
		r.Body = &meteredBody{ReadCloser: r.Body, s: s, g: g, control: http.NewResponseController(w), began: time.Now()}
		return nil, nil
	})
}

// callWith answers a call once body has made r's what gRPC may read. An error of body
// is the answer.
func (s *Server) callWith(w *exchange, r *http.Request, body func(context.Context, *grant) (*buffer, error)) error {
	g := &grant{room: s.room, client: web.Client(r.RemoteAddr), until: time.Now().Add(s.set.WriteTimeout)}
	defer g.end()
	ctx, cancel := context.WithDeadline(context.WithValue(r.Context(), guardedKey{}, guarded{g, w}), g.until)
	defer cancel()
	if r.ProtoMajor < 2 || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		s.rpc.ServeHTTP(w, r) // says what is wrong, and reads nothing
		return nil
	}
	if e := r.Header.Get("Grpc-Encoding"); e != "" && e != "identity" {
		return w.refuseCall(failure{http.StatusUnsupportedMediaType, fmt.Sprintf("grpc-encoding: got %q, want none", short(e))})
	}
	buf, err := body(ctx, g)
	defer s.done(buf)
	if err != nil {
		return w.refuseCall(err)
	}
	s.rpc.ServeHTTP(w, r.WithContext(ctx))
	if n, err := strconv.Atoi(w.Header().Get("Grpc-Status")); err == nil {
		w.rpc = codes.Code(n).String()
	}
	return nil
}

// refuseCall answers a call with an error, as gRPC does that has nothing else to say.
func (w *exchange) refuseCall(err error) error {
	said := status.Convert(rpcError(err))
	w.rpc = said.Code().String()
	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Status", strconv.Itoa(int(said.Code())))
	h.Set("Grpc-Message", url.PathEscape(said.Message()))
	w.WriteHeader(http.StatusOK)
	return nil
}

// messageBytes bounds the memory that gRPC takes for the message in a body: a copy of
// it, and what it is decoded to, which may be a hundred times as much. It counts no
// further than most.
func messageBytes(body []byte, most int64) int64 {
	const head = 5 // whether it is compressed, and its length
	if len(body) < head {
		return 0
	}
	n := min(uint64(binary.BigEndian.Uint32(body[1:])), uint64(len(body)-head))
	size := int64(n)
	decodedBytes(body[head:head+n], (&oip.ModelInferRequest{}).ProtoReflect().Descriptor(), most, &size)
	return size
}

// decodedBytes adds to size what a message of kind takes once it is decoded: the
// largest has many parts that are empty.
func decodedBytes(b []byte, kind protoreflect.MessageDescriptor, most int64, size *int64) {
	const part = 256 // bytes: any message and its place in a list that grows, or in a map
	for len(b) > 0 && *size <= most {
		number, wire, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return // nor will it be decoded any further
		}
		b = b[tag:]
		n := protowire.ConsumeFieldValue(number, wire, b)
		if n < 0 {
			return
		}
		field := kind.Fields().ByNumber(number)
		switch {
		case wire != protowire.BytesType:
			*size += 40
		case field == nil: // it is kept as it came
			*size += 8 * int64(tag+n)
		case field.Message() != nil:
			*size += part
			inner, _ := protowire.ConsumeBytes(b)
			decodedBytes(inner, field.Message(), most, size)
		case field.Kind() == protoreflect.StringKind, field.Kind() == protoreflect.BytesKind:
			*size += part/2 + int64(n)
		case field.Kind() == protoreflect.FloatKind, field.Kind() == protoreflect.DoubleKind:
			*size += 2 * int64(n)
		default: // of a byte each: an integer of 8, and the number that is made of it
			*size += 12 * int64(n)
		}
		b = b[n:]
	}
}

// meteredBody is a body that takes memory as it comes, and must come fast enough.
type meteredBody struct {
	io.ReadCloser
	s       *Server
	g       *grant
	control *http.ResponseController
	began   time.Time
	n       int
}

// Read reads a piece.
func (b *meteredBody) Read(p []byte) (int, error) {
	// An error: the stream has no deadlines, and none is needed.
	_ = b.control.SetReadDeadline(b.s.deadline(b.began, b.n))
	n, err := b.ReadCloser.Read(p)
	if b.n += n; int64(b.n) > b.s.set.MaxBody {
		return 0, b.s.largeBody()
	}
	if err := b.g.memory(int64(n)); err != nil {
		return 0, err
	}
	if errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{})
	} else if err != nil {
		err = b.s.unread(err)
	}
	return n, err
}
