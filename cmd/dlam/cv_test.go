package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// until is what a command says, which ends its context as by Ctrl-C once it has said a
// text.
type until struct {
	bytes.Buffer
	text string
	end  func()
}

func (u *until) Write(b []byte) (int, error) {
	n, err := u.Buffer.Write(b)
	if strings.Contains(u.String(), u.text) {
		u.end()
	}
	return n, err
}

// interrupted runs dlam with args, as one that gets Ctrl-C once it has said a text.
func interrupted(t *testing.T, text string, args ...string) (out, said string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var o bytes.Buffer
	e := &until{text: text, end: cancel}
	if code := run(ctx, args, strings.NewReader(""), &o, e); code != exitInterrupted {
		t.Fatalf("%s: exit code %d, want %d: %s", args, code, exitInterrupted, e)
	}
	return o.String(), e.String()
}

// TestCVInterrupted: the folds that are done are told, by Ctrl-C while another one
// would train for days.
func TestCVInterrupted(t *testing.T) {
	out, said := interrupted(t, "fold 2 of 4", "cv", "--data", "digits", "--hidden", "8", "--iterations", "3", "--folds", "4", "--threads", "1", "--json")
	if !strings.Contains(said, "interrupted: 2 of 4 folds are done") || !strings.Contains(said, "│ accuracy ") || strings.Count(out, `"fold":`) != 2 {
		t.Errorf("said %s\nprinted %s", said, out)
	}
	file := filepath.Join(t.TempDir(), "points.csv")
	if err := os.WriteFile(file, []byte("x,label\n"+strings.Repeat("1.5,a\n2.5,b\n", 40)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, solver := range []string{"sync", "dlam"} { // which gives an epoch up, and which does not
		out, said = interrupted(t, "2 classes", "cv", "--data", file, "--solver", solver, "--hidden", "8", "--iterations", "100000000", "--threads", "1", "--seed", "1", "--max-memory", "1GB")
		if out != "" || !strings.Contains(said, "interrupted: 0 of 5 folds are done") {
			t.Errorf("%s: said %s\nprinted %s", solver, said, out)
		}
	}
}

// TestSearchInterrupted: what was tried is told, and nothing is trained or written.
func TestSearchInterrupted(t *testing.T) {
	t.Chdir(t.TempDir())
	out, said := interrupted(t, "l2=2: ", "search", "--data", "digits", "--hidden", "8", "--iterations", "3", "--space", "l2=1,2,3", "--threads", "1", "--json")
	if !strings.Contains(said, "interrupted, and nothing was trained on all samples; the best so far: ") || strings.Count(out, `"number":`) != 4 {
		t.Errorf("said %s\nprinted %s", said, out)
	}
	if _, err := os.Stat("runs"); err == nil {
		t.Error("a run folder was made")
	}
}
