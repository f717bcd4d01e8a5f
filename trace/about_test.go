package trace_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dlam-go/dlam/internal/machine"
	"github.com/dlam-go/dlam/trace"
)

// TestAbout reads what was written, and names the file that is no such thing.
func TestAbout(t *testing.T) {
	want := &trace.About{
		Method: "sync", Data: "a <b> & c.csv", Network: "4–8–3, relu", Samples: 120, Iterations: 9, Seed: 1 << 63,
		Settings: []trace.Setting{{Name: "rho", Value: "3", Suits: "1"}}, Machine: machine.This(), Started: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	for _, ended := range []bool{false, true} {
		if ended {
			want.Status, want.Error, want.Ended = "failed", "no room", want.Started.Add(time.Minute)
		}
		var b bytes.Buffer
		if err := want.Write(&b); err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(b.String(), `"ended"`); has != ended || !strings.Contains(b.String(), "a <b> & c.csv") {
			t.Errorf("ended %v: got %s", ended, b.String())
		}
		path := filepath.Join(t.TempDir(), trace.AboutName)
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := trace.ReadAbout(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	dir := t.TempDir()
	if _, err := trace.ReadAbout(dir); err == nil || !strings.Contains(err.Error(), dir+": not a file") {
		t.Errorf("a folder: got %v", err)
	}
	for name, text := range map[string]string{"large": strings.Repeat(" ", 1<<20+1), "broken": "{", "of another kind": `{"samples": "many"}`} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := trace.ReadAbout(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want an error that names the file", name, err)
		}
	}
}
