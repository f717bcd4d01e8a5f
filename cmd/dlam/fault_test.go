//go:build unix

package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/trace"
)

// faultyProgram is dlam built so that file operations fail on command.
func faultyProgram(t *testing.T) string {
	t.Helper()
	program, err := buildFaulty()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// buildFaulty builds it once, for all tests. The program has no place where tests could
// put a fault: the compiler takes an overlay, edited copies in place of the files that write.
var buildFaulty = sync.OnceValues(func() (program string, err error) {
	dir := filepath.Join(built, "faulty")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	replace := map[string]string{
		filepath.Join(root, "internal/atomicfile/disk.go"): filepath.Join(root, "cmd/dlam/testdata/faulty/faulty.go"),
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	list, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "dlam")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "build", "-overlay", list, "-o", program, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

// entry is a file operation as the faulty program records it.
type entry struct {
	Op, Path, To string
	Data         []byte
}

// operation is a file operation of a command, as DLAM_FAULT counts them.
type operation struct {
	n    int
	name string // "write config.toml"
	entry
}

// operations runs the faulty program without a fault and returns what it did.
func operations(t *testing.T, program string, args ...string) (ops []operation) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	if code, said := attempt(program, "DLAM_FAULT_LOG="+log, args...); code != exitDone {
		t.Fatalf("exit code %d: %s", code, said)
	}
	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for d := json.NewDecoder(f); ; {
		var e entry
		if err := d.Decode(&e); err == io.EOF {
			return ops
		} else if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, operation{len(ops) + 1, e.Op + " " + filepath.Base(e.Path), e})
	}
}

// file is the name of the file that the operation is of; a temporary one is of
// that which it becomes.
func (e entry) file() string {
	name := filepath.Base(e.Path)
	if rest, ok := strings.CutPrefix(name, "."); ok {
		for range 2 {
			rest = rest[:strings.LastIndex(rest, ".")]
		}
		return rest
	}
	return name
}

// faults are the ways in which an operation can fail, and what is said of it.
func (e entry) faults() map[string]string {
	full, broken := "no space left on device", "input/output error"
	switch e.Op {
	case "write":
		return map[string]string{"short": full, "full": full, "full+": full, "io": broken}
	case "mkdir", "create", "open":
		return map[string]string{"full": full, "full+": full}
	case "close":
		if name := filepath.Base(e.Path); name == trace.FileName || name == "lock" { // all is safe by then
			broken = ""
		}
	case "lock":
		return map[string]string{"io": broken, "nolocks": "keeps no locks"}
	}
	return map[string]string{"io": broken}
}

// survives reports whether a run goes on after such a fault: one of a checkpoint, of
// which the next is tried, of a line of the trace, which is written later, or of a
// lock that cannot be had.
func (e entry) survives(kind string) bool {
	return kind == "nolocks" || kind != "full+" && (e.Op == "write" && e.file() == trace.FileName || e.Op != "remove" && e.file() == model.CheckpointName)
}

// attempt runs program with a setting of the environment.
func attempt(program, env string, args ...string) (code int, said string) {
	c := exec.Command(program, args...)
	c.Env = append(os.Environ(), env)
	var b bytes.Buffer
	c.Stderr = &b
	return exitCode(c.Run()), b.String()
}

// TestFaultsInTraining lets every file operation of a run fail in every way. Where
// the state or a line of the trace cannot be saved the run warns and goes on; else the
// program says what failed, and the run goes on from what was saved before. Either way
// it ends as the run that had no fault.
func TestFaultsInTraining(t *testing.T) {
	t.Parallel()
	program := faultyProgram(t)
	const iterations = 2
	dir := t.TempDir()
	straight := filepath.Join(dir, "straight")
	args := func(folder string) []string {
		return shortRun("dlam", folder, iterations, "--checkpoint-every", "1", "--tensorboard", filepath.Join(filepath.Dir(folder), "events"))
	}
	ops := operations(t, program, args(straight)...)
	ended := slices.IndexFunc(ops, func(op operation) bool { return op.name == "remove "+model.CheckpointName }) + 1
	if ended == 0 {
		t.Fatal("no checkpoint was removed")
	}
	survived := 0
	for i, op := range ops {
		if i%everyFault(2) > 0 {
			continue
		}
		for kind, want := range op.faults() {
			t.Run(fmt.Sprintf("%d %s %s", op.n, op.name, kind), func(t *testing.T) {
				folder := filepath.Join(t.TempDir(), "run")
				code, said := attempt(program, fmt.Sprintf("DLAM_FAULT=%d %s", op.n, kind), args(folder)...)
				if !strings.Contains(said, want) {
					t.Errorf("said %q, want %q", said, want)
				}
				if code == exitDone {
					survived++
					wantSame(t, folder, straight, iterations)
					wantNoneLeft(t, folder)
					return
				}
				if code != exitFailed && code != exitUsage || op.survives(kind) {
					t.Fatalf("exit code %d: %s", code, said)
				}
				events := ops[:op.n-1]
				if code == exitUsage {
					events = nil // of a run that did not start nothing stays
					if exists(filepath.Dir(folder), "run") {
						t.Error("refused, and left a folder")
					}
				}
				wantEvents(t, filepath.Join(filepath.Dir(folder), "events"), events)
				if op.n > ended { // the run had ended
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
	t.Logf("%d operations, each %d. failed in every way; the run went on after %d faults", len(ops), everyFault(2), survived)
}

// everyFault is how many faults one is tried of: all if DLAM_EVERY_FAULT is set, which takes
// longer than a test of every day may.
func everyFault(one int) int {
	if os.Getenv("DLAM_EVERY_FAULT") != "" {
		return 1
	}
	return one
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
