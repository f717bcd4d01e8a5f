package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serve is a mirror with one file, gzipped.
func serve(t *testing.T, content string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "f", time.Time{}, strings.NewReader(content))
	}))
	t.Cleanup(s.Close)
	return s
}

func sum(content string) string {
	h := sha256.Sum256([]byte(content))
	return hex.EncodeToString(h[:])
}

func TestDownload(t *testing.T) {
	const content = "the content of the file"
	good, bad := serve(t, string(zipped([]byte(content)))), serve(t, string(zipped([]byte("something else"))))
	missing := httptest.NewServer(http.NotFoundHandler())
	defer missing.Close()
	set := remote{mirrors: []string{missing.URL + "/", bad.URL + "/", good.URL + "/"}}
	set.sums[0] = sum(content)
	var done int64
	o := Options{CacheDir: t.TempDir(), Progress: func(_ string, d, _ int64) { done = d }}
	path, err := download(context.Background(), "set", set, 0, o)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != string(zipped([]byte(content))) || done != int64(len(got)) {
		t.Errorf("got %q after %d bytes, %v", got, done, err)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDownloadResumes(t *testing.T) {
	const content = "the content of the file"
	whole := string(zipped([]byte(content)))
	var asked string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Get("Range")
		http.ServeContent(w, r, "f", time.Time{}, strings.NewReader(whole))
	}))
	defer s.Close()
	path := filepath.Join(t.TempDir(), "f.gz")
	if err := os.WriteFile(path+".part", []byte(whole[:7]), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := fetch(context.Background(), s.URL, path, sum(content), nil); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != whole || asked != "bytes=7-" {
		t.Errorf("got %q, having asked for %q", got, asked)
	}
}

func TestDownloadRefusesWrongContent(t *testing.T) {
	s := serve(t, string(zipped([]byte("other"))))
	path := filepath.Join(t.TempDir(), "f.gz")
	if err := fetch(context.Background(), s.URL, path, sum("content"), nil); err == nil || !strings.Contains(err.Error(), "wrong content") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("wrong content was kept")
	}
}
