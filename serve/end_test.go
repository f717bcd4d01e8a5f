package serve_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dlam-go/dlam/serve"
)

// TestDrain holds the order of the end: not ready, but answering, with
// connections that close; then closed.
func TestDrain(t *testing.T) {
	const drain = 500 * time.Millisecond
	timed(t, func(s *serve.Settings) { s.Drain = drain }, func(t *testing.T, l *pipes, s *serve.Server, end func() error) {
		kept := l.dial(t)
		kept.send(head(len(goodBody)) + goodBody)
		if r := kept.answer(); r.code != http.StatusOK || r.last {
			t.Fatalf("before the end: got %d, closed %v", r.code, r.last)
		}
		began := time.Now()
		ended := make(chan error, 1)
		go func() { ended <- end() }()
		synctest.Wait()
		wantCode := func(path string, code int) {
			t.Helper()
			if w := ask(s, "GET", path, ""); w.Code != code {
				t.Errorf("%s while it drains: got %d, want %d", path, w.Code, code)
			}
		}
		if w := ask(s, "GET", "/v2/health/ready", ""); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"ready":false`) {
			t.Errorf("while it drains: got %d, %s, want that it is not ready", w.Code, w.Body)
		}
		wantCode("/v2/models/m/ready", http.StatusServiceUnavailable)
		wantCode("/v2/health/live", http.StatusOK)
		wantCode("/healthz", http.StatusOK)
		for _, w := range []*wire{kept, l.dial(t)} {
			w.send(head(len(goodBody)) + goodBody)
			if r := w.answer(); r.code != http.StatusOK || !r.last {
				t.Errorf("while it drains: got %d, closed %v; want an answer, and the connection closed", r.code, r.last)
			}
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < drain {
			t.Errorf("ended after %v, before what it is to drain", took)
		}
	})
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
