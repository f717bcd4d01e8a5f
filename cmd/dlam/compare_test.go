package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/experiment"
	"github.com/dlam-go/dlam/trace"
)

// call runs the program.
func call(args ...string) (code int, out, stderr string) {
	var o, e bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// TestCompareThenReport compares two methods on the embedded data, and makes a
// page of the two traces.
func TestCompareThenReport(t *testing.T) {
	dir := t.TempDir()
	code, out, stderr := call("compare", "--solvers", "dlam,mdlam", "--hidden", "8", "--iterations", "3", "--out", dir, "--threads", "1", "--json")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var outcomes []experiment.Outcome
	if err := json.Unmarshal([]byte(out), &outcomes); err != nil || len(outcomes) != 2 || outcomes[1].Last.Iteration != 3 {
		t.Errorf("got %s (%v), want the outcomes of two methods", out, err)
	}
	if !strings.Contains(outcomes[1].Settings, "Momentum:true") {
		t.Errorf("settings: got %q, want the solver's", outcomes[1].Settings)
	}
	page := filepath.Join(dir, "both.html")
	code, _, stderr = call("report", filepath.Join(dir, "dlam"), filepath.Join(dir, "mdlam", trace.FileName), "--out", page)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if b, err := os.ReadFile(page); err != nil || !strings.Contains(string(b), "<title>dlam, mdlam</title>") {
		t.Errorf("the page is not of both runs (%v)", err)
	}
}

func TestCompareSeconds(t *testing.T) {
	code, out, stderr := call("compare", "--solvers", "dlam", "--hidden", "8", "--seconds", "0.05", "--out", t.TempDir(), "--json")
	if code != exitDone || !strings.Contains(out, `"timed-out"`) {
		t.Errorf("exit code %d, %s%s; want a run that its time ended", code, out, stderr)
	}
}

// TestReproduceGoesOnEarly: a folder with runs that no report is of yet is one to go on in;
// one with files of others is not.
func TestReproduceGoesOnEarly(t *testing.T) {
	for name, taken := range map[string]bool{"cells": true, "thesis": false} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		_, _, said := call("reproduce", "figure1", "--quick", "--offline", "--data-dir", t.TempDir(), "--out", dir)
		if refused := strings.Contains(said, "there is such a folder"); refused == taken || taken != strings.Contains(said, "mnist") {
			t.Errorf("a folder with %s in it: %s", name, said)
		}
	}
}

func TestReportsUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		{"compare", "--solvers", "dlam,magic"},
		{"compare", "--solvers", "dlam,dlam", "--out", t.TempDir()},
		{"compare", "--seconds", "-1"},
		{"reproduce"},
		{"reproduce", "figure4"},
		{"reproduce", "table2", "--threads", "0"},
		{"reproduce", "family", "--threads", "0"},
		{"reproduce", "family", "table2"},
		{"report", "no-such-run"},
		{"report"},
		{"watch", "no-such-run"},
		{"watch", t.TempDir(), "--port", "70000"},
	} {
		if code, _, stderr := call(args...); code != exitUsage || stderr == "" {
			t.Errorf("%v: exit code %d, message %q; want %d and a message", args, code, stderr, exitUsage)
		}
	}
}
