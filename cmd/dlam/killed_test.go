//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
)

// howMany is a number that the environment may say.
func howMany(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s: got %q, want a number of at least 1", variable, text)
	}
	return n
}

// TestKilled kills a run of some DLAM_KILL_TESTS file operations at each of them, before
// it and in the middle of what it writes; then the run that goes on, at one of its first
// operations. What goes on after that ends as the run that was left alone.
func TestKilled(t *testing.T) {
	t.Parallel()
	program := faultyProgram(t)
	const around, each = 40, 9 // operations before and after the iterations, and of one
	iterations := max(1, (howMany(t, "DLAM_KILL_TESTS", around+2*each)-around)/each)
	straight := filepath.Join(t.TempDir(), "straight")
	args := func(folder string) []string {
		return append(shortRun("dlam", folder, iterations, "--checkpoint-every", "1", "--threads", "1"), "--run", folder)
	}
	ops := operations(t, program, args(straight)...)
	ends := map[string]int{}
	for _, op := range ops {
		kinds := []string{"kill"}
		if op.Op == "write" {
			kinds = append(kinds, "half")
		}
		for _, kind := range kinds {
			folder := filepath.Join(t.TempDir(), "run")
			if code, said := attempt(program, fmt.Sprintf("DLAM_FAULT=%d %s", op.n, kind), args(folder)...); code != -1 {
				t.Fatalf("%d %s %s: exit code %d: %s", op.n, op.name, kind, code, said)
			}
			ends["killed"]++
			const early = 29 // before its first checkpoint, and after
			goOn(t, program, fmt.Sprintf("DLAM_FAULT=%d kill", 1+op.n*7%early), args(folder), ends)
			wantSame(t, folder, straight, iterations)
			wantNoneLeft(t, folder)
			if t.Failed() {
				t.Fatalf("%s at operation %d, %s", kind, op.n, op.name)
			}
			if err := os.RemoveAll(folder); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d operations: %v", len(ops), ends)
	if ends["killed again"] == 0 {
		t.Error("no run was killed while it went on")
	}
}

// goOn goes on with a run that was killed, first with a fault, then without.
func goOn(t *testing.T, program, fault string, start []string, ends map[string]int) {
	t.Helper()
	folder := start[len(start)-1]
	ended := func() bool { return !exists(folder, model.CheckpointName) && exists(folder, model.FileName) }
	args := func() []string {
		if !exists(folder, recipe.ConfigName) {
			return start
		}
		return []string{"train", "--quiet", "--resume", folder, "--checkpoint-every", "1"}
	}
	switch code, said := attempt(program, fault, args()...); {
	case code == -1:
		ends["killed again"]++
	case code != exitDone && (code != exitUsage || !ended()):
		t.Fatalf("going on: exit code %d: %s", code, said)
	}
	if ended() {
		return
	}
	ends["went on"]++
	if code, said := attempt(program, "DLAM_FAULT=", args()...); code != exitDone {
		t.Fatalf("going on: exit code %d: %s", code, said)
	}
}
