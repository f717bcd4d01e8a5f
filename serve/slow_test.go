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
	"sync"
	"testing"
	"testing/synctest"
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

// pipes is a listener whose connections are in memory: a test whose clock stands still
// while anything runs (testing/synctest) needs such, and no load changes what it sees.
type pipes struct {
	dialled chan net.Conn
	closed  chan struct{}
	close   func()
}

func newPipes() *pipes {
	closed := make(chan struct{})
	return &pipes{make(chan net.Conn), closed, sync.OnceFunc(func() { close(closed) })}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialled:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.close(); return nil }

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// dial connects, or gives nil if nothing listens any more.
func (p *pipes) dial(t *testing.T) *wire {
	t.Helper()
	ours, theirs := net.Pipe()
	select {
	case p.dialled <- theirs:
	case <-p.closed:
		return nil
	}
	t.Cleanup(func() { _ = ours.Close() })
	return &wire{ours, t, bufio.NewReader(ours)}
}

// timed runs a test of a server that listens on l, with a clock that goes on only when
// all wait for it.
func timed(t *testing.T, change func(*serve.Settings), test func(t *testing.T, l *pipes, s *serve.Server, end func() error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l, s := newPipes(), newServer(t, sample(t, true), change)
		_, end := runningServer(t, l, s)
		test(t, l, s, end)
	})
}

// wire is a connection by hand.
type wire struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
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
	timed(t, func(s *serve.Settings) {
		s.HeaderTimeout, s.ReadTimeout, s.WriteTimeout, s.IdleTimeout, s.MaxRequests = limit, limit, 10*time.Second, limit, 20
	}, func(t *testing.T, l *pipes, _ *serve.Server, end func() error) {
		began := time.Now()
		var heads, bodies []*wire
		for range 10 {
			h, b := l.dial(t), l.dial(t)
			h.send("POST " + inferPath + " HTTP/1.1\r\nHost: local")
			b.send(head(len(goodBody)) + goodBody[:10])
			heads, bodies = append(heads, h), append(bodies, b)
		}
		idle := l.dial(t)
		good := l.dial(t)
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
		if took := time.Since(began); took != limit {
			t.Errorf("they were sent away after %v, want %v", took, limit)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// TestIdleUploads holds that bodies which do not come keep no one else out,
// however many of them there are, and are given up soon.
func TestIdleUploads(t *testing.T) {
	const grace = 500 * time.Millisecond
	timed(t, func(s *serve.Settings) { s.MaxRequests, s.Grace = 2, grace }, func(t *testing.T, l *pipes, _ *serve.Server, end func() error) {
		began := time.Now()
		var idle []*wire
		for range 200 {
			w := l.dial(t)
			w.send(head(1000) + "{")
			idle = append(idle, w)
		}
		good := l.dial(t)
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
		if took := time.Since(began); took != grace {
			t.Errorf("they were given up after %v, want %v", took, grace)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// TestSteadyUpload holds that a body may take longer than the grace if it comes
// at the rate that is asked for, and no longer if it does not.
func TestSteadyUpload(t *testing.T) {
	for pause, code := range map[time.Duration]int{
		40 * time.Millisecond: http.StatusOK, // 500 bytes a second
		time.Second:           http.StatusRequestTimeout,
	} {
		timed(t, func(s *serve.Settings) { s.MinRate, s.Grace = 50, 200*time.Millisecond }, func(t *testing.T, l *pipes, _ *serve.Server, end func() error) {
			body := goodBody + strings.Repeat(" ", 100)
			w := l.dial(t)
			var sending sync.WaitGroup
			sending.Go(func() {
				_, err := io.WriteString(w, head(len(body)))
				for i := 0; i < len(body) && err == nil; i += 20 { // an error: the server has given it up
					_, err = io.WriteString(w, body[i:min(i+20, len(body))])
					time.Sleep(pause)
				}
			})
			if r := w.answer(); r.code != code {
				t.Errorf("20 bytes every %v: got %d, %s; want %d", pause, r.code, r.body, code)
			}
			sending.Wait()
			if err := end(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestShutdownAnswersWhatIsUnderWay ends the server in the middle of a request.
func TestShutdownAnswersWhatIsUnderWay(t *testing.T) {
	timed(t, nil, func(t *testing.T, l *pipes, _ *serve.Server, end func() error) {
		idle, c := l.dial(t), l.dial(t)
		idle.send(head(len(goodBody)) + goodBody)
		idle.answer()
		c.send(head(len(goodBody)) + goodBody[:10])
		synctest.Wait()
		ended := make(chan error, 1)
		go func() { ended <- end() }()
		if b, err := io.ReadAll(idle.r); err != nil || len(b) > 0 {
			t.Errorf("the idle connection: got %q, %v; want it closed", b, err)
		}
		if l.dial(t) != nil {
			t.Error("a new connection was taken")
		}
		time.Sleep(time.Second)
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
	})
}

// TestShutdownDoesNotWaitForEver ends the server beside one who never finishes.
func TestShutdownDoesNotWaitForEver(t *testing.T) {
	timed(t, func(s *serve.Settings) { s.DrainTimeout = 50 * time.Millisecond }, func(t *testing.T, l *pipes, _ *serve.Server, end func() error) {
		c := l.dial(t)
		c.send(head(len(goodBody)) + goodBody[:10])
		synctest.Wait()
		if err := end(); err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("got %v, want to hear of the request cut off", err)
		}
	})
}
