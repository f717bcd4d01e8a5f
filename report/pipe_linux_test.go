package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/trace"
)

// TestPipes holds that a pipe in the place of a trace is refused, and does not keep the
// pages of other runs from being answered: to open one waits for whoever writes to it, and
// this test would wait too.
func TestPipes(t *testing.T) {
	path, _ := folder(t)
	pipe := filepath.Join(path, "pipe")
	if err := os.Mkdir(pipe, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(pipe, trace.FileName), 0o600); err != nil {
		t.Fatal(err)
	}
	pages, err := report.NewFolder(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	live, err := report.NewLive(pipe)
	if err != nil {
		t.Fatal(err)
	}
	const fault = "not a regular file"
	holdsAll(t, ask(t, pages, "GET", "/", "localhost", "").Body.String(), []string{fault, `href="run/first/"`})
	if w := ask(t, pages, "GET", "/run/pipe/", "localhost", ""); w.Code != 500 || !strings.Contains(w.Body.String(), fault) {
		t.Errorf("a page of the pipe: got %d, %q", w.Code, w.Body)
	}
	if w := ask(t, live, "GET", "/", "localhost", ""); w.Code != 500 || !strings.Contains(w.Body.String(), fault) {
		t.Errorf("the pipe watched: got %d, %q", w.Code, w.Body)
	}
	if _, err := report.ReadRun(pipe); err == nil || !strings.Contains(err.Error(), fault) {
		t.Errorf("the pipe read: got %v", err)
	}
}
