package serve_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dlam-go/dlam/internal/web"
	"github.com/dlam-go/dlam/serve"
)

// TestDrain holds the order of the end: not ready, but answering, with
// connections that close; then closed.
func TestDrain(t *testing.T) {
	l, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, sample(t, true), func(s *serve.Settings) { s.Drain = 500 * time.Millisecond })
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l, log.New(io.Discard, "", 0)) }()
	kept := dial(t, l.Addr().String())
	kept.send(head(len(goodBody)) + goodBody)
	if r := kept.answer(); r.code != http.StatusOK || r.last {
		t.Fatalf("before the end: got %d, closed %v", r.code, r.last)
	}
	began := time.Now()
	cancel()
	for range 1000 {
		w := ask(s, "GET", "/v2/health/ready", "")
		if w.Code == http.StatusServiceUnavailable && strings.Contains(w.Body.String(), `"ready":false`) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	wantCode := func(path string, code int) {
		t.Helper()
		if w := ask(s, "GET", path, ""); w.Code != code {
			t.Errorf("%s while it drains: got %d, want %d", path, w.Code, code)
		}
	}
	wantCode("/v2/health/ready", http.StatusServiceUnavailable)
	wantCode("/v2/models/m/ready", http.StatusServiceUnavailable)
	wantCode("/v2/health/live", http.StatusOK)
	wantCode("/healthz", http.StatusOK)
	fresh := dial(t, l.Addr().String())
	for _, w := range []*wire{kept, fresh} {
		w.send(head(len(goodBody)) + goodBody)
		if r := w.answer(); r.code != http.StatusOK || !r.last {
			t.Errorf("while it drains: got %d, closed %v; want an answer, and the connection closed", r.code, r.last)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < 500*time.Millisecond {
		t.Errorf("ended after %v, before what it is to drain", took)
	}
}

// TestNoRequestIsLost ends a server under load of clients that keep their
// connections and of others that do not.
func TestNoRequestIsLost(t *testing.T) {
	l, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, sample(t, true), func(s *serve.Settings) { s.Drain = 200 * time.Millisecond })
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l, log.New(io.Discard, "", 0)) }()
	const clients, least = 16, 3000
	var answered, lost atomic.Int64
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			transport := &http.Transport{DisableKeepAlives: c%2 == 0}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
			for {
				r, err := client.Post("http://"+l.Addr().String()+inferPath, "application/json", strings.NewReader(goodBody))
				if err != nil {
					if !strings.Contains(err.Error(), "connection refused") {
						lost.Add(1)
						t.Error(err)
					}
					return
				}
				_, err = io.Copy(io.Discard, r.Body)
				_ = r.Body.Close()
				if err != nil || r.StatusCode != http.StatusOK {
					t.Errorf("got %d, %v", r.StatusCode, err)
					return
				}
				if answered.Add(1) == least {
					cancel()
				}
			}
		})
	}
	wg.Wait()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := answered.Load(); n < least || lost.Load() > 0 {
		t.Errorf("%d answered, %d lost", n, lost.Load())
	}
}

// TestReplace holds that a model is replaced between two requests, and that one
// which cannot be served changes nothing.
func TestReplace(t *testing.T) {
	s := newServer(t, sample(t, true), nil)
	body := tensor("FP32", "[1,3]", "[1,2,3]")
	wantOutput := func(name string) {
		t.Helper()
		if w := ask(s, "POST", inferPath, body); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"name":"`+name+`"`) {
			t.Errorf("got %d, %s, want %s", w.Code, w.Body, name)
		}
	}
	wantOutput("probabilities")
	if err := s.Replace(serve.Model{Name: "m", Version: 2, Model: sample(t, false)}); err != nil {
		t.Fatal(err)
	}
	wantOutput("values")
	if err := s.Replace(); err == nil {
		t.Error("no model at all was taken")
	}
	wantOutput("values")
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 50 {
			if err := s.Replace(serve.Model{Name: "m", Version: 1, Model: sample(t, i%2 == 0)}); err != nil {
				t.Error(err)
			}
		}
	})
	for range 200 {
		w := ask(s, "POST", inferPath, body)
		if text := w.Body.String(); w.Code != http.StatusOK || strings.Contains(text, `"values"`) == strings.Contains(text, `"probabilities"`) {
			t.Fatalf("while models are replaced: got %d, %s", w.Code, text)
		}
	}
	wg.Wait()
	if w := ask(s, "GET", "/metrics", ""); !strings.Contains(w.Body.String(), "dlam_model_reloads_total{result=\"done\"} 51\n") || !strings.Contains(w.Body.String(), "dlam_model_reloads_total{result=\"failed\"} 1\n") {
		t.Error("the reloads are not counted")
	}
}
