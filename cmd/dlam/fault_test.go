//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// faultyProgram is dlam built so that file operations fail on command. The
// program has no place where tests could put a fault: the compiler takes an
// overlay, edited copies in place of the files that write.
func faultyProgram(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{
		filepath.Join(root, "internal/atomicfile/faulty.go"): filepath.Join(root, "cmd/dlam/testdata/faulty/faulty.go"),
	}
	for file, edits := range map[string][]string{
		"internal/atomicfile/atomicfile.go": {"os.CreateTemp(", "createTemp(", "os.Rename(", "rename("},
		"cmd/dlam/runfolder.go":             {"r.trace, err = os.OpenFile(", "r.trace, err = atomicfile.OpenFile(", "trace *os.File", "trace *atomicfile.File"},
	} {
		raw, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(edits); i += 2 {
			if !bytes.Contains(raw, []byte(edits[i])) {
				t.Fatalf("%s: no %q to put a fault in its place", file, edits[i])
			}
			raw = bytes.ReplaceAll(raw, []byte(edits[i]), []byte(edits[i+1]))
		}
		edited := filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(edited, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, file)] = edited
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	list, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "dlam")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-overlay", list, "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// operation is a file operation of a command, as DLAM_FAULT counts them.
type operation struct {
	n    int
	name string // "write config.toml"
}

// operations runs the faulty program without a fault and returns what it did.
func operations(t *testing.T, program string, args ...string) []operation {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	if code, said := attempt(program, "DLAM_FAULT_LOG="+log, args...); code != exitDone {
		t.Fatalf("exit code %d: %s", code, said)
	}
	raw, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var ops []operation
	for i, name := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		ops = append(ops, operation{i + 1, name})
	}
	return ops
}

// faults are the ways in which an operation can fail, and what is said of it.
func (o operation) faults() map[string]string {
	full, broken := "no space left on device", "input/output error"
	switch name, _, _ := strings.Cut(o.name, " "); name {
	case "write":
		return map[string]string{"short": full, "full": full, "full+": full, "io": broken}
	case "create", "open":
		return map[string]string{"full": full, "full+": full}
	}
	return map[string]string{"io": broken}
}

// attempt runs program with a setting of the environment.
func attempt(program, env string, args ...string) (code int, said string) {
	c := exec.Command(program, args...)
	c.Env = append(os.Environ(), env)
	var b bytes.Buffer
	c.Stderr = &b
	return exitCode(c.Run()), b.String()
}

// TestFaultsInTraining lets every file operation of a run fail in every way:
// each time the program says so, and the run goes on from what was saved
// before to the end of the run that had no fault.
func TestFaultsInTraining(t *testing.T) {
	program := faultyProgram(t)
	const iterations = 2
	dir := t.TempDir()
	straight := filepath.Join(dir, "straight")
	args := func(folder string) []string { return shortRun("dlam", folder, iterations, "--checkpoint-every", "1") }
	ops := operations(t, program, args(straight)...)
	for _, op := range ops {
		for kind, want := range op.faults() {
			t.Run(fmt.Sprintf("%d %s %s", op.n, op.name, kind), func(t *testing.T) {
				folder := filepath.Join(t.TempDir(), "run")
				code, said := attempt(program, fmt.Sprintf("DLAM_FAULT=%d %s", op.n, kind), args(folder)...)
				if code != exitFailed && code != exitUsage || !strings.Contains(said, want) {
					t.Fatalf("exit code %d, want one of a failure, and %q: %s", code, want, said)
				}
				if code == exitUsage && exists(filepath.Dir(folder), "run") {
					t.Error("refused, and left a folder")
				}
				goOn := []string{"train", "--quiet", "--resume", folder}
				if !exists(folder, configName) {
					goOn = args(folder)
				}
				finish(t, exitDone, goOn...)
				wantSame(t, folder, straight, iterations)
				wantNoneLeft(t, folder)
			})
		}
	}
	t.Logf("%d operations, all failed in every way", len(ops))
}

// wantNoneLeft holds that no temporary file is in folder.
func wantNoneLeft(t *testing.T, folder string) {
	t.Helper()
	if left, err := filepath.Glob(filepath.Join(folder, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left half written: %q, %v", left, err)
	}
}

// TestFaultsInOutputs lets every file operation of the commands that write one
// file fail: what the file held before stays.
func TestFaultsInOutputs(t *testing.T) {
	program := faultyProgram(t)
	dir := t.TempDir()
	run, out := filepath.Join(dir, "run"), filepath.Join(dir, "out.csv")
	finish(t, exitDone, shortRun("dlam", run, 2)...)
	page := filepath.Join(dir, "page.html")
	for file, args := range map[string][]string{
		out:  {"predict", run, "digits", "--output", out},
		page: {"report", run, "--out", page},
	} {
		for _, op := range operations(t, program, args...) {
			for kind, want := range op.faults() {
				if err := os.WriteFile(file, []byte("before"), 0o600); err != nil {
					t.Fatal(err)
				}
				code, said := attempt(program, fmt.Sprintf("DLAM_FAULT=%d %s", op.n, kind), args...)
				if code != exitFailed && code != exitUsage || !strings.Contains(said, want) {
					t.Errorf("%s, %s %s: exit code %d, want one of a failure, and %q: %s", args[0], op.name, kind, code, want, said)
				}
				if got, err := os.ReadFile(file); err != nil || string(got) != "before" {
					t.Errorf("%s, %s %s: the file holds %.20q, %v", args[0], op.name, kind, got, err)
				}
				wantNoneLeft(t, dir)
			}
		}
	}
}
