package report_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/trace"
)

func ask(t *testing.T, h http.Handler, method, url, host, etag string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, url, nil)
	r.Host = host
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestLiveAnswersOnlyForItsPage(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	live, err := report.NewLive(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, url, host string
		status            int
	}{
		{"GET", "/", "127.0.0.1:7420", 200},
		{"GET", "/", "localhost", 200},
		{"GET", "/", "[::1]:7420", 200},
		{"HEAD", "/content", "localhost:7420", 200},
		{"GET", "/", "rebound.example:7420", 421},
		{"GET", "/", "", 421},
		{"POST", "/", "localhost:7420", 405},
		{"DELETE", "/content", "localhost:7420", 405},
		{"GET", "/secret", "localhost:7420", 404},
		{"GET", "/../secret", "localhost:7420", 404},
		{"GET", "/%2e%2e/secret", "localhost:7420", 404},
		{"GET", "/trace.jsonl", "localhost:7420", 404},
	} {
		r := ask(t, live, c.method, c.url, c.host, "")
		if r.Code != c.status {
			t.Errorf("%s %s for %q: got %d, want %d", c.method, c.url, c.host, r.Code, c.status)
		}
		if p := r.Header().Get("Content-Security-Policy"); !strings.HasPrefix(p, "default-src 'none'") {
			t.Errorf("%s %s: policy %q", c.method, c.url, p)
		}
	}
}

// TestLiveFollows holds that the content changes exactly when the trace does.
func TestLiveFollows(t *testing.T) {
	dir := t.TempDir()
	live, err := report.NewLive(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s := ask(t, live, "GET", "/content", "localhost", "").Body.String(); !strings.Contains(s, "Waiting") {
		t.Errorf("before the first record: %.80s", s)
	}
	f, err := os.Create(filepath.Join(dir, trace.FileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	w, rs := trace.NewWriter(f), synthetic(2)
	for k, rec := range rs {
		if err := w.Record(rec); err != nil {
			t.Fatal(err)
		}
		r := ask(t, live, "GET", "/content", "localhost", "")
		if s := r.Body.String(); !strings.Contains(s, "<dd>"+string(rune('1'+k))+"</dd>") {
			t.Errorf("iteration %d does not show", k+1)
		}
		if again := ask(t, live, "GET", "/content", "localhost", r.Header().Get("ETag")); again.Code != 304 {
			t.Errorf("nothing new: got %d, want 304", again.Code)
		}
	}
}
