//go:build unix

package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/recipe"
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
	for file, edits := range faultyEdits() {
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

// faultyEdits are texts and what stands in their place, by file.
func faultyEdits() map[string][]string {
	return map[string][]string{
		"internal/atomicfile/atomicfile.go": {"os.CreateTemp(", "createTemp(", "os.Rename(", "rename("},
		"report/tensorboard.go": {"os.OpenFile(", "atomicfile.OpenFile(", "*os.File", "*atomicfile.File",
			"dlam/mat\"\n", "dlam/mat\"\n\t\"github.com/dlam-go/dlam/internal/atomicfile\"\n"},
		"recipe/folder.go": {"r.trace, err = os.OpenFile(", "r.trace, err = atomicfile.OpenFile(", "trace *os.File", "trace *atomicfile.File"},
	}
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
	args := func(folder string) []string {
		return shortRun("dlam", folder, iterations, "--checkpoint-every", "1", "--tensorboard", filepath.Join(filepath.Dir(folder), "events"))
	}
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
				wantEvents(t, filepath.Join(filepath.Dir(folder), "events"), ops[:op.n-1])
				if strings.HasPrefix(op.name, "sync events.") || strings.HasPrefix(op.name, "close events.") { // the run had ended
					wantSame(t, folder, straight, iterations)
					return
				}
				goOn := []string{"train", "--quiet", "--resume", folder}
				if !exists(folder, recipe.ConfigName) {
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

// wantEvents holds that the event file in folder has each event that done wrote,
// and after them at most a part of one; and that there is no file without any.
func wantEvents(t *testing.T, folder string, done []operation) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, op := range done {
		if strings.HasPrefix(op.name, "write events.") {
			want++
		}
	}
	if len(files) != min(want, 1) {
		t.Fatalf("%d events were written, and the files are %q", want, files)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		const frame = 8 + 4 + 4 // length, and checksums before and after the event
		got := 0
		for len(raw) >= frame && uint64(len(raw)) >= frame+binary.LittleEndian.Uint64(raw) {
			raw = raw[frame+binary.LittleEndian.Uint64(raw):]
			got++
		}
		if got < want {
			t.Errorf("%s: %d whole events, %d were written", f, got, want)
		}
	}
}

// wantNoneLeft holds that no temporary file is in folder.
func wantNoneLeft(t *testing.T, folder string) {
	t.Helper()
	if left, err := filepath.Glob(filepath.Join(folder, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left half written: %q, %v", left, err)
	}
}
