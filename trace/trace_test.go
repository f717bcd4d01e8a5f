package trace_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// TestSalvage holds what is kept of a trace that is damaged.
func TestSalvage(t *testing.T) {
	line := func(k int) string { return fmt.Sprintf("{\"iteration\":%d,\"objective\":1}\n", k) }
	for _, c := range []struct {
		name               string
		text               string
		kept, bad, missing []int
	}{
		{"whole", line(1) + line(2) + line(3), []int{1, 2, 3}, nil, nil},
		{"what is done again", line(1) + line(2) + line(3) + line(4) + line(5), []int{1, 2, 3}, nil, nil},
		{"half a line", line(1) + line(2) + line(3) + "{\"iter", []int{1, 2, 3}, nil, nil},
		{"none", "", nil, nil, []int{1, 2, 3}},
		{"garbage", line(1) + "\x00\x00garbage\n" + line(3), []int{1, 3}, []int{2}, []int{2}},
		{"zeros", line(1) + strings.Repeat("\x00", 512) + "\n", []int{1}, []int{2}, []int{2, 3}},
		{"garbage where it is done again", line(1) + line(2) + line(3) + "[1]\n" + line(5), []int{1, 2, 3}, []int{4}, nil},
		{"a line left out", line(1) + line(3), []int{1, 3}, nil, []int{2}},
		{"lines doubled", line(1) + line(2) + line(1) + line(2) + line(3), []int{1, 2, 3}, []int{3, 4}, nil},
		{"no iteration", "{}\n" + line(1) + line(2) + line(3), []int{1, 2, 3}, []int{1}, nil},
		{"the end", line(3), []int{3}, nil, []int{1, 2}},
	} {
		records, bad, missing, err := trace.Salvage(strings.NewReader(c.text), 3)
		if err != nil {
			t.Fatal(err)
		}
		var kept []int
		for _, r := range records {
			kept = append(kept, r.Iteration)
		}
		if !slices.Equal(kept, c.kept) || !slices.Equal(bad, c.bad) || !slices.Equal(missing, c.missing) {
			t.Errorf("%s: kept %v, bad %v, missing %v; want %v, %v, %v", c.name, kept, bad, missing, c.kept, c.bad, c.missing)
		}
	}
}
