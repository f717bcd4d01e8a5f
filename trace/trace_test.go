package trace_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/trace"
)

// TestRoundTrip reads what was written, and not the line of a run that is still
// writing.
func TestRoundTrip(t *testing.T) {
	want := []dlam.Record{
		{Iteration: 1, Objective: 10, Risk: 0.01, Penalty: []float64{1, 2}, Epsilon: 1, Blocks: []dlam.Block{{Layer: 1, Variable: "W", Move: 1}}},
		{Iteration: 2, Objective: 5, EpsilonChanged: true, Train: &dlam.Score{Risk: 1, Accuracy: 0.5}, Test: &dlam.Score{Risk: 1}, Seconds: 0.01, Elapsed: 0.02},
	}
	var b bytes.Buffer
	w := trace.NewWriter(&b)
	for _, r := range want {
		if err := w.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	b.WriteString(`{"iteration": 3, "obj`)
	got, err := trace.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestNamesThePlace holds that an error names the file and the line.
func TestNamesThePlace(t *testing.T) {
	text := "{\"iteration\":1}\n\nnonsense\n"
	if _, err := trace.Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("got %v, want an error that names line 3", err)
	}
	path := filepath.Join(t.TempDir(), trace.FileName)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := trace.ReadFile(path); err == nil || !strings.Contains(err.Error(), path+": line 3") {
		t.Errorf("got %v, want an error that names file and line", err)
	}
}
