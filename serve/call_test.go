package serve

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/serve/oip"
)

// bloated are messages that take much more memory than bytes.
func bloated() map[string][]byte {
	const times = 20_000
	all := map[string][]byte{
		"inputs": bytes.Repeat([]byte{5<<3 | 2, 0}, times), "outputs": bytes.Repeat([]byte{6<<3 | 2, 0}, times), "raw contents": bytes.Repeat([]byte{7<<3 | 2, 0}, times),
		"contents": bytes.Repeat([]byte{5<<3 | 2, 2, 5<<3 | 2, 0}, times),
		"unknown":  bytes.Repeat([]byte{0xa2, 6, 0}, times),
	}
	within := func(field byte, inner []byte) []byte {
		return append(binary.AppendUvarint([]byte{field<<3 | 2}, uint64(len(inner))), inner...)
	}
	var parameters []byte
	for i := range times {
		parameters = append(parameters, within(4, within(1, fmt.Append(nil, i)))...)
	}
	all["parameters"] = parameters
	for name, inner := range map[string][]byte{
		"integers": within(3, make([]byte, times)), "integers one by one": bytes.Repeat([]byte{3 << 3, 1}, times), "truth values": within(1, make([]byte, times)),
		"numbers": within(6, make([]byte, 4*times)), "numbers one by one": bytes.Repeat([]byte{7<<3 | 1, 1, 2, 3, 4, 5, 6, 7, 8}, times), "texts": bytes.Repeat([]byte{8<<3 | 2, 1, 'x'}, times),
	} {
		all[name] = within(5, within(5, inner))
	}
	all["shape"] = within(5, within(3, make([]byte, times)))
	return all
}

// framed is a message as gRPC sends it.
func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

// TestMessageBytes holds that no message takes more memory than is reckoned, and that
// it is not reckoned far beyond.
func TestMessageBytes(t *testing.T) {
	for name, message := range bloated() {
		takes := int64(testprob.Allocated(func() {
			var q oip.ModelInferRequest
			if err := proto.Unmarshal(message, &q); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}))
		reckoned := messageBytes(framed(message), math.MaxInt64)
		t.Logf("%s: %d bytes take %d, reckoned %d", name, len(message), takes, reckoned)
		most := 4 * takes
		if name == "truth values" { // of a byte each; reckoned as integers, and with the numbers made of them
			most = 16 * takes
		}
		if takes > reckoned || reckoned > most {
			t.Errorf("%s: %d bytes take %d, reckoned %d, want at most %d", name, len(message), takes, reckoned, most)
		}
	}
	for _, cut := range [][]byte{nil, {0}, {0, 0, 0, 0, 9}, {0, 255, 255, 255, 255, 5<<3 | 2}, framed([]byte{5<<3 | 2, 200}), framed([]byte{0xff})} {
		if n := messageBytes(cut, math.MaxInt64); n > 1000 {
			t.Errorf("%v: reckoned %d bytes", cut, n)
		}
	}
}

// TestBloatedCalls holds that a message which would take more memory than there is, or
// that is compressed, is refused before it is decoded, and that all comes back.
func TestBloatedCalls(t *testing.T) {
	s := wide(t, 3, func(s *Settings) { s.MaxMemory = 4 << 20 })
	ask := func(message []byte, encoding string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "http://localhost/inference.GRPCInferenceService/ModelInfer", bytes.NewReader(framed(message)))
		r.ProtoMajor, r.Proto = 2, "HTTP/2.0"
		r.Header.Set("Content-Type", "application/grpc")
		r.Header.Set("Grpc-Encoding", encoding)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if m, p := s.room.bytes.Used(), s.room.slots.Used(); m != 0 || p != 0 || len(s.large) != 0 {
			t.Fatalf("%g of the memory and %g of the places are still taken, and %d among the large", m, p, len(s.large))
		}
		return w
	}
	for name, code := range map[string]codes.Code{"inputs": codes.Unavailable, "parameters": codes.Unavailable, "raw contents": codes.NotFound} {
		if w := ask(bloated()[name], "identity"); w.Header().Get("Grpc-Status") != fmt.Sprint(uint32(code)) {
			t.Errorf("%s: got %v, want %v", name, w.Header(), code)
		}
	}
	if w := ask(nil, "gzip"); w.Header().Get("Grpc-Status") != fmt.Sprint(uint32(codes.Unimplemented)) {
		t.Errorf("compressed: got %v", w.Header())
	}
}
