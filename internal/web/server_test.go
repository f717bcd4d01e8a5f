package web_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dlam-go/dlam/internal/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slow is a server whose requests wait for the test, and its end.
func slow(t *testing.T, drain time.Duration) (url string, begun, finish chan struct{}, end func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	begun, finish = make(chan struct{}), make(chan struct{})
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		_, _ = io.WriteString(w, "done")
	})}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- web.Until(ctx, l, s, drain) }()
	t.Cleanup(cancel)
	return "http://" + l.Addr().String(), begun, finish, func() error { cancel(); return <-ended }
}

func get(url string) (string, error) {
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Get(url)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(r.Body)
	return string(b), errors.Join(err, r.Body.Close())
}

// TestEndWaits holds that the end waits for the request under way.
func TestEndWaits(t *testing.T) {
	url, begun, finish, end := slow(t, time.Minute)
	answer := make(chan string, 1)
	go func() {
		s, err := get(url)
		if err != nil {
			s = err.Error()
		}
		answer <- s
	}()
	<-begun
	ended := make(chan error, 1)
	go func() { ended <- end() }()
	for { // until no new ones are taken
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			break
		}
		_ = c.Close()
	}
	select {
	case err := <-ended:
		t.Fatalf("ended with a request under way: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(finish)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if s := <-answer; s != "done" {
		t.Errorf("the request under way got %q", s)
	}
}

// TestEndCutsOff holds that the end does not wait for ever, and says so.
func TestEndCutsOff(t *testing.T) {
	url, begun, finish, end := slow(t, 50*time.Millisecond)
	gone := make(chan error, 1)
	go func() { _, err := get(url); gone <- err }()
	<-begun
	if err := end(); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("got %v, want to hear of requests cut off", err)
	}
	if err := <-gone; err == nil {
		t.Error("the request cut off was answered")
	}
	close(finish)
}

// TestListenerFails holds that a listener's error comes back at once.
func TestListenerFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := web.Until(context.Background(), l, &http.Server{ReadHeaderTimeout: time.Second}, time.Second); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want the listener's error", err)
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:80": true, "127.0.0.1:8080": true, "127.8.0.1": true, "[::1]:8080": true, "[::1]": true,
		"": false, "example.org": false, "localhost.example.org:80": false, "10.0.0.1:80": false, "[": false, "[]": false, "0.0.0.0:80": false,
	} {
		if web.Loopback(host) != want {
			t.Errorf("%q: got %v, want %v", host, !want, want)
		}
	}
}
