package serve_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dlam-go/dlam/serve"
)

// running is a server on a socket; end ends it and gives what Run returned.
func running(t *testing.T, change func(*serve.Settings)) (address string, end func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return runningServer(t, l, newServer(t, sample(t, true), change))
}

// runningServer runs a server on l.
func runningServer(t *testing.T, l net.Listener, s *serve.Server) (address string, end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l, log.New(io.Discard, "", 0)) }()
	t.Cleanup(cancel)
	return l.Addr().String(), func() error { cancel(); return <-ended }
}

// wire is a connection by hand.
type wire struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func dial(t *testing.T, address string) *wire {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &wire{c, t, bufio.NewReader(c)}
}

func (w *wire) send(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		w.t.Fatal(err)
	}
}

// reply is a response that was read.
type reply struct {
	code   int
	body   string
	header http.Header
	last   bool // the connection is closed after it
}

// answer reads a response.
func (w *wire) answer() reply {
	w.t.Helper()
	r, err := http.ReadResponse(w.r, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }() // read whole
	b, err := io.ReadAll(r.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{r.StatusCode, string(b), r.Header, r.Close}
}

func head(length int) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", inferPath, length)
}

var goodBody = tensor("FP32", "[1,3]", "[1,2,3]")

// TestSlowRequests holds that one who sends slowly is sent away, and that the
// others are served meanwhile.
func TestSlowRequests(t *testing.T) {
	const limit = 300 * time.Millisecond
	address, end := running(t, func(s *serve.Settings) {
		s.HeaderTimeout, s.ReadTimeout, s.WriteTimeout, s.IdleTimeout, s.MaxRequests = limit, limit, 10*time.Second, limit, 20
	})
	began := time.Now()
	var heads, bodies []*wire
	for range 10 {
		h, b := dial(t, address), dial(t, address)
		h.send("POST " + inferPath + " HTTP/1.1\r\nHost: local")
		b.send(head(len(goodBody)) + goodBody[:10])
		heads, bodies = append(heads, h), append(bodies, b)
	}
	idle := dial(t, address)
	good := dial(t, address)
	good.send(head(len(goodBody)) + goodBody)
	if r := good.answer(); r.code != http.StatusOK {
		t.Errorf("beside slow ones: got %d, %s", r.code, r.body)
	}
	for _, b := range bodies {
		if r := b.answer(); r.code != http.StatusRequestTimeout || !strings.Contains(r.body, "too long to arrive") || !r.last {
			t.Errorf("a slow body: got %d, %s, connection closed: %v", r.code, r.body, r.last)
		}
	}
	for _, c := range append(heads, idle, good) {
		if b, err := io.ReadAll(c.r); err != nil || len(b) > 0 {
			t.Errorf("a slow head, or an idle connection: got %q, %v; want it closed", b, err)
		}
	}
	if took := time.Since(began); took < limit || took > 10*time.Second {
		t.Errorf("they were sent away after %v, want about %v", took, limit)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}

// TestIdleUploads holds that bodies which do not come keep no one else out,
// however many of them there are, and are given up soon.
func TestIdleUploads(t *testing.T) {
	address, end := running(t, func(s *serve.Settings) { s.MaxRequests, s.Grace = 2, 500*time.Millisecond })
	var idle []*wire
	for range 200 {
		w := dial(t, address)
		w.send(head(1000) + "{")
		idle = append(idle, w)
	}
	good := dial(t, address)
	for range 20 {
		good.send(head(len(goodBody)) + goodBody)
		if r := good.answer(); r.code != http.StatusOK {
			t.Fatalf("beside idle uploads: got %d, %s", r.code, r.body)
		}
	}
	for _, w := range idle {
		if r := w.answer(); r.code != http.StatusRequestTimeout || !r.last {
			t.Fatalf("an idle upload: got %d, %s", r.code, r.body)
		}
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}

// TestSteadyUpload holds that a body may take longer than the grace if it comes
// at the rate that is asked for.
func TestSteadyUpload(t *testing.T) {
	address, end := running(t, func(s *serve.Settings) { s.MinRate, s.Grace = 50, 200*time.Millisecond })
	body := goodBody + strings.Repeat(" ", 100)
	w := dial(t, address)
	w.send(head(len(body)))
	for i := 0; i < len(body); i += 20 {
		w.send(body[i:min(i+20, len(body))])
		time.Sleep(40 * time.Millisecond) // 500 bytes a second
	}
	if r := w.answer(); r.code != http.StatusOK {
		t.Errorf("got %d, %s", r.code, r.body)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}

// TestShutdownAnswersWhatIsUnderWay ends the server in the middle of a request.
func TestShutdownAnswersWhatIsUnderWay(t *testing.T) {
	address, end := running(t, nil)
	idle, c := dial(t, address), dial(t, address)
	idle.send(head(len(goodBody)) + goodBody)
	idle.answer()
	c.send(head(len(goodBody)) + goodBody[:10])
	inFlight(t, address)
	ended := make(chan error, 1)
	go func() { ended <- end() }()
	for { // until no new connections are taken
		n, err := net.Dial("tcp", address)
		if err != nil {
			break
		}
		_ = n.Close()
	}
	if b, err := io.ReadAll(idle.r); err != nil || len(b) > 0 {
		t.Errorf("the idle connection: got %q, %v; want it closed", b, err)
	}
	select {
	case err := <-ended:
		t.Fatalf("ended with a request under way: %v", err)
	default:
	}
	c.send(goodBody[10:])
	if r := c.answer(); r.code != http.StatusOK {
		t.Errorf("got %d, %s", r.code, r.body)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// inFlight waits until the server has a prediction under way.
func inFlight(t *testing.T, address string) {
	t.Helper()
	for range 1000 {
		m := dial(t, address)
		m.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if strings.Contains(m.answer().body, "dlam_requests_in_flight 1\n") {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("no prediction is under way")
}

// TestShutdownDoesNotWaitForEver ends the server beside one who never finishes.
func TestShutdownDoesNotWaitForEver(t *testing.T) {
	address, end := running(t, func(s *serve.Settings) { s.DrainTimeout = 50 * time.Millisecond })
	c := dial(t, address)
	c.send(head(len(goodBody)) + goodBody[:10])
	inFlight(t, address)
	if err := end(); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("got %v, want to hear of the request cut off", err)
	}
}
