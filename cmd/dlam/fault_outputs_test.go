//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFaultsInOutputs lets every file operation on what the commands write
// fail: what the file held before stays, and nothing lies beside it.
func TestFaultsInOutputs(t *testing.T) {
	t.Parallel()
	program := faultyProgram(t)
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	finish(t, exitDone, shortRun("dlam", in("run"), 2)...)
	if err := os.WriteFile(in("table.csv"), []byte("a,b,label\n1,2,x\n3,4,y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, out := range []struct {
		folder string
		files  []string // where there are others too
		args   []string
	}{
		{"predict", []string{"out.csv"}, []string{"predict", in("run"), "digits", "--output", in("predict/out.csv")}},
		{"report", []string{"page.html"}, []string{"report", in("run"), "--out", in("report/page.html")}},
		{"inspect", []string{"weights.png"}, []string{"inspect", in("run"), "--pictures", in("inspect/weights.png")}},
		{"export", []string{"m.onnx", "m.npz", "m.go"}, []string{"export", in("run"), "--onnx", in("export/m.onnx"), "--npz", in("export/m.npz"), "--go", in("export/m.go")}},
		{"man", []string{"dlam-certify.1", "dlam.1"}, []string{"man", in("man")}}, // the first and the last
		{"compare", []string{"dlam/trace.jsonl", "by-iteration.svg", "by-iteration.png", "final.csv", "report.html", "results.json"}, []string{
			"compare", "--solvers", "dlam", "--data", in("table.csv"), "--test-split", "0", "--hidden", "2", "--iterations", "2", "--out", in("compare")}},
	} {
		t.Run(out.folder, func(t *testing.T) {
			if err := os.MkdirAll(in(out.folder), 0o700); err != nil {
				t.Fatal(err)
			}
			finish(t, exitDone, out.args...) // so that its folders are there
			ops := operations(t, program, append(out.args, "--force")...)
			for _, name := range out.files {
				wantKept(t, program, in(out.folder), name, ops, append(out.args, "--force"))
			}
		})
	}
}

// wantKept holds that the file called name stays as it is, alone in its folder,
// whichever operation on it fails, and however.
func wantKept(t *testing.T, program, folder, name string, ops []operation, args []string) {
	t.Helper()
	failed := 0
	for _, op := range ops {
		if op.file() != filepath.Base(name) {
			continue
		}
		faults := op.faults()
		delete(faults, "full+") // one file: no other operation to fail after it
		if faults["short"] != "" {
			delete(faults, "full") // which writes less still
		}
		for kind, want := range faults {
			failed++
			file := filepath.Join(folder, name)
			if err := os.WriteFile(file, []byte("before"), 0o600); err != nil {
				t.Fatal(err)
			}
			code, said := attempt(program, fmt.Sprintf("DLAM_FAULT=%d %s", op.n, kind), args...)
			if code != exitFailed || !strings.Contains(said, want) {
				t.Errorf("%s %s: exit code %d, want %d, and %q: %s", op.name, kind, code, exitFailed, want, said)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != "before" {
				t.Errorf("%s %s: the file holds %.20q, %v", op.name, kind, got, err)
			}
			wantNoneLeft(t, filepath.Dir(file))
		}
	}
	if failed < 7 { // to make it, fill it in two ways, chmod, sync, close, rename
		t.Errorf("%s: %d faults, want every operation to fail", name, failed)
	}
}
