package report_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
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

// TestLiveRefusesOtherSites holds that no page of another site can make it work.
func TestLiveRefusesOtherSites(t *testing.T) {
	live, err := report.NewLive(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		header, value string
		status        int
	}{
		{"Sec-Fetch-Site", "cross-site", 403}, {"Sec-Fetch-Site", "same-site", 403}, {"Sec-Fetch-Site", "new-kind", 403}, {"Sec-Fetch-Site", "same-origin", 200}, {"Sec-Fetch-Site", "none", 200},
		{"Origin", "http://evil.example", 403}, {"Origin", "null", 403}, {"Origin", "http://localhost:9", 403}, {"Origin", "http://localhost:7420", 200}, {"Origin", ":", 403},
	} {
		r := httptest.NewRequest(http.MethodGet, "/content", nil)
		r.Host = "localhost:7420"
		r.Header.Set(c.header, c.value)
		w := httptest.NewRecorder()
		live.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s %s: got %d, want %d", c.header, c.value, w.Code, c.status)
		}
	}
}

// large writes a trace of so many records of so many layers.
func large(t testing.TB, path string, records, layers int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := trace.NewWriter(f)
	for i := range records {
		r := dlam.Record{Iteration: i + 1, Objective: 1 / float64(i+1), Train: &dlam.Score{Accuracy: 0.5}, Penalty: make([]float64, layers)}
		for l := range layers {
			r.Penalty[l] = 0.001 * float64(l%7+1) / float64(i+1)
			if records > 1000 {
				r.Blocks = append(r.Blocks, dlam.Block{Layer: l + 1, Variable: "W", Move: r.Penalty[l], Decrease: r.Penalty[l], Trials: 1})
			}
		}
		if err := w.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestLiveIsBounded holds that a page has a bounded size, that one which did not
// change costs nothing, and that of one which did what is new is read.
func TestLiveIsBounded(t *testing.T) {
	for name, shape := range map[string][2]int{"deep": {20, 5000}, "long": {20000, 3}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), trace.FileName)
			large(t, path, shape[0], shape[1])
			live, err := report.NewLive(path)
			if err != nil {
				t.Fatal(err)
			}
			page := ask(t, live, "GET", "/", "localhost", "").Body
			const most = 2 << 20
			if page.Len() > most || name == "deep" && !strings.Contains(page.String(), "Penalty of each layer (24 of 5000)") {
				t.Errorf("%d bytes, want at most %d, and to be told what is left out", page.Len(), most)
			}
			first := page.String()
			if again := testing.AllocsPerRun(5, func() {
				if ask(t, live, "GET", "/", "localhost", "").Body.String() != first {
					t.Error("the page changed")
				}
			}); again > 300 {
				t.Errorf("%g allocations for a page that did not change", again)
			}
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := trace.NewWriter(f).Record(dlam.Record{Iteration: 123456, Objective: 1}); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			if s := ask(t, live, "GET", "/content", "localhost", "").Body.String(); !strings.Contains(s, "<dd>123456</dd>") {
				t.Error("a new record does not show")
			}
			large(t, path+"-new", 2, 1)
			if err := os.Rename(path+"-new", path); err != nil {
				t.Fatal(err)
			}
			if s := ask(t, live, "GET", "/content", "localhost", "").Body.String(); !strings.Contains(s, "<dd>2</dd>") || strings.Contains(s, "123456") {
				t.Error("another trace in its place does not show")
			}
			if err := os.WriteFile(path, []byte("junk\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if w := ask(t, live, "GET", "/content", "localhost", ""); w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "line 1") {
				t.Errorf("a damaged trace: got %d, %.100s", w.Code, w.Body)
			}
		})
	}
}

// BenchmarkLive is a trace of about 20 MB, read and shown for the first time.
func BenchmarkLive(b *testing.B) {
	for name, shape := range map[string][2]int{"deep": {40, 22000}, "long": {20000, 9}} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), trace.FileName)
			large(b, path, shape[0], shape[1])
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			for b.Loop() {
				live, err := report.NewLive(path)
				if err != nil {
					b.Fatal(err)
				}
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				r.Host = "localhost"
				w := httptest.NewRecorder()
				live.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}
