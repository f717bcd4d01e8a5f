package serve

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
)

// wide serves a model of one feature and many classes.
func wide(t *testing.T, classes int, change func(*Settings)) *Server {
	t.Helper()
	n, err := nn.NewNetwork([]int{1, classes}, activation.ReLU{}, nn.Paper, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Network: n, Loss: loss.CrossEntropy{}, Transform: dataset.Transform{Inputs: 1, Pool: 1, Shift: []float32{0}, Factor: []float32{1e-3}}}
	for i := range classes {
		m.Classes = append(m.Classes, fmt.Sprintf("class <%d> \"é\"", i))
	}
	set := DefaultSettings()
	if change != nil {
		change(&set)
	}
	s, err := New(set, Model{"m", 1, m})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rowsOf is a request for so many rows of one feature.
func rowsOf(rows int) string {
	return fmt.Sprintf(`{"inputs":[{"name":"input","datatype":"FP32","shape":[%d,1],"data":[%s0]}]}`, rows, strings.Repeat("1,", rows-1))
}

func post(s *Server, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://localhost/v2/models/m/infer", strings.NewReader(body))
	r.RemoteAddr = "10.0.0.1:1"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// TestEverythingComesBack holds that whatever becomes of requests, what they had
// of memory and places is there again.
func TestEverythingComesBack(t *testing.T) {
	s := wide(t, 300, func(s *Settings) { s.MaxAnswer, s.MaxMemory = 4<<20, 8<<20 })
	for body, code := range map[string]int{
		rowsOf(1): 200, rowsOf(500): 200, "junk": 400, rowsOf(2000): 413, strings.Repeat(" ", 9<<20): 413, rowsOf(5000): 413,
		strings.Repeat(" ", 5<<20): 503, // more than half of all memory
	} {
		if w := post(s, body); w.Code != code {
			t.Errorf("%.80s… of %d bytes: got %d, %.200s; want %d", body, len(body), w.Code, w.Body, code)
		}
		if m, p := s.room.bytes.Used(), s.room.slots.Used(); m != 0 || p != 0 {
			t.Fatalf("after %.80s…: %g of the memory and %g of the places are still taken", body, m, p)
		}
	}
}

// TestBusy holds that a client which has as many places as are free gets no more,
// and that another does.
func TestBusy(t *testing.T) {
	s := wide(t, 3, func(s *Settings) { s.MaxRequests = 4 })
	mine, other := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	if !s.room.slots.Take(mine, 2) {
		t.Fatal("no place")
	}
	w := post(s, rowsOf(1))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "too many predictions") {
		t.Errorf("got %d, %s, %v", w.Code, w.Body, w.Header())
	}
	s.room.slots.Give(mine, 2)
	if !s.room.slots.Take(other, 2) {
		t.Fatal("no place")
	}
	if w := post(s, rowsOf(1)); w.Code != http.StatusOK {
		t.Errorf("beside another client: got %d, %s", w.Code, w.Body)
	}
}

// TestGoneClient holds that work ends when no one waits for it any more.
func TestGoneClient(t *testing.T) {
	s := wide(t, 300, nil)
	v, err := s.models.Load().find("m", "")
	if err != nil {
		t.Fatal(err)
	}
	for cause, code := range map[error]int{context.Canceled: statusGone, context.DeadlineExceeded: http.StatusServiceUnavailable} {
		ctx := context.Context(&endsAfter{Context: context.Background(), looks: 2, err: cause})
		_, err := s.compute(ctx, v, []byte(rowsOf(4096)), nil, &buffer{}, &grant{room: s.room})
		var f failure
		if !errors.As(err, &f) || f.code != code {
			t.Errorf("%v: got %v, want status %d", cause, err, code)
		}
		if looks := ctx.(*endsAfter).looks; looks != 0 {
			t.Errorf("%v: looked %d times more", cause, looks)
		}
	}
}

// endsAfter is a context that ends after it was looked at a few times.
type endsAfter struct {
	context.Context
	looks int
	err   error
}

func (c *endsAfter) Err() error {
	if c.looks == 0 {
		return c.err
	}
	c.looks--
	return nil
}

// failing is a client that goes while it is answered.
type failing struct {
	*httptest.ResponseRecorder
	writes, bytes int
}

func (f *failing) Write(b []byte) (int, error) {
	f.writes++
	f.bytes += len(b)
	return 0, errors.New("gone")
}

// TestAnswerInPieces holds that a long answer is sent in pieces, is the same as
// one in one piece, and stops with its client.
func TestAnswerInPieces(t *testing.T) {
	s := wide(t, 300, nil)
	long := post(s, rowsOf(1000))
	if n := long.Header().Get("Content-Length"); n != "" || long.Body.Len() < 2<<20 {
		t.Errorf("content length %q of %d bytes: want it unsaid", n, long.Body.Len())
	}
	w := &failing{ResponseRecorder: httptest.NewRecorder()}
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "http://localhost/v2/models/m/infer", strings.NewReader(rowsOf(1000))))
	if w.writes > 2 || w.bytes > 4*piece {
		t.Errorf("wrote %d bytes in %d pieces to a client that was gone", w.bytes, w.writes)
	}
}

// TestAnswerBytes holds that no answer is longer than what is reckoned.
func TestAnswerBytes(t *testing.T) {
	for _, classes := range []int{2, 300} {
		s := wide(t, classes, nil)
		v, err := s.models.Load().find("m", "")
		if err != nil {
			t.Fatal(err)
		}
		for _, rows := range []int{1, 7, 500} {
			if n := int64(post(s, rowsOf(rows)).Body.Len()); n > v.answerBytes(rows) {
				t.Errorf("%d rows of %d classes: %d bytes, reckoned %d", rows, classes, n, v.answerBytes(rows))
			}
		}
	}
}

// TestReadyFollowsLoad holds that a server with little left says so.
func TestReadyFollowsLoad(t *testing.T) {
	s := wide(t, 3, func(s *Settings) { s.MaxRequests = 20 })
	want := func(code int) {
		t.Helper()
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/v2/health/ready", nil))
		if w.Code != code {
			t.Errorf("got %d, %s, want %d", w.Code, w.Body, code)
		}
	}
	want(http.StatusOK)
	for i, n := range []int64{10, 5, 2, 1, 1} {
		if !s.room.slots.Take(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), n) {
			t.Fatal("no place")
		}
	}
	want(http.StatusServiceUnavailable)
	s.room.slots.Give(netip.AddrFrom4([4]byte{10, 0, 0, 0}), 10)
	want(http.StatusOK)
}

// TestLargeWait holds that large requests wait for each other and small ones do
// not, and that one whose client goes waits no more.
func TestLargeWait(t *testing.T) {
	s := wide(t, 3, nil)
	for range cap(s.large) { // as many as may be are computed
		s.large <- struct{}{}
	}
	if w := post(s, rowsOf(1)); w.Code != http.StatusOK {
		t.Errorf("a small request: got %d, %s", w.Code, w.Body)
	}
	body := rowsOf(10) + strings.Repeat(" ", large)
	v, err := s.models.Load().find("m", "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var f failure
	if _, err := s.compute(ctx, v, []byte(body), nil, &buffer{}, &grant{room: s.room}); !errors.As(err, &f) || f.code != statusGone {
		t.Errorf("a large one whose client has gone: got %v", err)
	}
	light := v.work
	v.work = heavy // a row, in a network that is large
	if _, err := s.compute(ctx, v, []byte(rowsOf(2)), nil, &buffer{}, &grant{room: s.room}); !errors.As(err, &f) || f.code != statusGone {
		t.Errorf("a small one for much work, whose client has gone: got %v", err)
	}
	if _, err := s.compute(t.Context(), v, []byte(rowsOf(2)), nil, &buffer{}, &grant{room: s.room, until: time.Now()}); !errors.As(err, &f) || f.code != http.StatusServiceUnavailable {
		t.Errorf("a small one for much work, whose time is over: got %v", err)
	}
	v.work = light
	done := make(chan int)
	go func() { done <- post(s, body).Code }()
	<-s.large
	if code := <-done; code != http.StatusOK {
		t.Errorf("a large one, once there is a place: got %d", code)
	}
}

// TestHeavyWait holds that requests for much work which wait keep no place that a small
// one could have.
func TestHeavyWait(t *testing.T) {
	s := wide(t, 3, func(s *Settings) { s.MaxRequests, s.MaxLarge = 2, 1 }) // of two places a client may have one
	v, err := s.models.Load().find("m", "")
	if err != nil {
		t.Fatal(err)
	}
	v.work = heavy/2 + 1 // two rows are much work, one is not
	s.large <- struct{}{}
	ended, had := make(chan error), 0.0
	for range 3 {
		go func() {
			g := &grant{room: s.room, client: netip.MustParseAddr("10.0.0.1"), until: time.Now().Add(time.Minute)}
			_, err := s.compute(t.Context(), v, []byte(rowsOf(2)), nil, &buffer{}, g)
			g.end()
			ended <- err
		}()
		for s.room.bytes.Used() == had || s.room.slots.Used() > 0 { // until it waits: its memory comes after its place
			select {
			case err := <-ended:
				t.Fatalf("a heavy request beside one that is computed: got %v, want it to wait", err)
			default:
				runtime.Gosched()
			}
		}
		had = s.room.bytes.Used()
	}
	if w := post(s, rowsOf(1)); w.Code != http.StatusOK {
		t.Errorf("a small request beside heavy ones that wait: got %d, %s", w.Code, w.Body)
	}
	<-s.large
	for range 3 {
		if err := <-ended; err != nil {
			t.Errorf("a heavy request that waited: %v", err)
		}
	}
}

// TestNoFiniteAnswer holds that samples which the network cannot take are named by
// their place in the request, and that no answer has a number that is not finite.
func TestNoFiniteAnswer(t *testing.T) {
	s := wide(t, 3, nil)
	far := strings.Replace(rowsOf(500), "0]}", "1e30]}", 1)
	if w := post(s, far); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "sample 500, ") {
		t.Errorf("a sample that is too far: got %d, %s", w.Code, w.Body)
	}
	v, err := s.models.Load().find("m", "")
	if err != nil {
		t.Fatal(err)
	}
	m := *v.Model.Model
	m.Network = &nn.Network{Layers: []nn.Layer{m.Network.Layers[0]}}
	for i := range m.Network.Layers[0].W.Data {
		m.Network.Layers[0].W.Data[i] = 3e38
	}
	if err := s.Replace(Model{"m", 1, &m}); err != nil {
		t.Fatal(err)
	}
	if w := post(s, strings.Replace(rowsOf(1), "0]}", "1e6]}", 1)); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "output for row 0 is not finite") {
		t.Errorf("an infinite output: got %d, %s", w.Code, w.Body)
	}
}
