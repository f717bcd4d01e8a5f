//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/trace"
)

// shortRun is a training run of a fraction of a second.
func shortRun(solver, folder string, iterations int, more ...string) []string {
	return append([]string{"train", "--solver", solver, "--limit", "200", "--hidden", "8,8", "--iterations", strconv.Itoa(iterations),
		"--threads", "2", "--quiet", "--run", folder}, more...)
}

// program starts dlam as a process of its own.
func program(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	var said bytes.Buffer
	c := exec.Command("dlam", args...)
	c.Stderr = &said
	start(t, c)
	return c, &said
}

// start starts a process, and kills it if the test fails before it ends.
func start(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() }) // it may have ended
}

// finish runs dlam, which must end with the exit code want.
func finish(t *testing.T, want int, args ...string) string {
	t.Helper()
	c, said := program(t, args...)
	if got := exitCode(c.Wait()); got != want {
		t.Fatalf("dlam %s: exit code %d, want %d: %s", strings.Join(args, " "), got, want, said)
	}
	return said.String()
}

// await waits until the trace in folder has n records.
func await(t *testing.T, folder string, n int) {
	t.Helper()
	for range 60_000 {
		raw, err := os.ReadFile(filepath.Join(folder, trace.FileName))
		if err == nil && bytes.Count(raw, []byte("\n")) >= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s: no %d records in a minute", folder, n)
}

func exists(folder, name string) bool {
	_, err := os.Stat(filepath.Join(folder, name))
	return err == nil
}

// timeless is the lines of a run's trace without their times, which no two runs
// have in common, and without what crossed between ranks.
func timeless(t *testing.T, folder string) (lines []string) {
	t.Helper()
	records, err := trace.ReadFile(filepath.Join(folder, trace.FileName))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		r.Seconds, r.Elapsed, r.Traffic = 0, 0, nil
		for i := range r.Parts {
			r.Parts[i].Seconds = 0
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(text))
	}
	return lines
}

// wantSame holds that two runs end in one model and one trace, to the last bit, and
// that the trace tells each iteration once.
func wantSame(t *testing.T, folder, straight string, iterations int) {
	t.Helper()
	var models [2][]byte
	for i, f := range []string{folder, straight} {
		raw, err := os.ReadFile(filepath.Join(f, model.FileName))
		if err != nil {
			t.Fatal(err)
		}
		models[i] = raw
	}
	if !bytes.Equal(models[0], models[1]) {
		t.Errorf("%s: the model is not the one of the run that went straight", folder)
	}
	got := timeless(t, folder)
	if d := cmp.Diff(timeless(t, straight), got); d != "" {
		t.Errorf("%s: the trace is not the one of the run that went straight:\n%s", folder, d)
	}
	if len(got) != iterations {
		t.Errorf("%s: %d records, want %d", folder, len(got), iterations)
	}
}

// TestInterrupt stops a run by each signal that asks for it, finds it saved, and goes
// on.
func TestInterrupt(t *testing.T) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) { testInterrupt(t, s) })
	}
}

func testInterrupt(t *testing.T, s os.Signal) {
	t.Helper()
	if signal.Ignored(s) {
		t.Skip("this process ignores it, as under nohup, and so does what it starts")
	}
	dir := t.TempDir()
	cut := filepath.Join(dir, "cut")
	c, said := program(t, shortRun("dlam", cut, 1000000)...)
	await(t, cut, 3)
	for _, args := range [][]string{shortRun("dlam", cut, 1), {"train", "--resume", cut, "--iterations", "1"}} {
		if text := finish(t, exitUsage, args...); !strings.Contains(text, "another process is writing this run") {
			t.Errorf("a second process on the run: got %q", text)
		}
	}
	if err := c.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	if s == syscall.SIGHUP { // a shell and its terminal both send one
		_ = c.Process.Signal(s) // it may have ended
	}
	wantInterrupted(t, c, cut, said)
	finish(t, exitDone, "predict", cut, "digits", "--output", filepath.Join(dir, "p.csv"))
}

// wantInterrupted holds that a run ends as one that was interrupted, saved.
func wantInterrupted(t *testing.T, c *exec.Cmd, folder string, said *bytes.Buffer) {
	t.Helper()
	if got := exitCode(c.Wait()); got != exitInterrupted {
		t.Fatalf("exit code %d, want %d: %s", got, exitInterrupted, said)
	}
	if !exists(folder, model.CheckpointName) || !exists(folder, model.FileName) {
		t.Fatal("an interrupted run left no checkpoint or no model")
	}
}

// TestNobodyReads closes what a run's progress is written to: it is saved as by
// Ctrl-C.
func TestNobodyReads(t *testing.T) {
	cut := filepath.Join(t.TempDir(), "cut")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("dlam", slices.DeleteFunc(shortRun("dlam", cut, 1000000), func(s string) bool { return s == "--quiet" })...)
	c.Stderr = w
	start(t, c)
	await(t, cut, 3)
	if err := errors.Join(w.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	wantInterrupted(t, c, cut, new(bytes.Buffer))
}

// TestHangupIgnored holds that a run under nohup takes no notice of SIGHUP.
func TestHangupIgnored(t *testing.T) {
	cut := filepath.Join(t.TempDir(), "cut")
	c := exec.Command("sh", append([]string{"-c", `trap "" HUP; exec dlam "$@"`, "sh"}, shortRun("dlam", cut, 1000000)...)...)
	start(t, c)
	await(t, cut, 3)
	for _, s := range []os.Signal{syscall.SIGHUP, os.Interrupt} {
		if err := c.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		if s == syscall.SIGHUP {
			await(t, cut, 200)
		}
	}
	wantInterrupted(t, c, cut, new(bytes.Buffer))
}

// TestResumeInterrupted interrupts a run of each method two times, and the program ends it
// as the run that was left alone, with the same choice on the validation samples. Its
// layers have different activations. Of first-order rules, whose states solvertest
// holds, there are two.
func TestResumeInterrupted(t *testing.T) {
	for _, solver := range recipe.MethodNames() {
		if rule := gradient.Rule(solver); slices.Contains(gradient.Rules, rule) && rule != gradient.Adam && rule != gradient.Muon {
			continue
		}
		t.Run(solver, func(t *testing.T) {
			t.Parallel()
			const iterations = 200
			dir := t.TempDir()
			straight, cut := filepath.Join(dir, "straight"), filepath.Join(dir, "cut")
			name, first := "leaky-relu:slope=0.5", activation.Func(activation.LeakyReLU{Slope: 0.5})
			if solver == "mac" { // which takes none with kinks
				name, first = "sigmoid", activation.Sigmoid{}
			}
			finish(t, exitDone, shortRun(solver, straight, iterations, "--validation", "0.2", "--activation", name+",tanh")...)
			for _, after := range []int{5, 71} {
				trainUntil(t, recipe.Source{Data: "digits", DataDir: os.Getenv("DLAM_DATA_DIR"), Limit: 200}, recipe.Options{
					Method: solver, Hidden: []int{8, 8}, Activation: []activation.Func{first, activation.Tanh{}}, Validation: 0.2,
					Iterations: iterations, Threads: 2, Folder: cut, Resume: true,
				}, after)
			}
			finish(t, exitDone, "train", "--quiet", "--resume", cut)
			wantSame(t, cut, straight, iterations)
			if text := finish(t, exitUsage, "train", "--resume", cut); !strings.Contains(text, "the run has ended") {
				t.Errorf("resuming a run that has ended: got %q", text)
			}
		})
	}
}

// TestResumeRefuses holds that a run goes on only as itself.
func TestResumeRefuses(t *testing.T) {
	cut := filepath.Join(t.TempDir(), "cut")
	c, _ := program(t, shortRun("dlam", cut, 1000000, "--checkpoint-every", "1")...)
	await(t, cut, 3)
	_ = c.Process.Kill()
	_ = c.Wait() // killed
	for _, test := range []struct {
		flag, value, want string
	}{
		{"--rho", "0.5", "saved under other settings"},
		{"--seed", "1", "saved under other settings"},
		{"--iterations", "1", "--iterations: got 1, and "},
	} {
		if text := finish(t, exitUsage, "train", "--resume", cut, test.flag, test.value); !strings.Contains(text, test.want) {
			t.Errorf("%s %s: got %q, want %q", test.flag, test.value, text, test.want)
		}
	}
	path := filepath.Join(cut, model.CheckpointName)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if text := finish(t, exitUsage, "train", "--resume", cut); !strings.Contains(text, "the checksum does not match") {
		t.Errorf("a damaged checkpoint: got %q", text)
	}
}

// TestDamagedTrace holds that a run goes on from a whole checkpoint whatever has
// become of its trace, says what is missing of it, and writes the rest as it must
// be.
func TestDamagedTrace(t *testing.T) {
	const iterations, done = 40, 20
	dir := t.TempDir()
	straight, cut := filepath.Join(dir, "straight"), filepath.Join(dir, "cut")
	cutRun(t, straight, "mdlam", iterations, iterations)
	cutRun(t, cut, "mdlam", iterations, done)
	want := timeless(t, straight)
	var lines []string // of a run that was killed after the checkpoint
	for i, folder := range []string{cut, straight} {
		raw, err := os.ReadFile(filepath.Join(folder, trace.FileName))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.SplitAfter(string(raw), "\n")[i*done:i*5+done]...)
	}
	for _, c := range []struct {
		name  string
		trace string // what is left of it; "" for nothing
		said  string
		gone  int // iterations before the checkpoint whose records are lost
	}{
		{"whole", strings.Join(lines, "") + "{\"iteration\":26", "", 0},
		{"garbage in a line", strings.Join(lines[:9], "") + "garbage\n" + strings.Join(lines[10:], ""), "no record of iteration 10,", 1},
		{"a sector of zeros", strings.Join(lines[:12], "") + strings.Repeat("\x00", 512) + "\n" + strings.Join(lines[13:], ""), "no record of iteration 13,", 1},
		{"lines cut out", strings.Join(lines[:4], "") + strings.Join(lines[8:], ""), "no record of iteration 5-8,", 4},
		{"lines doubled", strings.Join(lines[:4], "") + strings.Join(lines, ""), "line 5-8: no record of the next iteration", 0},
		{"garbage after the checkpoint", strings.Join(lines[:done+1], "") + "{}\ngarbage\n", "no record of the next iteration", 0},
		{"none", "", "no record of iteration 1-20,", done},
	} {
		folder := filepath.Join(dir, c.name)
		if err := os.CopyFS(folder, os.DirFS(cut)); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(folder, trace.FileName)
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if c.trace != "" {
			if err := os.WriteFile(file, []byte(c.trace), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if said := finish(t, exitDone, "train", "--resume", folder, "--quiet"); !strings.Contains(said, c.said) || c.said == "" && said != "" {
			t.Errorf("%s: said %q, want %q", c.name, said, c.said)
		}
		if c.gone == 0 {
			wantSame(t, folder, straight, iterations)
			continue
		}
		got := timeless(t, folder)
		if len(got) != iterations-c.gone || cmp.Diff(want[done:], got[done-c.gone:]) != "" {
			t.Errorf("%s: %d records, want %d, and those after the checkpoint as they must be", c.name, len(got), iterations-c.gone)
		}
		if code := exitCode(exec.Command("dlam", "certify", folder, "--quiet").Run()); code != exitFailed {
			t.Errorf("%s: certify ends with %d, want 1: the trace is not whole", c.name, code)
		}
	}
}

// crashIterations is the length of a run that is killed.
const crashIterations = 40

// TestCrash kills runs at random moments, DLAM_CRASH_TESTS of them: each goes on, and
// ends as the run that was left alone. It is for by hand, since the moments are those of
// a clock; TestKilled has the same for each file operation.
func TestCrash(t *testing.T) {
	crashes := howMany(t, "DLAM_CRASH_TESTS", 0)
	if crashes == 0 {
		t.Skip("DLAM_CRASH_TESTS is not set")
	}
	dir := t.TempDir()
	straight := filepath.Join(dir, "straight")
	began := time.Now()
	finish(t, exitDone, shortRun("dlam", straight, crashIterations, "--checkpoint-every", "1")...)
	took := time.Since(began)
	rng := rand.New(rand.NewPCG(1, 2))
	moments := map[string]int{}
	for i := range crashes {
		folder := filepath.Join(dir, fmt.Sprint("run", i))
		c, _ := program(t, shortRun("dlam", folder, crashIterations, "--checkpoint-every", "1")...)
		time.Sleep(time.Duration(rng.Float64() * float64(took)))
		_ = c.Process.Signal(syscall.SIGKILL) // it may have ended
		_ = c.Wait()
		moments[afterCrash(t, folder)]++
		wantSame(t, folder, straight, crashIterations)
		left, err := filepath.Glob(filepath.Join(folder, ".*"))
		if err != nil || len(left) > 0 {
			t.Errorf("left half written: %q, %v", left, err)
		}
	}
	t.Logf("killed: %v", moments)
	if crashes >= 10 && moments["during the training"] == 0 {
		t.Error("no run was killed during its training: make it longer")
	}
}

// afterCrash does what one does with a killed run, and says when it was killed.
func afterCrash(t *testing.T, folder string) string {
	t.Helper()
	goOn := []string{"train", "--quiet", "--resume", folder, "--checkpoint-every", "1"}
	switch {
	case !exists(folder, recipe.ConfigName):
		finish(t, exitDone, shortRun("dlam", folder, crashIterations)...)
		return "before there was a run"
	case exists(folder, model.CheckpointName):
		finish(t, exitDone, goOn...)
		return "during the training"
	case exists(folder, model.FileName):
		return "after the end"
	}
	finish(t, exitDone, goOn...)
	return "before the first checkpoint"
}
