package report

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/trace"
)

// TestFolderIsBounded holds that the traces in memory have no more bytes together than
// one may have, and that runs with more are not compared.
func TestFolderIsBounded(t *testing.T) {
	path := t.TempDir()
	var b bytes.Buffer
	if err := trace.NewWriter(&b).Record(dlam.Record{Iteration: 1, Objective: 1}); err != nil {
		t.Fatal(err)
	}
	names := []string{"a", "b", "c", "d"}
	for _, name := range names {
		if err := os.Mkdir(filepath.Join(path, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, name, trace.FileName), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := NewFolder(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	get := func(at string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost"+at, nil))
		return w
	}
	f.most = 2 * int64(b.Len())
	for _, name := range append(names, "a") {
		if w := get("/run/" + name + "/"); w.Code != http.StatusOK {
			t.Fatalf("%s: got %d, %s", name, w.Code, w.Body)
		}
	}
	if len(f.open) != 2 || filepath.Base(filepath.Dir(f.open[0].path)) != "a" || filepath.Base(filepath.Dir(f.open[1].path)) != "d" {
		t.Errorf("%d traces of equal size are kept where two may be, want the last two asked for", len(f.open))
	}
	if w := get("/compare/?run=a&run=b"); w.Code != http.StatusOK {
		t.Errorf("two runs: got %d, %s", w.Code, w.Body)
	}
	if w := get("/compare/?run=a&run=b&run=c"); w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "mark fewer") {
		t.Errorf("three runs: got %d, %s", w.Code, w.Body)
	}
}
