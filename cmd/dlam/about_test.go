//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/trace"
)

// TestCommandRepeats holds that the command in about.json makes the model again, to the bit.
func TestCommandRepeats(t *testing.T) {
	table := filepath.Join(t.TempDir(), "a b.csv")
	var rows strings.Builder
	rows.WriteString("x,y,label\n")
	for i := range 40 {
		rows.WriteString(strings.Repeat(string(rune('0'+i%7))+",", 2) + []string{"no", "yes"}[i%7/4] + "\n")
	}
	if err := os.WriteFile(table, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"table":       {"--data", table, "--drop", "y", "--test-split", "0.25", "--clamp=false", "--hidden", "", "--l2", "0.5", "--iterations", "20"},
		"method":      {"--solver", "mdlam", "--rho", "0.01", "--hidden", "5,4", "--activation", "relu,tanh", "--iterations", "2"},
		"all samples": {"--batch", "0", "--hidden", "5", "--iterations", "2", "--seed", "4"},
		"best":        {"--l2", "best", "--hidden", "5", "--iterations", "1", "--limit", "300"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			one, two := filepath.Join(folder, "one"), filepath.Join(folder, "two")
			finish(t, exitDone, append([]string{"train", "--threads", "1", "--quiet", "--run", one}, args...)...)
			a, err := trace.ReadAbout(filepath.Join(one, trace.AboutName))
			if err != nil {
				t.Fatal(err)
			}
			if said, err := exec.Command("sh", "-c", a.Command+" --quiet --run "+two).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", a.Command, err, said)
			}
			var made [2][]byte
			for i, run := range []string{one, two} {
				if made[i], err = os.ReadFile(filepath.Join(run, model.FileName)); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(made[0], made[1]) {
				t.Errorf("%s makes another model", a.Command)
			}
		})
	}
}
